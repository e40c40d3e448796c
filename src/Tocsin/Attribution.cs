namespace Tocsin;

/// <summary>By which rule an event got its person. The numbers are stored; never renumber.</summary>
public enum AttributionRule
{
    /// <summary>The record names nobody: no path of <c>map.user_id</c> was present.</summary>
    None = 0,

    /// <summary>The record itself holds the id.</summary>
    Record = 1,

    /// <summary>An identity directory says who held the address at the event's time.</summary>
    Identity = 2,

    /// <summary>The record holds an address that nobody was found for, yet.</summary>
    Unresolved = 3,

    /// <summary>The file of owners says whose the address, its network, the host or the device is at the event's time.</summary>
    Owner = 4,
}

/// <summary>
/// Says how <see cref="SecurityEvent.UserId"/> was found: the rule, the directory or the owners' row that answered, and the address or name that was looked up.
/// </summary>
public sealed record Attribution(AttributionRule Rule, string? Source = null, string? Address = null)
{
    /// <summary>The record names nobody.</summary>
    public static Attribution Nobody { get; } = new(AttributionRule.None);

    /// <summary>The record itself holds the id.</summary>
    public static Attribution FromRecord { get; } = new(AttributionRule.Record);

    /// <summary>The rule's name on the wire; null when the record names nobody.</summary>
    public string? RuleName => Rule switch
    {
        AttributionRule.Record => "record",
        AttributionRule.Identity => "identity",
        AttributionRule.Unresolved => "unresolved",
        AttributionRule.Owner => "owner",
        _ => null,
    };
}
