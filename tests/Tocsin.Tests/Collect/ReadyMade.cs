using System.Text.Json;
using Tocsin.Collect;

namespace Tocsin.Tests.Collect;

/// <summary>The source files that come with the product.</summary>
internal static class ReadyMade
{
    private static readonly string[] Secret = ["ELEVATE_USER", "ELEVATE_PASSWORD", "ALERTS_USER", "ALERTS_PASSWORD", "GITHUB_TOKEN", "OKTA_TOKEN"];

    /// <summary>A file as it ships, for an upstream at <paramref name="url"/> that takes the mock's token.</summary>
    public static SourceDefinition Source(string name, string url = "http://127.0.0.1:9001")
    {
        var secrets = new SecretResolver(variable => Secret.Contains(variable) ? "tocsin" : variable == "GITHUB_ORG" ? "acme" : url);
        var result = SourceFile.Read(Path.Combine(AppContext.BaseDirectory, "sources", $"{name}.yaml"), secrets);
        result.Errors.ShouldBeEmpty();
        return result.Source.ShouldNotBeNull();
    }

    public static string Fixture(string name) => Path.Combine(AppContext.BaseDirectory, "fixtures", name);

    public static MapResult Map(SourceDefinition source, string record, string? type = null) =>
        new FieldMap(source).Map(JsonElement.Parse(record), type is null ? source.Requests[0] : source.Requests.Single(request => request.Set["type"] == type));
}
