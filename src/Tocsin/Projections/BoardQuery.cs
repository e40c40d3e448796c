using System.Security.Cryptography;
using System.Text;

namespace Tocsin.Projections;

/// <summary>
/// What of the board is asked for. Values of one filter are alternatives, different filters must all hold; an empty one lets all through.
/// </summary>
public sealed record BoardQuery
{
    /// <summary>The kinds to show; several are merged per employee by time.</summary>
    public IReadOnlyCollection<EventKind> Kinds { get; init; } = [EventKind.Incident];

    /// <summary>Employees; <c>unknown</c> is the one of events nobody was found for.</summary>
    public IReadOnlyCollection<string> UserIds { get; init; } = [];

    public IReadOnlyCollection<Priority> Priorities { get; init; } = [];

    /// <summary>Types; <c>auth.*</c> means all that begin with <c>auth.</c>.</summary>
    public IReadOnlyCollection<string> Types { get; init; } = [];

    public IReadOnlyCollection<string> Sources { get; init; } = [];

    /// <summary>Only what happened then or later.</summary>
    public EventTime? Since { get; init; }

    /// <summary>Only what happened before.</summary>
    public EventTime? Until { get; init; }

    /// <summary>Shows the newest so many of each list, 0 or more; counts stay true. Null: all.</summary>
    public int? PerPriority { get; init; }

    /// <summary>Employees on a page, 1 or more. Null: all.</summary>
    public int? Limit { get; init; }

    /// <summary>Only employees behind this one in the board's order: <see cref="BoardAnswer.NextAfter"/> of the page before.</summary>
    public string? After { get; init; }

    /// <summary>True when every incident of an employee is shown.</summary>
    internal bool TakesWholeEmployees =>
        Kinds.Count == 1 && Priorities.Count == 0 && Types.Count == 0 && Sources.Count == 0 && Since is null && Until is null && PerPriority is null;

    /// <summary>True when it asks for the whole board of one kind.</summary>
    internal bool IsWholeBoard => TakesWholeEmployees && UserIds.Count == 0 && Limit is null && After is null;

    /// <summary>The same for equal queries in every process, whatever the order of values.</summary>
    internal string Hash(string scope)
    {
        var text = new StringBuilder(scope);
        Write(text, 'k', Kinds.Select(k => k.Name()));
        Write(text, 'u', UserIds);
        Write(text, 'p', Priorities.Select(p => p.Name() ?? ""));
        Write(text, 't', Types);
        Write(text, 's', Sources);
        Write(text, 'f', Since is { } since ? [$"{since.UnixTicks}.{since.SubTickNanoseconds}"] : []);
        Write(text, 'b', Until is { } until ? [$"{until.UnixTicks}.{until.SubTickNanoseconds}"] : []);
        text.Append('n').Append(PerPriority).Append('l').Append(Limit);
        Write(text, 'a', After is null ? [] : [After]);
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())).AsSpan(0, 8));
    }

    private static void Write(StringBuilder text, char name, IEnumerable<string> values)
    {
        text.Append(name);
        foreach (var value in values.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal))
            text.Append(value.Length).Append(':').Append(value);
    }
}
