namespace Tocsin.Engines.Sqlite.Queries;

/// <summary>The place of an event in time and in the journal.</summary>
internal readonly record struct RowKey(long Ticks, byte SubTick, long Sequence)
{
    /// <summary>Before every event, and behind every event.</summary>
    public static RowKey First { get; } = new(long.MinValue, 0, 0);

    public static RowKey Last { get; } = new(long.MaxValue, byte.MaxValue, long.MaxValue);

    public static RowKey Of(EventTime time, long sequence) => new(time.UnixTicks, time.SubTickNanoseconds, sequence);

    public int CompareInTime(RowKey other) =>
        Ticks != other.Ticks ? Ticks.CompareTo(other.Ticks)
        : SubTick != other.SubTick ? SubTick.CompareTo(other.SubTick)
        : Sequence.CompareTo(other.Sequence);
}

/// <summary>The order of a query: what comes first compares as less.</summary>
internal sealed class RowOrder(bool ascending, bool bySequence) : IComparer<RowKey>
{
    public bool Ascending => ascending;

    public bool BySequence => bySequence;

    /// <summary>Where a walk in this order begins.</summary>
    public RowKey Start => ascending ? RowKey.First : RowKey.Last;

    public int Compare(RowKey x, RowKey y)
    {
        var order = bySequence ? x.Sequence.CompareTo(y.Sequence) : x.CompareInTime(y);
        return ascending ? order : -order;
    }
}

/// <summary>
/// Rows of one index that a filter takes, in order. A cursor looks at nothing before it is moved: one whose <see cref="Bound"/> lies behind the
/// page's end is never opened.
/// </summary>
internal abstract class RowCursor : IDisposable
{
    /// <summary>No row of this cursor comes before it.</summary>
    public required RowKey Bound { get; init; }

    /// <summary>The row it stands on.</summary>
    public RowKey Current { get; protected set; }

    public bool IsOpen { get; protected set; }

    /// <summary>Goes to the next row; false at the end.</summary>
    public abstract bool MoveNext();

    public abstract void Dispose();
}
