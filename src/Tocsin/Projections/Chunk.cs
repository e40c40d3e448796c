namespace Tocsin.Projections;

/// <summary>
/// A run of one employee's text, immutable. The text before each incident belongs to it: a comma, or the end of the list before and the
/// heads of the lists up to its own. Most employees are one chunk; a large one (<c>unknown</c>) is many, so that a change copies and
/// compresses a chunk, not the employee.
/// </summary>
internal sealed class Chunk(Row[] rows, byte[] json, Priority before, bool isLast, int opens)
{
    private Deflated? deflated;

    /// <summary>In the order of the text; offsets point into <see cref="Json"/>.</summary>
    public Row[] Rows { get; } = rows;

    public byte[] Json { get; } = json;

    /// <summary>The least sequence here: eviction goes by it.</summary>
    public long MinSequence { get; } = MinSequenceOf(rows);

    /// <summary>Incidents of each list: merging adds them up for every chunk it does not touch, and must not read the rows for that.</summary>
    public int[] Counts { get; } = CountsOf(rows);

    /// <summary>The first incident in the order of the text.</summary>
    public ref readonly Row First => ref Rows[0];

    public Priority LastPriority => Rows[^1].Priority;

    /// <summary>The chunk compressed by itself; kept, because the chunk never changes. Racing callers may both do it.</summary>
    public Deflated Deflated => deflated ??= Deflated.From([Json]);

    /// <summary>True when the text would be the same in a new place, with the counts of the <paramref name="changed"/> lists (bits) renewed.</summary>
    public bool Fits(Priority newBefore, bool newIsLast, int changed) => newBefore == before && newIsLast == isLast && (opens & changed) == 0;

    /// <summary>The text of one incident.</summary>
    public ReadOnlySpan<byte> TextOf(in Row row) => Json.AsSpan(row.Offset, row.Length);

    private static int[] CountsOf(Row[] rows)
    {
        var counts = new int[Lists.Count];
        foreach (ref readonly var row in rows.AsSpan())
            counts[Lists.IndexOf(row.Priority)]++;
        return counts;
    }

    private static long MinSequenceOf(Row[] rows)
    {
        var min = long.MaxValue;
        foreach (ref readonly var row in rows.AsSpan())
            min = Math.Min(min, row.Sequence);
        return min;
    }
}
