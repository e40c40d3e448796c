namespace Tocsin.Journal;

/// <summary>A page of events: which, in what order, and where the page before ended.</summary>
public sealed record EventQuery
{
    /// <summary>Most events of one page.</summary>
    public const int MaxLimit = 1_000;

    public EventFilter Filter { get; init; } = new();

    /// <summary>True: the oldest first.</summary>
    public bool Ascending { get; init; }

    /// <summary>True: in the order of the journal; else by time, then sequence.</summary>
    public bool BySequence { get; init; }

    /// <summary>Events of the page, 1 to <see cref="MaxLimit"/>.</summary>
    public int Limit { get; init; } = 100;

    /// <summary>Only events behind this one, in the order asked for: <see cref="EventPage.Next"/> of the page before.</summary>
    public EventPosition? After { get; init; }

    /// <summary>
    /// Only entries up to this sequence, amendments too: what a walk began with it sees to its end. Null: all that is committed.
    /// </summary>
    public long? Ceiling { get; init; }

    /// <summary>How long to look; then the page is what was found, and says so. Null: to the end.</summary>
    public TimeSpan? Deadline { get; init; }
}

/// <summary>The place of an event in either order.</summary>
public readonly record struct EventPosition(EventTime Time, long Sequence);

/// <summary>An event with its sequence, amendments applied.</summary>
public readonly record struct StoredEvent(long Sequence, SecurityEvent Event);

/// <summary>
/// The events of a page in order: as many as were asked for, or fewer with 16 MiB of records. <paramref name="Next"/> is where to go on, null at the end. <paramref name="IsPartial"/>: the deadline came
/// before the page was full; what lies behind <paramref name="Next"/> was not looked at.
/// </summary>
public sealed record EventPage(IReadOnlyList<StoredEvent> Events, EventPosition? Next, bool IsPartial);
