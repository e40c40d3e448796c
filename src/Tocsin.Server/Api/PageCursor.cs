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

    private static ReadOnlySpan<byte> Hash(string filter) => SHA256.HashData(Encoding.UTF8.GetBytes(filter)).AsSpan(0, HashBytes);
}
