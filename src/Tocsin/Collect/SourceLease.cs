using Tocsin.Journal;

namespace Tocsin.Collect;

/// <summary>
/// Whether this node polls a source, where several share one journal. As long as it does, everything that it writes for the source expects the version of
/// the lease's row: a node that slept past its lease writes nothing. Thread-safe.
/// </summary>
internal sealed class SourceLease(string source) : IDisposable
{
    /// <summary>The name of the rows of state; the key is the source.</summary>
    public const string StateName = "leases";

    private readonly Lock _gate = new();
    private StateExpectation? _fence;
    private string? _holder;
    private CancellationTokenSource _lost = new();
    private TaskCompletionSource _taken = NewSignal();

    public string Source { get; } = source;

    /// <summary>The name of the node that polls; null when none does.</summary>
    public string? Holder => Volatile.Read(ref _holder);

    /// <summary>True while this node polls.</summary>
    public bool IsHeld
    {
        get
        {
            lock (_gate)
                return _fence is not null && !_lost.IsCancellationRequested;
        }
    }

    /// <summary>What every append for the source must expect. Stays as it was when the lease is lost: then nothing can be written any more.</summary>
    public StateExpectation Fence
    {
        get
        {
            lock (_gate)
                return _fence ?? new StateExpectation(StateName, Source, -1);
        }
    }

    /// <summary>Completes when this node holds the lease, with what is cancelled when it no longer does.</summary>
    public async Task<CancellationToken> HeldAsync(CancellationToken cancellation)
    {
        while (true)
        {
            Task taken;
            lock (_gate)
            {
                if (_fence is not null && !_lost.IsCancellationRequested)
                    return _lost.Token;
                taken = _taken.Task;
            }
            await taken.WaitAsync(cancellation);
        }
    }

    /// <summary>This node holds it, since the commit that gave the row this version.</summary>
    public void Take(string node, long version)
    {
        TaskCompletionSource taken;
        lock (_gate)
        {
            if (_fence?.Version == version && !_lost.IsCancellationRequested)
                return;
            _lost.Cancel();
            _lost.Dispose();
            _lost = new CancellationTokenSource();
            _fence = new StateExpectation(StateName, Source, version);
            Volatile.Write(ref _holder, node);
            taken = Interlocked.Exchange(ref _taken, NewSignal());
        }
        taken.SetResult();
    }

    /// <summary>Another node holds it, or none does (null).</summary>
    public void Lose(string? holder)
    {
        CancellationTokenSource lost;
        lock (_gate)
        {
            Volatile.Write(ref _holder, holder);
            lost = _lost;
        }
        // Not under the lock: who is told may ask.
        lost.Cancel();
    }

    public void Dispose() => _lost.Dispose();

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
