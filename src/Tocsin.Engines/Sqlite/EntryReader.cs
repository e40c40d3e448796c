using Tocsin.Engines.Sqlite.Columns;

namespace Tocsin.Engines.Sqlite;

/// <summary>Reads entries in the order of the journal: events from their partitions, merged with the amendments.</summary>
internal static class EntryReader
{
    /// <summary>Bytes of records read at a time: a page of large ones is shorter.</summary>
    private const long MaxBytes = 32 << 20;

    public static IReadOnlyList<Sequenced> Read(SqliteReader reader, PartitionSet set, long after, long head, int limit)
    {
        var events = new List<Sequenced>(Math.Min(limit, (int)Math.Min(int.MaxValue, head - after)));
        var (isWhole, bytes) = (true, MaxBytes);
        for (var i = 0; i < set.Partitions.Length && isWhole; i++)
        {
            var last = set.LastOf(i, head);
            if (last <= after)
                continue;
            var partition = set.Partitions[i];
            using var rows = partition.Rent(reader.Connection);
            isWhole = partition.Table.Read(rows.Connection, after, last, limit - events.Count, ref bytes, reader.Words, events);
        }
        // Where the events were cut short, nothing behind them may be told yet.
        var amendments = Amendments(reader.Connection, after, isWhole ? head : events[^1].Sequence, limit);
        return amendments.Count == 0 ? events : Merge(events, amendments, limit);
    }

    /// <summary>An event as it reads with the amendments up to a sequence; null when there is none.</summary>
    public static SecurityEvent? Find(SqliteReader reader, PartitionSet set, long sequence, long ceiling)
    {
        var partition = set.Of(sequence);
        using var rows = partition.Rent(reader.Connection);
        return Find(reader, partition, rows.Connection, sequence, ceiling);
    }

    /// <summary>The same, where the connection to the rows is at hand.</summary>
    public static SecurityEvent? Find(SqliteReader reader, Partition partition, SqliteConnection rows, long sequence, long ceiling)
    {
        var e = partition.Table.Find(rows, sequence, reader.Words);
        return e is null || !partition.HasAmendments ? e : History(reader.Connection, e, sequence, ceiling)[^1].Event;
    }

    /// <summary>How an event read at first and after each of its amendments up to a sequence.</summary>
    public static List<EventVersion> History(SqliteConnection connection, SecurityEvent first, long sequence, long ceiling)
    {
        var versions = new List<EventVersion>(1) { new(first, sequence) };
        var row = connection.Statement("SELECT sequence, changes FROM amendment WHERE target = ?1 AND sequence <= ?2 ORDER BY sequence").Bind(1, sequence).Bind(2, ceiling);
        while (row.Step())
            versions.Add(new EventVersion(AmendmentJson.Read(sequence, row.Bytes(1)).Apply(versions[^1].Event), row.Int64(0)));
        row.Reset();
        return versions;
    }

    private static List<Sequenced> Amendments(SqliteConnection connection, long after, long head, int limit)
    {
        var row = connection.Statement("SELECT sequence, target, changes FROM amendment WHERE sequence > ?1 AND sequence <= ?2 ORDER BY sequence LIMIT ?3")
            .Bind(1, after).Bind(2, head).Bind(3, limit);
        var amendments = new List<Sequenced>();
        while (row.Step())
            amendments.Add(new Sequenced(row.Int64(0), AmendmentJson.Read(row.Int64(1), row.Bytes(2))));
        row.Reset();
        return amendments;
    }

    private static List<Sequenced> Merge(List<Sequenced> events, List<Sequenced> amendments, int limit)
    {
        var merged = new List<Sequenced>(Math.Min(limit, events.Count + amendments.Count));
        for (int e = 0, a = 0; merged.Count < limit && (e < events.Count || a < amendments.Count);)
            merged.Add(a >= amendments.Count || (e < events.Count && events[e].Sequence < amendments[a].Sequence) ? events[e++] : amendments[a++]);
        return merged;
    }
}
