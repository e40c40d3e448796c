namespace Tocsin.Journal;

/// <summary>What events are counted by.</summary>
public enum StatsField
{
    Priority,
    Kind,
    Type,
    Source,
    Device,
    Country,
    UserId,
}

/// <summary>How many events there are by one field, and when.</summary>
public sealed record StatsQuery
{
    /// <summary>Most values told by name; the rest are counted together.</summary>
    public const int MaxValues = 1_000;

    /// <summary>Most steps of a series.</summary>
    public const int MaxSteps = 1_500;

    public EventFilter Filter { get; init; } = new();

    public StatsField By { get; init; }

    /// <summary>The length of a step, at least one second; steps begin at multiples of it since 1970. Null: totals only.</summary>
    public TimeSpan? Every { get; init; }

    /// <summary>Values told by name, the most frequent first, 1 to <see cref="MaxValues"/>.</summary>
    public int Limit { get; init; } = 100;

    /// <summary>How long to count; then the answer is what was counted, and says so.</summary>
    public TimeSpan? Deadline { get; init; }
}

/// <summary>
/// The counts. <paramref name="Values"/>: most frequent first, then by name in ordinal order; a null name stands for
/// events that have none and comes before the others. <paramref name="Others"/>:
/// events of values beyond the limit. <paramref name="Series"/>: by step in order of time, only steps that hold something, counts in the order of
/// <paramref name="Values"/>.
/// </summary>
public sealed record EventStats(
    long Total, IReadOnlyList<ValueCount> Values, long Others, IReadOnlyList<StatsStep> Series, long Sequence, bool IsPartial);

/// <summary>A value and the number of its events.</summary>
public readonly record struct ValueCount(string? Value, long Count);

/// <summary>
/// A step of a series, from its start, with a count for each of <see cref="EventStats.Values"/>. A step that would begin before the year 1 begins with it.
/// </summary>
public sealed record StatsStep(DateTimeOffset Start, IReadOnlyList<long> Counts, long Others);
