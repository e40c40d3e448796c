using System.Buffers.Binary;
using System.Text.Unicode;

namespace Tocsin.Engines.RabbitMq;

/// <summary>Reads what <see cref="MessageWriter"/> wrote. Throws <see cref="InvalidDataException"/> where the bytes are something else.</summary>
internal ref struct MessageReader(ReadOnlySpan<byte> bytes)
{
    private ReadOnlySpan<byte> _rest = bytes;

    public readonly bool IsAtEnd => _rest.IsEmpty;

    public byte Byte() => Take(1)[0];

    public ulong Number()
    {
        ulong value = 0;
        for (var shift = 0; shift < 64; shift += 7)
        {
            var next = Byte();
            value |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80)
                return value;
        }
        throw new InvalidDataException("a number has no end");
    }

    /// <summary>A number that counts something, at most this much.</summary>
    public int Count(int max) => Number() is var value && value <= (ulong)max ? (int)value : throw new InvalidDataException($"a count is over {max}");

    public long Fixed() => BinaryPrimitives.ReadInt64LittleEndian(Take(sizeof(long)));

    public EventId Id() => EventId.FromBytes(Take(EventId.SizeInBytes));

    public string? Text(StringCache words)
    {
        var length = Number();
        if (length == 0)
            return null;
        var text = Take(length - 1);
        return Utf8.IsValid(text) ? words.Get(text) : throw new InvalidDataException("a text is not UTF-8");
    }

    public string RequiredText(StringCache words) => Text(words) ?? throw new InvalidDataException("a text is missing");

    public ReadOnlySpan<byte> Bytes() => Take(Number());

    private ReadOnlySpan<byte> Take(ulong length)
    {
        if (length > (ulong)_rest.Length)
            throw new InvalidDataException("it ends too early");
        var taken = _rest[..(int)length];
        _rest = _rest[(int)length..];
        return taken;
    }
}
