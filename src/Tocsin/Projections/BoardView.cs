namespace Tocsin.Projections;

/// <summary>
/// What an answer is rendered from: immutable snapshots taken under the board's lock, so that rendering needs no lock. Either the ordered
/// employees of each kind, or those that were asked for.
/// </summary>
internal sealed class BoardView(BoardQuery query, BoardSelection selection, IReadOnlyList<IEnumerable<PileSnapshot>> kinds)
{
    /// <summary>The page of employees, and the last one of it when more follow.</summary>
    public (BoardBody Body, string? NextAfter) Render()
    {
        var to = new FragmentWriter();
        var writer = new EmployeeWriter(selection, to);
        string? last = null;
        string? nextAfter = null;
        var written = 0;
        to.AddText("{"u8);
        foreach (var piles in InOrder())
        {
            if (!writer.Select(piles))
                continue;
            if (written == query.Limit)
            {
                nextAfter = last;
                break;
            }
            var skip = written == 0 ? 1 : 0; // the comma
            to.AddSlice(piles[0].Key, skip, piles[0].Key.Length - skip);
            writer.Write(piles);
            last = piles[0].UserId;
            written++;
        }
        to.AddText("}"u8);
        return (to.ToBody(), nextAfter);
    }

    /// <summary>The snapshots of each employee, those of several kinds together.</summary>
    private IEnumerable<PileSnapshot[]> InOrder() => kinds.Count == 1 ? kinds[0].Select(employee => (PileSnapshot[])[employee]) : Merged();

    private IEnumerable<PileSnapshot[]> Merged()
    {
        var open = new List<IEnumerator<PileSnapshot>>();
        foreach (var kind in kinds)
        {
            var employees = kind.GetEnumerator();
            if (employees.MoveNext())
                open.Add(employees);
        }
        while (open.Count > 0)
        {
            var first = open.MinBy(e => e.Current.UserId, EmployeeOrder.Instance)!.Current.UserId;
            var same = open.FindAll(e => string.Equals(e.Current.UserId, first, StringComparison.Ordinal));
            yield return [.. same.Select(e => e.Current)];
            foreach (var employees in same)
                if (!employees.MoveNext())
                    open.Remove(employees);
        }
    }
}
