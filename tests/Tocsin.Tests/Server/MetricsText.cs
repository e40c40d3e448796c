using System.Globalization;
using System.Text.RegularExpressions;

namespace Tocsin.Tests.Server;

/// <summary>Prometheus' text format, read strictly: what is not in it is a failure.</summary>
internal sealed partial class MetricsText
{
    private readonly Dictionary<string, double> _samples = new(StringComparer.Ordinal);

    private MetricsText(string text)
    {
        text.ShouldEndWith("\n");
        var name = "";
        foreach (var line in text[..^1].Split('\n'))
            if (Help().Match(line) is { Success: true } help)
                Types.TryAdd(name = help.Groups["name"].Value, "").ShouldBeTrue($"{line}: twice");
            else if (Type().Match(line) is { Success: true } type)
            {
                type.Groups["name"].Value.ShouldBe(name, "TYPE follows its HELP");
                Types[name] = type.Groups["type"].Value;
            }
            else
                Add(line, name);
    }

    /// <summary>Families by name, with their type.</summary>
    public Dictionary<string, string> Types { get; } = new(StringComparer.Ordinal);

    /// <summary>Samples as they stand in the text: name and labels.</summary>
    public IEnumerable<string> Samples => _samples.Keys;

    public static async Task<MetricsText> ScrapeAsync(HttpClient client, string path = "/metrics")
    {
        using var response = await client.GetAsync(path);
        var text = await response.Content.ReadAsStringAsync();
        response.StatusCode.ShouldBe(System.Net.HttpStatusCode.OK, text);
        response.Content.Headers.ContentType!.ToString().ShouldBe("text/plain; version=0.0.4; charset=utf-8");
        return new MetricsText(text);
    }

    /// <summary>Scrapes until something is counted: a request is, a moment after its answer.</summary>
    public static async Task<MetricsText> ScrapeAsync(HttpClient client, Func<MetricsText, bool> isCounted)
    {
        MetricsText? metrics = null;
        await Until.TrueAsync(async () => isCounted(metrics = await ScrapeAsync(client)));
        return metrics!;
    }

    public static MetricsText Parse(byte[] text) => new(System.Text.Encoding.UTF8.GetString(text));

    /// <summary>A sample's value; 0 when it is not there.</summary>
    public double Value(string sample) => _samples.GetValueOrDefault(sample);

    private void Add(string line, string family)
    {
        var sample = Sample().Match(line);
        sample.Success.ShouldBeTrue(line);
        var name = sample.Groups["name"].Value;
        var suffixes = Types[family] == "histogram" ? new[] { "_bucket", "_sum", "_count" } : [""];
        suffixes.Select(suffix => family + suffix).ShouldContain(name, line);
        (Types[family] == "counter").ShouldBe(family.EndsWith("_total", StringComparison.Ordinal), line);
        _samples.TryAdd(name + sample.Groups["labels"].Value, double.Parse(sample.Groups["value"].Value, CultureInfo.InvariantCulture)).ShouldBeTrue($"{line}: twice");
    }

    [GeneratedRegex(@"^# HELP (?<name>[a-z_]+) [^\n]+$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Help();

    [GeneratedRegex(@"^# TYPE (?<name>[a-z_]+) (?<type>counter|gauge|histogram)$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Type();

    [GeneratedRegex("""^(?<name>[a-z_]+)(?<labels>\{[a-z_]+="(\\[\\"n]|[^\\"\n])*"(,[a-z_]+="(\\[\\"n]|[^\\"\n])*")*\})? (?<value>-?[0-9.]+(E[+-]?[0-9]+)?)$""", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Sample();
}
