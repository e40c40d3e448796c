using Tocsin.Journal;

namespace Tocsin.Projections;

/// <summary>Reads the journal into the board: first up to the head, then whatever is committed.</summary>
public sealed class BoardFeeder(EventJournal journal, IncidentBoard board, TimeProvider time)
{
    private const int PageEntries = 5_000;
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);

    /// <summary>A merge rests so many times as long as the one before took: a twentieth of one core, at most.</summary>
    private const int MergeRest = 20;

    private TimeSpan _lastMerge;
    private long _mergedAt;
    private bool _isMergeDue;

    /// <summary>Brings an empty board to the journal's head.</summary>
    public async Task CatchUpAsync(CancellationToken cancellation)
    {
        board.Start(await journal.Store.FindStartAsync(board.StartCount, cancellation));
        // The next page is read while this one is applied: two cores rebuild in half the time.
        var next = ReadAsync(board.Sequence, cancellation);
        while (await next is { Count: > 0 } page)
        {
            next = ReadAsync(page[^1].Sequence, cancellation);
            await ApplyAsync(page, cancellation);
        }
        board.Flush();
        // The rebuild's garbage (every entry once) goes back to the system now, not when memory gets short: it would double what the board needs.
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
    }

    /// <summary>Why the board does not follow the journal now; null when it does.</summary>
    public string? Error { get; private set; }

    /// <summary>Follows the journal until cancelled. A store that cannot be read is asked again: the board stays, and stays served.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        while (true)
        {
            try
            {
                if (await IsMoreAsync(cancellation))
                {
                    await ApplyAsync(await ReadAsync(board.Sequence, cancellation), cancellation);
                    _isMergeDue = true;
                }
                // Nobody has asked yet: merge now, so that whoever asks next does not wait for it.
                if (_isMergeDue && board.Sequence == journal.Head && Rest <= TimeSpan.Zero)
                    Merge();
                Error = null;
            }
            catch (Exception error) when (!cancellation.IsCancellationRequested)
            {
                Error = FaultText.Of(error);
                await Task.Delay(RetryAfter, time, cancellation);
            }
        }
    }

    /// <summary>Time until the next merge may begin: a merge costs what it touches, and under a stream of events that is everything, again and again.</summary>
    private TimeSpan Rest => (_lastMerge * MergeRest) - time.GetElapsedTime(_mergedAt);

    /// <summary>Waits for more entries; false when it is time to merge first.</summary>
    private async Task<bool> IsMoreAsync(CancellationToken cancellation)
    {
        var more = journal.WaitPastAsync(board.Sequence, cancellation);
        if (!_isMergeDue || more.IsCompleted)
        {
            await more;
            return true;
        }
        var rest = Rest;
        if (rest > TimeSpan.Zero)
            await Task.WhenAny(more, Task.Delay(rest, time, cancellation));
        cancellation.ThrowIfCancellationRequested();
        return more.IsCompleted;
    }

    private void Merge()
    {
        var start = time.GetTimestamp();
        board.Flush();
        _mergedAt = time.GetTimestamp();
        _lastMerge = time.GetElapsedTime(start, _mergedAt);
        _isMergeDue = false;
    }

    private Task<IReadOnlyList<Sequenced>> ReadAsync(long after, CancellationToken cancellation) =>
        journal.ReadAsync(after, PageEntries, cancellation).AsTask();

    private async Task ApplyAsync(IReadOnlyList<Sequenced> page, CancellationToken cancellation)
    {
        var targets = new Dictionary<long, SecurityEvent>();
        foreach (var sequence in board.MissingTargets(page))
            if (await journal.Store.FindAsync(sequence, cancellation) is { } target)
                targets[sequence] = target;
        board.Apply(page, targets);
    }
}
