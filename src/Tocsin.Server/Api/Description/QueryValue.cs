using System.Globalization;
using System.Text.Json.Nodes;
using Microsoft.OpenApi;

namespace Tocsin.Server.Api.Description;

/// <summary>What a query parameter takes, as the description says it. Data, so that a route can say its rules without making a schema of them.</summary>
internal sealed record QueryValue
{
    /// <summary>RFC 3339 with an offset, Unix seconds, or a span before now.</summary>
    public static QueryValue Time { get; } = new() { Examples = ["2026-01-31T12:00:00Z", "1769860800", "-24h"] };

    /// <summary>RFC 3339 with an offset, or Unix seconds.</summary>
    public static QueryValue Instant { get; } = new() { Examples = ["2026-01-31T12:00:00Z", "1769860800"] };

    /// <summary>Any text but an empty one.</summary>
    public static QueryValue Text { get; } = new();

    public static QueryValue Uuid { get; } = new() { Format = "uuid" };

    public static QueryValue Flag { get; } = new() { IsFlag = true };

    /// <summary>True when the name may be repeated, to <see cref="QueryReader.MaxValues"/> times.</summary>
    public bool IsMany { get; private init; }

    private bool IsFlag { get; init; }

    private (int Min, int Max)? Bounds { get; init; }

    private IReadOnlyList<string> Words { get; init; } = [];

    private string? Pattern { get; init; }

    private string? Format { get; init; }

    private string[] Examples { get; init; } = [];

    public static QueryValue Whole(int min, int max) => new() { Bounds = (min, max) };

    public static QueryValue OneOf(params IReadOnlyList<string> words) => new() { Words = words };

    public static QueryValue Matching(string pattern, params string[] examples) => new() { Pattern = pattern, Examples = examples };

    /// <summary>The same, repeated.</summary>
    public QueryValue Many() => this with { IsMany = true };

    public OpenApiSchema ToSchema() => IsMany
        ? new OpenApiSchema { Type = JsonSchemaType.Array, Items = One(), MinItems = 1, MaxItems = QueryReader.MaxValues }
        : One();

    private OpenApiSchema One() => Bounds is var (min, max)
        ? new OpenApiSchema { Type = JsonSchemaType.Integer, Minimum = min.ToString(CultureInfo.InvariantCulture), Maximum = max.ToString(CultureInfo.InvariantCulture) }
        : IsFlag ? new OpenApiSchema { Type = JsonSchemaType.Boolean }
        : new OpenApiSchema
        {
            Type = JsonSchemaType.String,
            MinLength = Words.Count > 0 || Format is not null ? null : 1,
            Format = Format,
            Pattern = Pattern,
            Enum = Words.Count == 0 ? null : [.. Words.Select(word => (JsonNode)word)],
            Examples = Examples.Length == 0 ? null : [.. Examples.Select(example => (JsonNode)example)],
        };
}
