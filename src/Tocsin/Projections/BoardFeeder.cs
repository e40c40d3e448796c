using Tocsin.Journal;

namespace Tocsin.Projections;

/// <summary>Reads the journal into the board: first up to the head, then whatever is committed.</summary>
public sealed class BoardFeeder(EventJournal journal, IncidentBoard board, TimeProvider time)
{
    private const int PageEntries = 5_000;
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);

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
                await journal.WaitPastAsync(board.Sequence, cancellation);
                await ApplyAsync(await ReadAsync(board.Sequence, cancellation), cancellation);
                // Nobody has asked yet: merge now, so that whoever asks next does not wait for it.
                if (board.Sequence == journal.Head)
                    board.Flush();
                Error = null;
            }
            catch (Exception error) when (!cancellation.IsCancellationRequested)
            {
                Error = error.Message;
                await Task.Delay(RetryAfter, time, cancellation);
            }
        }
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
