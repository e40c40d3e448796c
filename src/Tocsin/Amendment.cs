namespace Tocsin;

/// <summary>
/// A later fact about an event: which event, which fields now hold what, and who says so. Amendments take a sequence of
/// their own; the newest for a field wins. A newer version of an upstream's record is one, too: its <see cref="Revision"/> replaces
/// whatever was said before, by earlier amendments also.
/// </summary>
public sealed record Amendment : Entry
{
    /// <summary>Sequence of the event that is amended; it must have been committed by an earlier append.</summary>
    public required long Target { get; init; }

    /// <summary>When the amendment was made.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>The rule or the actor behind it: <c>late-identity</c>, <c>token:alice</c>.</summary>
    public required string By { get; init; }

    /// <summary>
    /// Left out, when its turn to be committed comes, unless the event still reads so; null: it holds whatever the event says by then. Not kept with it.
    /// </summary>
    public UnresolvedAs? Only { get; init; }

    /// <summary>A newer version of the whole record; null: only the other members change.</summary>
    public Revision? Revision { get; init; }

    /// <summary>The new person; null leaves it as it is.</summary>
    public string? UserId { get; init; }

    /// <summary>The new attribution; null leaves it as it is.</summary>
    public Attribution? Attribution { get; init; }

    /// <summary>The new priority; null leaves it as it is.</summary>
    public Priority? Priority { get; init; }

    /// <summary>The priority the event has from here on; null when this says nothing of it.</summary>
    internal Priority? PriorityAfter => Priority ?? Revision?.Priority;

    /// <inheritdoc/>
    public override long Bytes => Revision is null ? 0 : Revision.Data.Utf8.Length + (Revision.Description?.Length ?? 0);

    /// <summary>The event as it reads with this amendment: the revision first, then what stands beside it.</summary>
    public SecurityEvent Apply(SecurityEvent target)
    {
        var revised = Revision?.Apply(target) ?? target;
        return revised with
        {
            UserId = UserId ?? revised.UserId,
            Attribution = Attribution ?? revised.Attribution,
            Priority = Priority ?? revised.Priority,
        };
    }
}

/// <summary>An event that nobody was found for: the address that was looked up, and the time it was looked up for.</summary>
public sealed record UnresolvedAs(string Address, EventTime Time);
