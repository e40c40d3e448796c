using Tocsin.Engines.Sqlite.Columns;
using Tocsin.Engines.Sqlite.Segments;
using Tocsin.Journal;

namespace Tocsin.Engines.Sqlite.Queries;

/// <summary>
/// One page: the indexes of the partitions are merged in order, opened only when the page reaches them; the rows found are read, amended, and held to the
/// filter. It can be left and taken up again: a long look into records gives way to those who write.
/// </summary>
internal sealed class QueryRun : IDisposable
{
    /// <summary>Rows chosen at once from the columns in memory, when nobody knows how many will be taken.</summary>
    private const int ScanBatch = 4096;

    /// <summary>Rows looked at between two looks at the clock.</summary>
    private const int RowsPerLook = 16;

    /// <summary>Bytes of records after which a page ends, however few its events are: it stands in memory as a whole.</summary>
    private const long MaxBytes = 16 << 20;

    private readonly EventQuery _query;
    private readonly long _ceiling;
    private readonly RowOrder _order;
    private readonly PriorityQueue<RowCursor, RowKey> _cursors;
    private readonly List<StoredEvent> _events;
    private EventPosition? _last;
    private long _bytes;
    private bool _isEnded;

    /// <summary>The indexes of this set are looked into; who has left it since still finds them as they were.</summary>
    public QueryRun(PartitionSet set, long head, EventQuery query)
    {
        (_query, _ceiling) = (query, Math.Min(query.Ceiling ?? head, head));
        _order = new RowOrder(query.Ascending, query.BySequence);
        _cursors = new PriorityQueue<RowCursor, RowKey>(_order);
        _events = new List<StoredEvent>(query.Limit);
        Open(set, query.After is { } after ? RowKey.Of(after.Time, after.Sequence) : _order.Start);
    }

    private bool IsFull => _events.Count > _query.Limit || _bytes >= MaxBytes;

    /// <summary>
    /// Works until the page is full, nothing is left, or <paramref name="isLate"/> says so. True: the page stands. Rows are read as
    /// <paramref name="now"/>, entered, says, which may be newer than the set it began with.
    /// </summary>
    public bool Work(SqliteReader reader, PartitionSet now, Func<bool> isLate)
    {
        using var rows = new RowReader(reader, now);
        for (var looked = 1; !IsFull; looked++)
        {
            if (!TryNext(out var key))
            {
                _isEnded = true;
                break;
            }
            if (rows.Find(key.Sequence, _ceiling) is { } e)
            {
                if (_query.Filter.Matches(e))
                {
                    _events.Add(new StoredEvent(key.Sequence, e));
                    _bytes += e.Data.Utf8.Length + (2 * (e.Description?.Length ?? 0));
                }
                if (_events.Count <= _query.Limit)
                    _last = new EventPosition(e.Time, key.Sequence);
            }
            if (looked % RowsPerLook == 0 && isLate())
                return false;
        }
        return true;
    }

    /// <summary>What was found so far.</summary>
    public EventPage Page()
    {
        // One more than the page was looked for, to know whether there is a next one.
        if (_events.Count > _query.Limit)
        {
            _events.RemoveRange(_query.Limit, _events.Count - _query.Limit);
            return new EventPage(_events, new EventPosition(_events[^1].Event.Time, _events[^1].Sequence), IsPartial: false);
        }
        return _isEnded
            ? new EventPage(_events, Next: null, IsPartial: false)
            : new EventPage(_events, _last ?? Start(_query), IsPartial: !IsFull && _events.Count < _query.Limit);
    }

    /// <summary>The page of a query that nobody had the time to look for.</summary>
    public static EventPage Nothing(EventQuery query) => new([], Start(query), IsPartial: true);

    public void Dispose()
    {
        foreach (var (cursor, _) in _cursors.UnorderedItems)
            cursor.Dispose();
    }

    // Before and behind every event, and still times that can be written.
    private static EventPosition Start(EventQuery query) =>
        query.After ?? (query.Ascending ? new EventPosition(EventTime.Min, 0) : new EventPosition(EventTime.Max, long.MaxValue));

    private void Open(PartitionSet set, RowKey after)
    {
        var segmentFilter = new SegmentFilter(_query.Filter);
        var batch = _query.Filter.ReadsRecords ? ScanBatch : _query.Limit + 1;
        for (var i = 0; i < set.Partitions.Length && set.Partitions[i].FirstSequence <= _ceiling; i++)
        {
            var partition = set.Partitions[i];
            var last = set.LastOf(i, _ceiling);
            var amended = partition.Amended.Look();
            if (amended is not null)
                Add(ColumnCursor.Open(amended.Versions, amended.Seen, RowFilter.For(_query.Filter, amended.Versions, _ceiling), _order, after, batch, hidden: null));
            if (partition.Columns is { } columns)
                Add(ColumnCursor.Open(columns, columns.RowsUpTo(_ceiling), RowFilter.For(_query.Filter, columns, _ceiling), _order, after, batch, amended));
            else
            {
                Open(partition.Segment!.Index, last, segmentFilter, after, amended);
                if (partition.Segment.Versions is { } versions)
                    Open(versions, last, segmentFilter, after, amended);
            }
        }
    }

    private void Open(SegmentIndex index, long last, SegmentFilter filter, RowKey after, Amended.View? amended)
    {
        if (!MayHoldIds(index))
            return;
        Add(_order.BySequence
            ? SegmentSequenceCursor.Open(index, last, filter, _order, after, _ceiling, amended)
            : SegmentCursor.Open(index, filter, _order, after, _ceiling, amended));
    }

    private bool MayHoldIds(SegmentIndex index)
    {
        for (var i = 0; i < _query.Filter.Ids.Count; i++)
            if (index.FindId(EventColumns.IdOf(_query.Filter.Ids[i])) > 0)
                return true;
        return _query.Filter.Ids.Count == 0;
    }

    private void Add(RowCursor? cursor)
    {
        if (cursor is not null)
            _cursors.Enqueue(cursor, cursor.Bound);
    }

    private bool TryNext(out RowKey key)
    {
        while (_cursors.TryDequeue(out var cursor, out key))
        {
            // First its bound stood for it: only now that the page has come so far is it looked into.
            var isFound = cursor.IsOpen;
            if (cursor.MoveNext())
                _cursors.Enqueue(cursor, cursor.Current);
            else
                cursor.Dispose();
            if (isFound)
                return true;
        }
        return false;
    }
}
