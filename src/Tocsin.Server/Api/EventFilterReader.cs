using Microsoft.AspNetCore.WebUtilities;
using Tocsin.Journal;
using Tocsin.Server.Api.Description;

namespace Tocsin.Server.Api;

/// <summary>Reads which events a query asks for: the same names and words on every route that shows events.</summary>
internal static class EventFilterReader
{
    /// <summary>Before a path within data: <c>data.a.b[0]=value</c>.</summary>
    private const string DataPrefix = "data.";

    /// <summary>Ten years.</summary>
    private const int MaxHours = 87_600;

    /// <summary>Names of a filter, the first is the one that errors name.</summary>
    private static readonly string[] TypeNames = ["type", "event_type"];
    private static readonly string[] PriorityNames = ["priority", "severity", "criticality"];

    /// <summary>A person's id and its aliases.</summary>
    internal static readonly string[] UserNames = ["user_id", "employee_id", "user"];

    /// <summary>Kind, type, priority, person and source, with their aliases: what the board can be asked too.</summary>
    public static QueryParameter[] BoardParameters { get; } =
    [
        new("kind", "incident, alert or audit; repeat for several", QueryValue.OneOf(EventKinds.Names).Many()),
        new("user_id", "Only these people; repeat for several. unknown: those nobody was found for", QueryValue.Text.Many()),
        new("employee_id", "Alias of user_id", QueryValue.Text.Many()),
        new("user", "Alias of user_id", QueryValue.Text.Many()),
        new("priority", "low, medium, high or critical; repeat for several", QueryValue.OneOf(Tocsin.Priorities.Names).Many()),
        new("severity", "Alias of priority", QueryValue.OneOf(Tocsin.Priorities.Names).Many()),
        new("criticality", "Alias of priority", QueryValue.OneOf(Tocsin.Priorities.Names).Many()),
        new("type", "Only these types; auth.* means all that begin with auth.; repeat for several", QueryValue.Text.Many()),
        new("event_type", "Alias of type", QueryValue.Text.Many()),
        new("source", "Only these sources; repeat for several", QueryValue.Text.Many()),
        new("since", "Only what happened then or later: RFC 3339, Unix seconds, or -24h", QueryValue.Time),
        new("until", "Only what happened before", QueryValue.Time),
    ];

    /// <summary>Every filter of events. Repeats are alternatives, different filters must all hold.</summary>
    public static QueryParameter[] Parameters { get; } =
    [
        .. BoardParameters,
        new("device", "Only what these devices reported; repeat for several", QueryValue.Text.Many()),
        new("country", "Country of the remote party, two letters; repeat for several", QueryValue.Matching("^[A-Za-z]{2}$", "DE").Many()),
        new("ip", "Address or network (10.0.0.0/8) on either side; repeat for several", QueryValue.Text.Many()),
        new("src_ip", "Address or network it came from; repeat for several", QueryValue.Text.Many()),
        new("dst_ip", "Address or network it went to; repeat for several", QueryValue.Text.Many()),
        new("external_id", "The sender's or the upstream's id; repeat for several", QueryValue.Text.Many()),
        new("id", "Tocsin's own id; repeat for several", QueryValue.Uuid.Many()),
        new("time", "What happened at exactly this instant: RFC 3339 or Unix seconds; repeat for several", QueryValue.Instant.Many()),
        new("hours", $"Only the last so many hours, 1 to {MaxHours}; instead of since", QueryValue.Whole(1, MaxHours)),
        new("q", "Text anywhere in type, description, user and data, in any case; repeat for several", QueryValue.Text.Many()),
        new(DataPrefix + "*", "Value at a path of data: data.user.name=eve; repeat for several", QueryValue.Text),
    ];

    /// <summary>
    /// The filter, with a span before now resolved. What cannot be used is the reader's problem. <paramref name="raw"/> is the query as it came:
    /// names within data tell upper from lower case, which the parsed query does not.
    /// </summary>
    public static EventFilter Read(QueryReader reader, QueryString raw)
    {
        var filter = new EventFilter
        {
            Kinds = Kinds(reader),
            Types = Types(reader),
            Sources = reader.Texts("source"),
            Devices = reader.Texts("device"),
            Priorities = Priorities(reader),
            UserIds = UserIds(reader),
            Countries = reader.Each("country", Country, "expected two letters, like DE"),
            Ips = Ranges(reader, "ip"),
            SrcIps = Ranges(reader, "src_ip"),
            DstIps = Ranges(reader, "dst_ip"),
            ExternalIds = reader.Texts("external_id"),
            Ids = reader.Each("id", text => EventId.TryParse(text, out var id) ? id : (EventId?)null, "expected a UUID with hyphens"),
            Times = reader.Each("time", QueryReader.Instant, "expected RFC 3339 with an offset (2026-01-31T12:00:00Z) or Unix seconds"),
            Since = reader.Time("since"),
            Until = reader.Time("until"),
            Texts = reader.Texts("q"),
            Data = Data(reader, raw),
        };
        return Bounded(reader, filter);
    }

    public static IReadOnlyList<EventKind> Kinds(QueryReader reader) =>
        reader.Each("kind", text => EventKinds.Parse(text), $"expected {string.Join(", ", EventKinds.Names)}");

    public static IReadOnlyList<Priority> Priorities(QueryReader reader) => reader.Each(
        PriorityNames, text => Tocsin.Priorities.Parse(text) is not Priority.None and var priority ? priority : (Priority?)null,
        $"expected {string.Join(", ", Tocsin.Priorities.Names)}");

    public static IReadOnlyList<string> Types(QueryReader reader) => reader.Texts(TypeNames);

    public static IReadOnlyList<string> UserIds(QueryReader reader) => reader.Texts(UserNames);

    private static EventFilter Bounded(QueryReader reader, EventFilter filter)
    {
        if (reader.Number("hours", 1, MaxHours) is { } hours)
        {
            if (filter.Since is not null)
                reader.Fail("hours", "since is given too, and both say where to begin: keep one");
            filter = filter with { Since = EventTime.From(reader.Now - TimeSpan.FromHours(hours)) };
        }
        if (filter is { Since: { } since, Until: { } until } && since >= until)
            reader.Fail("until", "it is not after since: nothing can lie between");
        return filter;
    }

    private static IReadOnlyList<IpRange> Ranges(QueryReader reader, string name) =>
        reader.Each(name, text => IpRange.TryParse(text, out var range) ? range : (IpRange?)null, "expected an address or a network, like 10.1.2.3 or 10.0.0.0/8");

    private static string? Country(string text) =>
        text.Length == 2 && char.IsAsciiLetter(text[0]) && char.IsAsciiLetter(text[1]) ? text.ToUpperInvariant() : null;

    private static List<DataFilter> Data(QueryReader reader, QueryString raw)
    {
        var filters = new List<DataFilter>();
        foreach (var values in Pairs(raw).Where(pair => pair.Name.StartsWith(DataPrefix, StringComparison.Ordinal)).GroupBy(pair => pair.Name, pair => pair.Value))
            if (!FieldPath.TryParse(values.Key[DataPrefix.Length..], out var path))
                reader.Fail(values.Key, "expected a path, like data.a.b[0].c");
            else if (values.Count() > QueryReader.MaxValues)
                reader.Fail(values.Key, $"at most {QueryReader.MaxValues} values");
            else
                filters.Add(new DataFilter(path, [.. values]));
        return filters;
    }

    /// <summary>Names and values in order, decoded, upper and lower case as sent.</summary>
    public static List<(string Name, string Value)> Pairs(QueryString raw)
    {
        var pairs = new List<(string, string)>();
        foreach (var pair in new QueryStringEnumerable(raw.Value))
            pairs.Add((pair.DecodeName().ToString(), pair.DecodeValue().ToString()));
        return pairs;
    }
}
