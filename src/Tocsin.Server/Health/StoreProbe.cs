using Tocsin.Journal;

namespace Tocsin.Server.Health;

/// <summary>
/// Asks the store every few seconds to write and to read one row, so that a health check answers from memory, at once, also when the store is
/// wedged.
/// </summary>
internal sealed class StoreProbe(EventJournal journal, TimeProvider time)
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    /// <summary>A probe that takes longer counts as failed: two intervals and a bit.</summary>
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(12);

    private long _lastSuccess = time.GetTimestamp();
    private long _lastLatencyTicks;
    private long _startedAt;
    private string? _error;

    /// <summary>Why the store is not writable and readable now; null when it is.</summary>
    public string? Defect => time.GetElapsedTime(Volatile.Read(ref _lastSuccess)) > Deadline
        ? Volatile.Read(ref _error) ?? "the store has not answered for a while"
        : Volatile.Read(ref _error);

    /// <summary>How long the last write and read took; while one is under way that takes longer, how long it has taken so far.</summary>
    public TimeSpan Latency
    {
        get
        {
            var last = TimeSpan.FromTicks(Volatile.Read(ref _lastLatencyTicks));
            var soFar = Volatile.Read(ref _startedAt) is var start and not 0 ? time.GetElapsedTime(start) : TimeSpan.Zero;
            return soFar > last ? soFar : last;
        }
    }

    /// <summary>One probe at a time: a store that hangs has one of them waiting, and is well again as soon as that one is answered.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        using var timer = new PeriodicTimer(Interval, time);
        do
        {
            await ProbeAsync(cancellation);
        }
        while (await timer.WaitForNextTickAsync(cancellation));
    }

    private async Task ProbeAsync(CancellationToken cancellation)
    {
        var start = time.GetTimestamp();
        Volatile.Write(ref _startedAt, start);
        try
        {
            await journal.AppendAsync(new Append { State = [new StateWrite("health", "probe", [1])] }, cancellation);
            await journal.Store.GetStateAsync("health", "probe", cancellation);
            Volatile.Write(ref _error, null);
            Volatile.Write(ref _lastSuccess, time.GetTimestamp());
            Volatile.Write(ref _lastLatencyTicks, time.GetElapsedTime(start).Ticks);
        }
        catch (Exception error) when (!cancellation.IsCancellationRequested)
        {
            Volatile.Write(ref _error, FaultText.Of(error));
        }
        finally
        {
            Volatile.Write(ref _startedAt, 0);
        }
    }
}
