using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;

namespace Tocsin;

/// <summary>
/// The id of an event: a UUID (RFC 9562). Version 8, made from a dedupe key, when the sender or the upstream gives the
/// record an identity; version 7, made from the clock, when it does not. A repeat of a keyed record therefore has the
/// same id on every node, and the index on ids is the index that dedupes.
/// </summary>
public readonly record struct EventId(Guid Value) : IComparable<EventId>
{
    /// <summary>Bytes of an id as stored, big-endian.</summary>
    public const int SizeInBytes = 16;

    /// <summary>Random bytes in an id that is made from the clock.</summary>
    public const int RandomBytes = 10;

    /// <summary>True when the id was made from a dedupe key, so that a second event with it is a repeat.</summary>
    public bool IsKeyed => Value.Version == 8;

    /// <summary>An id without a key, ordered by <paramref name="now"/>.</summary>
    public static EventId Create(DateTimeOffset now) => new(Guid.CreateVersion7(now));

    /// <summary>As <see cref="Create(DateTimeOffset)"/>, with randomness the caller has at hand: asking the system for each id costs more than all the rest.</summary>
    /// <param name="now">Its milliseconds since 1970 order the ids.</param>
    /// <param name="random">At least <see cref="RandomBytes"/> bytes, used for this id alone.</param>
    public static EventId Create(DateTimeOffset now, ReadOnlySpan<byte> random)
    {
        Span<byte> bytes = stackalloc byte[SizeInBytes];
        BinaryPrimitives.WriteInt64BigEndian(bytes, now.ToUnixTimeMilliseconds() << 16);
        random[..RandomBytes].CopyTo(bytes[6..]);
        bytes[6] = (byte)((bytes[6] & 0x0F) | 0x70);
        bytes[8] = (byte)((bytes[8] & 0x3F) | 0x80);
        return FromBytes(bytes);
    }

    /// <summary>
    /// As <see cref="Create(DateTimeOffset, ReadOnlySpan{byte})"/>, but such that a second event with it is a repeat: for what may come to the journal twice though
    /// nobody but the door gave it an identity.
    /// </summary>
    public static EventId CreateKeyed(DateTimeOffset now, ReadOnlySpan<byte> random)
    {
        Span<byte> bytes = stackalloc byte[SizeInBytes];
        Create(now, random).WriteTo(bytes);
        return FromKey(bytes);
    }

    /// <summary>The id of a dedupe key: the first 128 bits of <paramref name="hash"/> with version 8 and the RFC's variant.</summary>
    public static EventId FromKey(ReadOnlySpan<byte> hash)
    {
        Span<byte> bytes = stackalloc byte[SizeInBytes];
        hash[..SizeInBytes].CopyTo(bytes);
        bytes[6] = (byte)((bytes[6] & 0x0F) | 0x80);
        bytes[8] = (byte)((bytes[8] & 0x3F) | 0x80);
        return FromBytes(bytes);
    }

    /// <summary>Reads the stored form.</summary>
    public static EventId FromBytes(ReadOnlySpan<byte> bytes) => new(new Guid(bytes, bigEndian: true));

    /// <summary>Reads the text form, 36 characters with hyphens.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out EventId id)
    {
        var ok = Guid.TryParseExact(text, "D", out var value);
        id = new EventId(value);
        return ok;
    }

    /// <summary>Writes the stored form.</summary>
    public void WriteTo(Span<byte> destination) => Value.TryWriteBytes(destination, bigEndian: true, out _);

    public int CompareTo(EventId other) => Value.CompareTo(other.Value);

    public override string ToString() => Value.ToString("D");

    public static bool operator <(EventId left, EventId right) => left.CompareTo(right) < 0;
    public static bool operator >(EventId left, EventId right) => left.CompareTo(right) > 0;
    public static bool operator <=(EventId left, EventId right) => left.CompareTo(right) <= 0;
    public static bool operator >=(EventId left, EventId right) => left.CompareTo(right) >= 0;
}
