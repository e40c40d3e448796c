namespace Tocsin.Projections;

/// <summary>A growing run of bytes that is written, read as an array, and used again.</summary>
internal sealed class ByteBuffer(int capacity = 256)
{
    private byte[] bytes = new byte[capacity];

    public int Count { get; private set; }

    public byte[] Bytes => bytes;

    public ReadOnlySpan<byte> Written => bytes.AsSpan(0, Count);

    public void Append(ReadOnlySpan<byte> text)
    {
        text.CopyTo(Reserve(text.Length));
        Count += text.Length;
    }

    public void Append(byte value)
    {
        Reserve(1)[0] = value;
        Count++;
    }

    public void Append<T>(T value) where T : IUtf8SpanFormattable
    {
        int written;
        var room = 40;
        while (!value.TryFormat(Reserve(room), out written, default, null))
            room *= 2;
        Count += written;
    }

    /// <summary>Forgets everything after <paramref name="count"/>.</summary>
    public void CutTo(int count) => Count = count;

    /// <summary>Empties it, and lets go of an array larger than <paramref name="keepBytes"/>.</summary>
    public void Clear(int keepBytes)
    {
        Count = 0;
        if (bytes.Length > keepBytes)
            bytes = new byte[256];
    }

    private Span<byte> Reserve(int length)
    {
        if (bytes.Length - Count < length)
            Array.Resize(ref bytes, Math.Max(bytes.Length * 2, Count + length));
        return bytes.AsSpan(Count);
    }
}
