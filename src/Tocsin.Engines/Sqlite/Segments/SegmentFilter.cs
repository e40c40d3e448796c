using System.Buffers.Binary;
using System.Text;
using Tocsin.Engines.Sqlite.Columns;
using Tocsin.Engines.Sqlite.Queries;
using Tocsin.Journal;

namespace Tocsin.Engines.Sqlite.Segments;

/// <summary>A filter as the keys of sealed columns, made once for all segments of a query. Ids are not in it: they are found one by one.</summary>
internal sealed class SegmentFilter
{
    private static readonly byte[] OwnSource = Utf8(EventFilter.OwnSource);
    private readonly List<Condition> _conditions = [];

    public SegmentFilter(EventFilter filter)
    {
        Time = new TimeRange(filter);
        HidesOwn = !filter.ShowsOwn;
        Add(filter.UserIds.Select(Utf8).Concat(filter.UserIds.Contains(EventFilter.UnknownUser) ? [[]] : []), SegmentColumn.User);
        Add(filter.ExternalIds.Select(static id => BigEndian(StableHash.Of(id))), SegmentColumn.ExternalId);
        AddTypes(filter.Types);
        Add(filter.Devices.Select(Utf8), SegmentColumn.Device);
        Add(filter.Countries.Select(Utf8), SegmentColumn.Country);
        Add(filter.Sources.Select(Utf8), SegmentColumn.Source);
        AddRanges(filter.SrcIps, SegmentColumn.SrcIp);
        AddRanges(filter.DstIps, SegmentColumn.DstIp);
        AddRanges(filter.Ips, SegmentColumn.SrcIp, SegmentColumn.DstIp);
        Add(filter.Kinds.Select(static kind => Utf8(kind.Name())), SegmentColumn.Kind);
        Add(filter.Priorities.Select(static priority => Utf8(priority.Name() ?? "none")), SegmentColumn.Priority);
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
                ? new KeyRange(Utf8(type[..^1]), [.. Utf8(type[..^1]), 0xFF])
                : KeyRange.Of(Utf8(type)))]));
    }

    private void AddRanges(IReadOnlyList<IpRange> ranges, params SegmentColumn[] columns)
    {
        if (ranges.Count > 0)
            _conditions.Add(new Condition(columns, [.. ranges.Select(static range => new KeyRange(BigEndian(range.First), BigEndian(range.Last)))]));
    }

    private static byte[] Utf8(string text) => Encoding.UTF8.GetBytes(text);

    private static byte[] BigEndian(ulong value)
    {
        var bytes = new byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, value);
        return bytes;
    }

    private static byte[] BigEndian(UInt128 value)
    {
        var bytes = new byte[16];
        BinaryPrimitives.WriteUInt128BigEndian(bytes, value);
        return bytes;
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
