using Microsoft.Extensions.Primitives;
using Tocsin.Projections;

namespace Tocsin.Server.Api;

/// <summary>Content negotiation for the board's kept bytes, without an allocation for the headers that clients really send.</summary>
internal static class BoardEncoding
{
    /// <summary>
    /// Chooses by Accept-Encoding (RFC 9110, 12.5.3): br when wanted and not too large to be made, else gzip, else as it is. With
    /// <paramref name="onlyMade"/> the body is null when it would have to be compressed first.
    /// </summary>
    public static (BoardBody? Body, string? Encoding) Choose(StringValues accept, BoardAnswer answer, bool onlyMade = false)
    {
        if (accept.Count == 0)
            return (answer.Body, null);
        var wish = Wish(accept);
        if (wish == Encoding.Brotli && (onlyMade ? answer.BrotliIfMade : answer.Brotli) is { } brotli)
            return (brotli, "br");
        if (wish == Encoding.Brotli && onlyMade)
            return (null, null);
        return wish is Encoding.Gzip or Encoding.Brotli && Weight(accept, "gzip") > 0
            ? (onlyMade ? answer.GzipIfMade : answer.Gzip, "gzip")
            : (answer.Body, null);
    }

    /// <summary>Each representation has a tag of its own: they are different bytes.</summary>
    public static string ETag(string etag, string? encoding) => encoding is null ? etag : $"{etag[..^1]}-{encoding}\"";

    /// <summary>If-None-Match: a list of tags, weak ones included, or a star.</summary>
    public static bool Matches(StringValues ifNoneMatch, string etag)
    {
        foreach (var line in ifNoneMatch)
            foreach (var range in line.AsSpan().Split(','))
            {
                var tag = line.AsSpan()[range].Trim();
                if (tag.StartsWith("W/", StringComparison.Ordinal))
                    tag = tag[2..];
                if (tag.SequenceEqual("*") || tag.SequenceEqual(etag))
                    return true;
            }
        return false;
    }

    private enum Encoding
    {
        Identity,
        Gzip,
        Brotli,
    }

    private static Encoding Wish(StringValues accept)
    {
        var (gzip, brotli) = (Weight(accept, "gzip"), Weight(accept, "br"));
        if (gzip <= 0 && brotli <= 0)
            return Encoding.Identity;
        return brotli >= gzip ? Encoding.Brotli : Encoding.Gzip;
    }

    private static double Weight(StringValues accept, ReadOnlySpan<char> coding)
    {
        double any = 0;
        foreach (var line in accept)
            foreach (var range in line.AsSpan().Split(','))
            {
                var item = line.AsSpan()[range].Trim();
                var semicolon = item.IndexOf(';');
                var name = (semicolon < 0 ? item : item[..semicolon]).TrimEnd();
                if (name.Equals(coding, StringComparison.OrdinalIgnoreCase))
                    return Quality(item, semicolon);
                if (name.SequenceEqual("*"))
                    any = Quality(item, semicolon);
            }
        return any;
    }

    private static double Quality(ReadOnlySpan<char> item, int semicolon)
    {
        if (semicolon < 0)
            return 1;
        var parameter = item[(semicolon + 1)..].Trim();
        return parameter.StartsWith("q=", StringComparison.OrdinalIgnoreCase)
            && double.TryParse(parameter[2..], System.Globalization.NumberStyles.Float, System.Globalization.CultureInfo.InvariantCulture, out var q) ? q : 1;
    }
}
