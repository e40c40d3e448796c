namespace Tocsin.Projections;

/// <summary>
/// The bytes of an answer. Immutable and thread-safe. Up to <see cref="MaxWholeBytes"/> they are to be had in one array, made when first asked
/// for; larger ones only as the fragments that the board keeps anyway, because a copy of each answer would double the memory.
/// </summary>
public sealed class BoardBody
{
    /// <summary>Larger bodies are never copied into one array.</summary>
    public const int MaxWholeBytes = 32 * 1024 * 1024;

    private readonly IEnumerable<ReadOnlyMemory<byte>> fragments;
    private byte[]? whole;

    internal BoardBody(IEnumerable<ReadOnlyMemory<byte>> fragments, long length)
    {
        this.fragments = fragments;
        Length = length;
    }

    internal BoardBody(IReadOnlyCollection<ReadOnlyMemory<byte>> fragments)
        : this(fragments, fragments.Sum(f => (long)f.Length)) { }

    internal BoardBody(byte[] whole)
    {
        fragments = [whole];
        Length = whole.Length;
        this.whole = whole;
    }

    /// <summary>Bytes of the body, its Content-Length.</summary>
    public long Length { get; }

    /// <summary>The body in one array of exactly its length, the same one each time; null when it is larger than <see cref="MaxWholeBytes"/>.</summary>
    public byte[]? Whole => Length > MaxWholeBytes ? null : Volatile.Read(ref whole) ?? Join();

    /// <summary>The body in order, in pieces of any size.</summary>
    public IEnumerable<ReadOnlyMemory<byte>> Fragments => fragments;

    /// <summary>Writes the body.</summary>
    public async ValueTask WriteToAsync(Stream destination, CancellationToken cancellation)
    {
        foreach (var fragment in fragments)
            await destination.WriteAsync(fragment, cancellation);
    }

    private byte[] Join()
    {
        lock (fragments)
        {
            if (whole is not null)
                return whole;
            var joined = GC.AllocateUninitializedArray<byte>((int)Length);
            var at = 0;
            foreach (var fragment in fragments)
            {
                fragment.Span.CopyTo(joined.AsSpan(at));
                at += fragment.Length;
            }
            Volatile.Write(ref whole, joined);
            return joined;
        }
    }
}
