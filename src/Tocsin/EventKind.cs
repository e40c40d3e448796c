namespace Tocsin;

/// <summary>What sort of thing an event is. The numbers are stored; never renumber.</summary>
public enum EventKind
{
    /// <summary>Something that happened to or by a person, from an incident feed.</summary>
    Incident = 0,

    /// <summary>Something a device reported.</summary>
    Alert = 1,

    /// <summary>Something an application did on somebody's behalf.</summary>
    Audit = 2,
}

/// <summary>The names of <see cref="EventKind"/> on the wire.</summary>
public static class EventKinds
{
    /// <summary>The names in the order of the enum.</summary>
    public static IReadOnlyList<string> Names { get; } = ["incident", "alert", "audit"];

    /// <summary>The lower-case name.</summary>
    public static string Name(this EventKind kind) => Names[(int)kind];

    /// <summary>Reads a lower-case name; null when there is no such kind.</summary>
    public static EventKind? Parse(string? name) => name switch
    {
        "incident" => EventKind.Incident,
        "alert" => EventKind.Alert,
        "audit" => EventKind.Audit,
        _ => null,
    };
}
