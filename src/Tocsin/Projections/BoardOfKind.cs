namespace Tocsin.Projections;

/// <summary>The board of one kind: its employees by id, and in order as of the last flush. Guarded by the board's lock.</summary>
internal sealed class BoardOfKind
{
    private readonly Dictionary<string, Pile> piles = new(StringComparer.Ordinal);
    private readonly List<Pile> changed = [];
    private BoardAnswer? current;

    /// <summary>The last sequence that added, moved or changed something; what only fell off the end is told by the floor.</summary>
    public long LastChange { get; private set; }

    /// <summary>The employees as of the last flush.</summary>
    public BlockList Blocks { get; private set; } = BlockList.Empty;

    /// <summary>Piles that changed since the last flush.</summary>
    public IReadOnlyList<Pile> Changed => changed;

    /// <summary>The answer to the whole board as long as nothing has changed. May be read without the lock.</summary>
    public BoardAnswer? Current
    {
        get => Volatile.Read(ref current);
        set => Volatile.Write(ref current, value);
    }

    public int Employees => piles.Count;

    public Pile? Find(string userId) => piles.GetValueOrDefault(userId);

    public void Add(Pile pile) => piles.Add(pile.UserId, pile);

    /// <summary>Notes that a pile has something new to show.</summary>
    public void MarkChanged(Pile pile, long sequence)
    {
        LastChange = sequence;
        pile.LastChange = sequence;
        MarkDirty(pile);
    }

    /// <summary>Notes that a pile must be merged again.</summary>
    public void MarkDirty(Pile pile)
    {
        Current = null;
        if (pile.IsListed)
            return;
        pile.IsListed = true;
        changed.Add(pile);
    }

    /// <summary>Puts the merged piles in order; gives the empty ones to <paramref name="remove"/>.</summary>
    public void PutInOrder(Action<Pile> remove)
    {
        if (changed.Count == 0)
            return;
        Blocks = Blocks.With(changed);
        foreach (var pile in changed)
        {
            pile.IsListed = false;
            if (pile.Snapshot is not null)
                continue;
            piles.Remove(pile.UserId);
            remove(pile);
        }
        changed.Clear();
        if (changed.Capacity > 1024)
            changed.TrimExcess();
    }
}
