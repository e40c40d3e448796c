namespace Tocsin;

/// <summary>How bad an event is. The numbers are stored and ascend with severity; never renumber.</summary>
public enum Priority
{
    /// <summary>The record did not say, or said something unknown: the event is not on the board.</summary>
    None = 0,
    Low = 1,
    Medium = 2,
    High = 3,
    Critical = 4,
}

/// <summary>The names of <see cref="Priority"/> on the wire.</summary>
public static class Priorities
{
    /// <summary>The four priorities of the board in its order.</summary>
    public static IReadOnlyList<string> Names { get; } = ["low", "medium", "high", "critical"];

    /// <summary>The lower-case name; null for <see cref="Priority.None"/>.</summary>
    public static string? Name(this Priority priority) => priority == Priority.None ? null : Names[(int)priority - 1];

    /// <summary>Reads a name in any case; <see cref="Priority.None"/> when it is not one of the four.</summary>
    public static Priority Parse(string? name)
    {
        for (var i = 0; i < Names.Count; i++)
            if (string.Equals(Names[i], name, StringComparison.OrdinalIgnoreCase))
                return (Priority)(i + 1);
        return Priority.None;
    }
}
