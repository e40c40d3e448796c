namespace Tocsin.Collect;

/// <summary>What <c>config check</c> prints: a line for each mistake, and how many there are.</summary>
public static class ConfigReport
{
    /// <summary>The lines, separated by <c>\n</c> and ended by one; empty when there is no mistake.</summary>
    public static string Format(IReadOnlyList<ConfigError> errors)
    {
        if (errors.Count == 0)
            return "";
        var files = errors.Select(error => error.File).Distinct(StringComparer.Ordinal).Count();
        var total = $"{Count(errors.Count, "mistake")} in {Count(files, "file")}";
        return string.Join('\n', errors.Select(error => error.ToString()).Append(total)) + "\n";
    }

    private static string Count(int number, string noun) => number == 1 ? $"1 {noun}" : $"{number} {noun}s";
}
