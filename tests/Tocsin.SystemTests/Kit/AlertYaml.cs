using System.Text.RegularExpressions;

namespace Tocsin.SystemTests.Kit;

/// <summary>The ready-made <c>sources/alerts.yaml</c>, pointed at a mock, with some of its lines replaced.</summary>
internal sealed record AlertYaml(string BaseUrl)
{
    public string Name { get; init; } = "alerts";

    public string Every { get; init; } = "1s";

    public string Timeout { get; init; } = "1s";

    public string Retry { get; init; } = "{ attempts: 5, min_wait: 200ms, max_wait: 1s }";

    /// <summary>Null: as it stands in the file.</summary>
    public string? Paging { get; init; }

    public string Path { get; init; } = "/alerts";

    public string Records { get; init; } = ".";

    public override string ToString()
    {
        var text = File.ReadAllText(System.IO.Path.Combine(Shared.Repository, "sources", "alerts.yaml"));
        text = With(text, "name", Name);
        text = With(text, "base_url", BaseUrl).Replace("${env:ALERTS_", "${env:MOCK_", StringComparison.Ordinal);
        text = With(text, "every", Every);
        text = With(text, "timeout", Timeout);
        text = With(text, "retry", Retry);
        text = With(text, "requests", $"[ {{ get: {Path} }} ]");
        text = With(text, "records", $"\"{Records}\"");
        return Paging is null ? text : With(text, "paging", Paging);
    }

    private static string With(string text, string key, string value)
    {
        var line = new Regex($"^{key}:.*$", RegexOptions.Multiline, TimeSpan.FromSeconds(1));
        line.Count(text).ShouldBe(1, key);
        return line.Replace(text, $"{key}: {value.Replace("$", "$$", StringComparison.Ordinal)}");
    }
}
