using Tocsin.Engines.Sqlite.Queries;
using Tocsin.Journal;

namespace Tocsin.Engines.Sqlite.Columns;

/// <summary>
/// A filter in the numbers of one set of columns. It may take a row too many (external ids are compared by their hash), never one too few: events are held
/// to the filter itself once they are read.
/// </summary>
internal sealed class RowFilter
{
    private readonly long _ceiling;
    private readonly int _kinds;
    private readonly int _priorities;
    private readonly CodeSet? _sources;
    private readonly CodeSet? _types;
    private readonly CodeSet? _devices;
    private readonly CodeSet? _users;
    private readonly CodeSet? _countries;
    private readonly IpRange[] _ips;
    private readonly IpRange[] _srcIps;
    private readonly IpRange[] _dstIps;
    private readonly ulong[] _externalIds;
    private readonly UInt128[] _ids;
    private readonly int _hiddenSource;
    private readonly bool _versions;

    private RowFilter(EventFilter filter, EventColumns columns, long ceiling)
    {
        (Time, _ceiling, _versions) = (new TimeRange(filter), ceiling, columns.HasVersions);
        _kinds = filter.Kinds.Count == 0 ? -1 : filter.Kinds.Aggregate(0, (bits, kind) => bits | (1 << (int)kind));
        _priorities = filter.Priorities.Count == 0 ? -1 : filter.Priorities.Aggregate(0, (bits, priority) => bits | (1 << (int)priority));
        _sources = CodeSet.Of(columns.Sources, filter.Sources);
        _types = CodeSet.Of(columns.Types, filter.Types, EventFilter.IsOfType);
        _devices = CodeSet.Of(columns.Devices, filter.Devices);
        _users = CodeSet.Of(columns.Users, filter.UserIds, withNone: filter.UserIds.Contains(EventFilter.UnknownUser));
        _countries = CodeSet.Of(columns.Countries, filter.Countries);
        (_ips, _srcIps, _dstIps) = ([.. filter.Ips], [.. filter.SrcIps], [.. filter.DstIps]);
        _externalIds = [.. filter.ExternalIds.Select(StableHash.Of)];
        _ids = [.. filter.Ids.Select(EventColumns.IdOf)];
        _hiddenSource = filter.ShowsOwn ? -1 : columns.Sources.Find(EventFilter.OwnSource);
    }

    public TimeRange Time { get; }

    /// <summary>Null when no row can be taken.</summary>
    public static RowFilter? For(EventFilter filter, EventColumns columns, long ceiling)
    {
        var rows = new RowFilter(filter, columns, ceiling);
        return rows._sources?.IsEmpty == true || rows._types?.IsEmpty == true || rows._devices?.IsEmpty == true
            || rows._users?.IsEmpty == true || rows._countries?.IsEmpty == true ? null : rows;
    }

    /// <summary>Leaves the bits of the rows that are taken of a block's first so many; what takes few and is quickly told comes first.</summary>
    public void Select(ColumnBlock block, int rows, RowBits bits)
    {
        bits.Fill(rows);
        if (_externalIds.Length == 1)
            bits.KeepEqual(block.ExternalIds, _externalIds[0]);
        else if (_externalIds.Length > 1)
            bits.Keep(row => _externalIds.Contains(block.ExternalIds[row]));
        _users?.Keep(block.Users, bits);
        _types?.Keep(block.Types, bits);
        _devices?.Keep(block.Devices, bits);
        _countries?.Keep(block.Countries, bits);
        _sources?.Keep(block.Sources, bits);
        KeepOneOf(_priorities, block.Priorities, bits);
        KeepOneOf(_kinds, block.Kinds, bits);
        if (bits.IsEmpty)
            return;
        if (_hiddenSource >= 0)
            bits.DropEqual(block.Sources, _hiddenSource);
        KeepAddresses(block, bits);
        if (!Time.HoldsAll(block.MinTicks, block.MaxTicks))
            bits.Keep(row => Time.Holds(block.Ticks[row], block.SubTicks[row]));
        if (_ids.Length > 0)
            bits.Keep(row => _ids.Contains(block.Ids[row]));
        if (_versions)
            bits.Keep(row => block.From[row] <= _ceiling && _ceiling < block.To[row]);
    }

    private static void KeepOneOf(int wanted, byte[] column, RowBits bits)
    {
        if (wanted == -1)
            return;
        if (int.IsPow2(wanted))
            bits.KeepEqual(column, (byte)int.TrailingZeroCount(wanted));
        else
            bits.Keep(row => (wanted & (1 << column[row])) != 0);
    }

    private void KeepAddresses(ColumnBlock block, RowBits bits)
    {
        KeepAddresses(_srcIps, block.SrcIps, block, Sides.Src, bits);
        KeepAddresses(_dstIps, block.DstIps, block, Sides.Dst, bits);
        if (_ips.Length == 0)
            return;
        // On either side: what one side takes, and what the other does.
        Span<ulong> words = stackalloc ulong[RowBits.Words];
        var dst = new RowBits(words);
        bits.Taken.CopyTo(words);
        KeepAddresses(_ips, block.DstIps, block, Sides.Dst, dst);
        KeepAddresses(_ips, block.SrcIps, block, Sides.Src, bits);
        bits.Join(dst);
    }

    private static void KeepAddresses(IpRange[] ranges, AddressColumn column, ColumnBlock block, Sides side, RowBits bits)
    {
        if (ranges.Length == 0)
            return;
        // One address or network, nearly always: one of its halves tells nearly all others apart.
        if (ranges is [var one])
        {
            var (first, last) = ((ulong)(one.First >> 64), (ulong)(one.Last >> 64));
            if (first == last)
                bits.KeepBetween(column.Low, (ulong)one.First, (ulong)one.Last);
            else
                bits.KeepBetween(column.High, first, last);
        }
        bits.Keep(row => block.Sides[row].HasFlag(side) && Array.Exists(ranges, range => range.Contains(column.Get(row))));
    }

    /// <summary>The codes of the wanted texts: one, nearly always, else a bit for each.</summary>
    private sealed class CodeSet
    {
        private readonly int _single = -1;
        private readonly bool[] _many = [];

        private CodeSet(List<int> codes)
        {
            IsEmpty = codes.Count == 0;
            if (codes.Count == 1)
            {
                _single = codes[0];
                return;
            }
            // As long as the codes ask for: one may be found a moment before its table counts it.
            _many = new bool[codes.Count == 0 ? 0 : codes.Max() + 1];
            foreach (var code in codes)
                _many[code] = true;
        }

        public bool IsEmpty { get; }

        public static CodeSet? Of(CodeTable table, IReadOnlyList<string> wanted, bool withNone = false)
        {
            if (wanted.Count == 0)
                return null;
            var codes = wanted.Select(table.Find).Where(code => code >= 0).ToList();
            if (withNone)
                codes.Add(CodeTable.None);
            return new CodeSet(codes);
        }

        public static CodeSet? Of(CodeTable table, IReadOnlyList<string> wanted, Func<string, string, bool> fits)
        {
            if (!wanted.Any(text => text.EndsWith(".*", StringComparison.Ordinal)))
                return Of(table, wanted);
            var codes = new List<int>();
            var texts = table.Texts;
            for (var code = 1; code < texts.Length; code++)
                foreach (var text in wanted)
                    if (fits(text, texts[code]!))
                    {
                        codes.Add(code);
                        break;
                    }
            return new CodeSet(codes);
        }

        public void Keep(int[] column, RowBits bits)
        {
            if (_single >= 0)
                bits.KeepEqual(column, _single);
            else
                // A code above the table belongs to a row that came after: it is not among the wanted.
                bits.Keep(row => (uint)column[row] < (uint)_many.Length && _many[column[row]]);
        }
    }
}
