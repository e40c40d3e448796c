using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace Tocsin.Server.Api;

/// <summary>
/// An opaque cursor: where the last page ended, bound to the filter of the walk (its hash stands in front), so that it cannot be carried
/// into another question unnoticed.
/// </summary>
internal static class PageCursor
{
    private const int HashBytes = 8;
    private const int MaxCharacters = 4_000;
    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    public static string Write(string filter, string after) =>
        Base64Url.EncodeToString([.. Hash(filter), .. Encoding.UTF8.GetBytes(after)]);

    /// <summary>Null and a reason when it is no cursor of this filter.</summary>
    public static string? Read(string cursor, string filter, out string? reason)
    {
        reason = "it is not a cursor that Tocsin gave; take it from the Link header as it stands";
        if (cursor.Length > MaxCharacters || !Base64Url.IsValid(cursor))
            return null;
        var bytes = Base64Url.DecodeFromChars(cursor);
        if (bytes.Length <= HashBytes)
            return null;
        if (!bytes.AsSpan(0, HashBytes).SequenceEqual(Hash(filter)))
        {
            reason = "it belongs to another filter: start again without a cursor, or keep the filter as it was";
            return null;
        }
        try
        {
            var after = StrictUtf8.GetString(bytes.AsSpan(HashBytes));
            reason = null;
            return after;
        }
        catch (DecoderFallbackException)
        {
            return null;
        }
    }

    /// <summary>What a cursor is bound to: every filter as asked (a span before now stays the span), without where and how much.</summary>
    public static string FilterText(QueryString query) => string.Join('&', EventFilterReader.Pairs(query).Where(pair => pair.Name is not ("limit" or "cursor"))
        .Select(pair => $"{Uri.EscapeDataString(pair.Name)}={Uri.EscapeDataString(pair.Value)}").Order(StringComparer.Ordinal));

    /// <summary>The Link header's value that leads to the same question from this cursor on.</summary>
    public static string Link(HttpRequest request, string cursor)
    {
        var query = EventFilterReader.Pairs(request.QueryString).Where(pair => pair.Name != "cursor").Append(("cursor", cursor));
        return $"<{request.Path + QueryString.Create(query.Select(pair => new KeyValuePair<string, string?>(pair.Item1, pair.Item2)))}>; rel=\"next\"";
    }

    private static ReadOnlySpan<byte> Hash(string filter) => SHA256.HashData(Encoding.UTF8.GetBytes(filter)).AsSpan(0, HashBytes);
}
