namespace Tocsin.Journal;

/// <summary>
/// Which events somebody wants. Values of one filter are alternatives, different filters must all hold; an empty one lets all through.
/// <see cref="Matches"/> is what the words mean; engines may find the same events faster.
/// </summary>
public sealed record EventFilter
{
    /// <summary>The source of Tocsin's own actions; they show only when a source or a type asks for them.</summary>
    public const string OwnSource = "tocsin";

    /// <summary>Begins the types of Tocsin's own actions.</summary>
    public const string OwnTypePrefix = "tocsin.";

    /// <summary>In <see cref="UserIds"/>: events nobody was found for.</summary>
    public const string UnknownUser = "unknown";

    public IReadOnlyList<EventKind> Kinds { get; init; } = [];

    /// <summary>Types; <c>auth.*</c> means all that begin with <c>auth.</c>.</summary>
    public IReadOnlyList<string> Types { get; init; } = [];

    public IReadOnlyList<string> Sources { get; init; } = [];

    public IReadOnlyList<string> Devices { get; init; } = [];

    public IReadOnlyList<Priority> Priorities { get; init; } = [];

    /// <summary>People; <c>unknown</c> finds what nobody was found for.</summary>
    public IReadOnlyList<string> UserIds { get; init; } = [];

    public IReadOnlyList<string> Countries { get; init; } = [];

    /// <summary>Addresses that may stand on either side.</summary>
    public IReadOnlyList<IpRange> Ips { get; init; } = [];

    public IReadOnlyList<IpRange> SrcIps { get; init; } = [];

    public IReadOnlyList<IpRange> DstIps { get; init; } = [];

    public IReadOnlyList<string> ExternalIds { get; init; } = [];

    public IReadOnlyList<EventId> Ids { get; init; } = [];

    /// <summary>Instants, to the nanosecond.</summary>
    public IReadOnlyList<EventTime> Times { get; init; } = [];

    /// <summary>Only what happened then or later.</summary>
    public EventTime? Since { get; init; }

    /// <summary>Only what happened before.</summary>
    public EventTime? Until { get; init; }

    /// <summary>Text anywhere in type, description, user or data, in any case.</summary>
    public IReadOnlyList<string> Texts { get; init; } = [];

    /// <summary>Values within data; each must hold.</summary>
    public IReadOnlyList<DataFilter> Data { get; init; } = [];

    /// <summary>True when Tocsin's own actions are asked for.</summary>
    public bool ShowsOwn => Sources.Contains(OwnSource) || Types.Any(type => type.StartsWith(OwnTypePrefix, StringComparison.Ordinal));

    /// <summary>True when the record itself must be read to decide: no index serves that.</summary>
    public bool ReadsRecords => Texts.Count > 0 || Data.Count > 0;

    /// <summary>True when the event, as it reads now, is one of those wanted.</summary>
    public bool Matches(SecurityEvent e) => MatchesFields(e) && MatchesRecord(e);

    /// <summary>The part of <see cref="Matches"/> that looks into the record.</summary>
    private bool MatchesRecord(SecurityEvent e) => (Texts.Count == 0 || Any(Texts, e, RecordText.Holds)) && (Data.Count == 0 || RecordText.Holds(e.Data, Data));

    private bool MatchesFields(SecurityEvent e) =>
        (Kinds.Count == 0 || Kinds.Contains(e.Kind))
        && (Priorities.Count == 0 || Priorities.Contains(e.Priority))
        && (Since is not { } since || e.Time >= since) && (Until is not { } until || e.Time < until)
        && (Sources.Count == 0 || Sources.Contains(e.Source))
        && (Types.Count == 0 || Any(Types, e.Type, IsOfType))
        && (e.Source != OwnSource || ShowsOwn)
        && (UserIds.Count == 0 || UserIds.Contains(e.UserId ?? UnknownUser))
        && (Devices.Count == 0 || (e.Device is not null && Devices.Contains(e.Device)))
        && (Countries.Count == 0 || (e.Country is not null && Countries.Contains(e.Country)))
        && (Ips.Count == 0 || Any(Ips, e.SrcIp, InRange) || Any(Ips, e.DstIp, InRange))
        && (SrcIps.Count == 0 || Any(SrcIps, e.SrcIp, InRange))
        && (DstIps.Count == 0 || Any(DstIps, e.DstIp, InRange))
        && (ExternalIds.Count == 0 || (e.ExternalId is not null && ExternalIds.Contains(e.ExternalId)))
        && (Ids.Count == 0 || Ids.Contains(e.Id))
        && (Times.Count == 0 || Any(Times, e.Time, static (wanted, time) => time.CompareTo(wanted) == 0));

    /// <summary>True when <paramref name="type"/> is <paramref name="wanted"/>, or begins as <c>auth.*</c> says.</summary>
    public static bool IsOfType(string wanted, string type) =>
        wanted.EndsWith(".*", StringComparison.Ordinal) ? type.AsSpan().StartsWith(wanted.AsSpan(0, wanted.Length - 1), StringComparison.Ordinal) : type == wanted;

    private static bool InRange(IpRange range, string? address) => range.Contains(address);

    private static bool Any<TWanted, T>(IReadOnlyList<TWanted> wanted, T value, Func<TWanted, T, bool> fits)
    {
        for (var i = 0; i < wanted.Count; i++)
            if (fits(wanted[i], value))
                return true;
        return false;
    }
}

/// <summary>
/// Equality with what stands at a path of data: a string's value, or a scalar's text (<c>true</c>, <c>null</c>, a number digit for digit).
/// <paramref name="Values"/> are alternatives.
/// </summary>
public sealed record DataFilter(FieldPath Path, IReadOnlyList<string> Values);
