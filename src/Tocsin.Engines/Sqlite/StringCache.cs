using System.Text;

namespace Tocsin.Engines.Sqlite;

/// <summary>
/// Turns UTF-8 from the database into strings, sharing those that repeat (sources, types, people): a direct-mapped cache of fixed size,
/// for one thread at a time. Reading a million events makes one "denial", not a million.
/// </summary>
internal sealed class StringCache
{
    private const int Slots = 8192;
    private const int MaxCachedBytes = 64;
    private readonly (byte[] Utf8, string Text)[] _slots = new (byte[], string)[Slots];

    public string Get(ReadOnlySpan<byte> utf8)
    {
        if (utf8.IsEmpty)
            return "";
        if (utf8.Length > MaxCachedBytes)
            return Encoding.UTF8.GetString(utf8);
        var hash = new HashCode();
        hash.AddBytes(utf8);
        ref var slot = ref _slots[(uint)hash.ToHashCode() % Slots];
        if (slot.Utf8 is null || !utf8.SequenceEqual(slot.Utf8))
            slot = (utf8.ToArray(), Encoding.UTF8.GetString(utf8));
        return slot.Text;
    }
}
