namespace Tocsin.Engines.Sqlite;

/// <summary>
/// A run of sequences kept in one table. The newest is open and takes new events; the others are full and never change. The writer alone
/// touches the counts and the filter of the open one.
/// </summary>
internal sealed class Partition(int number, long firstSequence, IdFilter filter)
{
    /// <summary>Events in a partition: small B-trees keep their speed, and sealing one takes about a second.</summary>
    public const int MaxRows = 250_000;

    public int Number { get; } = number;

    public long FirstSequence { get; } = firstSequence;

    public EventTable Table { get; } = new(number);

    public IdFilter Filter { get; } = filter;

    public int Rows { get; set; }

    public int Prioritised { get; set; }

    /// <summary>Reads the list; the open partition's counts and filter are made anew from its table.</summary>
    public static List<Partition> Load(SqliteConnection connection)
    {
        var partitions = new List<Partition>();
        var row = connection.Statement("SELECT number, first_sequence, rows, prioritised, filter FROM partition ORDER BY number");
        while (row.Step())
            partitions.Add(new Partition((int)row.Int64(0), row.Int64(1), row.IsNull(4) ? new IdFilter(MaxRows) : IdFilter.FromBytes(row.Bytes(4)))
            {
                Rows = (int)row.Int64(2),
                Prioritised = (int)row.Int64(3),
            });
        row.Reset();
        var open = partitions[^1];
        var ids = connection.Statement($"SELECT id, priority FROM event_{open.Number}");
        while (ids.Step())
        {
            open.Filter.Add(ids.Bytes(0));
            open.Rows++;
            open.Prioritised += ids.Int64(1) == 0 ? 0 : 1;
        }
        ids.Reset();
        return partitions;
    }

    /// <summary>Within the caller's transaction: writes down what this partition holds and makes the next one.</summary>
    public Partition Roll(SqliteConnection connection, long nextSequence)
    {
        var next = new Partition(Number + 1, nextSequence, new IdFilter(MaxRows));
        connection.Statement("UPDATE partition SET rows = ?2, prioritised = ?3, filter = ?4 WHERE number = ?1")
            .Bind(1, Number).Bind(2, Rows).Bind(3, Prioritised).Bind(4, Filter.Bytes).Run();
        connection.Statement("INSERT INTO partition (number, first_sequence) VALUES (?1, ?2)").Bind(1, next.Number).Bind(2, nextSequence).Run();
        EventTable.Create(connection, next.Number);
        return next;
    }
}
