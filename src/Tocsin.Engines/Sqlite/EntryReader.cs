namespace Tocsin.Engines.Sqlite;

/// <summary>Reads entries in the order of the journal: events from their partitions, merged with the amendments.</summary>
internal static class EntryReader
{
    /// <summary>Bytes of records read at a time, of events and of revisions each: a page of large ones is shorter.</summary>
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
        // Where one of the two was cut short, nothing of the other that stands behind it may be told yet.
        var amendments = Amendments.Read(reader.Connection, after, isWhole ? head : events[^1].Sequence, limit, MaxBytes, out var isCut);
        return amendments.Count == 0 ? events : EntryMerge.Of(events, amendments, isCut ? amendments[^1].Sequence : head, limit);
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
        return e is null || !partition.HasAmendments ? e : Amendments.Apply(reader.Connection, e, sequence, ceiling);
    }
}
