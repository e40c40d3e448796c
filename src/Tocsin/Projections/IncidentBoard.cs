namespace Tocsin.Projections;

/// <summary>
/// Who has what, how bad, since when: events with a priority, by employee and priority, as the bytes of the answer. A pure function of the
/// journal: two boards with the same id and bound that have read the same entries give the same bytes and entity tags, however the entries
/// were cut into batches and wherever the reading began (at <see cref="StartCount"/> events before the head, or earlier).
/// <para>
/// It holds the newest <paramref name="maxEvents"/> (1 or more) events by sequence, of all kinds together, counting each that ever had a
/// priority. Thread-safe; one lock, held for slices of a batch and for merging what changed, never for compressing or for rendering a
/// filtered answer.
/// </para>
/// </summary>
/// <param name="journalId">The journal's id: part of every entity tag.</param>
/// <param name="maxEvents">How many events are held.</param>
public sealed class IncidentBoard(Guid journalId, int maxEvents)
{
    /// <summary>Changes when the same events give other bytes: part of every entity tag, so that no client keeps the old ones.</summary>
    private const string FormatVersion = "1";

    /// <summary>Entries applied before a waiting reader gets the lock.</summary>
    private const int SliceEntries = 256;

    /// <summary>Employees merged before somebody else gets the lock.</summary>
    private const int SlicePiles = 64;

    private readonly Lock gate = new();
    private readonly Lock applying = new();
    private readonly BoardContent content = new(maxEvents);
    private readonly string tagPrefix = $"\"{FormatVersion}-{journalId.ToString("N")[..12]}";

    /// <summary>How many events with a priority a reader must take in before the head, so that the board knows whether it was cut.</summary>
    public long StartCount => maxEvents + 1L;

    /// <summary>The last sequence applied.</summary>
    public long Sequence => content.Sequence;

    /// <summary>The sequence of the oldest event held, when older ones were cut; 0 when nothing was cut.</summary>
    public long Floor => content.Floor;

    /// <summary>Events held.</summary>
    public int Count => content.Count;

    /// <summary>
    /// Begins in the middle of the journal: entries up to and with <paramref name="sequence"/> are not read. Throws when entries were applied.
    /// </summary>
    public void Start(long sequence)
    {
        lock (gate)
            content.Start(sequence);
    }

    /// <summary>
    /// The events that <see cref="Apply"/> needs beside these entries: those without a priority (so not held) that an amendment gives one, or gives back.
    /// Almost always empty.
    /// </summary>
    public IReadOnlyList<long> MissingTargets(IReadOnlyList<Sequenced> entries)
    {
        lock (gate)
            return content.MissingTargets(entries);
    }

    /// <summary>
    /// Takes entries in, in the order of their sequences; those at or under <see cref="Sequence"/> are ignored, so a repeat does no harm.
    /// </summary>
    /// <param name="entries">Entries of the journal, ascending.</param>
    /// <param name="targets">The events that <see cref="MissingTargets"/> asked for; one that is not here stays off the board.</param>
    public void Apply(IReadOnlyList<Sequenced> entries, IReadOnlyDictionary<long, SecurityEvent>? targets = null)
    {
        // Two callers must not mix their slices: the later sequences of one would make the board ignore the other's.
        lock (applying)
            for (var start = 0; start < entries.Count; start += SliceEntries)
                lock (gate)
                    content.Apply(entries, start, Math.Min(entries.Count, start + SliceEntries), targets);
    }

    /// <summary>
    /// Does the work that the next answer would wait for. Call it when the journal is caught up with, and then whenever there is nothing to
    /// read for a moment; it costs nothing when nothing changed.
    /// </summary>
    public void Flush()
    {
        foreach (var kind in Enum.GetValues<EventKind>())
            MergeInSlices(kind);
        lock (gate)
            content.Flush();
    }

    /// <summary>
    /// The answer to a query. The whole board of one kind is the same object until it changes, without a lock or an allocation.
    /// </summary>
    public BoardAnswer Get(BoardQuery query)
    {
        if (query.IsWholeBoard)
            return Whole(query.Kinds.First());
        if (query.UserIds.Count == 0)
            foreach (var kind in query.Kinds)
                MergeInSlices(kind);
        BoardView view;
        Stamp stamp;
        lock (gate)
        {
            view = content.View(query);
            stamp = StampOf(LastChange(query));
        }
        var (body, nextAfter) = view.Render();
        return new BoardAnswer(body, TagOf(stamp, query.Hash("board")), stamp.Sequence, stamp.Floor, nextAfter: nextAfter);
    }

    /// <summary>The entity tag that <see cref="Get"/> would give now, without making the answer.</summary>
    public string ETagOf(BoardQuery query)
    {
        if (query.IsWholeBoard)
            return Whole(query.Kinds.First()).ETag;
        Stamp stamp;
        lock (gate)
            stamp = StampOf(LastChange(query));
        return TagOf(stamp, query.Hash("board"));
    }

    /// <summary>
    /// One employee's four lists, without the employee's id around them; null when the query leaves nothing. Of the query, the filters of
    /// events and <see cref="BoardQuery.PerPriority"/> count.
    /// </summary>
    public BoardAnswer? Employee(string userId, BoardQuery? query = null)
    {
        query = (query ?? Plain) with { UserIds = [userId], Limit = null, After = null };
        PileSnapshot[] piles;
        BoardSelection selection;
        Stamp stamp;
        lock (gate)
        {
            piles = content.PilesOf(query, userId, out var lastChange);
            selection = content.Select(query);
            stamp = StampOf(lastChange);
        }
        if (piles.Length == 0 || Render(selection, piles) is not { } body)
            return null;
        return new BoardAnswer(body, TagOf(stamp, query.Hash("employee")), stamp.Sequence, stamp.Floor);
    }

    private static BoardQuery Plain { get; } = new();

    private static BoardBody? Render(BoardSelection selection, PileSnapshot[] piles)
    {
        if (selection.TakesWholeEmployees && piles[0].Chunks.Length == 1)
            return new BoardBody(piles[0].Chunks[0].Json);
        var to = new FragmentWriter();
        var writer = new EmployeeWriter(selection, to);
        if (!writer.Select(piles))
            return null;
        writer.Write(piles);
        return to.ToBody();
    }

    private BoardAnswer Whole(EventKind kind)
    {
        var board = content.Of(kind);
        if (board.Current is { } current)
            return current;
        MergeInSlices(kind);
        lock (gate)
        {
            if (board.Current is { } made)
                return made;
            content.Flush(board);
            var blocks = board.Blocks;
            var stamp = StampOf(blocks.IsEmpty ? 0 : board.LastChange);
            var tag = TagOf(stamp, kind.Name());
            return board.Current = new BoardAnswer(blocks.ToBody(), tag, stamp.Sequence, stamp.Floor, blocks.Deflate);
        }
    }

    /// <summary>
    /// Does most of a flush without keeping others out for all of it. One pass over what waits now; what changes meanwhile is left to the flush.
    /// </summary>
    private void MergeInSlices(EventKind kind)
    {
        var board = content.Of(kind);
        var isMore = true;
        for (var from = 0; isMore; from += SlicePiles)
            lock (gate)
                isMore = content.MergeSlice(board, from, SlicePiles);
    }

    private long LastChange(BoardQuery query) => query.Kinds.Max(kind => content.Of(kind).LastChange);

    private Stamp StampOf(long lastChange) => new(lastChange, content.Sequence, content.Floor);

    private string TagOf(Stamp stamp, string what) => $"{tagPrefix}-{stamp.LastChange}-{stamp.Floor}-{what}\"";

    /// <summary>How far the board was when an answer was taken from it.</summary>
    private readonly record struct Stamp(long LastChange, long Sequence, long Floor);
}
