using System.Globalization;
using System.Text;

namespace Tocsin.Server.Metrics;

/// <summary>The text exposition format of Prometheus, version 0.0.4.</summary>
internal static class PrometheusText
{
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    public static byte[] Write(IEnumerable<MetricFamily> families)
    {
        var text = new StringBuilder();
        foreach (var family in families)
        {
            text.Append("# HELP ").Append(family.Name).Append(' ').Append(Escape(family.Help, quotes: false)).Append('\n');
            text.Append("# TYPE ").Append(family.Name).Append(' ').Append(family.Type).Append('\n');
            foreach (var (labels, series) in family.Series.Select(series => (Labels(series), series)).OrderBy(pair => pair.Item1, StringComparer.Ordinal))
                if (family.Bounds is { } bounds)
                    WriteHistogram(text, family.Name, labels, series, bounds);
                else
                    WriteSample(text, family.Name, labels, series.Value);
        }
        return Encoding.UTF8.GetBytes(text.ToString());
    }

    private static void WriteHistogram(StringBuilder text, string name, string labels, MetricSeries series, double[] bounds)
    {
        var counts = series.CumulativeCounts();
        for (var i = 0; i < counts.Length; i++)
            WriteSample(text, name + "_bucket", $"{labels}{(labels.Length > 0 ? "," : "")}le=\"{(i < bounds.Length ? Number(bounds[i]) : "+Inf")}\"", counts[i]);
        WriteSample(text, name + "_sum", labels, series.Value);
        WriteSample(text, name + "_count", labels, counts[^1]);
    }

    private static void WriteSample(StringBuilder text, string name, string labels, double value)
    {
        text.Append(name);
        if (labels.Length > 0)
            text.Append('{').Append(labels).Append('}');
        text.Append(' ').Append(Number(value)).Append('\n');
    }

    private static string Labels(MetricSeries series) => string.Join(',', series.Labels.Select(label => $"{label.Key}=\"{Escape(label.Value, quotes: true)}\""));

    private static string Escape(string text, bool quotes)
    {
        text = text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);
        return quotes ? text.Replace("\"", "\\\"", StringComparison.Ordinal) : text;
    }

    private static string Number(double value) => value switch
    {
        double.PositiveInfinity => "+Inf",
        double.NegativeInfinity => "-Inf",
        _ => value.ToString("R", CultureInfo.InvariantCulture),
    };
}
