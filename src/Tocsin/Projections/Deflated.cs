using System.Buffers.Binary;
using System.IO.Compression;

namespace Tocsin.Projections;

/// <summary>
/// A run of bytes compressed on its own such that runs can be put one behind the other: raw deflate blocks that end on a byte and do not
/// say that they are the last. With the CRC-32 and length that a gzip trailer over all of them is made from.
/// </summary>
internal sealed record Deflated(byte[] Bytes, uint Crc, long Length)
{
    private const int HeaderBytes = 10;
    private const int TrailerBytes = 8;

    /// <summary>Close to <c>gzip -6</c> in size, measured in docs/benchmarks.md.</summary>
    private static readonly ZLibCompressionOptions Options = new() { CompressionLevel = 6 };

    /// <summary>The header of a gzip stream without name and time.</summary>
    public static ReadOnlyMemory<byte> GzipHeader { get; } = new byte[] { 0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0xFF };

    /// <summary>Compresses the parts as one run.</summary>
    public static Deflated From(IEnumerable<ReadOnlyMemory<byte>> parts)
    {
        using var output = new MemoryStream();
        long length = 0;
        int end;
        using (var gzip = new GZipStream(output, Options, leaveOpen: true))
        {
            foreach (var part in parts)
            {
                gzip.Write(part.Span);
                length += part.Length;
            }
            gzip.Flush();
            end = (int)output.Length;
        }
        // The stream has just computed the checksum, with vector instructions: take it from the trailer.
        var all = output.GetBuffer().AsSpan(0, (int)output.Length);
        return new Deflated(all[HeaderBytes..end].ToArray(), BinaryPrimitives.ReadUInt32LittleEndian(all[^TrailerBytes..]), length);
    }

    /// <summary>One gzip stream of one member over all runs.</summary>
    public static BoardBody Gzip(IReadOnlyCollection<Deflated> runs)
    {
        uint crc = 0;
        uint length = 0;
        var fragments = new List<ReadOnlyMemory<byte>>(runs.Count + 2) { GzipHeader };
        foreach (var run in runs)
        {
            crc = Crc32.Combine(crc, run.Crc, run.Length);
            length = unchecked(length + (uint)run.Length);
            fragments.Add(run.Bytes);
        }
        fragments.Add(Trailer(crc, length));
        return new BoardBody(fragments);
    }

    private static byte[] Trailer(uint crc, uint length)
    {
        var trailer = new byte[2 + TrailerBytes];
        trailer[0] = 3; // the last block, empty
        BinaryPrimitives.WriteUInt32LittleEndian(trailer.AsSpan(2), crc);
        BinaryPrimitives.WriteUInt32LittleEndian(trailer.AsSpan(6), length);
        return trailer;
    }
}
