using System.Buffers.Binary;

namespace Tocsin.Engines.Sqlite.Segments;

/// <summary>The first bytes of a sealed index: what it is, what it covers, and where its parts are. Little-endian.</summary>
internal sealed record SegmentHeader(int Rows, long FirstSequence, long Horizon, bool HasAmendments, (long Offset, long Length)[] Parts)
{
    public const int Size = 4096;
    public const int Alignment = 64;

    private const ulong Magic = 0x0158_4449_5344_5354;
    private const int FixedBytes = 48;
    private const int PartBytes = 20;
    private const int MaxPart = 128;

    public static byte[] Bytes(int rows, long firstSequence, long horizon, bool hasAmendments, long length, List<(int Part, long Offset, long Length)> parts)
    {
        var header = new byte[Size];
        var at = header.AsSpan();
        BinaryPrimitives.WriteUInt64LittleEndian(at, Magic);
        BinaryPrimitives.WriteInt32LittleEndian(at[8..], rows);
        BinaryPrimitives.WriteInt32LittleEndian(at[12..], parts.Count);
        BinaryPrimitives.WriteInt64LittleEndian(at[16..], firstSequence);
        BinaryPrimitives.WriteInt64LittleEndian(at[24..], horizon);
        BinaryPrimitives.WriteInt64LittleEndian(at[32..], length);
        BinaryPrimitives.WriteInt64LittleEndian(at[40..], hasAmendments ? 1 : 0);
        at = at[FixedBytes..];
        foreach (var (part, offset, bytes) in parts)
        {
            BinaryPrimitives.WriteInt32LittleEndian(at, part);
            BinaryPrimitives.WriteInt64LittleEndian(at[4..], offset);
            BinaryPrimitives.WriteInt64LittleEndian(at[12..], bytes);
            at = at[PartBytes..];
        }
        return header;
    }

    /// <summary>Null when these are not the first bytes of an index that is whole: it is made again from the rows then.</summary>
    public static SegmentHeader? Read(ReadOnlySpan<byte> at, long fileLength)
    {
        if (at.Length < Size || BinaryPrimitives.ReadUInt64LittleEndian(at) != Magic || BinaryPrimitives.ReadInt64LittleEndian(at[32..]) != fileLength)
            return null;
        var count = BinaryPrimitives.ReadInt32LittleEndian(at[12..]);
        if (count is < 0 or > MaxPart || FixedBytes + (count * PartBytes) > Size)
            return null;
        var parts = new (long, long)[MaxPart];
        for (var i = 0; i < count; i++)
        {
            var part = at[(FixedBytes + (i * PartBytes))..];
            var (offset, length) = (BinaryPrimitives.ReadInt64LittleEndian(part[4..]), BinaryPrimitives.ReadInt64LittleEndian(part[12..]));
            var number = BinaryPrimitives.ReadInt32LittleEndian(part);
            if (number < 0 || number >= MaxPart || offset < Size || length < 0 || length > int.MaxValue || offset > fileLength - length)
                return null;
            parts[number] = (offset, length);
        }
        return new SegmentHeader(
            BinaryPrimitives.ReadInt32LittleEndian(at[8..]), BinaryPrimitives.ReadInt64LittleEndian(at[16..]),
            BinaryPrimitives.ReadInt64LittleEndian(at[24..]), BinaryPrimitives.ReadInt64LittleEndian(at[40..]) != 0, parts);
    }
}
