namespace Tocsin.SystemTests.Kit;

/// <summary>The source files that come with the product, and answers in the shape of their upstreams.</summary>
internal static class ReadyMade
{
    /// <summary>Every file in <c>sources/</c>, without its ending.</summary>
    public static IReadOnlyList<string> Names { get; } =
        [.. Directory.EnumerateFiles(Path.Combine(Shared.Repository, "sources"), "*.yaml").Select(file => Path.GetFileNameWithoutExtension(file)).Order(StringComparer.Ordinal)];

    /// <summary>A folder of answers to replay.</summary>
    public static string Fixture(string name) => Path.Combine(Shared.Repository, "tests", "fixtures", name);

    /// <summary>The file as it ships.</summary>
    public static string Text(string name) => File.ReadAllText(Path.Combine(Shared.Repository, "sources", $"{name}.yaml"));

    /// <summary>What the files want to be told, for a mock at <paramref name="url"/>.</summary>
    public static Dictionary<string, string> Environment(string url) => new()
    {
        ["ELEVATE_URL"] = url,
        ["ELEVATE_USER"] = "tocsin",
        ["ELEVATE_PASSWORD"] = "tocsin",
        ["ALERTS_URL"] = url,
        ["ALERTS_USER"] = "tocsin",
        ["ALERTS_PASSWORD"] = "tocsin",
        ["GITHUB_API"] = url,
        ["GITHUB_ORG"] = "acme",
        ["GITHUB_TOKEN"] = "tocsin",
        ["OKTA_URL"] = url,
        ["OKTA_TOKEN"] = "tocsin",
    };
}
