namespace Tocsin.Projections;

/// <summary>The employees of a board in their order, as blocks. Immutable; a change makes a new list that shares the blocks it did not touch.</summary>
internal sealed class BlockList
{
    private static readonly Deflated EmptyBoard = Deflated.From(["{}"u8.ToArray()]);
    private static readonly Deflated End = Deflated.From(["}"u8.ToArray()]);
    private static readonly byte[] EmptyJson = "{}"u8.ToArray();
    private static readonly byte[] EndJson = "}"u8.ToArray();

    private readonly Block[] blocks;

    private BlockList(Block[] blocks) => this.blocks = blocks;

    public static BlockList Empty { get; } = new([]);

    public bool IsEmpty => blocks.Length == 0;

    /// <summary>The whole board as text.</summary>
    public BoardBody ToBody() => IsEmpty ? new BoardBody(EmptyJson) : new BoardBody(Fragments(), blocks.Sum(b => b.Length) + 1);

    /// <summary>The whole board compressed; blocks that were compressed before are not again.</summary>
    public IReadOnlyCollection<Deflated> Deflate()
    {
        if (IsEmpty)
            return [EmptyBoard];
        Parallel.ForEach(blocks, new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount }, static block => _ = block.Deflated);
        return [.. blocks.SelectMany(b => b.Deflated), End];
    }

    /// <summary>The employees that come after <paramref name="after"/>, which need not be there; all when it is null.</summary>
    public IEnumerable<PileSnapshot> After(string? after)
    {
        for (var i = after is null ? 0 : Math.Max(LastBlockNotAfter(after), 0); i < blocks.Length; i++)
            foreach (var employee in blocks[i].Employees)
                if (after is null || EmployeeOrder.Instance.Compare(employee.UserId, after) > 0)
                    yield return employee;
    }

    /// <summary>The list with the snapshots of the changed piles in place of their former ones.</summary>
    public BlockList With(List<Pile> changed)
    {
        changed.Sort(static (left, right) => EmployeeOrder.Instance.Compare(left.UserId, right.UserId));
        var result = new List<Block>(blocks.Length + 1);
        var carry = new List<PileSnapshot>();
        var at = 0;
        for (var i = 0; i < blocks.Length; i++)
        {
            var next = i + 1 < blocks.Length ? blocks[i + 1].Employees[0].UserId : null;
            var start = at;
            while (at < changed.Count && (next is null || EmployeeOrder.Instance.Compare(changed[at].UserId, next) < 0))
                at++;
            if (at == start && carry.Count == 0)
            {
                result.Add(blocks[i]);
                continue;
            }
            Merge(blocks[i].Employees, changed, start, at, carry);
            if (next is null || carry.Sum(e => e.Length) >= Block.MinBytes)
                Split(carry, result);
        }
        if (blocks.Length == 0)
            Merge([], changed, 0, changed.Count, carry);
        Split(carry, result);
        for (var i = 0; i < result.Count; i++)
            result[i] = result[i].WithLeads(i == 0);
        return new BlockList([.. result]);
    }

    private static void Merge(PileSnapshot[] employees, List<Pile> changed, int start, int end, List<PileSnapshot> into)
    {
        foreach (var employee in employees)
        {
            var compared = -1;
            while (start < end && (compared = EmployeeOrder.Instance.Compare(changed[start].UserId, employee.UserId)) < 0)
                AddIfAny(changed[start++], into);
            if (start < end && compared == 0)
                AddIfAny(changed[start++], into);
            else
                into.Add(employee);
        }
        while (start < end)
            AddIfAny(changed[start++], into);
    }

    private static void AddIfAny(Pile pile, List<PileSnapshot> into)
    {
        if (pile.Snapshot is { } snapshot)
            into.Add(snapshot);
    }

    private static void Split(List<PileSnapshot> carry, List<Block> result)
    {
        var total = carry.Sum(e => e.Length);
        var limit = total <= Block.MaxBytes ? Block.MaxBytes : Block.TargetBytes;
        var start = 0;
        long size = 0;
        for (var i = 0; i < carry.Count; i++)
        {
            size += carry[i].Length;
            var isCut = size >= limit || i == carry.Count - 1 || carry[i + 1].Length > Block.MaxBytes;
            if (!isCut)
                continue;
            result.Add(new Block([.. carry[start..(i + 1)]], leads: false));
            start = i + 1;
            size = 0;
        }
        carry.Clear();
    }

    private IEnumerable<ReadOnlyMemory<byte>> Fragments()
    {
        foreach (var block in blocks)
            foreach (var fragment in block.Fragments)
                yield return fragment;
        yield return EndJson;
    }

    private int LastBlockNotAfter(string userId)
    {
        int low = -1, high = blocks.Length - 1;
        while (low < high)
        {
            var middle = (low + high + 1) / 2;
            if (EmployeeOrder.Instance.Compare(blocks[middle].Employees[0].UserId, userId) <= 0)
                low = middle;
            else
                high = middle - 1;
        }
        return low;
    }
}
