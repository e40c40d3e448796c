namespace Tocsin.Projections;

/// <summary>The content of the board and its bound. Everything here happens under the board's lock, but for reading the two numbers.</summary>
internal sealed class BoardContent(int maxEvents, int maxPendingBytes = BoardContent.MaxPendingBytes)
{
    /// <summary>
    /// More text than this does not wait to be merged. Large, because each merge copies what was merged before: catching up with a million
    /// events is one merge. In service the follower's flushes and the readers keep it near nothing.
    /// </summary>
    public const int MaxPendingBytes = 192 * 1024 * 1024;
    private const int KeptPendingBytes = 1024 * 1024;

    private readonly BoardOfKind[] boards = [.. EventKinds.Names.Select(_ => new BoardOfKind())];
    private readonly NameTable types = new();
    private readonly NameTable sources = new();
    private readonly SequenceIndex index = new();
    private readonly List<Pile?> piles = [];
    private readonly Stack<int> freePileIds = new();
    private readonly PileMerge merge = new();
    private readonly ByteBuffer pending = new();
    private int pilesWithAdditions;
    private long start;
    private long sequence;
    private long applied;
    private long floor;

    /// <summary>The last sequence taken in: whoever reads it without the lock finds it in every answer from then on.</summary>
    public long Sequence => Volatile.Read(ref applied);

    public long Floor => Volatile.Read(ref floor);

    public int Count => index.Count;

    public BoardOfKind Of(EventKind kind) => boards[(int)kind];

    public void Start(long at)
    {
        if (sequence != start)
            throw new InvalidOperationException("The board has entries already; it can only start before the first.");
        start = sequence = at;
        Volatile.Write(ref applied, at);
    }

    public void Apply(IReadOnlyList<Sequenced> entries, int from, int to, IReadOnlyDictionary<long, SecurityEvent>? targets)
    {
        for (var i = from; i < to; i++)
        {
            var (at, entry) = entries[i];
            if (at <= sequence)
                continue;
            sequence = at;
            if (entry is SecurityEvent { Priority: not Priority.None } placed)
                Place(placed, at);
            else if (entry is Amendment amendment && (amendment.UserId is not null || amendment.PriorityAfter is not null))
                Amend(amendment, targets);
        }
        foreach (var board in boards)
            board.Current?.AdvanceTo(sequence);
        Volatile.Write(ref applied, sequence);
    }

    public List<long> MissingTargets(IReadOnlyList<Sequenced> entries)
    {
        var missing = new List<long>();
        HashSet<long>? placed = null;
        HashSet<long>? left = null;
        foreach (var (at, entry) in entries)
        {
            if (at <= sequence || entry is not Amendment { PriorityAfter: { } priority, Target: var target } || !CanHold(target))
                continue;
            if (priority == Priority.None)
                (left ??= []).Add(target);
            else if (left?.Contains(target) == true)
                missing.Add(target);
            else if (!IsShown(target))
            {
                placed ??= [.. entries.Where(e => e.Entry is SecurityEvent { Priority: not Priority.None }).Select(e => e.Sequence)];
                if (!placed.Contains(target))
                    missing.Add(target);
            }
        }
        return missing;
    }

    private bool IsShown(long target) => index.TryFind(target, out var page, out var position) && page.Entries[position].Priority != Priority.None;

    public void Flush()
    {
        foreach (var board in boards)
            Flush(board);
    }

    public void Flush(BoardOfKind board)
    {
        foreach (var pile in board.Changed)
            Merge(pile);
        board.PutInOrder(Forget);
    }

    /// <summary>Merges the piles of a board that wait at these places; false when there are none.</summary>
    public bool MergeSlice(BoardOfKind board, int from, int count)
    {
        for (var i = from; i < Math.Min(board.Changed.Count, from + count); i++)
            Merge(board.Changed[i]);
        return from < board.Changed.Count;
    }

    /// <summary>The snapshots of one employee, and the last change of them.</summary>
    public PileSnapshot[] PilesOf(BoardQuery query, string userId, out long lastChange)
    {
        lastChange = 0;
        var found = new List<PileSnapshot>(1);
        foreach (var kind in query.Kinds.Distinct())
        {
            if (Of(kind).Find(userId) is not { } pile)
                continue;
            Merge(pile);
            lastChange = Math.Max(lastChange, pile.LastChange);
            if (pile.Snapshot is { } snapshot)
                found.Add(snapshot);
        }
        return [.. found];
    }

    public BoardSelection Select(BoardQuery query) => new(query, types.Select(query.Types), sources.Select(query.Sources));

    public BoardView View(BoardQuery query)
    {
        var kinds = new List<IEnumerable<PileSnapshot>>();
        foreach (var kind in query.Kinds.Distinct())
        {
            if (query.UserIds.Count > 0)
            {
                kinds.Add(SnapshotsOf(Of(kind), query));
                continue;
            }
            Flush(Of(kind));
            kinds.Add(Of(kind).Blocks.After(query.After));
        }
        return new BoardView(query, Select(query), kinds);
    }

    private List<PileSnapshot> SnapshotsOf(BoardOfKind board, BoardQuery query)
    {
        var found = new List<PileSnapshot>(query.UserIds.Count);
        foreach (var userId in query.UserIds.Distinct(StringComparer.Ordinal).Order(EmployeeOrder.Instance))
        {
            if ((query.After is not null && EmployeeOrder.Instance.Compare(userId, query.After) <= 0) || board.Find(userId) is not { } pile)
                continue;
            Merge(pile);
            if (pile.Snapshot is { } snapshot)
                found.Add(snapshot);
        }
        return found;
    }

    private void Place(SecurityEvent placed, long at)
    {
        var pile = PileOf(placed);
        if (at == sequence)
            index.Append(EntryOf(placed, at, pile));
        else
            PlaceAmong(EntryOf(placed, at, pile));
        var typeId = types.IdOf(placed.Type);
        var offset = pending.Count;
        BoardIncident.Render(pending, placed, types.EscapedOf(typeId));
        Add(pile, new Row(placed.Time, at, placed.Priority, typeId, sources.IdOf(placed.Source), offset, pending.Count - offset));
        while (index.Count > maxEvents)
            Evict();
        MergeWhenFull();
    }

    private void PlaceAmong(in IndexEntry entry)
    {
        if (index.TryFind(entry.Sequence, out var page, out var position))
            page.Entries[position] = entry;
        else
            index.Insert(entry);
    }

    private void Amend(Amendment amendment, IReadOnlyDictionary<long, SecurityEvent>? targets)
    {
        if (index.TryFind(amendment.Target, out var page, out var position) && page.Entries[position].Priority != Priority.None)
        {
            Move(amendment, ref page.Entries[position]);
            MergeWhenFull();
        }
        else if (amendment.PriorityAfter is not (null or Priority.None) && CanHold(amendment.Target)
            && targets?.GetValueOrDefault(amendment.Target) is { } target)
        {
            Place(amendment.Apply(target), amendment.Target);
        }
    }

    private void Move(Amendment amendment, ref IndexEntry entry)
    {
        var from = piles[entry.PileId]!;
        var priority = amendment.PriorityAfter ?? entry.Priority;
        var userId = amendment.UserId ?? (amendment.Revision is { } newer ? newer.UserId ?? EmployeeOrder.Unknown : from.UserId);
        if (amendment.Revision is null && priority == entry.Priority && string.Equals(userId, from.UserId, StringComparison.Ordinal))
            return;
        // Texts are read from the snapshot only: an incident could stand among additions and removals at once.
        if (from.HasAdditions)
            Merge(from);
        var row = from.Snapshot!.Find(entry.ToKey(), out var chunk);
        from.Remove(row);
        from.Board.MarkChanged(from, sequence);
        if (priority == Priority.None)
        {
            entry = entry.With(Priority.None, 0);
            return;
        }
        var to = PileOf(from.Board, userId);
        var moved = Rewrite(row, chunk.TextOf(row), amendment.Revision, priority);
        Add(to, moved);
        entry = new IndexEntry(moved.Sequence, moved.UnixTicks, moved.SubTick, priority, to.Id);
    }

    /// <summary>The incident with a new text: of a newer version of its record, of another priority, or the same in another place.</summary>
    private Row Rewrite(in Row row, ReadOnlySpan<byte> text, Revision? revision, Priority priority)
    {
        var offset = pending.Count;
        if (revision is not null)
        {
            var typeId = types.IdOf(revision.Type);
            BoardIncident.Rewrite(pending, text, revision, priority, types.EscapedOf(typeId));
            return new Row(revision.Time, row.Sequence, priority, typeId, row.SourceId, offset, pending.Count - offset);
        }
        if (priority == row.Priority)
            pending.Append(text);
        else
            BoardIncident.Reprioritise(pending, text, priority);
        return row.With(priority, offset, pending.Count - offset);
    }

    private void Add(Pile pile, in Row row)
    {
        if (!pile.HasAdditions)
            pilesWithAdditions++;
        pile.Add(row);
        pile.Board.MarkChanged(pile, sequence);
    }

    private void Evict()
    {
        var entry = index.RemoveFirst();
        Volatile.Write(ref floor, index.First.Sequence);
        foreach (var board in boards)
            board.Current = null;
        if (entry.Priority != Priority.None)
            piles[entry.PileId]!.Board.MarkDirty(piles[entry.PileId]!);
    }

    private void Merge(Pile pile)
    {
        if (!pile.NeedsMerge(floor))
            return;
        if (pile.HasAdditions)
            pilesWithAdditions--;
        merge.Run(pile, floor, pending.Bytes);
        if (pilesWithAdditions == 0)
            pending.Clear(KeptPendingBytes);
    }

    private void MergeWhenFull()
    {
        if (pending.Count > maxPendingBytes)
            Flush();
    }

    /// <summary>False for what lies before the board's beginning or was cut already.</summary>
    private bool CanHold(long target) => target > start && target >= floor;

    private Pile PileOf(SecurityEvent placed) => PileOf(Of(placed.Kind), placed.UserId ?? EmployeeOrder.Unknown);

    private Pile PileOf(BoardOfKind board, string userId)
    {
        if (board.Find(userId) is { } found)
            return found;
        if (!freePileIds.TryPop(out var id))
        {
            id = piles.Count;
            piles.Add(null);
        }
        var pile = new Pile(id, userId, board);
        piles[id] = pile;
        board.Add(pile);
        return pile;
    }

    private void Forget(Pile pile)
    {
        piles[pile.Id] = null;
        freePileIds.Push(pile.Id);
    }

    private static IndexEntry EntryOf(SecurityEvent placed, long at, Pile pile) =>
        new(at, placed.Time.UnixTicks, placed.Time.SubTickNanoseconds, placed.Priority, pile.Id);
}
