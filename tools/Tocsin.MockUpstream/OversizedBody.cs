using System.IO.Compression;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace Tocsin.MockUpstream;

/// <summary>Answers that are more than anybody should read.</summary>
internal static class OversizedBody
{
    internal const long BigBytes = 100L << 20;
    internal const long BombBytes = 1L << 30;

    private static readonly Lazy<byte[]> Bomb = new(MakeBomb);

    internal static async Task SendBigAsync(HttpContext context, CancellationToken ct)
    {
        var head = "{\"results\": [{}"u8.ToArray();
        var filler = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat(", {\"priority\": 1}", 4096)));
        var tail = "]}"u8.ToArray();
        var repeats = (BigBytes - head.Length - tail.Length) / filler.Length;
        var padding = BigBytes - head.Length - tail.Length - repeats * filler.Length;
        context.Response.ContentType = Answer.Json;
        context.Response.ContentLength = BigBytes;
        await context.Response.Body.WriteAsync(head, ct);
        for (var i = 0; i < repeats; i++)
            await context.Response.Body.WriteAsync(filler, ct);
        await context.Response.Body.WriteAsync(Encoding.UTF8.GetBytes(new string(' ', (int)padding)), ct);
        await context.Response.Body.WriteAsync(tail, ct);
    }

    internal static async Task SendBombAsync(HttpContext context, CancellationToken ct)
    {
        context.Response.Headers.ContentEncoding = "gzip";
        context.Response.ContentType = Answer.Json;
        context.Response.ContentLength = Bomb.Value.Length;
        await context.Response.Body.WriteAsync(Bomb.Value, ct);
    }

    /// <summary>Gzip allows members one after the other (RFC 1952, 2.2), so one MiB is compressed once and not 1,024 times.</summary>
    private static byte[] MakeBomb()
    {
        const int MemberBytes = 1 << 20;
        var spaces = Gzip.Pack(CompressionLevel.SmallestSize, Encoding.UTF8.GetBytes(new string(' ', MemberBytes)));
        using var bomb = new MemoryStream();
        bomb.Write(Gzip.Pack(CompressionLevel.SmallestSize, "{\"results\": ["u8));
        for (var i = 0L; i < BombBytes / MemberBytes; i++)
            bomb.Write(spaces);
        bomb.Write(Gzip.Pack(CompressionLevel.SmallestSize, "]}"u8));
        return bomb.ToArray();
    }
}

/// <summary>Bytes as one gzip member.</summary>
internal static class Gzip
{
    internal static byte[] Pack(CompressionLevel level, ReadOnlySpan<byte> bytes) => Pack(level, bytes, [], []);

    internal static byte[] Pack(CompressionLevel level, ReadOnlySpan<byte> first, ReadOnlySpan<byte> second, ReadOnlySpan<byte> third)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, level))
        {
            gzip.Write(first);
            gzip.Write(second);
            gzip.Write(third);
        }

        return packed.ToArray();
    }
}
