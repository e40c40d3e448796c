namespace Tocsin.Engines.Postgres;

/// <summary>The place of an event in time and in the journal as two numbers that sort as it does: the ticks, then nanoseconds past them with the sequence.</summary>
internal readonly record struct EventKey(long Ticks, long Tie)
{
    private const int SequenceBits = 56;

    /// <summary>The greatest sequence a key can say.</summary>
    public const long MaxSequence = (1L << SequenceBits) - 1;

    public long Sequence => Tie & MaxSequence;

    /// <summary>The instant; digits that came in are not told.</summary>
    public EventTime Time => EventTime.FromStored(Ticks, 900 + (int)(Tie >> SequenceBits));

    public static EventKey Of(EventTime time, long sequence) => new(time.UnixTicks, ((long)time.SubTickNanoseconds << SequenceBits) | Math.Min(sequence, MaxSequence));

    /// <summary>The address as 16 bytes that sort as it does; null when the text is none.</summary>
    public static Guid? Address(string? text) => text is not null && IpRange.TryAddress(text, out var address) ? Address(address) : null;

    public static Guid Address(UInt128 address)
    {
        Span<byte> bytes = stackalloc byte[16];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt128BigEndian(bytes, address);
        return new Guid(bytes, bigEndian: true);
    }
}
