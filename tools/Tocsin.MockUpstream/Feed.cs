using System.Collections.Immutable;
using Microsoft.AspNetCore.Http;

namespace Tocsin.MockUpstream;

/// <summary>One call of an upstream, as its feed sees it. The root is the address the client asked, as in <c>http://127.0.0.1:9001</c>.</summary>
internal readonly record struct Ask(
    MockConfig Config, FaultDraw Draw, string Root, string Path, IQueryCollection Query, DateTimeOffset Now);

/// <summary>One thing an upstream serves. A feed obeys the faults that concern its records; the others are put on top of its answer.</summary>
internal abstract class Feed
{
    /// <summary>True when the upstream redirects to the path with a slash at its end.</summary>
    internal virtual bool SlashEnded => true;

    internal abstract Answer Answer(in Ask ask);

    /// <summary>The same records in an order that is surely another one, if there are two.</summary>
    private protected static byte[] Shuffled(RecordRange records, int salt)
    {
        var order = Enumerable.Range(0, records.Count).ToArray();
        new Random(salt).Shuffle(order);
        if (order.Length > 1 && order[0] == 0)
            (order[0], order[^1]) = (order[^1], order[0]);
        return RecordRange.Join([.. order.Select(i => records[i])]);
    }

    /// <summary>All the real records as they are, with the strange ones somewhere among them.</summary>
    private protected static byte[] Mixed(RecordRange records, IEnumerable<byte[]> strangers, int salt)
    {
        var random = new Random(salt);
        var all = records.ToList();
        foreach (var stranger in strangers)
            all.Insert(random.Next(all.Count + 1), stranger);
        return RecordRange.Join(all);
    }
}

/// <summary>A body in three pieces, so that the big middle one is never copied.</summary>
internal sealed record Answer(ReadOnlyMemory<byte> Head, ReadOnlyMemory<byte> Items, ReadOnlyMemory<byte> Tail)
{
    private const int ChunkBytes = 64 * 1024;

    internal const string Json = "application/json";

    internal int Status { get; init; } = StatusCodes.Status200OK;

    internal string ContentType { get; init; } = Json;

    /// <summary>Values of the <c>Link</c> header.</summary>
    internal ImmutableArray<string> Links { get; init; } = [];

    internal long Length => (long)Head.Length + Items.Length + Tail.Length;

    /// <summary>Sets status and headers; the length may be another one than that of the answer.</summary>
    internal void Announce(HttpContext context, long length)
    {
        context.Response.StatusCode = Status;
        context.Response.ContentType = ContentType;
        context.Response.ContentLength = length;
        if (Links.Length > 0)
            context.Response.Headers.Link = Links.ToArray();
    }

    internal Task SendAsync(HttpContext context, CancellationToken ct)
    {
        Announce(context, Length);
        return WriteAsync(context.Response.Body, Length, ct);
    }

    /// <summary>The first bytes, as many as there are up to <paramref name="most"/>.</summary>
    internal byte[] First(int most)
    {
        var cut = Cut(Math.Min(most, Length));
        return [.. cut.Head.Span, .. cut.Items.Span, .. cut.Tail.Span];
    }

    /// <summary>The same answer with its first <paramref name="bytes"/> bytes only.</summary>
    internal Answer Cut(long bytes)
    {
        var items = Math.Max(0, bytes - Head.Length);
        return this with
        {
            Head = Head[..(int)Math.Min(bytes, Head.Length)],
            Items = Items[..(int)Math.Min(items, Items.Length)],
            Tail = Tail[..(int)Math.Max(0, items - Items.Length)],
        };
    }

    /// <summary>Writes the first <paramref name="bytes"/> bytes, in chunks so that a slow reader does not buffer all of it.</summary>
    internal async Task WriteAsync(Stream body, long bytes, CancellationToken ct)
    {
        foreach (var piece in (ReadOnlyMemory<byte>[])[Head, Items, Tail])
        {
            for (var at = 0; at < piece.Length && bytes > 0;)
            {
                var chunk = piece.Slice(at, (int)Math.Min(Math.Min(ChunkBytes, piece.Length - at), bytes));
                await body.WriteAsync(chunk, ct);
                at += chunk.Length;
                bytes -= chunk.Length;
            }
        }
    }
}
