using System.Text;

namespace Tocsin;

/// <summary>
/// Turns UTF-8 into strings, sharing those that repeat (sources, types, people): a direct-mapped cache of fixed size, for one thread at a time.
/// Reading a million events makes one "denial", not a million.
/// </summary>
public sealed class StringCache(int slots = StringCache.DefaultSlots)
{
    /// <summary>Strings that are kept unless a caller asks for fewer.</summary>
    public const int DefaultSlots = 8192;

    private const int MaxCachedBytes = 64;
    private readonly (byte[] Utf8, string Text)[] _slots = new (byte[], string)[slots];

    /// <summary>The string of these bytes; one of at most 64 bytes may be the one that was given before.</summary>
    public string Get(ReadOnlySpan<byte> utf8)
    {
        if (utf8.IsEmpty)
            return "";
        if (utf8.Length > MaxCachedBytes)
            return Encoding.UTF8.GetString(utf8);
        var hash = new HashCode();
        hash.AddBytes(utf8);
        ref var slot = ref _slots[(uint)hash.ToHashCode() % (uint)_slots.Length];
        if (slot.Utf8 is null || !utf8.SequenceEqual(slot.Utf8))
            slot = (utf8.ToArray(), Encoding.UTF8.GetString(utf8));
        return slot.Text;
    }
}
