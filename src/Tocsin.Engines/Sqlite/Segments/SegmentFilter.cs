using Tocsin.Engines.Sqlite.Columns;
using Tocsin.Engines.Sqlite.Queries;
using Tocsin.Journal;

namespace Tocsin.Engines.Sqlite.Segments;

/// <summary>A filter as the keys of sealed columns, made once for all segments of a query. Ids are not in it: they are found one by one.</summary>
internal sealed class SegmentFilter
{
    private static readonly byte[] OwnSource = SegmentKey.Of(EventFilter.OwnSource);
    private readonly List<Condition> _conditions = [];

    public SegmentFilter(EventFilter filter)
    {
        Time = new TimeRange(filter);
        HidesOwn = !filter.ShowsOwn;
        Add(filter.UserIds.Select(SegmentKey.Of).Concat(filter.UserIds.Contains(EventFilter.UnknownUser) ? [SegmentKey.Of(null)] : []), SegmentColumn.User);
        Add(filter.ExternalIds.Select(static id => SegmentKey.Of(StableHash.Of(id))), SegmentColumn.ExternalId);
        AddTypes(filter.Types);
        Add(filter.Devices.Select(SegmentKey.Of), SegmentColumn.Device);
        Add(filter.Countries.Select(SegmentKey.Of), SegmentColumn.Country);
        Add(filter.Sources.Select(SegmentKey.Of), SegmentColumn.Source);
        AddRanges(filter.SrcIps, SegmentColumn.SrcIp);
        AddRanges(filter.DstIps, SegmentColumn.DstIp);
        AddRanges(filter.Ips, SegmentColumn.SrcIp, SegmentColumn.DstIp);
        Add(filter.Kinds.Select(static kind => SegmentKey.Of(kind.Name())), SegmentColumn.Kind);
        Add(filter.Priorities.Select(static priority => SegmentKey.Of(priority.Name())), SegmentColumn.Priority);
    }

    public TimeRange Time { get; }

    public bool HidesOwn { get; }

    public IReadOnlyList<Condition> Conditions => _conditions;

    /// <summary>The key of Tocsin's own source in a segment; -1 when it has no such rows.</summary>
    public static int OwnKey(SegmentIndex index) => index.FindKey(SegmentColumn.Source, OwnSource);

    private void Add(IEnumerable<byte[]> keys, SegmentColumn column)
    {
        var values = keys.Select(KeyRange.Of).ToArray();
        if (values.Length > 0)
            _conditions.Add(new Condition([column], values));
    }

    private void AddTypes(IReadOnlyList<string> types)
    {
        if (types.Count > 0)
            _conditions.Add(new Condition([SegmentColumn.Type], [.. types.Select(static type => type.EndsWith(".*", StringComparison.Ordinal)
                ? new KeyRange(SegmentKey.Of(type[..^1]), [.. SegmentKey.Of(type[..^1]), 0xFF])
                : KeyRange.Of(SegmentKey.Of(type)))]));
    }

    private void AddRanges(IReadOnlyList<IpRange> ranges, params SegmentColumn[] columns)
    {
        if (ranges.Count > 0)
            _conditions.Add(new Condition(columns, [.. ranges.Select(static range => new KeyRange(SegmentKey.Of(range.First), SegmentKey.Of(range.Last)))]));
    }

    /// <summary>One filter: rows with one of these keys in one of these columns.</summary>
    internal sealed record Condition(SegmentColumn[] Columns, KeyRange[] Ranges)
    {
        /// <summary>Adds the keys a segment has of it; gives how many rows they have together.</summary>
        public int Resolve(SegmentIndex index, List<(SegmentColumn Column, int Key)> keys)
        {
            var rows = 0;
            foreach (var column in Columns)
                foreach (var range in Ranges)
                    rows += range.Resolve(index, column, keys);
            return rows;
        }
    }

    /// <summary>Keys from the first to the last, both included.</summary>
    internal sealed record KeyRange(byte[] First, byte[] Last)
    {
        public static KeyRange Of(byte[] key) => new(key, key);

        public int Resolve(SegmentIndex index, SegmentColumn column, List<(SegmentColumn Column, int Key)> keys)
        {
            if (ReferenceEquals(First, Last))
                return index.FindKey(column, First) is >= 0 and var key ? Take(index, column, key, keys) : 0;
            var rows = 0;
            var count = index.KeyCount(column);
            for (var at = index.LowerKey(column, First); at < count && index.Key(column, at).SequenceCompareTo(Last) <= 0; at++)
                rows += Take(index, column, at, keys);
            return rows;
        }

        private static int Take(SegmentIndex index, SegmentColumn column, int key, List<(SegmentColumn Column, int Key)> keys)
        {
            keys.Add((column, key));
            return index.Ranks(column, key).Count;
        }
    }
}
