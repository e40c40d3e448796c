namespace Tocsin.Engines.Sqlite.Segments;

/// <summary>The columns of a sealed index. The numbers are stored; never renumber.</summary>
internal enum SegmentColumn
{
    Kind = 0,
    Priority = 1,
    Source = 2,
    Type = 3,
    Device = 4,
    User = 5,
    Country = 6,
    SrcIp = 7,
    DstIp = 8,
    ExternalId = 9,
}

/// <summary>The parts of a sealed index. The numbers are stored; never renumber.</summary>
internal enum SegmentPart
{
    /// <summary>Ticks by rank: rows are ranked by time, then sequence.</summary>
    Ticks = 0,

    /// <summary>Nanoseconds past the tick by rank.</summary>
    SubTicks = 1,

    /// <summary>Sequence less the first one, by rank.</summary>
    Offsets = 2,

    /// <summary>The ids, sorted.</summary>
    Ids = 3,

    /// <summary>The offset of each of <see cref="Ids"/>.</summary>
    IdOffsets = 4,

    /// <summary>The Bloom filter over the ids.</summary>
    IdFilter = 5,

    /// <summary>By rank, the sequence from which a version holds; only where rows are versions.</summary>
    From = 6,

    /// <summary>By rank, the sequence before which it holds.</summary>
    To = 7,

    /// <summary>Begins the columns: each has <see cref="PartsPerColumn"/> parts from here on.</summary>
    Columns = 16,

    PartsPerColumn = 8,
}

/// <summary>The parts of one column.</summary>
internal enum ColumnPart
{
    /// <summary>Where each key begins in <see cref="KeyBytes"/>; one more than there are keys.</summary>
    KeyStarts = 0,

    /// <summary>The distinct values, sorted as bytes; an empty one stands for none.</summary>
    KeyBytes = 1,

    /// <summary>Rows of each key.</summary>
    Counts = 2,

    /// <summary>Where each key's ranks begin in <see cref="Ranks"/>, in bytes.</summary>
    RankStarts = 3,

    /// <summary>The ranks of each key: a bitmap where it is the shorter form, else a sorted list.</summary>
    Ranks = 4,

    /// <summary>The key of each rank, from 1; 0 for none. 1, 2 or 4 bytes wide. Only for columns that are counted by.</summary>
    Codes = 5,
}
