using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace Tocsin.Engines.RabbitMq;

/// <summary>Writes a message's bytes: whole numbers in as few bytes as they need, texts and records with their length before them.</summary>
internal sealed class MessageWriter : IDisposable
{
    private byte[] _bytes = ArrayPool<byte>.Shared.Rent(4096);
    private int _length;

    /// <summary>What was written; good until this is disposed.</summary>
    public ReadOnlyMemory<byte> Written => _bytes.AsMemory(0, _length);

    public void Byte(byte value) => Take(1)[0] = value;

    public void Number(ulong value)
    {
        var into = Reserve(10);
        var length = 0;
        for (; value >= 0x80; value >>= 7)
            into[length++] = (byte)(value | 0x80);
        into[length++] = (byte)value;
        _length += length;
    }

    public void Fixed(long value) => BinaryPrimitives.WriteInt64LittleEndian(Take(sizeof(long)), value);

    public void Id(EventId id) => id.WriteTo(Take(EventId.SizeInBytes));

    /// <summary>A text, or null: 0 stands for null, so that an empty one is another.</summary>
    public void Text(string? text)
    {
        if (text is null)
        {
            Byte(0);
            return;
        }
        Number((ulong)Encoding.UTF8.GetByteCount(text) + 1);
        _length += Encoding.UTF8.GetBytes(text, Reserve(Encoding.UTF8.GetMaxByteCount(text.Length)));
    }

    public void Bytes(ReadOnlySpan<byte> bytes)
    {
        Number((ulong)bytes.Length);
        bytes.CopyTo(Take(bytes.Length));
    }

    public void Dispose()
    {
        ArrayPool<byte>.Shared.Return(_bytes);
        _bytes = [];
    }

    private Span<byte> Take(int length)
    {
        var taken = Reserve(length)[..length];
        _length += length;
        return taken;
    }

    private Span<byte> Reserve(int length)
    {
        if (_bytes.Length - _length < length)
        {
            var larger = ArrayPool<byte>.Shared.Rent(Math.Max(_bytes.Length * 2, _length + length));
            _bytes.AsSpan(0, _length).CopyTo(larger);
            ArrayPool<byte>.Shared.Return(_bytes);
            _bytes = larger;
        }
        return _bytes.AsSpan(_length);
    }
}
