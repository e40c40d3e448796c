using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace Tocsin.SystemTests.Kit;

/// <summary>
/// A real process of the program as it was built, in a process group of its own that ends with the test. What it wrote is attached to the
/// test's output.
/// </summary>
internal sealed class TocsinProcess : IAsyncDisposable
{
    private const int SigKill = 9;
    private const int SigTerm = 15;
    private const int SigCont = 18;
    private const int SigStop = 19;
    private const int ShownCharacters = 6_000;
    private static readonly TimeSpan ExitDeadline = TimeSpan.FromSeconds(20);
    private static readonly string Program = Path.Combine(AppContext.BaseDirectory, "Tocsin.Server.dll");

    private readonly Process _process;
    private readonly string _command;
    private readonly Task<string> _out;
    private readonly Task<string> _err;
    private readonly StringBuilder _seenOut = new();
    private readonly StringBuilder _seenErr = new();
    private bool _shown;

    private TocsinProcess(Process process, string command)
    {
        (_process, _command, StartedAt) = (process, command, TimeProvider.System.GetTimestamp());
        _out = ReadAsync(process.StandardOutput, _seenOut);
        _err = ReadAsync(process.StandardError, _seenErr);
    }

    /// <summary>When it was started, in the ticks of <see cref="TimeProvider.GetTimestamp"/>.</summary>
    public long StartedAt { get; }

    /// <summary>Its process id.</summary>
    public int Id => _process.Id;

    public bool HasExited => _process.HasExited;

    /// <summary>What it has written to stdout so far.</summary>
    public string Out => Text(_seenOut);

    /// <summary>What it has written to stderr so far.</summary>
    public string Err => Text(_seenErr);

    /// <summary>Resident memory, bytes; 0 when it is gone.</summary>
    public long ResidentBytes => StatusKilobytes("VmRSS:") << 10;

    /// <summary>
    /// Starts <c>tocsin ARGS</c> in <paramref name="folder"/>. Of this process's environment nothing that Tocsin reads is handed on.
    /// </summary>
    public static TocsinProcess Start(string folder, IReadOnlyDictionary<string, string>? environment, params string[] args) =>
        StartUnder([], folder, environment, args);

    /// <summary>As <see cref="Start"/>, with another program in front that runs it: a tracer.</summary>
    public static TocsinProcess StartUnder(IReadOnlyList<string> front, string folder, IReadOnlyDictionary<string, string>? environment, params string[] args)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "System tests need Linux: process groups, signals and /proc.");
        var start = new ProcessStartInfo
        {
            FileName = "setsid",
            WorkingDirectory = folder,
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
            StandardOutputEncoding = new UTF8Encoding(false),
            StandardErrorEncoding = new UTF8Encoding(false),
        };
        // setsid makes a group (and a session) of its own without a process in between: the id is the program's.
        foreach (var argument in (string[])[.. front, "dotnet", Program, .. args])
            start.ArgumentList.Add(argument);
        foreach (var name in start.Environment.Keys.Where(IsOurs).ToArray())
            start.Environment.Remove(name);
        foreach (var (name, value) in environment ?? new Dictionary<string, string>())
            start.Environment[name] = value;
        return new TocsinProcess(Process.Start(start)!, "tocsin " + string.Join(' ', args));
    }

    /// <summary>Runs a command to its end.</summary>
    public static async Task<Finished> RunAsync(string folder, IReadOnlyDictionary<string, string>? environment, params string[] args)
    {
        await using var process = Start(folder, environment, args);
        process._process.StandardInput.Close();
        return await process.ExitAsync();
    }

    /// <summary>Waits for its end; past the deadline it is killed and the test fails.</summary>
    public async Task<Finished> ExitAsync()
    {
        using var deadline = new CancellationTokenSource(ExitDeadline);
        try
        {
            await _process.WaitForExitAsync(deadline.Token);
        }
        catch (OperationCanceledException error)
        {
            Signal(SigKill);
            throw new ShouldAssertException($"{_command} did not end within {ExitDeadline.TotalSeconds} s. {Shown()}", error);
        }
        return new Finished(_process.ExitCode, await _out, await _err);
    }

    /// <summary>kill -9, and gone.</summary>
    public async Task KillAsync()
    {
        Signal(SigKill);
        await ExitAsync();
    }

    /// <summary>SIGTERM; gives how it ended and how long that took.</summary>
    public async Task<(Finished End, TimeSpan Took)> TerminateAsync()
    {
        var start = TimeProvider.System.GetTimestamp();
        Signal(SigTerm);
        var end = await ExitAsync();
        return (end, TimeProvider.System.GetElapsedTime(start));
    }

    /// <summary>Stops it dead while <paramref name="action"/> runs: it holds its locks and writes nothing.</summary>
    public async Task WhileFrozenAsync(Func<Task> action)
    {
        Signal(SigStop);
        try
        {
            await action();
        }
        finally
        {
            Signal(SigCont);
        }
    }

    /// <summary>Puts what it wrote into the test's output, once.</summary>
    public string Shown() => $"{_command}\n--- stdout\n{Tail(Out)}\n--- stderr\n{Tail(Err)}";

    public async ValueTask DisposeAsync()
    {
        Signal(SigKill);
        await ExitAsync();
        if (!_shown)
            TestContext.Current.TestOutputHelper?.WriteLine(Shown());
        _shown = true;
        _process.Dispose();
    }

    private static bool IsOurs(string name) =>
        name.StartsWith("TOCSIN", StringComparison.OrdinalIgnoreCase) || name.StartsWith("ELEVATE", StringComparison.OrdinalIgnoreCase)
        || name.StartsWith("MOCK_", StringComparison.OrdinalIgnoreCase);

    private static string Tail(string text) => text.Length <= ShownCharacters ? text : "…" + text[^ShownCharacters..];

    private static string Text(StringBuilder seen)
    {
        lock (seen)
            return seen.ToString();
    }

    private static async Task<string> ReadAsync(StreamReader reader, StringBuilder seen)
    {
        var buffer = new char[4096];
        while (await reader.ReadAsync(buffer) is > 0 and var read)
            lock (seen)
                seen.Append(buffer, 0, read);
        return Text(seen);
    }

    private long StatusKilobytes(string field)
    {
        try
        {
            var line = File.ReadLines($"/proc/{_process.Id}/status").FirstOrDefault(line => line.StartsWith(field, StringComparison.Ordinal));
            return line is null ? 0 : long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)[^2].Split('\t')[^1], CultureInfo.InvariantCulture);
        }
        catch (IOException)
        {
            return 0;
        }
    }

    private void Signal(int signal)
    {
        if (!_process.HasExited && NativeKill(-_process.Id, signal) != 0)
            _ = NativeKill(_process.Id, signal);
    }

    [DllImport("libc", EntryPoint = "kill", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int NativeKill(int process, int signal);
}

/// <summary>How a process ended, and all it wrote.</summary>
internal sealed record Finished(int Code, string Out, string Err)
{
    public override string ToString() => $"exit {Code}\n--- stdout\n{Out}\n--- stderr\n{Err}";
}
