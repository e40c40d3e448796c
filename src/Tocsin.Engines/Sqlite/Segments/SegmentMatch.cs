using System.Buffers;
using System.Numerics;
using System.Runtime.InteropServices;
using Tocsin.Engines.Sqlite.Queries;

namespace Tocsin.Engines.Sqlite.Segments;

/// <summary>
/// The ranks of a sealed partition that a filter takes: all between two, or the bits of a bitmap. It may take a row too many (external ids are compared by
/// their hash), never one too few: events are held to the filter itself once they are read.
/// </summary>
internal sealed class SegmentMatch : IDisposable
{
    private readonly SegmentIndex _index;
    private readonly int _from;
    private readonly int _to;
    private readonly int _words;
    private ulong[]? _bits;

    private SegmentMatch(SegmentIndex index, int from, int to) => (_index, _from, _to, _words) = (index, from, to, SegmentRanks.WordsOf(index.Rows));

    /// <summary>Null when no row is taken.</summary>
    public static SegmentMatch? Find(SegmentIndex index, SegmentFilter filter)
    {
        var from = filter.Time.Since is { } since ? index.RankOf(RowKey.Of(since, 0)) : 0;
        var to = filter.Time.Until is { } until ? index.RankOf(RowKey.Of(until, 0)) : index.Rows;
        if (from >= to || Resolve(index, filter) is not { } groups)
            return null;
        var match = new SegmentMatch(index, from, to);
        // The rarest first: the others only narrow it.
        foreach (var group in groups.OrderBy(group => group.Rows))
            match.Keep(group.Keys);
        if (filter.HidesOwn && SegmentFilter.OwnKey(index) is >= 0 and var own)
            match.Drop(own);
        return match;
    }

    /// <summary>The nearest rank that is taken, from this one on in a direction; -1 when there is none.</summary>
    public int Next(int rank, bool ascending)
    {
        rank = ascending ? Math.Max(rank, _from) : Math.Min(rank, _to - 1);
        if (rank < _from || rank >= _to)
            return -1;
        if (_bits is null)
            return rank;
        var found = BitScan.Next(_bits.AsSpan(0, _words), rank, ascending);
        return found >= _from && found < _to ? found : -1;
    }

    public void Dispose()
    {
        if (_bits is not null)
            ArrayPool<ulong>.Shared.Return(_bits);
        _bits = null;
    }

    /// <summary>The keys of every condition; null when one of them has none here.</summary>
    private static List<(List<(SegmentColumn Column, int Key)> Keys, int Rows)>? Resolve(SegmentIndex index, SegmentFilter filter)
    {
        var groups = new List<(List<(SegmentColumn Column, int Key)> Keys, int Rows)>(filter.Conditions.Count);
        foreach (var condition in filter.Conditions)
        {
            var keys = new List<(SegmentColumn Column, int Key)>(1);
            var rows = condition.Resolve(index, keys);
            if (keys.Count == 0)
                return null;
            groups.Add((keys, rows));
        }
        return groups;
    }

    /// <summary>Keeps the rows with one of these keys.</summary>
    private void Keep(List<(SegmentColumn Column, int Key)> keys)
    {
        var taken = ArrayPool<ulong>.Shared.Rent(_words);
        taken.AsSpan(0, _words).Clear();
        foreach (var (column, key) in keys)
            _index.Ranks(column, key).AddTo(taken.AsSpan(0, _words));
        if (_bits is null)
        {
            _bits = taken;
            return;
        }
        And(_bits.AsSpan(0, _words), taken.AsSpan(0, _words));
        ArrayPool<ulong>.Shared.Return(taken);
    }

    private void Drop(int ownKey)
    {
        if (_bits is null)
        {
            _bits = ArrayPool<ulong>.Shared.Rent(_words);
            _bits.AsSpan(0, _words).Fill(ulong.MaxValue);
        }
        var own = _index.Ranks(SegmentColumn.Source, ownKey);
        for (var rank = 0; own.HoldsBits && rank < _words; rank++)
            _bits[rank] &= ~own.Words[rank];
        if (!own.HoldsBits)
            foreach (var rank in own.List)
                _bits[rank / 64] &= ~(1UL << (int)(rank % 64));
    }

    private static void And(Span<ulong> bits, ReadOnlySpan<ulong> others)
    {
        var wide = MemoryMarshal.Cast<ulong, Vector<ulong>>(bits);
        var wideOthers = MemoryMarshal.Cast<ulong, Vector<ulong>>(others);
        for (var i = 0; i < wide.Length; i++)
            wide[i] &= wideOthers[i];
        for (var i = wide.Length * Vector<ulong>.Count; i < bits.Length; i++)
            bits[i] &= others[i];
    }
}
