using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Tocsin.Engines.Postgres;

/// <summary>
/// Texts as PostgreSQL can keep them. It refuses U+0000, which records may hold: U+0000 stands as U+0001 "0", and U+0001 as U+0001 "1". Both the order of
/// texts and what begins with what stay as they are. Half a surrogate pair, which UTF-8 cannot say, becomes U+FFFD.
/// </summary>
internal static class StoredText
{
    private const char Escape = '\u0001';
    private static readonly SearchValues<char> Marked = SearchValues.Create("\0\u0001");

    [return: NotNullIfNotNull(nameof(text))]
    public static string? To(string? text)
    {
        if (text is null)
            return null;
        if (text.AsSpan().IndexOfAnyInRange('\uD800', '\uDFFF') >= 0)
            text = Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text));
        if (text.AsSpan().IndexOfAny(Marked) < 0)
            return text;
        var stored = new StringBuilder(text.Length + 8);
        foreach (var c in text)
            _ = c <= Escape ? stored.Append(Escape).Append((char)('0' + c)) : stored.Append(c);
        return stored.ToString();
    }

    public static string From(string stored)
    {
        if (!stored.Contains(Escape))
            return stored;
        var text = new StringBuilder(stored.Length);
        for (var i = 0; i < stored.Length; i++)
            text.Append(stored[i] == Escape && i + 1 < stored.Length ? (char)(stored[++i] - '0') : stored[i]);
        return text.ToString();
    }
}
