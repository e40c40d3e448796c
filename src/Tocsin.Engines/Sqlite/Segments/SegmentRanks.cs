using System.Runtime.InteropServices;

namespace Tocsin.Engines.Sqlite.Segments;

/// <summary>The ranks of the rows that have one value: a sorted list of 32-bit numbers, or a bitmap where that is shorter.</summary>
internal readonly ref struct SegmentRanks
{
    private const int WordBytes = sizeof(ulong);
    private readonly ReadOnlySpan<byte> _stored;

    public SegmentRanks(ReadOnlySpan<byte> stored, int count, int rows)
    {
        _stored = stored;
        Count = count;
        HoldsBits = IsBitmap(count, rows);
    }

    public int Count { get; }

    public bool HoldsBits { get; }

    public ReadOnlySpan<ulong> Words => MemoryMarshal.Cast<byte, ulong>(_stored);

    public ReadOnlySpan<uint> List => MemoryMarshal.Cast<byte, uint>(_stored)[..Count];

    public static bool IsBitmap(int count, int rows) => count > rows / 32;

    public static int BytesOf(int count, int rows) =>
        IsBitmap(count, rows) ? WordsOf(rows) * WordBytes : ((count * sizeof(uint)) + WordBytes - 1) / WordBytes * WordBytes;

    public static int WordsOf(int rows) => (rows + 63) / 64;

    /// <summary>Sets the bits of these ranks.</summary>
    public void AddTo(Span<ulong> bits)
    {
        if (HoldsBits)
        {
            var words = Words;
            for (var i = 0; i < bits.Length; i++)
                bits[i] |= words[i];
            return;
        }
        foreach (var rank in List)
            bits[(int)(rank / 64)] |= 1UL << (int)(rank % 64);
    }
}
