using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;
using Tocsin.Engines.Sqlite.Queries;

namespace Tocsin.Engines.Sqlite.Segments;

/// <summary>
/// The index of a sealed partition, mapped into memory and never changed: the system keeps in memory what is asked for. For any number of threads, until it
/// is disposed of.
/// </summary>
internal sealed unsafe class SegmentIndex : IDisposable
{
    private readonly MemoryMappedFile _file;
    private readonly MemoryMappedViewAccessor _view;
    private readonly byte* _start;
    private readonly SegmentHeader _header;

    private SegmentIndex(MemoryMappedFile file, MemoryMappedViewAccessor view, byte* start, SegmentHeader header)
    {
        (_file, _view, _header) = (file, view, header);
        _start = start;
        (MinTicks, MaxTicks) = Rows == 0 ? (long.MaxValue, long.MinValue) : (Ticks[0], Ticks[^1]);
        HasVersions = header.Parts[(int)SegmentPart.From].Length > 0;
    }

    public int Rows => _header.Rows;

    public long FirstSequence => _header.FirstSequence;

    /// <summary>Amendments up to this sequence are in it.</summary>
    public long Horizon => _header.Horizon;

    /// <summary>True when its rows are versions of amended events, each of which holds for some sequences only.</summary>
    public bool HasVersions { get; }

    /// <summary>True when amendments changed events of the partition before it was sealed: these stand in an index of their own.</summary>
    public bool HasAmendments => _header.HasAmendments;

    public long MinTicks { get; }

    public long MaxTicks { get; }

    public ReadOnlySpan<long> Ticks => Part<long>((int)SegmentPart.Ticks);

    /// <summary>Null when the file is absent, not whole or not ours: it is made again then.</summary>
    public static SegmentIndex? Open(string path)
    {
        if (!File.Exists(path))
            return null;
        var length = new FileInfo(path).Length;
        if (length < SegmentHeader.Size)
            return null;
        var file = MemoryMappedFile.CreateFromFile(path, FileMode.Open, mapName: null, 0, MemoryMappedFileAccess.Read);
        var view = file.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read);
        byte* start = null;
        view.SafeMemoryMappedViewHandle.AcquirePointer(ref start);
        if (SegmentHeader.Read(new ReadOnlySpan<byte>(start, SegmentHeader.Size), length) is { } header)
            return new SegmentIndex(file, view, start, header);
        view.SafeMemoryMappedViewHandle.ReleasePointer();
        view.Dispose();
        file.Dispose();
        return null;
    }

    public RowKey Key(int rank) => new(Ticks[rank], Part<byte>((int)SegmentPart.SubTicks)[rank], SequenceOf(rank));

    public long SequenceOf(int rank) => FirstSequence + Part<uint>((int)SegmentPart.Offsets)[rank];

    /// <summary>True when a row is how its event reads up to a ceiling.</summary>
    public bool Holds(int rank, long ceiling) =>
        SequenceOf(rank) <= ceiling && (!HasVersions || (Part<long>((int)SegmentPart.From)[rank] <= ceiling && ceiling < Part<long>((int)SegmentPart.To)[rank]));

    /// <summary>The first rank that does not come before a key in time; as many as there are rows when all do.</summary>
    public int RankOf(RowKey key)
    {
        var ticks = Ticks;
        var (low, high) = (0, ticks.Length);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (ticks[middle] < key.Ticks || (ticks[middle] == key.Ticks && Key(middle).CompareInTime(key) < 0))
                low = middle + 1;
            else
                high = middle;
        }
        return low;
    }

    /// <summary>The sequence of the event with this id; 0 when there is none.</summary>
    public long FindId(UInt128 id)
    {
        if (Rows == 0 || !IdFilter.MayContain(Part<byte>((int)SegmentPart.IdFilter), id))
            return 0;
        var at = Part<UInt128>((int)SegmentPart.Ids).BinarySearch(id);
        return at < 0 ? 0 : FirstSequence + Part<uint>((int)SegmentPart.IdOffsets)[at];
    }

    public int KeyCount(SegmentColumn column) => (int)(Length(column, ColumnPart.Counts) / sizeof(uint));

    public ReadOnlySpan<byte> Key(SegmentColumn column, int key)
    {
        var starts = Part<uint>(column, ColumnPart.KeyStarts);
        return Part<byte>(column, ColumnPart.KeyBytes)[(int)starts[key]..(int)starts[key + 1]];
    }

    /// <summary>The text of a key; null for none.</summary>
    public string? Text(SegmentColumn column, int key) => SegmentKey.Text(Key(column, key));

    /// <summary>The first key that does not come before these bytes; as many as there are keys when all do.</summary>
    public int LowerKey(SegmentColumn column, ReadOnlySpan<byte> bytes)
    {
        var (low, high) = (0, KeyCount(column));
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (Key(column, middle).SequenceCompareTo(bytes) < 0)
                low = middle + 1;
            else
                high = middle;
        }
        return low;
    }

    /// <summary>-1 when no row has this value.</summary>
    public int FindKey(SegmentColumn column, ReadOnlySpan<byte> bytes)
    {
        var key = LowerKey(column, bytes);
        return key < KeyCount(column) && Key(column, key).SequenceEqual(bytes) ? key : -1;
    }

    public SegmentRanks Ranks(SegmentColumn column, int key)
    {
        var starts = Part<uint>(column, ColumnPart.RankStarts);
        return new SegmentRanks(
            Part<byte>(column, ColumnPart.Ranks)[(int)starts[key]..(int)starts[key + 1]], (int)Part<uint>(column, ColumnPart.Counts)[key], Rows);
    }

    /// <summary>The key of every rank from 1; 0 for none. Only of columns that are counted by.</summary>
    public void CopyCodes(SegmentColumn column, Span<int> codes)
    {
        switch (KeyCount(column))
        {
            case <= byte.MaxValue:
                Widen(Part<byte>(column, ColumnPart.Codes), codes);
                break;
            case <= ushort.MaxValue:
                Widen(Part<ushort>(column, ColumnPart.Codes), codes);
                break;
            default:
                Part<int>(column, ColumnPart.Codes).CopyTo(codes);
                break;
        }
    }

    public void Dispose()
    {
        _view.SafeMemoryMappedViewHandle.ReleasePointer();
        _view.Dispose();
        _file.Dispose();
    }

    private static void Widen<T>(ReadOnlySpan<T> from, Span<int> to)
        where T : unmanaged, System.Numerics.IBinaryInteger<T>
    {
        for (var i = 0; i < from.Length; i++)
            to[i] = int.CreateTruncating(from[i]);
    }

    private long Length(SegmentColumn column, ColumnPart part) => _header.Parts[SegmentIndexWriter.PartOf(column, part)].Length;

    private ReadOnlySpan<T> Part<T>(SegmentColumn column, ColumnPart part)
        where T : unmanaged => Part<T>(SegmentIndexWriter.PartOf(column, part));

    private ReadOnlySpan<T> Part<T>(int part)
        where T : unmanaged
    {
        var (offset, length) = _header.Parts[part];
        return MemoryMarshal.Cast<byte, T>(new ReadOnlySpan<byte>(_start + offset, (int)length));
    }
}
