namespace Tocsin.Collect.Reading;

/// <summary>Finds what a mistyped word was meant to be.</summary>
internal static class Suggestion
{
    /// <summary>A longer word is no typing error, and comparing costs its length squared.</summary>
    private const int MaxLength = 64;

    /// <summary>The closest of <paramref name="known"/>; null when none is close.</summary>
    public static string? For(string written, IEnumerable<string> known)
    {
        if (written.Length > MaxLength)
            return null;
        var word = written.ToLowerInvariant().Replace('-', '_');
        var (closest, distance) = known.Select(name => (name, Distance(word, name))).DefaultIfEmpty(("", int.MaxValue)).MinBy(pair => pair.Item2);
        return distance <= Math.Max(1, Math.Min(word.Length, closest.Length) / 2) && distance <= 3 ? closest : null;
    }

    private static int Distance(string a, string b)
    {
        var above = Enumerable.Range(0, b.Length + 1).ToArray();
        for (var i = 1; i <= a.Length; i++)
        {
            var row = new int[b.Length + 1];
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
                row[j] = Math.Min(Math.Min(row[j - 1], above[j]) + 1, above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1));
            above = row;
        }
        return above[b.Length];
    }
}
