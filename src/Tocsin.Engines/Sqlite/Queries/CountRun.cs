using System.Buffers;
using System.Numerics;
using Tocsin.Engines.Sqlite.Columns;
using Tocsin.Engines.Sqlite.Segments;
using Tocsin.Journal;

namespace Tocsin.Engines.Sqlite.Queries;

/// <summary>Counts what a filter takes, partition by partition: first by value, then, for the values that are told, by step.</summary>
internal sealed class CountRun(PartitionSet set, long head, StatsQuery query, Func<bool> isLate)
{
    /// <summary>Rows counted between two looks at the clock.</summary>
    private const int RowsPerLook = 16_384;

    private readonly ValueCounts _counts = new(query);
    private readonly SegmentFilter _segmentFilter = new(query.Filter);
    private bool _isPartial;

    public EventStats Run(SqliteReader reader)
    {
        Each(reader, (text, _, count) => _counts.Add(text, count));
        _counts.Choose();
        if (query.Every is { Ticks: var every } && !_isPartial)
            Each(reader, (text, ticks, count) => _counts.AddStep(text, ticks, every, count));
        return _counts.Stats(head, _isPartial);
    }

    /// <summary>Tells every row that is taken: the value it is counted by, its ticks, and 1.</summary>
    private void Each(SqliteReader reader, Action<string?, long, long> tell)
    {
        if (query.Filter.ReadsRecords || query.Filter.Ids.Count > 0 || query.Filter.ExternalIds.Count > 0)
        {
            EachRecord(reader, tell);
            return;
        }
        for (var i = 0; i < set.Partitions.Length && !_isPartial; i++)
        {
            var partition = set.Partitions[i];
            var amended = partition.Amended.Look();
            if (amended is not null)
                EachOf(amended.Versions, amended.Seen, null, tell);
            if (partition.Columns is { } columns)
                EachOf(columns, columns.RowsUpTo(head), amended, tell);
            else
            {
                EachOf(partition.Segment!.Index, amended, tell);
                if (partition.Segment.Versions is { } versions)
                    EachOf(versions, amended, tell);
            }
        }
    }

    private void EachOf(EventColumns columns, int rows, Amended.View? hidden, Action<string?, long, long> tell)
    {
        if (RowFilter.For(query.Filter, columns, head) is not { } filter)
            return;
        var blocks = columns.Blocks(rows);
        Span<ulong> words = stackalloc ulong[RowBits.Words];
        var bits = new RowBits(words);
        for (var at = 0; at < blocks.Length && !Late(); at++)
        {
            var block = blocks[at];
            if (!filter.Time.MayHold(block.MinTicks, block.MaxTicks))
                continue;
            filter.Select(block, Math.Min(ColumnBlock.Rows, rows - (at * ColumnBlock.Rows)), bits);
            for (var word = 0; word < RowBits.Words; word++)
                for (var left = words[word]; left != 0; left &= left - 1)
                {
                    var row = (word * 64) + BitOperations.TrailingZeroCount(left);
                    if (hidden?.Hides(block.Sequences[row]) != true)
                        tell(ValueOf(columns, block, row), block.Ticks[row], 1);
                }
        }
    }

    private void EachOf(SegmentIndex index, Amended.View? hidden, Action<string?, long, long> tell)
    {
        if (!_segmentFilter.Time.MayHold(index.MinTicks, index.MaxTicks))
            return;
        using var match = SegmentMatch.Find(index, _segmentFilter);
        if (match is null)
            return;
        var column = ColumnOf(query.By);
        var texts = new string?[index.KeyCount(column) + 1];
        var codes = ArrayPool<int>.Shared.Rent(index.Rows);
        index.CopyCodes(column, codes);
        var ticks = index.Ticks;
        var hasInstants = query.Filter.Times.Count > 0;
        var looked = 0;
        for (var rank = match.Next(0, ascending: true); rank >= 0; rank = match.Next(rank + 1, ascending: true))
        {
            if (index.Holds(rank, head) && (!hasInstants || _segmentFilter.Time.Holds(ticks[rank], index.Key(rank).SubTick)) && hidden?.Hides(index.SequenceOf(rank)) != true)
                tell(TextOf(codes[rank]), ticks[rank], 1);
            if (++looked % RowsPerLook == 0 && Late())
                break;
        }
        ArrayPool<int>.Shared.Return(codes);

        // Only those that rows of this count have: a partition may know very many.
        string? TextOf(int code) => code == 0 ? null : texts[code] ??= index.Text(column, code - 1);
    }

    /// <summary>No column says what stands in records, or more of an external id than its hash: events are read, page by page.</summary>
    private void EachRecord(SqliteReader reader, Action<string?, long, long> tell)
    {
        EventPosition? after = null;
        do
        {
            using var run = new QueryRun(set, head, new EventQuery { Filter = query.Filter, Limit = EventQuery.MaxLimit, After = after, Ascending = true });
            _isPartial |= !run.Work(reader, set, isLate);
            var page = run.Page();
            foreach (var (_, e) in page.Events)
                tell(_counts.ValueOf(e), e.Time.UnixTicks, 1);
            after = page.Next;
        }
        while (after is not null && !_isPartial);
    }

    private bool Late() => _isPartial |= isLate();

    private static SegmentColumn ColumnOf(StatsField by) => by switch
    {
        StatsField.Priority => SegmentColumn.Priority,
        StatsField.Kind => SegmentColumn.Kind,
        StatsField.Type => SegmentColumn.Type,
        StatsField.Source => SegmentColumn.Source,
        StatsField.Device => SegmentColumn.Device,
        StatsField.Country => SegmentColumn.Country,
        _ => SegmentColumn.User,
    };

    private string? ValueOf(EventColumns columns, ColumnBlock block, int row) => query.By switch
    {
        StatsField.Priority => ((Priority)block.Priorities[row]).Name(),
        StatsField.Kind => ((EventKind)block.Kinds[row]).Name(),
        StatsField.Type => columns.Types.Texts[block.Types[row]],
        StatsField.Source => columns.Sources.Texts[block.Sources[row]],
        StatsField.Device => columns.Devices.Texts[block.Devices[row]],
        StatsField.Country => columns.Countries.Texts[block.Countries[row]],
        _ => columns.Users.Texts[block.Users[row]],
    };
}
