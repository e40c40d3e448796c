namespace Tocsin.Projections;

/// <summary>Which incidents of an employee a query takes. Immutable.</summary>
internal sealed class BoardSelection(BoardQuery query, HashSet<int>? types, HashSet<int>? sources)
{
    private readonly int priorities = query.Priorities.Count == 0 ? -1 : query.Priorities.Where(p => p != Priority.None).Sum(Lists.BitOf);

    public int? PerPriority { get; } = query.PerPriority;

    public bool TakesWholeEmployees { get; } = query.TakesWholeEmployees;

    public bool Takes(in Row row) =>
        (priorities & Lists.BitOf(row.Priority)) != 0
        && (types is null || types.Contains(row.TypeId))
        && (sources is null || sources.Contains(row.SourceId))
        && (query.Since is not { } since || row.CompareTo(since) >= 0)
        && (query.Until is not { } until || row.CompareTo(until) < 0);
}
