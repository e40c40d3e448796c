using System.Buffers;
using Tocsin.Engines.Sqlite.Columns;
using Tocsin.Engines.Sqlite.Queries;

namespace Tocsin.Engines.Sqlite.Segments;

/// <summary>Rows of a sealed partition that a filter takes, in the order of the journal: their ranks become bits at their sequences.</summary>
internal sealed class SegmentSequenceCursor(SegmentIndex index, long lastSequence, SegmentFilter filter, RowOrder order, RowKey after, long ceiling, Amended.View? hidden) : RowCursor
{
    private readonly int _words = (int)((lastSequence - index.FirstSequence) / 64) + 1;
    private ulong[]? _bits;
    private long _next;

    /// <summary>Null when no row can be taken.</summary>
    public static SegmentSequenceCursor? Open(
        SegmentIndex index, long lastSequence, SegmentFilter filter, RowOrder order, RowKey after, long ceiling, Amended.View? hidden)
    {
        var isPassed = order.Ascending ? lastSequence <= after.Sequence : index.FirstSequence >= after.Sequence;
        if (isPassed || !filter.Time.MayHold(index.MinTicks, index.MaxTicks))
            return null;
        var bound = RowKey.First with { Sequence = order.Ascending ? Math.Max(index.FirstSequence, after.Sequence) : Math.Min(lastSequence, after.Sequence) };
        return new SegmentSequenceCursor(index, lastSequence, filter, order, after, ceiling, hidden) { Bound = bound };
    }

    public override bool MoveNext()
    {
        if (!IsOpen)
        {
            IsOpen = true;
            Gather();
            _next = order.Ascending ? index.FirstSequence : lastSequence;
        }
        while ((_next = Next(_next)) >= 0)
        {
            var sequence = _next;
            _next += order.Ascending ? 1 : -1;
            if (hidden?.Hides(sequence) == true)
                continue;
            // The order asks for nothing but the sequence; the time is told by the event itself.
            Current = RowKey.First with { Sequence = sequence };
            return true;
        }
        return false;
    }

    public override void Dispose()
    {
        if (_bits is not null)
            ArrayPool<ulong>.Shared.Return(_bits);
        _bits = null;
    }

    private void Gather()
    {
        using var match = SegmentMatch.Find(index, filter);
        if (match is null)
            return;
        _bits = ArrayPool<ulong>.Shared.Rent(_words);
        _bits.AsSpan(0, _words).Clear();
        for (var rank = match.Next(0, ascending: true); rank >= 0; rank = match.Next(rank + 1, ascending: true))
        {
            var sequence = index.SequenceOf(rank);
            if (!index.Holds(rank, ceiling) || order.Compare(RowKey.First with { Sequence = sequence }, after) <= 0)
                continue;
            var offset = sequence - index.FirstSequence;
            _bits[offset / 64] |= 1UL << (int)(offset % 64);
        }
    }

    private long Next(long sequence)
    {
        var offset = sequence - index.FirstSequence;
        if (_bits is null || offset < 0 || offset >= (long)_words * 64)
            return -1;
        var found = BitScan.Next(_bits.AsSpan(0, _words), (int)offset, order.Ascending);
        return found < 0 ? -1 : index.FirstSequence + found;
    }
}
