using System.Globalization;

namespace Tocsin.Benchmarks.Dashboard;

/// <summary>A small table: what was measured, how often, and where its values lie.</summary>
internal sealed class Figures(TextWriter output, string unit)
{
    private const int NameWidth = 46;

    public void Head() => output.WriteLine($"{"",-NameWidth} {"runs",4} {"min",8} {"median",8} {"p95",8} {"max",8}  {unit}");

    /// <summary>Prints a line; gives the median.</summary>
    public double Add(string name, IEnumerable<double> values, string note = "", string format = "F0")
    {
        double[] sorted = [.. values.Order()];
        if (sorted.Length == 0)
            return 0;
        string At(double share) => sorted[Math.Max(0, (int)Math.Ceiling(sorted.Length * share) - 1)].ToString(format, CultureInfo.InvariantCulture);
        output.WriteLine($"{name,-NameWidth} {sorted.Length,4} {At(0),8} {At(0.5),8} {At(0.95),8} {At(1),8}  {note}".TrimEnd());
        return sorted[Math.Max(0, (int)Math.Ceiling(sorted.Length * 0.5) - 1)];
    }
}
