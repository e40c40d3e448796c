using System.IO.Compression;
using Microsoft.AspNetCore.Http;

namespace Tocsin.MockUpstream;

/// <summary>Answers whose bytes are not what they should be, sent without a fault.</summary>
internal static class SpoiledBody
{
    /// <summary>Levels of deep_json; any reader has a limit far below.</summary>
    internal const int DeepLevels = 200_000;

    /// <summary>What bad_gzip leaves out at the end: the checksum, the length, and some of the data.</summary>
    private const int CutBytes = 20;

    /// <summary>The checksum stands before the length, four bytes each (RFC 1952, 2.3.1).</summary>
    private const int ChecksumFromEnd = 8;

    internal static Answer Of(Answer answer, FaultDraw draw) => draw.Name switch
    {
        // says what was wrong with the question; there is nothing in it to spoil
        _ when answer.Status != StatusCodes.Status200OK => answer,
        Fault.Malformed => answer.Cut(answer.Length / 2),
        Fault.WrongRoot => answer.First(1) is [(byte)'{'] ? Around("["u8, answer, "]"u8) : Around("{\"unexpected\": "u8, answer, "}"u8),
        Fault.Nan => WithFirst(answer, "{\"id\": NaN, \"criticality\": Infinity, \"priority\": NaN, \"timestamp\": -Infinity}"u8),
        Fault.BadUtf8 => WithFirst(answer, [.. "{\"id\": \"extra-"u8, .. NoUtf8, .. "\", \"priority\": \""u8, .. NoUtf8, .. "\"}, "u8, .. StrangeText()]),
        Fault.Bom => Around([0xEF, 0xBB, 0xBF], answer, []),
        Fault.DeepJson => WithFirst(answer, Deep()),
        Fault.BadGzip => BadlyPacked(answer, draw.Salt),
        _ => answer,
    };

    /// <summary>A lone lead byte, a lone trail byte, and an overlong form.</summary>
    private static ReadOnlySpan<byte> NoUtf8 => [0xFF, 0x80, 0xC0, 0xAF];

    /// <summary>An alert that is right but for its text.</summary>
    private static byte[] StrangeText() =>
    [
        .. "{\"id\": \"extra-std-utf8\", \"source\": \"firewall\", \"severity\": \"high\", \"description\": \""u8, .. NoUtf8,
        .. "\", \"src_ip\": \"10.0.0.1\", \"dst_ip\": \"192.0.2.1\", \"created_at\": \"2026-01-01T00:00:00.000Z\", \"version\": 1}"u8,
    ];

    private static byte[] Deep()
    {
        var deep = new byte[DeepLevels * 2];
        deep.AsSpan(0, DeepLevels).Fill((byte)'[');
        deep.AsSpan(DeepLevels).Fill((byte)']');
        return deep;
    }

    /// <summary>With one more item before the others; a recorded answer, which has no head to go on from, gets into an array after it.</summary>
    private static Answer WithFirst(Answer answer, ReadOnlySpan<byte> item)
    {
        ReadOnlySpan<byte> separator = answer.Items.Length > 0 ? RecordRange.Separator : [];
        return answer.Head.Span switch
        {
            [] => Around([.. "["u8, .. item, .. separator], answer, "]"u8),
            [.., (byte)'['] head => answer with { Head = (byte[])[.. head, .. item, .. separator] },
            // the people by address: one more that has none
            var head => answer with { Head = (byte[])[.. head, .. "\"extra\": ["u8, .. item, .. "]"u8, .. separator] },
        };
    }

    private static Answer Around(ReadOnlySpan<byte> before, Answer answer, ReadOnlySpan<byte> after) => answer with
    {
        Head = (byte[])[.. before, .. answer.Head.Span],
        Tail = (byte[])[.. answer.Tail.Span, .. after],
    };

    private static Answer BadlyPacked(Answer answer, int salt)
    {
        // no gzip at all: the plain bytes
        if (salt % 3 == 2 || answer.Length == 0)
            return answer;
        var packed = Gzip.Pack(CompressionLevel.Fastest, answer.Head.Span, answer.Items.Span, answer.Tail.Span);
        if (salt % 3 == 0)
            packed = packed[..^CutBytes];
        else
            packed[^ChecksumFromEnd] ^= 0xFF;
        return answer with { Head = default, Items = packed, Tail = default };
    }
}
