using System.Diagnostics.CodeAnalysis;

namespace Tocsin.Journal;

/// <summary>The journal's own queue as the push door's: a request is kept when it is committed, so it waits for that.</summary>
public sealed class MemoryPushQueue(EventJournal journal) : IPushQueue
{
    private readonly PushCommit _commit = new(journal);

    /// <inheritdoc/>
    public PushQueueState State => new("memory", journal.QueueDepth, journal.QueueCapacity);

    /// <inheritdoc/>
    public bool Repeats => false;

    /// <inheritdoc/>
    public bool TryOffer(Pushed pushed, bool respondAsync, [NotNullWhen(true)] out Task<AppendResult?>? done)
    {
        if (pushed.Key is { IsHeld: false })
        {
            done = CheckedAsync(pushed)!;
            return true;
        }
        var taken = journal.TryAppend(PushCommit.AppendOf(pushed), out var committed);
        done = (!taken || pushed.Key is null ? committed : SettledAsync(pushed, committed!))!;
        return taken;
    }

    /// <inheritdoc/>
    public Task RunAsync(CancellationToken cancellation) => new TaskCompletionSource().Task.WaitAsync(cancellation);

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private async Task<AppendResult> CheckedAsync(Pushed pushed)
    {
        if (await _commit.IsTakenAsync(pushed.Key, CancellationToken.None))
            return PushCommit.OtherRequest;
        return journal.TryAppend(PushCommit.AppendOf(pushed), out var committed)
            ? await SettledAsync(pushed, committed)
            : throw new QueueUnavailableException("as many events wait to be committed as may") { IsFull = true };
    }

    private async Task<AppendResult> SettledAsync(Pushed pushed, Task<AppendResult> committed) => await _commit.SettleAsync(pushed, await committed);
}
