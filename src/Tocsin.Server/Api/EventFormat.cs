using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;

namespace Tocsin.Server.Api;

/// <summary>How events are written.</summary>
internal enum EventFormat
{
    /// <summary>A page as an array.</summary>
    Json,

    /// <summary>An export, a line an event.</summary>
    NdJson,

    /// <summary>An export, a row an event.</summary>
    Csv,
}

/// <summary>The formats as media types.</summary>
internal static class EventFormats
{
    private static readonly string[] MediaTypes = ["application/json", "application/x-ndjson", "text/csv"];

    public static string MediaType(this EventFormat format) => MediaTypes[(int)format];

    public static string Extension(this EventFormat format) => format == EventFormat.Csv ? "csv" : "ndjson";

    /// <summary>
    /// What the client wants most: by quality, then by how exactly it is named, then JSON first. Null when it takes none of them. No header, or one that
    /// cannot be read, takes anything.
    /// </summary>
    public static EventFormat? Choose(StringValues accept)
    {
        if (StringValues.IsNullOrEmpty(accept) || !MediaTypeHeaderValue.TryParseList(accept, out var ranges))
            return EventFormat.Json;
        EventFormat? chosen = null;
        var best = (Quality: 0.0, Exactness: 0);
        for (var format = EventFormat.Json; format <= EventFormat.Csv; format++)
        {
            var wanted = Wanted(ranges, format.MediaType());
            if (wanted.Quality > 0 && wanted.CompareTo(best) > 0)
                (best, chosen) = (wanted, format);
        }
        return chosen;
    }

    /// <summary>The range that names the type most exactly decides.</summary>
    private static (double Quality, int Exactness) Wanted(IList<MediaTypeHeaderValue> ranges, string mediaType)
    {
        var type = new MediaTypeHeaderValue(mediaType);
        var wanted = (Quality: 0.0, Exactness: 0);
        foreach (var range in ranges)
        {
            var exactness = range.MatchesAllTypes ? 1 : range.MatchesAllSubTypes ? 2 : 3;
            if (exactness > wanted.Exactness && (range.MatchesAllTypes || range.Type.Equals(type.Type, StringComparison.OrdinalIgnoreCase))
                && (range.MatchesAllSubTypes || range.SubType.Equals(type.SubType, StringComparison.OrdinalIgnoreCase)))
                wanted = (range.Quality ?? 1, exactness);
        }
        return wanted;
    }
}
