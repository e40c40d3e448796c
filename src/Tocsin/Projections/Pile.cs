namespace Tocsin.Projections;

/// <summary>
/// One employee's incidents of one kind while they change: the last snapshot, and what came and went since. Guarded by the board's lock.
/// </summary>
internal sealed class Pile(int id, string userId, BoardOfKind board)
{
    private byte[]? key;

    public int Id { get; } = id;

    public string UserId { get; } = userId;

    public BoardOfKind Board { get; } = board;

    public PileSnapshot? Snapshot { get; private set; }

    /// <summary>True while it waits in the list of changed piles of its board.</summary>
    public bool IsListed { get; set; }

    /// <summary>The last sequence that added, moved or changed something here.</summary>
    public long LastChange { get; set; }

    public bool HasAdditions => Additions is not null;

    /// <summary>Not in the snapshot yet; offsets point into the board's pending text.</summary>
    public List<Row>? Additions { get; private set; }

    /// <summary>In the snapshot still, but gone.</summary>
    public List<Row>? Removals { get; private set; }

    public void Add(in Row row) => (Additions ??= []).Add(row);

    public void Remove(in Row row) => (Removals ??= []).Add(row);

    public bool NeedsMerge(long floor) => Additions is not null || Removals is not null || Snapshot?.MinSequence < floor;

    public void Replace(Chunk[] chunks)
    {
        key ??= [.. ",\""u8, .. JsonName.Escape(UserId), .. "\":"u8];
        Snapshot = chunks.Length == 0 ? null : new PileSnapshot(UserId, key, chunks);
        Additions = null;
        Removals = null;
    }
}
