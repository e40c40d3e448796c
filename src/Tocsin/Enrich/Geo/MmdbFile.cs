using System.Buffers.Binary;

namespace Tocsin.Enrich.Geo;

/// <summary>
/// A MaxMind DB file (format 2.0) in memory: a binary tree of address bits whose leaves lead to records. What is wrong with a file is found when it
/// is read, as far as that takes bounded time; a look-up stays inside the file and ends soon, whatever its bytes say.
/// </summary>
/// <remarks>No library: of those there are none read from one array, without allocation, and refuse every broken file before it is used.</remarks>
internal sealed class MmdbFile
{
    /// <summary>The largest file that is read, 1 GiB: it is held in memory. Country databases have some 8 MiB.</summary>
    public const int MaxBytes = 1 << 30;

    /// <summary>Zeros between the tree and the data.</summary>
    private const int SeparatorBytes = 16;

    /// <summary>Values that are looked at before a file is used, some 0.3 s; what lies behind is found out by the look-up that meets it.</summary>
    private const int MaxValuesChecked = 50_000_000;

    private static readonly UInt128 MappedV4 = new(0, 0xFFFF_0000_0000);
    private readonly byte[] _bytes;
    private readonly uint _nodeCount;
    private readonly int _recordBits;
    private readonly int _nodeBytes;
    private readonly uint _v4Root;

    private MmdbFile(byte[] bytes, MmdbMetadata metadata, MmdbSection data)
    {
        (_bytes, Metadata, Data) = (bytes, metadata, data);
        (_nodeCount, _recordBits, _nodeBytes) = (metadata.NodeCount, metadata.RecordBits, metadata.RecordBits / 4);
        _v4Root = metadata.IpVersion == 4 ? 0 : Walk(Walk(0, 0, 64), 0, 32);
    }

    public MmdbMetadata Metadata { get; }

    /// <summary>Where the records stand.</summary>
    public MmdbSection Data { get; }

    /// <summary>Takes a file over; or says what is wrong with it, as the end of a sentence that begins with its name.</summary>
    public static (MmdbFile? File, string? Error) Read(byte[] bytes)
    {
        var tail = Math.Max(0, bytes.Length - MmdbMetadata.MaxBytes);
        var marker = bytes.AsSpan(tail).LastIndexOf(MmdbMetadata.Marker);
        if (marker < 0)
            return (null, "it is no MaxMind DB file: the marker of its metadata is missing");
        var dataEnd = tail + marker;
        var (metadata, error) = MmdbMetadata.Read(new MmdbSection(bytes, dataEnd + MmdbMetadata.Marker.Length, bytes.Length));
        if (metadata is null)
            return (null, error);
        var tree = metadata.NodeCount * (long)(metadata.RecordBits / 4);
        if (tree + SeparatorBytes > dataEnd)
            return (null, "its tree of addresses is longer than the file: it was cut, or its metadata is wrong");
        if (bytes.AsSpan((int)tree, SeparatorBytes).ContainsAnyExcept((byte)0))
            return (null, "between its tree of addresses and its data something else stands");
        var file = new MmdbFile(bytes, metadata, new MmdbSection(bytes, (int)tree + SeparatorBytes, dataEnd));
        if (file.Height(0, metadata.IpVersion == 4 ? 32 : 128, new byte[metadata.NodeCount]) < 0)
            return (null, "its tree of addresses does not end: a node in it leads back");
        return file.Defect() is { } defect ? (null, defect) : (file, null);
    }

    /// <summary>Where the record of an address begins; 0 when there is none.</summary>
    public int Find(UInt128 address)
    {
        if ((address >> 32) == (MappedV4 >> 32))
            return Place(Walk(_v4Root, (ulong)address << 32, 32));
        return Metadata.IpVersion == 4 ? 0 : Place(Walk(Walk(0, (ulong)(address >> 64), 64), (ulong)address, 64));
    }

    /// <summary>Where the records begin that the tree leads to, each as often as it does.</summary>
    public IEnumerable<int> Places()
    {
        for (uint node = 0; node < _nodeCount; node++)
            for (uint side = 0; side < 2; side++)
                if (Place(Record(node, side)) is var place and not 0)
                    yield return place;
    }

    /// <summary>Looks at every node and at every record once. In the order in which they stand, so that no shape of the tree makes it long.</summary>
    private string? Defect()
    {
        var seen = new ulong[(Data.Length / 64) + 1];
        var left = MaxValuesChecked;
        for (uint node = 0; node < _nodeCount; node++)
            for (uint side = 0; side < 2; side++)
            {
                var record = Record(node, side);
                if (record <= _nodeCount)
                    continue;
                var at = Place(record);
                if (at == 0)
                    return "its tree of addresses leads out of the file";
                ref var word = ref seen[(at - Data.Start) >> 6];
                var bit = 1UL << ((at - Data.Start) & 63);
                if ((word & bit) != 0 || left <= 0)
                    continue;
                word |= bit;
                var budget = MmdbSection.MaxValues;
                if (!Data.Check(ref at, 0, ref budget))
                    return "a record in it cannot be read";
                left -= MmdbSection.MaxValues - budget;
            }
        return null;
    }

    /// <summary>
    /// How many bits of an address the tree below a node asks for; negative when more than <paramref name="most"/>, or when it goes in circles. Each node is
    /// looked at once: several may lead to it, as to the part of IPv4.
    /// </summary>
    private int Height(uint node, int most, byte[] known)
    {
        if (node >= _nodeCount)
            return 0;
        if (known[node] == 0)
        {
            var left = most == 0 ? -1 : Height(Record(node, 0), most - 1, known);
            var right = left < 0 ? -1 : Height(Record(node, 1), most - 1, known);
            if (right < 0)
                return -1;
            known[node] = (byte)(Math.Max(left, right) + 1);
        }
        return known[node] <= most ? known[node] : -1;
    }

    /// <summary>Goes down the tree by the first of these bits: a leaf, or the node at which they end.</summary>
    private uint Walk(uint node, ulong bits, int count)
    {
        for (; count > 0 && node < _nodeCount; count--, bits <<= 1)
            node = Record(node, (uint)(bits >> 63));
        return node;
    }

    private int Place(uint record)
    {
        // The number of a node, and of no node, is no place; nor are those of the zeros before the data.
        var offset = (long)record - _nodeCount - SeparatorBytes;
        return offset >= 0 && offset < Data.Length ? Data.Start + (int)offset : 0;
    }

    /// <summary>Four bytes are read also where a record has three: behind the tree stand 16 more.</summary>
    private uint Record(uint node, uint side)
    {
        var at = node * (long)_nodeBytes;
        switch (_recordBits)
        {
            case 24:
                return Four(at + (side * 3)) >> 8;
            case 28:
                var four = Four(at + (side * 3));
                return side == 0 ? (four >> 8) | ((four & 0xF0) << 20) : four & 0x0FFF_FFFF;
            default:
                return Four(at + (side * 4));
        }
    }

    private uint Four(long at) => BinaryPrimitives.ReadUInt32BigEndian(_bytes.AsSpan((int)at));
}
