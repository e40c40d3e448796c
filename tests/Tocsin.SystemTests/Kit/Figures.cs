using System.Globalization;

namespace Tocsin.SystemTests.Kit;

/// <summary>What a test measured: printed with the test, and gathered in the file that TOCSIN_FIGURES names.</summary>
internal static class Figures
{
    public static void Print(FormattableString figure)
    {
        var line = figure.ToString(CultureInfo.InvariantCulture);
        TestContext.Current.TestOutputHelper?.WriteLine($"figure: {line}");
        TestContext.Current.SendDiagnosticMessage("figure: {0}", line);
        if (Environment.GetEnvironmentVariable("TOCSIN_FIGURES") is { Length: > 0 } file)
            File.AppendAllText(file, line + "\n");
    }

    /// <summary>The value below which this share lies.</summary>
    public static double Percentile(IReadOnlyCollection<double> values, double share)
    {
        var sorted = values.Order().ToArray();
        return sorted.Length == 0 ? 0 : sorted[(int)Math.Min(sorted.Length - 1, Math.Ceiling(sorted.Length * share) - 1)];
    }
}
