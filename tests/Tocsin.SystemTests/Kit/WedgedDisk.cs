using System.Diagnostics;

namespace Tocsin.SystemTests.Kit;

/// <summary>
/// A disk that hangs, for one process and the journal's files: strace holds every thread that syncs or reads them, and lets go at the end. The process's own
/// code and the kernel are the real ones.
/// </summary>
internal sealed class WedgedDisk : IAsyncDisposable
{
    /// <summary>Longer than a test may take: who is held is let go by the end of the tracer. Microseconds.</summary>
    private const string HoldMicroseconds = "600000000";

    private static readonly string[] Calls = ["fdatasync", "pread64"];
    private readonly Process _tracer;

    private WedgedDisk(Process tracer) => _tracer = tracer;

    /// <summary>When it began to hang, in the ticks of <see cref="TimeProvider.GetTimestamp"/>.</summary>
    public long Since { get; private init; }

    /// <summary>From now on the journal hangs. Skips the test where there is no strace, or it may not.</summary>
    public static async Task<WedgedDisk> BeginAsync(ServerProcess server)
    {
        Assert.SkipWhen(Tool.Find("strace") is null, "A store that hangs: strace is not there.");
        var journal = Path.Combine(server.Home.Data, "journal.db");
        var start = new ProcessStartInfo("strace") { UseShellExecute = false, RedirectStandardError = true };
        foreach (var argument in (string[])["-f", "-p", $"{server.Process.Id}", "-o", "/dev/null", "-e", $"trace={string.Join(',', Calls)}", "-P", journal, "-P", journal + "-wal",
            .. Calls.SelectMany(call => new[] { "-e", $"inject={call}:delay_enter={HoldMicroseconds}" })])
            start.ArgumentList.Add(argument);
        var tracer = Process.Start(start)!;
        var since = TimeProvider.System.GetTimestamp();
        var said = "";
        while (!said.Contains("attached", StringComparison.Ordinal) && await tracer.StandardError.ReadLineAsync() is { } line)
            said = line;
        if (!said.Contains("attached", StringComparison.Ordinal))
        {
            tracer.Dispose();
            Assert.Skip($"A store that hangs: strace may not trace here ({said}).");
        }
        _ = tracer.StandardError.ReadToEndAsync();
        return new WedgedDisk(tracer) { Since = since };
    }

    /// <summary>Everybody who was held goes on.</summary>
    public async ValueTask DisposeAsync()
    {
        if (!_tracer.HasExited)
            await Tool.RunAsync("sh", "-c", $"kill -INT {_tracer.Id}");
        await _tracer.WaitForExitAsync();
        _tracer.Dispose();
    }
}
