using System.Runtime.InteropServices;

namespace Tocsin.Projections;

/// <summary>
/// One incident of the board without its text: what it is sorted and filtered by, and where its text stands. 32 bytes, a million of
/// them, so small numbers share a word.
/// </summary>
[StructLayout(LayoutKind.Auto)]
internal readonly struct Row
{
    private const int PriorityBits = 3;
    private const int SubTickBits = 7;
    private const int LengthShift = PriorityBits + SubTickBits;
    private const int MaxLength = (1 << (32 - LengthShift)) - 1;

    private readonly uint packed;

    public Row(EventTime time, long sequence, Priority priority, int typeId, int sourceId, int offset, int length)
        : this(time.UnixTicks, time.SubTickNanoseconds, sequence, priority, typeId, sourceId, offset, length) { }

    private Row(long unixTicks, int subTick, long sequence, Priority priority, int typeId, int sourceId, int offset, int length)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, MaxLength);
        UnixTicks = unixTicks;
        Sequence = sequence;
        Offset = offset;
        TypeId = typeId;
        SourceId = sourceId;
        packed = ((uint)length << LengthShift) | ((uint)subTick << PriorityBits) | (uint)priority;
    }

    public long UnixTicks { get; }

    public long Sequence { get; }

    /// <summary>Where the text begins in the array that holds it.</summary>
    public int Offset { get; }

    public int TypeId { get; }

    public int SourceId { get; }

    public int Length => (int)(packed >> LengthShift);

    public int SubTick => (int)(packed >> PriorityBits) & ((1 << SubTickBits) - 1);

    public Priority Priority => (Priority)(packed & ((1 << PriorityBits) - 1));

    /// <summary>The same incident with its text elsewhere.</summary>
    public Row MovedTo(int offset) => With(Priority, offset, Length);

    /// <summary>The same incident with another priority and text.</summary>
    public Row With(Priority priority, int offset, int length) =>
        new(UnixTicks, SubTick, Sequence, priority, TypeId, SourceId, offset, length);

    /// <summary>By priority, time and sequence: the order of the text of one employee.</summary>
    public static int CompareOnBoard(in Row left, in Row right)
    {
        var byPriority = ((int)left.Priority).CompareTo((int)right.Priority);
        return byPriority != 0 ? byPriority : CompareInTime(left, right);
    }

    /// <summary>By time and sequence: the order of one list.</summary>
    public static int CompareInTime(in Row left, in Row right)
    {
        if (left.UnixTicks != right.UnixTicks)
            return left.UnixTicks.CompareTo(right.UnixTicks);
        return left.SubTick != right.SubTick ? left.SubTick.CompareTo(right.SubTick) : left.Sequence.CompareTo(right.Sequence);
    }

    /// <summary>Less than 0 when the incident was before <paramref name="time"/>.</summary>
    public int CompareTo(EventTime time) =>
        UnixTicks != time.UnixTicks ? UnixTicks.CompareTo(time.UnixTicks) : SubTick.CompareTo(time.SubTickNanoseconds);
}
