namespace Tocsin.Engines.Sqlite.Segments;

/// <summary>
/// A Bloom filter over the ids of one partition, all bits of an id within one 64-byte block (Putze, Sanders, Singler 2007): says "surely
/// not here" with one memory access, so that a new event does not search every partition's ids. About 1 in 300 answers is "maybe" for
/// nothing.
/// </summary>
internal sealed class IdFilter(int ids)
{
    private const int BlockBytes = 64;
    private const int BitsPerId = 16;
    private const int Probes = 7;
    private readonly byte[] _bits = new byte[Math.Max(1, ((ids * BitsPerId / 8) + BlockBytes - 1) / BlockBytes) * BlockBytes];

    /// <summary>The stored form.</summary>
    public ReadOnlySpan<byte> Bytes => _bits;

    public void Add(UInt128 id)
    {
        var (block, probes) = Place(id, _bits.Length);
        for (var i = 0; i < Probes; i++, probes >>= 9)
            _bits[block + (int)((probes & 511) >> 3)] |= (byte)(1 << (int)(probes & 7));
    }

    /// <summary>False when the id is surely not among those of a stored filter.</summary>
    public static bool MayContain(ReadOnlySpan<byte> stored, UInt128 id)
    {
        var (block, probes) = Place(id, stored.Length);
        for (var i = 0; i < Probes; i++, probes >>= 9)
            if ((stored[block + (int)((probes & 511) >> 3)] & (1 << (int)(probes & 7))) == 0)
                return false;
        return true;
    }

    // Keyed ids are hashes already. The clock of a version 7 id sits in its first half, so both halves are mixed (splitmix64's finaliser).
    private static (int Block, ulong Probes) Place(UInt128 id, int length)
    {
        var high = Mix((ulong)(id >> 64) ^ (ulong)id);
        var low = Mix(high + 0x9E3779B97F4A7C15);
        return ((int)(high % (ulong)(length / BlockBytes)) * BlockBytes, low);
    }

    private static ulong Mix(ulong value)
    {
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
        return value ^ (value >> 31);
    }
}
