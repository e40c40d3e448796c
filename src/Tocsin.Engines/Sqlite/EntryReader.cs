namespace Tocsin.Engines.Sqlite;

/// <summary>Reads entries in the order of the journal: events from their partitions, merged with the amendments.</summary>
internal static class EntryReader
{
    public static IReadOnlyList<Sequenced> Read(SqliteReader reader, Partition[] partitions, long after, long head, int limit)
    {
        var events = new List<Sequenced>(Math.Min(limit, (int)Math.Min(int.MaxValue, head - after)));
        foreach (var partition in partitions)
        {
            var last = Last(partitions, partition, head);
            if (last > after && events.Count < limit)
                partition.Table.Read(reader.Connection, after, last, limit - events.Count, reader.Words, events);
        }
        var amendments = Amendments(reader.Connection, after, head, limit);
        return amendments.Count == 0 ? events : Merge(events, amendments, limit);
    }

    public static SecurityEvent? Find(SqliteReader reader, Partition[] partitions, long sequence, long head)
    {
        var found = new List<Sequenced>(1);
        foreach (var partition in partitions)
            if (partition.FirstSequence <= sequence && sequence <= Last(partitions, partition, head))
                partition.Table.Read(reader.Connection, sequence - 1, sequence, 1, reader.Words, found);
        if (found.Count == 0)
            return null;
        var row = reader.Connection.Statement("SELECT changes FROM amendment WHERE target = ?1 AND sequence <= ?2 ORDER BY sequence").Bind(1, sequence).Bind(2, head);
        var e = (SecurityEvent)found[0].Entry;
        while (row.Step())
            e = AmendmentJson.Read(sequence, row.Bytes(0)).Apply(e);
        row.Reset();
        return e;
    }

    private static long Last(Partition[] partitions, Partition partition, long head)
    {
        var next = Array.IndexOf(partitions, partition) + 1;
        return next < partitions.Length ? Math.Min(head, partitions[next].FirstSequence - 1) : head;
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
