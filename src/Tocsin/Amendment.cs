namespace Tocsin;

/// <summary>
/// A later fact about an event: which event, which fields now hold what, and who says so. Amendments take a sequence of
/// their own; the newest for a field wins.
/// </summary>
public sealed record Amendment : Entry
{
    /// <summary>Sequence of the event that is amended; it must have been committed by an earlier append.</summary>
    public required long Target { get; init; }

    /// <summary>When the amendment was made.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>The rule or the actor behind it: <c>late-identity</c>, <c>token:alice</c>.</summary>
    public required string By { get; init; }

    /// <summary>The new person; null leaves it as it is.</summary>
    public string? UserId { get; init; }

    /// <summary>The new attribution; null leaves it as it is.</summary>
    public Attribution? Attribution { get; init; }

    /// <summary>The new priority; null leaves it as it is.</summary>
    public Priority? Priority { get; init; }

    /// <summary>The event as it reads with this amendment.</summary>
    public SecurityEvent Apply(SecurityEvent target) => target with
    {
        UserId = UserId ?? target.UserId,
        Attribution = Attribution ?? target.Attribution,
        Priority = Priority ?? target.Priority,
    };
}
