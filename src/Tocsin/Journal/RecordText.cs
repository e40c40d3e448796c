using System.Text;
using System.Text.Json;

namespace Tocsin.Journal;

/// <summary>Looks for text and values within an event and its record.</summary>
internal static class RecordText
{
    // A record may be as deep as the push door takes them; a pulled one a little deeper.
    private static readonly JsonDocumentOptions Options = new() { MaxDepth = 256 };

    /// <summary>True when the text stands in type, description, user or data, in any case.</summary>
    public static bool Holds(string text, SecurityEvent e) =>
        e.Type.Contains(text, StringComparison.OrdinalIgnoreCase)
        || e.Description?.Contains(text, StringComparison.OrdinalIgnoreCase) == true
        || e.UserId?.Contains(text, StringComparison.OrdinalIgnoreCase) == true
        || HoldsData(text, e.Data.Utf8.Span);

    /// <summary>True when each filter's path leads to one of its values.</summary>
    public static bool Holds(RawRecord data, IReadOnlyList<DataFilter> filters)
    {
        if (data.IsEmpty)
            return false;
        try
        {
            using var document = JsonDocument.Parse(data.Utf8, Options);
            foreach (var filter in filters)
                if (!filter.Path.TryGet(document.RootElement, out var value) || Scalar(value) is not { } text || !filter.Values.Contains(text))
                    return false;
            return true;
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            // A pulled record may hold what is no Unicode (half a surrogate pair): that equals nothing.
            return false;
        }
    }

    private static string? Scalar(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => value.GetString(),
        JsonValueKind.Object or JsonValueKind.Array => null,
        _ => value.GetRawText(),
    };

    private static bool HoldsData(string text, ReadOnlySpan<byte> json)
    {
        // Plain ASCII in a record without escapes, nearly always: the bytes themselves are searched.
        if (Ascii.IsValid(text) && !json.Contains((byte)'\\') && text.AsSpan().IndexOfAny('"', '\\') < 0)
            return ContainsIgnoringCase(json, text);
        if (!json.Contains((byte)'\\'))
            return Encoding.UTF8.GetString(json).Contains(text, StringComparison.OrdinalIgnoreCase);
        return HoldsToken(text, json);
    }

    /// <summary>Looks into every name and value as it reads, its escapes resolved.</summary>
    private static bool HoldsToken(string text, ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = 256 });
        try
        {
            while (reader.Read())
                if (reader.TokenType is JsonTokenType.String or JsonTokenType.PropertyName
                    ? Text(ref reader).Contains(text, StringComparison.OrdinalIgnoreCase)
                    : reader.TokenType is JsonTokenType.Number or JsonTokenType.True or JsonTokenType.False or JsonTokenType.Null
                        && Encoding.UTF8.GetString(reader.ValueSpan).Contains(text, StringComparison.OrdinalIgnoreCase))
                    return true;
        }
        catch (JsonException)
        {
            // Deeper than anything that is accepted: what was read until there did not hold the text.
        }
        return false;
    }

    private static string Text(ref Utf8JsonReader reader)
    {
        try
        {
            return reader.GetString()!;
        }
        catch (InvalidOperationException)
        {
            // A pulled record may hold what is no Unicode (half a surrogate pair): the rest of that text is looked into as it is written.
            return Encoding.UTF8.GetString(reader.ValueSpan);
        }
    }

    private static bool ContainsIgnoringCase(ReadOnlySpan<byte> json, string text)
    {
        Span<byte> wanted = stackalloc byte[text.Length <= 256 ? text.Length : 0];
        if (wanted.Length < text.Length)
            wanted = new byte[text.Length];
        Encoding.ASCII.GetBytes(text, wanted);
        var (low, high) = ((byte)char.ToLowerInvariant(text[0]), (byte)char.ToUpperInvariant(text[0]));
        while (true)
        {
            var at = low == high ? json.IndexOf(low) : json.IndexOfAny(low, high);
            if (at < 0 || json.Length - at < wanted.Length)
                return false;
            if (Ascii.EqualsIgnoreCase(json.Slice(at, wanted.Length), wanted))
                return true;
            json = json[(at + 1)..];
        }
    }
}
