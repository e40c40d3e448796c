using Tocsin.Engines.Sqlite.Columns;
using Tocsin.Engines.Sqlite.Queries;

namespace Tocsin.Engines.Sqlite.Segments;

/// <summary>Rows of a sealed partition that a filter takes, in the order of time: the order in which they are ranked.</summary>
internal sealed class SegmentCursor(SegmentIndex index, SegmentFilter filter, RowOrder order, RowKey after, long ceiling, Amended.View? hidden) : RowCursor
{
    private SegmentMatch? _match;
    private int _rank;

    /// <summary>Null when no row can be taken.</summary>
    public static SegmentCursor? Open(SegmentIndex index, SegmentFilter filter, RowOrder order, RowKey after, long ceiling, Amended.View? hidden)
    {
        if (!filter.Time.MayHold(index.MinTicks, index.MaxTicks))
            return null;
        var bound = order.Ascending ? new RowKey(index.MinTicks, 0, 0) : new RowKey(index.MaxTicks, byte.MaxValue, long.MaxValue);
        return new SegmentCursor(index, filter, order, after, ceiling, hidden) { Bound = order.Compare(bound, after) < 0 ? after : bound };
    }

    public override bool MoveNext()
    {
        if (!IsOpen)
        {
            IsOpen = true;
            _match = SegmentMatch.Find(index, filter);
            // Descending, the rank before the first that does not come before the key; the key itself is passed over below.
            _rank = order.Ascending ? index.RankOf(after) : Math.Min(index.RankOf(after), index.Rows - 1);
        }
        while (_match is not null && (_rank = _match.Next(_rank, order.Ascending)) >= 0)
        {
            var rank = _rank;
            var key = index.Key(rank);
            _rank += order.Ascending ? 1 : -1;
            if (order.Compare(key, after) <= 0 || !filter.Time.Holds(key.Ticks, key.SubTick) || !index.Holds(rank, ceiling) || hidden?.Hides(key.Sequence) == true)
                continue;
            Current = key;
            return true;
        }
        _rank = -1;
        _match?.Dispose();
        _match = null;
        return false;
    }

    public override void Dispose() => _match?.Dispose();
}
