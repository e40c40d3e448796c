using System.Buffers.Binary;
using System.Text;

namespace Tocsin.Engines.Sqlite.Segments;

/// <summary>Values as keys of a sealed column: bytes that sort as the values do.</summary>
internal static class SegmentKey
{
    /// <summary>Before every text, so that no text at all, the empty key, is not taken for an empty one.</summary>
    private const byte TextMark = 1;

    public static byte[] Of(string? text)
    {
        if (text is null)
            return [];
        var key = new byte[1 + Encoding.UTF8.GetByteCount(text)];
        key[0] = TextMark;
        Encoding.UTF8.GetBytes(text, key.AsSpan(1));
        return key;
    }

    public static byte[] Of(ulong value)
    {
        var key = new byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64BigEndian(key, value);
        return key;
    }

    public static byte[] Of(UInt128 value)
    {
        var key = new byte[16];
        BinaryPrimitives.WriteUInt128BigEndian(key, value);
        return key;
    }

    /// <summary>The text of a key; null for none.</summary>
    public static string? Text(ReadOnlySpan<byte> key) => key.IsEmpty ? null : Encoding.UTF8.GetString(key[1..]);
}
