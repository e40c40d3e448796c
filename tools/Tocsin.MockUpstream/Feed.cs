using Microsoft.AspNetCore.Http;

namespace Tocsin.MockUpstream;

/// <summary>One call of an upstream, as its feed sees it.</summary>
internal readonly record struct Ask(MockConfig Config, FaultDraw Draw, IQueryCollection Query, DateTimeOffset Now);

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

    internal int Status { get; init; } = StatusCodes.Status200OK;

    internal long Length => (long)Head.Length + Items.Length + Tail.Length;

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
