using Tocsin.Engines.Sqlite.Segments;

namespace Tocsin.Engines.Sqlite;

/// <summary>Brings the partitions into memory at the start: the files of the sealed ones, the index of the others made from their tables.</summary>
internal static class PartitionLoader
{
    public static List<Partition> Load(SqliteConnection connection, SegmentFolder folder, SegmentBuilder builder)
    {
        var partitions = new List<Partition>();
        var words = new StringCache();
        var rows = new List<(int Number, long First, bool IsSealed, int Prioritised)>();
        var row = connection.Statement("SELECT number, first_sequence, sealed, prioritised FROM partition ORDER BY number");
        while (row.Step())
            rows.Add(((int)row.Int64(0), row.Int64(1), row.Int64(2) != 0, (int)row.Int64(3)));
        row.Reset();
        folder.RefuseRowsFrom(rows[^1].Number);
        var missing = rows.Find(r => r.IsSealed && !File.Exists(folder.RowsPath(r.Number)));
        if (missing.IsSealed)
            throw new Journal.JournalOpenException($"{folder.RowsPath(missing.Number)} is missing: restore a backup into an empty data folder.");
        folder.RemoveStrays(rows.Where(r => r.IsSealed).Select(r => r.Number));
        foreach (var (number, first, isSealed, prioritised) in rows)
            partitions.Add(isSealed
                ? Partition.Sealed(number, first, builder.Open(number) ?? builder.Reindex(number, first), prioritised)
                : Unsealed(connection, number, first, words));
        LayAmendments(connection, partitions, words);
        return partitions;
    }

    private static Partition Unsealed(SqliteConnection connection, int number, long first, StringCache words)
    {
        var partition = Partition.Unsealed(number, first);
        partition.Table.ReadIndexed(connection, words, (sequence, e) =>
        {
            partition.Columns!.Append(sequence, e);
            partition.Prioritised += e.Priority == Priority.None ? 0 : 1;
        });
        return partition;
    }

    /// <summary>Amendments that came after the index of their event's partition was made.</summary>
    private static void LayAmendments(SqliteConnection connection, List<Partition> partitions, StringCache words)
    {
        var set = new PartitionSet([.. partitions]);
        var from = partitions.Min(partition => partition.Segment?.Index.Horizon ?? partition.FirstSequence - 1);
        var row = connection.Statement("SELECT target, max(sequence) FROM amendment WHERE sequence > ?1 GROUP BY target").Bind(1, from);
        while (row.Step())
        {
            var (target, last) = (row.Int64(0), row.Int64(1));
            var partition = set.Of(target);
            if (last <= (partition.Segment?.Index.Horizon ?? 0))
                continue;
            using var rows = partition.Rent(connection);
            var history = Amendments.History(connection, partition.Table.FindIndexed(rows.Connection, target, words), target, last);
            partition.Amended.Add(target, history[..^1], history[^1]);
        }
        row.Reset();
    }
}
