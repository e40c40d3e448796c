using Tocsin.Engines.Sqlite.Columns;
using Tocsin.Engines.Sqlite.Segments;

namespace Tocsin.Engines.Sqlite;

/// <summary>
/// A run of sequences. The newest is open and takes new events; the others are full and never change. One that is not sealed has its rows in a table of the
/// journal and its index in memory; a sealed one has both in files of its own, and is another object: who still reads the old one finds it as it was.
/// </summary>
internal sealed class Partition
{
    /// <summary>Events in a partition: small B-trees keep their speed, and sealing one takes about a second.</summary>
    public const int MaxRows = 250_000;

    private Partition(int number, long firstSequence, EventTable table, EventColumns? columns, Segment? segment) =>
        (Number, FirstSequence, Table, Columns, Segment) = (number, firstSequence, table, columns, segment);

    public int Number { get; }

    public long FirstSequence { get; }

    public EventTable Table { get; }

    /// <summary>The index, while it is not sealed.</summary>
    public EventColumns? Columns { get; }

    /// <summary>The files, once it is sealed.</summary>
    public Segment? Segment { get; }

    /// <summary>Events that were amended since the index was made.</summary>
    public Amended Amended { get; } = new();

    /// <summary>Events with a priority. The writer alone counts them.</summary>
    public int Prioritised { get; set; }

    /// <summary>True when its rows alone do not say how they read.</summary>
    public bool HasAmendments => !Amended.IsEmpty || Segment?.Index.HasAmendments == true;

    public static Partition Unsealed(int number, long firstSequence) => new(number, firstSequence, EventTable.Of(number), new EventColumns(), null);

    public static Partition Sealed(int number, long firstSequence, Segment segment, int prioritised) =>
        new(number, firstSequence, EventTable.Sealed, null, segment) { Prioritised = prioritised };

    /// <summary>A connection to its rows, to be given back; <paramref name="journal"/> where they are still there.</summary>
    public RowLease Rent(SqliteConnection journal) => Segment is null ? new RowLease(journal, null, null) : Segment.Rent();

    /// <summary>The sequence of the event with this id; 0 when there is none.</summary>
    public long FindId(UInt128 id)
    {
        if (Segment is not null)
            return Segment.FindId(id);
        var row = Columns!.FindId(id);
        return row < 0 ? 0 : Columns.Block(row).Sequences[row % ColumnBlock.Rows];
    }

    /// <summary>The fingerprint of one of its events.</summary>
    public long FingerprintOf(long sequence, SqliteConnection journal)
    {
        if (Columns is not null)
        {
            var row = Columns.FindSequence(sequence);
            return Columns.Block(row).Fingerprints[row % ColumnBlock.Rows];
        }
        using var rows = Rent(journal);
        return Table.Fingerprint(rows.Connection, sequence);
    }
}

/// <summary>A connection that goes back where it came from.</summary>
internal readonly struct RowLease(SqliteConnection connection, Segment? segment, SegmentConnections? home) : IDisposable
{
    public SqliteConnection Connection => connection;

    public void Dispose()
    {
        if (segment is not null)
            home!.Return(segment, connection);
    }
}
