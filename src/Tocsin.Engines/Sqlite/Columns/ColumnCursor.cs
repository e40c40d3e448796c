using System.Numerics;
using Tocsin.Engines.Sqlite.Queries;

namespace Tocsin.Engines.Sqlite.Columns;

/// <summary>
/// Rows of columns that a filter takes, in order. In the order of the journal they stand already; in the order of time the next few are chosen by one pass
/// over the columns, and again when these are used up.
/// </summary>
internal sealed class ColumnCursor : RowCursor
{
    private readonly EventColumns _columns;
    private readonly int _rows;
    private readonly RowFilter _filter;
    private readonly RowOrder _order;
    private readonly Amended.View? _hidden;
    private readonly int _batch;
    private readonly List<RowKey> _chosen;
    private RowKey _after;
    private int _next;
    private bool _isLast;

    private ColumnCursor(EventColumns columns, int rows, RowFilter filter, RowOrder order, RowKey after, int batch, Amended.View? hidden)
    {
        (_columns, _rows, _filter, _order, _after, _batch, _hidden) = (columns, rows, filter, order, after, batch, hidden);
        _chosen = new List<RowKey>(batch * 2);
    }

    /// <summary>The first so many rows, without those that are hidden; null when none can be taken. <paramref name="batch"/>: rows that will likely be asked for.</summary>
    public static ColumnCursor? Open(EventColumns columns, int rows, RowFilter? filter, RowOrder order, RowKey after, int batch, Amended.View? hidden)
    {
        if (filter is null || rows == 0)
            return null;
        var (min, max) = (long.MaxValue, long.MinValue);
        foreach (var block in columns.Blocks(rows))
            (min, max) = (Math.Min(min, block.MinTicks), Math.Max(max, block.MaxTicks));
        if (!filter.Time.MayHold(min, max))
            return null;
        var bound = order.BySequence ? after : order.Ascending ? new RowKey(min, 0, 0) : new RowKey(max, byte.MaxValue, long.MaxValue);
        return new ColumnCursor(columns, rows, filter, order, after, batch, hidden) { Bound = order.Compare(bound, after) < 0 ? after : bound };
    }

    public override bool MoveNext()
    {
        IsOpen = true;
        if (_next == _chosen.Count && !_isLast)
            Choose();
        if (_next == _chosen.Count)
            return false;
        Current = _chosen[_next++];
        return true;
    }

    public override void Dispose()
    {
    }

    /// <summary>The next rows behind <see cref="_after"/>: kept are twice the batch, and the worse half is dropped whenever that is full.</summary>
    private void Choose()
    {
        _chosen.Clear();
        _next = 0;
        var worst = _order.Ascending ? RowKey.Last : RowKey.First;
        var dropped = false;
        var blocks = _columns.Blocks(_rows);
        Span<ulong> words = stackalloc ulong[RowBits.Words];
        var bits = new RowBits(words);
        for (var i = 0; i < blocks.Length; i++)
        {
            // The newest rows come last: a descending walk is full at once when it begins there.
            var at = _order.Ascending ? i : blocks.Length - 1 - i;
            var block = blocks[at];
            var rows = Math.Min(ColumnBlock.Rows, _rows - (at * ColumnBlock.Rows));
            if (!_filter.Time.MayHold(block.MinTicks, block.MaxTicks))
                continue;
            if (IsBehind(block, rows, worst))
            {
                dropped = true;
                continue;
            }
            _filter.Select(block, rows, bits);
            for (var word = 0; word < RowBits.Words; word++)
                for (var left = words[word]; left != 0; left &= left - 1)
                    dropped |= !Offer(block.Key((word * 64) + BitOperations.TrailingZeroCount(left)), ref worst);
        }
        _chosen.Sort(_order);
        if (_chosen.Count > _batch)
        {
            _chosen.RemoveRange(_batch, _chosen.Count - _batch);
            dropped = true;
        }
        _isLast = !dropped;
        if (_chosen.Count > 0)
            _after = _chosen[^1];
    }

    /// <summary>Keeps a row for as long as it is among the best; false when a row was dropped.</summary>
    private bool Offer(RowKey key, ref RowKey worst)
    {
        if (_order.Compare(key, _after) <= 0 || _hidden?.Hides(key.Sequence) == true)
            return true;
        if (_order.Compare(key, worst) >= 0)
            return false;
        _chosen.Add(key);
        if (_chosen.Count < _batch * 2)
            return true;
        _chosen.Sort(_order);
        _chosen.RemoveRange(_batch, _chosen.Count - _batch);
        worst = _chosen[^1];
        return false;
    }

    /// <summary>True when every row of the block comes behind a key.</summary>
    private bool IsBehind(ColumnBlock block, int rows, RowKey key) =>
        !_order.BySequence ? (_order.Ascending ? block.MinTicks > key.Ticks : block.MaxTicks < key.Ticks)
        : !_columns.HasVersions && (_order.Ascending ? block.Sequences[0] > key.Sequence : block.Sequences[rows - 1] < key.Sequence);
}
