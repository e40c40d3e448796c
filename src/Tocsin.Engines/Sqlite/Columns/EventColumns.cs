using System.Buffers.Binary;

namespace Tocsin.Engines.Sqlite.Columns;

/// <summary>
/// The fields of events that filters ask for, in memory, a column an array: the index of what is not sealed yet. It costs the writer a fraction of what a
/// B-tree would, and is made anew from the table at the start. One thread appends and truncates; readers see the rows below the count they read.
/// </summary>
internal sealed class EventColumns(bool versions = false)
{
    private readonly IdTable? _ids = versions ? null : new IdTable();
    private ColumnBlock[] _blocks = [];
    private int _count;

    public CodeTable Sources { get; } = new();

    public CodeTable Types { get; } = new();

    public CodeTable Devices { get; } = new();

    public CodeTable Users { get; } = new();

    public CodeTable Countries { get; } = new();

    /// <summary>True when rows are versions of amended events, in no order of sequences.</summary>
    public bool HasVersions => versions;

    public int Count => Volatile.Read(ref _count);

    public ColumnBlock Block(int row) => Volatile.Read(ref _blocks)[row / ColumnBlock.Rows];

    /// <summary>The blocks of the first so many rows.</summary>
    public ReadOnlySpan<ColumnBlock> Blocks(int rows) => Volatile.Read(ref _blocks).AsSpan(0, (rows + ColumnBlock.Rows - 1) / ColumnBlock.Rows);

    /// <summary>Adds an event; with versions, the one that holds from a sequence on.</summary>
    public void Append(long sequence, SecurityEvent e, long from = 0)
    {
        var (block, row) = NextRow();
        block.SetTime(row, e.Time);
        block.Sequences[row] = sequence;
        block.Kinds[row] = (byte)e.Kind;
        block.Priorities[row] = (byte)e.Priority;
        block.Sources[row] = Sources.Add(e.Source);
        block.Types[row] = Types.Add(e.Type);
        block.Devices[row] = Devices.Add(e.Device);
        block.Users[row] = Users.Add(e.UserId);
        block.Countries[row] = Countries.Add(e.Country);
        block.Sides[row] = Sides.None;
        if (e.SrcIp is not null && IpRange.TryAddress(e.SrcIp, out var src))
        {
            block.SrcIps.Set(row, src);
            block.Sides[row] |= Sides.Src;
        }
        if (e.DstIp is not null && IpRange.TryAddress(e.DstIp, out var dst))
        {
            block.DstIps.Set(row, dst);
            block.Sides[row] |= Sides.Dst;
        }
        block.ExternalIds[row] = e.ExternalId is null ? 0 : StableHash.Of(e.ExternalId);
        block.Ids[row] = IdOf(e.Id);
        block.Fingerprints[row] = e.Fingerprint;
        if (versions)
            (block.From[row], block.To[row]) = (from, long.MaxValue);
        _ids?.Add(block.Ids[row], _count, this);
        Volatile.Write(ref _count, _count + 1);
    }

    /// <summary>Adds a row of other columns as it stands there, with the sequences from and to which it holds.</summary>
    public void Append(EventColumns other, int otherRow)
    {
        var (from, at) = (other.Block(otherRow), otherRow % ColumnBlock.Rows);
        var (block, row) = NextRow();
        block.CopyRow(row, from, at);
        block.Sources[row] = Sources.Add(other.Sources.Texts[from.Sources[at]]);
        block.Types[row] = Types.Add(other.Types.Texts[from.Types[at]]);
        block.Devices[row] = Devices.Add(other.Devices.Texts[from.Devices[at]]);
        block.Users[row] = Users.Add(other.Users.Texts[from.Users[at]]);
        block.Countries[row] = Countries.Add(other.Countries.Texts[from.Countries[at]]);
        Volatile.Write(ref _count, _count + 1);
    }

    /// <summary>Forgets the rows from this one on: their commit failed.</summary>
    public void Truncate(int count)
    {
        if (count == _count)
            return;
        Volatile.Write(ref _count, count);
        _ids?.Rebuild(this);
    }

    /// <summary>The row with this id; -1 when there is none. Rows that are not committed yet are found too.</summary>
    public int FindId(UInt128 id) => _ids!.Find(id, this);

    /// <summary>The row with this sequence; -1 when there is none.</summary>
    public int FindSequence(long sequence)
    {
        var row = RowsUpTo(sequence) - 1;
        return row >= 0 && Block(row).Sequences[row % ColumnBlock.Rows] == sequence ? row : -1;
    }

    /// <summary>How many rows have a sequence up to this one; rows are in the order of sequences, except versions.</summary>
    public int RowsUpTo(long sequence)
    {
        var (low, high) = (0, Count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (Block(middle).Sequences[middle % ColumnBlock.Rows] <= sequence)
                low = middle + 1;
            else
                high = middle;
        }
        return low;
    }

    public int CountPrioritised()
    {
        var count = 0;
        for (var row = 0; row < Count; row++)
            count += Block(row).Priorities[row % ColumnBlock.Rows] == 0 ? 0 : 1;
        return count;
    }

    private (ColumnBlock Block, int Row) NextRow()
    {
        if (_count / ColumnBlock.Rows == _blocks.Length)
            Volatile.Write(ref _blocks, [.. _blocks, new ColumnBlock(versions)]);
        return (_blocks[_count / ColumnBlock.Rows], _count % ColumnBlock.Rows);
    }

    /// <summary>An id as a number that sorts as its bytes.</summary>
    public static UInt128 IdOf(EventId id)
    {
        Span<byte> bytes = stackalloc byte[EventId.SizeInBytes];
        id.WriteTo(bytes);
        return BinaryPrimitives.ReadUInt128BigEndian(bytes);
    }
}
