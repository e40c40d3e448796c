using Tocsin.Engines.Sqlite.Queries;
using Tocsin.Journal;

namespace Tocsin.Engines.Sqlite.Columns;

/// <summary>
/// A filter in the numbers of one set of columns. It may take a row too many (external ids are compared by their hash), never one too few: events are held
/// to the filter itself once they are read.
/// </summary>
internal sealed class RowFilter
{
    private readonly TimeRange _time;
    private readonly long _ceiling;
    private readonly int _kinds;
    private readonly int _priorities;
    private readonly CodeSet? _sources;
    private readonly CodeSet? _types;
    private readonly CodeSet? _devices;
    private readonly CodeSet? _users;
    private readonly CodeSet? _countries;
    private readonly IReadOnlyList<IpRange> _ips;
    private readonly IReadOnlyList<IpRange> _srcIps;
    private readonly IReadOnlyList<IpRange> _dstIps;
    private readonly ulong[] _externalIds;
    private readonly UInt128[] _ids;
    private readonly int _hiddenSource;
    private readonly bool _versions;

    private RowFilter(EventFilter filter, EventColumns columns, long ceiling)
    {
        (_time, _ceiling, _versions) = (new TimeRange(filter), ceiling, columns.HasVersions);
        _kinds = filter.Kinds.Count == 0 ? -1 : filter.Kinds.Aggregate(0, (bits, kind) => bits | (1 << (int)kind));
        _priorities = filter.Priorities.Count == 0 ? -1 : filter.Priorities.Aggregate(0, (bits, priority) => bits | (1 << (int)priority));
        _sources = CodeSet.Of(columns.Sources, filter.Sources);
        _types = CodeSet.Of(columns.Types, filter.Types, EventFilter.IsOfType);
        _devices = CodeSet.Of(columns.Devices, filter.Devices);
        _users = CodeSet.Of(columns.Users, filter.UserIds, withNone: filter.UserIds.Contains(EventFilter.UnknownUser));
        _countries = CodeSet.Of(columns.Countries, filter.Countries);
        (_ips, _srcIps, _dstIps) = (filter.Ips, filter.SrcIps, filter.DstIps);
        _externalIds = [.. filter.ExternalIds.Select(StableHash.Of)];
        _ids = [.. filter.Ids.Select(EventColumns.IdOf)];
        _hiddenSource = filter.ShowsOwn ? -1 : columns.Sources.Find(EventFilter.OwnSource);
    }

    public TimeRange Time => _time;

    /// <summary>Null when no row can be taken.</summary>
    public static RowFilter? For(EventFilter filter, EventColumns columns, long ceiling)
    {
        var rows = new RowFilter(filter, columns, ceiling);
        return rows._sources?.IsEmpty == true || rows._types?.IsEmpty == true || rows._devices?.IsEmpty == true
            || rows._users?.IsEmpty == true || rows._countries?.IsEmpty == true ? null : rows;
    }

    public bool Takes(ColumnBlock block, int row) =>
        (_users is null || _users.Holds(block.Users[row]))
        && (_types is null || _types.Holds(block.Types[row]))
        && (_priorities & (1 << block.Priorities[row])) != 0
        && (_kinds & (1 << block.Kinds[row])) != 0
        && (_sources is null || _sources.Holds(block.Sources[row]))
        && block.Sources[row] != _hiddenSource
        && (_devices is null || _devices.Holds(block.Devices[row]))
        && (_countries is null || _countries.Holds(block.Countries[row]))
        && _time.Holds(block.Ticks[row], block.SubTicks[row])
        && (_externalIds.Length == 0 || _externalIds.Contains(block.ExternalIds[row]))
        && (_ids.Length == 0 || _ids.Contains(block.Ids[row]))
        && (_srcIps.Count == 0 || HasSrc(_srcIps, block, row))
        && (_dstIps.Count == 0 || HasDst(_dstIps, block, row))
        && (_ips.Count == 0 || HasSrc(_ips, block, row) || HasDst(_ips, block, row))
        && (!_versions || (block.From[row] <= _ceiling && _ceiling < block.To[row]));

    private static bool HasSrc(IReadOnlyList<IpRange> ranges, ColumnBlock block, int row) => block.Sides[row].HasFlag(Sides.Src) && Any(ranges, block.SrcIps[row]);

    private static bool HasDst(IReadOnlyList<IpRange> ranges, ColumnBlock block, int row) => block.Sides[row].HasFlag(Sides.Dst) && Any(ranges, block.DstIps[row]);

    private static bool Any(IReadOnlyList<IpRange> ranges, UInt128 address)
    {
        for (var i = 0; i < ranges.Count; i++)
            if (ranges[i].Contains(address))
                return true;
        return false;
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

        // A code above the table belongs to a row that came after: it is not among the wanted.
        public bool Holds(int code) => code == _single || ((uint)code < (uint)_many.Length && _many[code]);
    }
}
