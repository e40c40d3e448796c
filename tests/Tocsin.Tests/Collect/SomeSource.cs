using System.Text.Json;
using Tocsin.Collect;

namespace Tocsin.Tests.Collect;

/// <summary>Sources and records to test with.</summary>
internal static class SomeSource
{
    public const string PasswordValue = "correct-horse-battery";
    public const string TokenValue = "tkn-94c1f0";

    private static readonly Dictionary<string, string> Environment = new(StringComparer.Ordinal)
    {
        ["PASSWORD"] = PasswordValue,
        ["TOKEN"] = TokenValue,
        ["TWO_LINES"] = $"{TokenValue}\r\nX-Other: 1",
        ["EMPTY"] = "",
        ["ELEVATE_URL"] = "http://127.0.0.1:9001",
        ["ELEVATE_USER"] = "tocsin",
        ["ELEVATE_PASSWORD"] = PasswordValue,
    };

    public static SecretResolver Secrets { get; } = new(name => Environment.GetValueOrDefault(name));

    /// <summary>The smallest source there is, with more lines after it.</summary>
    public static string Yaml(string more = "", string map = "{ time: timestamp }") => $$"""
        name: example
        kind: incident
        base_url: https://incidents.example.com
        requests: [ { get: /incidents/ } ]
        map: {{map}}
        {{more}}
        """;

    public static SourceReadResult Read(string yaml) => SourceFile.Parse(yaml, "example.yaml", AppContext.BaseDirectory, Secrets);

    public static SourceDefinition Valid(string yaml)
    {
        var result = Read(yaml);
        result.Errors.ShouldBeEmpty();
        return result.Source.ShouldNotBeNull();
    }

    /// <summary>Maps a record by the entries of <paramref name="map"/> (YAML in flow style).</summary>
    public static MapResult Map(string map, string record, string set = "{}")
    {
        var source = Valid(Yaml(map: map).Replace("{ get: /incidents/ }", $"{{ get: /incidents/, set: {set} }}", StringComparison.Ordinal));
        return new FieldMap(source).Map(Json(record), source.Requests[0]);
    }

    public static MappedRecord Mapped(string map, string record, string set = "{}")
    {
        var result = Map(map, record, set);
        result.RejectReason.ShouldBeNull();
        return result.Mapped.ShouldNotBeNull();
    }

    public static JsonElement Json(string text) => JsonSerializer.Deserialize<JsonElement>(text);
}
