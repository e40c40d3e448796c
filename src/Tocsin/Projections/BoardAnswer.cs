using System.IO.Compression;

namespace Tocsin.Projections;

/// <summary>
/// One answer of the board as it was when asked for. Immutable but for <see cref="Sequence"/>, thread-safe; an unchanged board gives the same
/// object again, so that what is compressed for one caller is there for the next.
/// </summary>
public sealed class BoardAnswer
{
    private const int BrotliQuality = 5;

    private readonly Lazy<BoardBody> gzip;
    private readonly Lazy<BoardBody?> brotli;
    private long sequence;

    internal BoardAnswer(BoardBody body, string etag, long sequence, long floor, Func<IReadOnlyCollection<Deflated>>? deflate = null, string? nextAfter = null)
    {
        Body = body;
        ETag = etag;
        this.sequence = sequence;
        Floor = floor;
        NextAfter = nextAfter;
        gzip = new(() => Deflated.Gzip(deflate is null ? [Deflated.From(body.Fragments)] : deflate()));
        brotli = new(() => body.Length > BoardBody.MaxWholeBytes ? null : CompressBrotli(body));
    }

    /// <summary>The JSON, UTF-8.</summary>
    public BoardBody Body { get; }

    /// <summary>A strong entity tag of <see cref="Body"/> with its quotes, equal on every node that has read the same journal.</summary>
    public string ETag { get; }

    /// <summary>
    /// The last sequence of the journal this answer takes into account. It moves on while the answer stays true, so read it once per response.
    /// </summary>
    public long Sequence => Volatile.Read(ref sequence);

    /// <summary>The first sequence considered, when the board holds no more and older ones were cut; 0 when nothing was cut.</summary>
    public long Floor { get; }

    /// <summary>The last employee of this page when there are more of them; null on the last page.</summary>
    public string? NextAfter { get; }

    /// <summary>
    /// The body as one gzip stream, made by the first caller while others wait. Of a whole board only the blocks of employees are compressed
    /// that changed since the last time.
    /// </summary>
    public BoardBody Gzip => gzip.Value;

    /// <summary>The body in Brotli, made like <see cref="Gzip"/> but whole; null when it is larger than <see cref="BoardBody.MaxWholeBytes"/>.</summary>
    public BoardBody? Brotli => brotli.Value;

    /// <summary><see cref="Gzip"/> when somebody had it made already, else null.</summary>
    public BoardBody? GzipIfMade => gzip.IsValueCreated ? gzip.Value : null;

    /// <summary><see cref="Brotli"/> when somebody had it made already, else null.</summary>
    public BoardBody? BrotliIfMade => brotli.IsValueCreated ? brotli.Value : null;

    internal void AdvanceTo(long later) => Volatile.Write(ref sequence, later);

    private static BoardBody CompressBrotli(BoardBody body)
    {
        using var output = new MemoryStream();
        using (var stream = new BrotliStream(output, new BrotliCompressionOptions { Quality = BrotliQuality }, leaveOpen: true))
            foreach (var fragment in body.Fragments)
                stream.Write(fragment.Span);
        return new BoardBody(output.ToArray());
    }
}
