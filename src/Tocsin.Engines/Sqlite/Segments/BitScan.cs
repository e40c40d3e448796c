using System.Numerics;

namespace Tocsin.Engines.Sqlite.Segments;

/// <summary>Finds set bits in a bitmap of words.</summary>
internal static class BitScan
{
    /// <summary>The nearest set bit, from this one on in a direction; -1 when there is none.</summary>
    public static int Next(ReadOnlySpan<ulong> words, int from, bool ascending)
    {
        var word = from / 64;
        var bits = words[word] & (ascending ? ulong.MaxValue << (from % 64) : ulong.MaxValue >> (63 - (from % 64)));
        while (bits == 0)
        {
            word += ascending ? 1 : -1;
            if ((uint)word >= (uint)words.Length)
                return -1;
            bits = words[word];
        }
        return (word * 64) + (ascending ? BitOperations.TrailingZeroCount(bits) : 63 - BitOperations.LeadingZeroCount(bits));
    }
}
