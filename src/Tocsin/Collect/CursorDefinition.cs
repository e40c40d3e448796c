namespace Tocsin.Collect;

/// <summary>How an upstream wants to be told where to begin.</summary>
public enum CursorFormat
{
    /// <summary>RFC 3339 in UTC, whole seconds: <c>2026-01-31T12:00:00Z</c>.</summary>
    Iso8601,

    /// <summary>Unix seconds.</summary>
    Unix,

    /// <summary>Unix milliseconds.</summary>
    UnixMs,

    /// <summary>A text of the upstream's own, sent back as it came.</summary>
    Opaque,
}

/// <summary>
/// An incremental source: each poll asks for what lies at or after a bookmark. A bookmark in time is asked for less <see cref="Overlap"/>, so that what
/// shares its instant or came late is seen again (and known by its id).
/// </summary>
public sealed record CursorDefinition
{
    /// <summary>The query parameter that holds it.</summary>
    public required string Param { get; init; }

    public CursorFormat Format { get; init; }

    /// <summary>Stands before the value within the parameter: <c>created:>=</c> where the upstream wants a search.</summary>
    public string Prefix { get; init; } = "";

    /// <summary>How far back from now the first poll asks, 0 to 3650 d. Default 24 h.</summary>
    public TimeSpan StartBack { get; init; } = TimeSpan.FromHours(24);

    /// <summary>Where the first poll begins; null: <see cref="StartBack"/> before now.</summary>
    public EventTime? StartTime { get; init; }

    /// <summary>What an opaque first poll sends; null: the parameter is left out.</summary>
    public string? StartText { get; init; }

    /// <summary>How long before the bookmark is asked again, 0 to 7 d. Default 5 min. None when opaque.</summary>
    public TimeSpan Overlap { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>
    /// Where the bookmark stands in a record. Null: it follows the mapped time; when opaque, the last cursor that <c>paging</c> of style cursor got.
    /// </summary>
    public FieldPath? Field { get; init; }

    /// <summary>True when the bookmark is an instant.</summary>
    public bool IsTime => Format != CursorFormat.Opaque;
}
