using System.Diagnostics;

namespace Tocsin.Benchmarks.Load;

/// <summary>Calls in an even pace, over so many connections, until told to stop; a call that comes late does not make the later ones late.</summary>
internal sealed class Pacer(double perSecond, int lanes)
{
    private readonly long _began = Stopwatch.GetTimestamp();
    private int _errors;

    /// <summary>Calls whose answer was not what it should be, or not to be had.</summary>
    public int Errors => _errors;

    /// <summary>The first message about it.</summary>
    public string? FirstError { get; private set; }

    /// <summary>
    /// Calls <paramref name="call"/> with 0, 1, 2 ... (each number once, each lane its own connection) up to <paramref name="total"/> or
    /// until <paramref name="stop"/>. It returns null or what went wrong.
    /// </summary>
    public Task RunAsync(Target target, long total, Func<Wire, long, ValueTask<string?>> call, CancellationToken stop) =>
        Task.WhenAll(Enumerable.Range(0, lanes).Select(lane => Task.Run(() => RunLaneAsync(target, lane, total, call, stop), CancellationToken.None)));

    private async Task RunLaneAsync(Target target, int lane, long total, Func<Wire, long, ValueTask<string?>> call, CancellationToken stop)
    {
        using var wire = await Wire.ConnectAsync(target);
        for (long n = lane; n < total && !stop.IsCancellationRequested; n += lanes)
        {
            var due = TimeSpan.FromSeconds(n / perSecond) - Stopwatch.GetElapsedTime(_began);
            if (due > TimeSpan.FromMilliseconds(1))
                await Task.Delay(due, TimeProvider.System, CancellationToken.None);
            if (await call(wire, n) is not { } error)
                continue;
            Interlocked.Increment(ref _errors);
            FirstError ??= error;
        }
    }
}
