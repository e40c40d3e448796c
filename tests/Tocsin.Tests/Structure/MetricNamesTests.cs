using System.Text.Json;
using System.Text.RegularExpressions;
using Tocsin.Tests.Server;

namespace Tocsin.Tests.Structure;

/// <summary>Grafana shows an empty panel, and Prometheus an alert that never fires, for a metric that is not there: so names are held to what is written.</summary>
public sealed partial class MetricNamesTests
{
    private const string Rules = "deploy/cluster/prometheus-rules.yaml";
    private const string Board = "deploy/cluster/grafana/dashboards/tocsin.json";

    /// <summary>What others write: Prometheus itself, its node exporter, RabbitMQ's own plugin.</summary>
    private static readonly string[] OfOthers = ["up", "node_filesystem_avail_bytes", "node_filesystem_size_bytes", "rabbitmq_alarms_free_disk_space_watermark", "rabbitmq_alarms_memory_used_watermark", "ALERTS"];

    private static readonly string[] Words = ["by", "on", "or", "and", "unless", "bool", "offset"];

    [Fact]
    public void Rules_and_dashboard_name_only_metrics_that_are_written()
    {
        var written = Written();
        foreach (var (where, expression) in Expressions())
            Names(expression).Except(OfOthers).Except(written).ShouldBeEmpty($"{where}: {expression}");
    }

    [Fact]
    public void The_dashboard_shows_every_metric_of_Tocsin_but_who_built_it()
    {
        var shown = Expressions().SelectMany(found => Names(found.Expression)).ToHashSet(StringComparer.Ordinal);
        Instruments().Keys.Where(name => name.StartsWith("tocsin_", StringComparison.Ordinal) && name is not ("tocsin_build_info" or "tocsin_store_size_bytes"))
            .Where(name => !shown.Contains(name) && !shown.Contains(name + "_bucket") && !shown.Contains(name + "_sum")).ShouldBeEmpty();
    }

    [Fact]
    public async Task What_the_code_makes_is_what_a_service_writes()
    {
        await using var server = await RunningServer.StartAsync();
        var metrics = await MetricsText.ScrapeAsync(server.Client);

        var made = Instruments();
        metrics.Types.Count.ShouldBeGreaterThan(20);
        foreach (var (name, type) in metrics.Types)
            made[name].ShouldBe(type == "histogram", name);
    }

    [Theory]
    [InlineData("sum by (source) (rate(a_total{job=\"b\", x=~\"c|d\"}[5m])) > 0.5", "a_total")]
    [InlineData("histogram_quantile(0.99, sum by (le, route) (rate(a_bucket[$__rate_interval]))) unless up == 1", "a_bucket,up")]
    public void Names_are_found_in_an_expression(string expression, string names) => Names(expression).ShouldBe(names.Split(','));

    private static HashSet<string> Written() => Instruments()
        .SelectMany(pair => pair.Value ? new[] { pair.Key + "_bucket", pair.Key + "_sum", pair.Key + "_count" } : [pair.Key]).ToHashSet(StringComparer.Ordinal);

    /// <summary>Every instrument that the code makes, and whether it is a histogram: also those of what a service is configured to do without.</summary>
    private static Dictionary<string, bool> Instruments() => SourceTree.CSharp("src").SelectMany(path => Instrument().Matches(SourceTree.Text(path)))
        .ToDictionary(match => match.Groups["name"].Value, match => match.Groups["kind"].Value == "Histogram", StringComparer.Ordinal);

    private static List<(string Where, string Expression)> Expressions()
    {
        var rules = ((List<object?>)Yaml.Read(Rules)["groups"]!).SelectMany(group => (List<object?>)Yaml.At(group, "rules")!)
            .Select(rule => ((string)Yaml.At(rule, "alert")!, (string)Yaml.At(rule, "expr")!)).ToList();
        var panels = JsonElement.Parse(SourceTree.Text(Board)).GetProperty("panels").EnumerateArray().Where(panel => panel.TryGetProperty("targets", out _))
            .SelectMany(panel => panel.GetProperty("targets").EnumerateArray().Select(target => (panel.GetProperty("title").GetString()!, target.GetProperty("expr").GetString()!))).ToList();
        rules.Count.ShouldBeGreaterThan(10);
        panels.Count.ShouldBeGreaterThan(20);
        return [.. rules, .. panels];
    }

    /// <summary>What is left of an expression without labels, ranges and functions.</summary>
    private static IEnumerable<string> Names(string expression) =>
        Name().Matches(Aside().Replace(expression, " ")).Select(match => match.Value).Except(Words);

    [GeneratedRegex("""\{[^}]*\}|"[^"]*"|\[[^\]]*\]|\b(by|without|on|ignoring)\s*\([^)]*\)|\$\w+""", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Aside();

    [GeneratedRegex(@"\b[a-zA-Z_]\w*\b(?!\s*\()", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Name();

    [GeneratedRegex("""\bCreate(Observable)?(?<kind>Counter|Gauge|Histogram|UpDownCounter)(<\w+>)?\(\s*"(?<name>\w+)"\s*,""", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Instrument();
}
