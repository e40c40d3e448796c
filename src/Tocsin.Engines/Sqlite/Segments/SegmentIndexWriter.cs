using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;
using Tocsin.Engines.Sqlite.Columns;

namespace Tocsin.Engines.Sqlite.Segments;

/// <summary>
/// Writes the index of a full partition: what its columns say, ranked by time. Everything in it can be made again from the rows and the amendments.
/// </summary>
internal sealed class SegmentIndexWriter
{
    private readonly RowRef[] _rows;
    private readonly long _firstSequence;
    private readonly FileStream _file;
    private readonly List<(int Part, long Offset, long Length)> _parts = [];

    private SegmentIndexWriter(FileStream file, RowRef[] rows, long firstSequence) => (_file, _rows, _firstSequence) = (file, rows, firstSequence);

    /// <summary>Writes the file with the events that no amendment changed up to <paramref name="horizon"/>, and syncs it.</summary>
    public static void Write(string path, EventColumns columns, Amended? amended, long firstSequence, long horizon)
    {
        var rows = new List<RowRef>(columns.Count);
        var hasAmendments = false;
        for (var i = 0; i < columns.Count; i++)
        {
            var row = new RowRef(columns, columns.Block(i), i % ColumnBlock.Rows);
            if (amended?.HoldsAt(row.Sequence, horizon) == true)
                hasAmendments = true;
            else
                rows.Add(row);
        }
        Write(path, rows, columns, firstSequence, horizon, hasAmendments);
    }

    /// <summary>Writes the file with the events that amendments changed up to <paramref name="horizon"/>, in all their versions, and syncs it.</summary>
    public static void WriteVersions(string path, Amended amended, long firstSequence, long horizon)
    {
        // A table of their own: the texts of columns that the writer still adds to are not touched.
        var versions = new EventColumns(versions: true);
        amended.CopyTo(versions, horizon);
        var rows = new List<RowRef>(versions.Count);
        for (var i = 0; i < versions.Count; i++)
            rows.Add(new RowRef(versions, versions.Block(i), i % ColumnBlock.Rows));
        Write(path, rows, versions, firstSequence, horizon, hasAmendments: true);
    }

    private static void Write(string path, List<RowRef> rows, EventColumns columns, long firstSequence, long horizon, bool hasAmendments)
    {
        using var file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.None, 1 << 20);
        var writer = new SegmentIndexWriter(file, Rank(rows), firstSequence);
        file.Write(new byte[SegmentHeader.Size]);
        writer.WriteRanks();
        writer.WriteIds();
        writer.WriteColumns(columns);
        writer.WriteHeader(horizon, hasAmendments);
        file.Flush(flushToDisk: true);
    }

    private static RowRef[] Rank(List<RowRef> rows)
    {
        for (var i = 1; i < rows.Count; i++)
            if (RowRef.CompareInTime(rows[i - 1], rows[i]) > 0)
            {
                rows.Sort(RowRef.CompareInTime);
                break;
            }
        return [.. rows];
    }

    private void WriteRanks()
    {
        WritePart((int)SegmentPart.Ticks, Array.ConvertAll(_rows, static row => row.Block.Ticks[row.Index]));
        WritePart((int)SegmentPart.SubTicks, Array.ConvertAll(_rows, static row => row.Block.SubTicks[row.Index]));
        WritePart((int)SegmentPart.Offsets, Array.ConvertAll(_rows, row => checked((uint)(row.Sequence - _firstSequence))));
        if (_rows.Length == 0 || !_rows[0].Columns.HasVersions)
            return;
        WritePart((int)SegmentPart.From, Array.ConvertAll(_rows, static row => row.Block.From[row.Index]));
        WritePart((int)SegmentPart.To, Array.ConvertAll(_rows, static row => row.Block.To[row.Index]));
    }

    private void WriteIds()
    {
        var ids = Array.ConvertAll(_rows, static row => row.Block.Ids[row.Index]);
        var offsets = Array.ConvertAll(_rows, row => checked((uint)(row.Sequence - _firstSequence)));
        Array.Sort(ids, offsets);
        var filter = new IdFilter(_rows.Length);
        foreach (var id in ids)
            filter.Add(id);
        WritePart((int)SegmentPart.Ids, ids);
        WritePart((int)SegmentPart.IdOffsets, offsets);
        WritePart((int)SegmentPart.IdFilter, filter.Bytes);
    }

    private void WriteColumns(EventColumns columns)
    {
        WriteTexts(SegmentColumn.Kind, Array.ConvertAll(_rows, static row => row.Block.Kinds[row.Index] + 1), Names(EventKinds.Names), withNone: false);
        WriteTexts(SegmentColumn.Priority, Array.ConvertAll(_rows, static row => (int)row.Block.Priorities[row.Index]), Names(Priorities.Names), withNone: true);
        WriteTexts(SegmentColumn.Source, columns, static (block, i) => block.Sources[i], static c => c.Sources, withNone: false);
        WriteTexts(SegmentColumn.Type, columns, static (block, i) => block.Types[i], static c => c.Types, withNone: false);
        WriteTexts(SegmentColumn.Device, columns, static (block, i) => block.Devices[i], static c => c.Devices, withNone: false);
        WriteTexts(SegmentColumn.User, columns, static (block, i) => block.Users[i], static c => c.Users, withNone: true);
        WriteTexts(SegmentColumn.Country, columns, static (block, i) => block.Countries[i], static c => c.Countries, withNone: false);
        WriteNumbers(SegmentColumn.SrcIp, static row => row.Block.Sides[row.Index].HasFlag(Sides.Src), static row => row.Block.SrcIps.Get(row.Index), 16);
        WriteNumbers(SegmentColumn.DstIp, static row => row.Block.Sides[row.Index].HasFlag(Sides.Dst), static row => row.Block.DstIps.Get(row.Index), 16);
        WriteNumbers(SegmentColumn.ExternalId, static row => row.Block.ExternalIds[row.Index] != 0, static row => row.Block.ExternalIds[row.Index], 8);
    }

    private static string?[] Names(IReadOnlyList<string> names) => [null, .. names];

    private void WriteTexts(SegmentColumn column, EventColumns columns, Func<ColumnBlock, int, int> code, Func<EventColumns, CodeTable> tableOf, bool withNone)
    {
        var table = tableOf(columns);
        var codes = Array.ConvertAll(_rows, row => code(row.Block, row.Index));
        WriteTexts(column, codes, table.Texts, withNone);
    }

    private void WriteTexts(SegmentColumn column, int[] codes, ReadOnlySpan<string?> texts, bool withNone)
    {
        var keys = new byte[texts.Length][];
        for (var code = 0; code < keys.Length; code++)
            keys[code] = SegmentKey.Of(texts[code]);
        var counts = new int[keys.Length];
        foreach (var code in codes)
            counts[code]++;
        // Sorted as bytes, and only what rows have; none comes first, where it is asked for.
        var sorted = Enumerable.Range(0, keys.Length).Where(code => counts[code] > 0 && (code > 0 || withNone)).ToArray();
        Array.Sort(sorted, (a, b) => keys[a].AsSpan().SequenceCompareTo(keys[b]));
        var place = new int[keys.Length];
        for (var i = 0; i < sorted.Length; i++)
            place[sorted[i]] = i + 1;
        var stored = Array.ConvertAll(codes, code => place[code]);
        WriteCodes(column, Array.ConvertAll(codes, code => code == CodeTable.None ? 0 : place[code]), sorted.Length);
        WriteKeys(column, Array.ConvertAll(sorted, code => keys[code]));
        WriteRanks(column, stored, sorted.Length);
    }

    private void WriteNumbers<T>(SegmentColumn column, Func<RowRef, bool> has, Func<RowRef, T> value, int bytes)
        where T : unmanaged, IBinaryInteger<T>
    {
        var ranks = Enumerable.Range(0, _rows.Length).Where(rank => has(_rows[rank])).ToArray();
        var values = Array.ConvertAll(ranks, rank => value(_rows[rank]));
        Array.Sort(values, ranks);
        var keys = new List<byte[]>();
        var stored = new int[_rows.Length];
        for (var i = 0; i < values.Length; i++)
        {
            if (i == 0 || values[i] != values[i - 1])
            {
                var key = new byte[bytes];
                values[i].WriteBigEndian(key);
                keys.Add(key);
            }
            stored[ranks[i]] = keys.Count;
        }
        WriteKeys(column, [.. keys]);
        WriteRanks(column, stored, keys.Count);
    }

    private void WriteKeys(SegmentColumn column, byte[][] keys)
    {
        var starts = new uint[keys.Length + 1];
        for (var i = 0; i < keys.Length; i++)
            starts[i + 1] = starts[i] + (uint)keys[i].Length;
        var bytes = new byte[starts[^1]];
        for (var i = 0; i < keys.Length; i++)
            keys[i].CopyTo(bytes, starts[i]);
        WritePart(PartOf(column, ColumnPart.KeyStarts), starts);
        WritePart(PartOf(column, ColumnPart.KeyBytes), bytes);
    }

    /// <summary>Turns the key of each rank (from 1; 0: none) into the ranks of each key.</summary>
    private void WriteRanks(SegmentColumn column, int[] keyOfRank, int keys)
    {
        var counts = new uint[keys];
        foreach (var key in keyOfRank)
            if (key > 0)
                counts[key - 1]++;
        var starts = new uint[keys + 1];
        for (var key = 0; key < keys; key++)
            starts[key + 1] = starts[key] + (uint)SegmentRanks.BytesOf((int)counts[key], _rows.Length);
        var ranks = new byte[starts[^1]];
        var written = new int[keys];
        for (var rank = 0; rank < keyOfRank.Length; rank++)
        {
            var key = keyOfRank[rank] - 1;
            if (key < 0)
                continue;
            var at = ranks.AsSpan((int)starts[key]);
            if (SegmentRanks.IsBitmap((int)counts[key], _rows.Length))
                at[rank / 8] |= (byte)(1 << (rank % 8));
            else
                BinaryPrimitives.WriteUInt32LittleEndian(at[(written[key]++ * sizeof(uint))..], (uint)rank);
        }
        WritePart(PartOf(column, ColumnPart.Counts), counts);
        WritePart(PartOf(column, ColumnPart.RankStarts), starts);
        WritePart(PartOf(column, ColumnPart.Ranks), ranks);
    }

    private void WriteCodes(SegmentColumn column, int[] codes, int keys)
    {
        var part = PartOf(column, ColumnPart.Codes);
        if (keys <= byte.MaxValue)
            WritePart(part, Array.ConvertAll(codes, static code => (byte)code));
        else if (keys <= ushort.MaxValue)
            WritePart(part, Array.ConvertAll(codes, static code => (ushort)code));
        else
            WritePart(part, codes);
    }

    public static int PartOf(SegmentColumn column, ColumnPart part) =>
        (int)SegmentPart.Columns + ((int)column * (int)SegmentPart.PartsPerColumn) + (int)part;

    private void WritePart<T>(int part, ReadOnlySpan<T> values)
        where T : unmanaged
    {
        var bytes = MemoryMarshal.AsBytes(values);
        _parts.Add((part, _file.Position, bytes.Length));
        _file.Write(bytes);
        // Every part begins where a vector may be read.
        while (_file.Position % SegmentHeader.Alignment != 0)
            _file.WriteByte(0);
    }

    private void WritePart<T>(int part, T[] values)
        where T : unmanaged => WritePart(part, (ReadOnlySpan<T>)values);

    private void WriteHeader(long horizon, bool hasAmendments)
    {
        var length = _file.Position;
        _file.Position = 0;
        _file.Write(SegmentHeader.Bytes(_rows.Length, _firstSequence, horizon, hasAmendments, length, _parts));
    }

    /// <summary>A row as it reads now: of the columns, or a version of the amended.</summary>
    private readonly record struct RowRef(EventColumns Columns, ColumnBlock Block, int Index)
    {
        public long Sequence => Block.Sequences[Index];

        public static int CompareInTime(RowRef a, RowRef b) => a.Block.Key(a.Index).CompareInTime(b.Block.Key(b.Index));
    }
}
