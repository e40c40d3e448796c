using Tocsin.Engines.Sqlite.Queries;

namespace Tocsin.Engines.Sqlite.Columns;

/// <summary>
/// Some thousand rows, a column an array. Written once a row by one thread, below the count that is published after; small enough to stay out of the
/// large object heap.
/// </summary>
internal sealed class ColumnBlock(bool versions)
{
    public const int Rows = 4096;

    public readonly long[] Ticks = new long[Rows];
    public readonly byte[] SubTicks = new byte[Rows];
    public readonly long[] Sequences = new long[Rows];
    public readonly byte[] Kinds = new byte[Rows];
    public readonly byte[] Priorities = new byte[Rows];
    public readonly int[] Sources = new int[Rows];
    public readonly int[] Types = new int[Rows];
    public readonly int[] Devices = new int[Rows];
    public readonly int[] Users = new int[Rows];
    public readonly int[] Countries = new int[Rows];

    /// <summary>Which addresses there are: every number is some address, and none stands for "none".</summary>
    public readonly Sides[] Sides = new Sides[Rows];

    public readonly AddressColumn SrcIps = new(Rows);
    public readonly AddressColumn DstIps = new(Rows);

    /// <summary>Hashes; 0 for none.</summary>
    public readonly ulong[] ExternalIds = new ulong[Rows];

    public readonly UInt128[] Ids = new UInt128[Rows];
    public readonly long[] Fingerprints = new long[Rows];

    /// <summary>Where rows are versions of amended events: the sequences from and to (exclusive) which they hold.</summary>
    public readonly long[] From = versions ? new long[Rows] : [];

    public readonly long[] To = versions ? new long[Rows] : [];

    /// <summary>The block's earliest and latest time; may be wider than its rows after a rollback.</summary>
    public long MinTicks { get; private set; } = long.MaxValue;

    public long MaxTicks { get; private set; } = long.MinValue;

    public RowKey Key(int row) => new(Ticks[row], SubTicks[row], Sequences[row]);

    /// <summary>Takes over what is no code.</summary>
    public void CopyRow(int row, ColumnBlock other, int at)
    {
        SetTime(row, EventTime.FromStored(other.Ticks[at], other.SubTicks[at]));
        Sequences[row] = other.Sequences[at];
        Kinds[row] = other.Kinds[at];
        Priorities[row] = other.Priorities[at];
        Sides[row] = other.Sides[at];
        SrcIps.Set(row, other.SrcIps.Get(at));
        DstIps.Set(row, other.DstIps.Get(at));
        ExternalIds[row] = other.ExternalIds[at];
        Ids[row] = other.Ids[at];
        Fingerprints[row] = other.Fingerprints[at];
        (From[row], To[row]) = (other.From[at], other.To[at]);
    }

    public void SetTime(int row, EventTime time)
    {
        Ticks[row] = time.UnixTicks;
        SubTicks[row] = time.SubTickNanoseconds;
        MinTicks = Math.Min(MinTicks, time.UnixTicks);
        MaxTicks = Math.Max(MaxTicks, time.UnixTicks);
    }
}

/// <summary>Which addresses an event has.</summary>
[Flags]
internal enum Sides : byte
{
    None = 0,
    Src = 1,
    Dst = 2,
}

/// <summary>Addresses as two halves, so that many are compared at once.</summary>
internal readonly struct AddressColumn(int rows)
{
    public readonly ulong[] High = new ulong[rows];
    public readonly ulong[] Low = new ulong[rows];

    public UInt128 Get(int row) => new(High[row], Low[row]);

    public void Set(int row, UInt128 address) => (High[row], Low[row]) = ((ulong)(address >> 64), (ulong)address);
}
