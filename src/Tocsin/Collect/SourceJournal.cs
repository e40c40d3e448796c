using Tocsin.Journal;

namespace Tocsin.Collect;

/// <summary>The journal as one source writes to it: where several nodes share it, every append expects that the lease is still this node's.</summary>
internal sealed class SourceJournal(EventJournal journal, SourceLease? lease)
{
    public EventJournal Journal => journal;

    /// <summary>As <see cref="EventJournal.AppendAsync"/>; a lease that was lost is a conflict.</summary>
    public Task<AppendResult> AppendAsync(Append append, CancellationToken cancellation) =>
        journal.AppendAsync(lease is null ? append : append with { Expect = [.. append.Expect, lease.Fence] }, cancellation);
}

/// <summary>Another node polls the source now: nothing was written.</summary>
internal sealed class LeaseLostException() : Exception("another node polls this source now");
