namespace Tocsin.Engines.Sqlite;

/// <summary>The events of one partition as a table, and the way an event is written to and read from a row.</summary>
internal sealed class EventTable(string name)
{
    /// <summary>The table of a sealed partition, in a file of its own.</summary>
    public static EventTable Sealed { get; } = new("event");

    private const string Indexed =
        "sequence, id, kind, priority, time, precision, received_at, source, type, device, user_id, attribution, attribution_source, address, "
        + "external_id, fingerprint, src_ip, dst_ip, country, description";

    private const string Columns = $"{Indexed}, data";

    private readonly string _insert = $"INSERT INTO {name} ({Columns}) VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19,?20,?21)";
    private readonly string _after = $"SELECT {Columns} FROM {name} WHERE sequence > ?1 AND sequence <= ?2 ORDER BY sequence LIMIT ?3";
    private readonly string _fingerprint = $"SELECT fingerprint FROM {name} WHERE sequence = ?1";
    private readonly string _one = $"SELECT {Columns} FROM {name} WHERE sequence = ?1";
    private readonly string _indexed = $"SELECT {Indexed}, NULL FROM {name} ORDER BY sequence";
    private readonly string _oneIndexed = $"SELECT {Indexed}, NULL FROM {name} WHERE sequence = ?1";
    private readonly string _exists = $"SELECT 1 FROM {name} WHERE sequence = ?1";

    /// <summary>The table of a partition that is not sealed yet.</summary>
    public static EventTable Of(int number) => new($"event_{number}");

    public string Name => name;

    // No index: what filters and ids ask for is kept beside (see Columns/ and Segments/), at a fraction of what B-trees cost the writer.
    public void Create(SqliteConnection connection) => connection.Execute($"""
        CREATE TABLE {name} (
            sequence INTEGER PRIMARY KEY, id BLOB NOT NULL, kind INTEGER NOT NULL, priority INTEGER NOT NULL,
            time INTEGER NOT NULL, precision INTEGER NOT NULL, received_at INTEGER NOT NULL,
            source TEXT NOT NULL, type TEXT NOT NULL, device TEXT, user_id TEXT,
            attribution INTEGER NOT NULL, attribution_source TEXT, address TEXT,
            external_id TEXT, fingerprint INTEGER NOT NULL, src_ip TEXT, dst_ip TEXT, country TEXT, description TEXT, data BLOB);
        """);

    public void Insert(SqliteConnection connection, long sequence, SecurityEvent e, ReadOnlySpan<byte> id)
    {
        var row = connection.Statement(_insert);
        row.Bind(1, sequence).Bind(2, id).Bind(3, (long)e.Kind).Bind(4, (long)e.Priority).Bind(5, e.Time.UnixTicks).Bind(6, e.Time.StoredPrecision)
            .Bind(7, e.ReceivedAt.UtcTicks - DateTime.UnixEpoch.Ticks).Bind(8, e.Source).Bind(9, e.Type).Bind(10, e.Device).Bind(11, e.UserId)
            .Bind(12, (long)e.Attribution.Rule).Bind(13, e.Attribution.Source).Bind(14, e.Attribution.Address).Bind(15, e.ExternalId)
            .Bind(16, e.Fingerprint).Bind(17, e.SrcIp).Bind(18, e.DstIp).Bind(19, e.Country).Bind(20, e.Description);
        if (e.Data.IsEmpty)
            row.Bind(21, (string?)null);
        else
            row.Bind(21, e.Data.Utf8.Span);
        row.Run();
    }

    public long Fingerprint(SqliteConnection connection, long sequence)
    {
        var row = connection.Statement(_fingerprint).Bind(1, sequence);
        var fingerprint = row.Step() ? row.Int64(0) : 0;
        row.Reset();
        return fingerprint;
    }

    /// <summary>The event as first committed; null when there is none.</summary>
    public SecurityEvent? Find(SqliteConnection connection, long sequence, StringCache words) => Find(connection, _one, sequence, words);

    /// <summary>The same without its data; it must be there.</summary>
    public SecurityEvent FindIndexed(SqliteConnection connection, long sequence, StringCache words) => Find(connection, _oneIndexed, sequence, words)!;

    private static SecurityEvent? Find(SqliteConnection connection, string sql, long sequence, StringCache words)
    {
        var row = connection.Statement(sql).Bind(1, sequence);
        var found = row.Step() ? Event(row, words) : null;
        row.Reset();
        return found;
    }

    /// <summary>All events in order, without their data: what an index is made of.</summary>
    public void ReadIndexed(SqliteConnection connection, StringCache words, Action<long, SecurityEvent> take)
    {
        var row = connection.Statement(_indexed);
        while (row.Step())
            take(row.Int64(0), Event(row, words));
        row.Reset();
    }

    public bool Contains(SqliteConnection connection, long sequence)
    {
        var row = connection.Statement(_exists).Bind(1, sequence);
        var found = row.Step();
        row.Reset();
        return found;
    }

    /// <summary>
    /// Adds the events of (after, upTo] to <paramref name="entries"/>, at most <paramref name="limit"/> of them and not many more than
    /// <paramref name="bytes"/> of data, which it takes off; false when more may follow.
    /// </summary>
    public bool Read(SqliteConnection connection, long after, long upTo, int limit, ref long bytes, StringCache words, List<Sequenced> entries)
    {
        var row = connection.Statement(_after).Bind(1, after).Bind(2, upTo).Bind(3, limit);
        var isWhole = true;
        for (var read = 0; row.Step(); read++)
        {
            var e = Event(row, words);
            entries.Add(new Sequenced(row.Int64(0), e));
            bytes -= e.Data.Utf8.Length;
            if (bytes > 0 && read + 1 < limit)
                continue;
            isWhole = false;
            break;
        }
        row.Reset();
        return isWhole;
    }

    private static SecurityEvent Event(SqliteStatement row, StringCache words)
    {
        var rule = (AttributionRule)row.Int64(11);
        return new SecurityEvent
        {
            Id = EventId.FromBytes(row.Bytes(1)),
            Kind = (EventKind)row.Int64(2),
            Priority = (Priority)row.Int64(3),
            Time = EventTime.FromStored(row.Int64(4), (int)row.Int64(5)),
            ReceivedAt = new DateTimeOffset(row.Int64(6) + DateTime.UnixEpoch.Ticks, TimeSpan.Zero),
            Source = words.Get(row.Bytes(7)),
            Type = words.Get(row.Bytes(8)),
            Device = Optional(9),
            UserId = Optional(10),
            Attribution = rule switch
            {
                AttributionRule.None => Attribution.Nobody,
                AttributionRule.Record => Attribution.FromRecord,
                _ => new Attribution(rule, Optional(12), Optional(13)),
            },
            ExternalId = Optional(14),
            Fingerprint = row.Int64(15),
            SrcIp = Optional(16),
            DstIp = Optional(17),
            Country = Optional(18),
            Description = Optional(19),
            Data = row.IsNull(20) ? RawRecord.None : new RawRecord(row.Bytes(20).ToArray()),
        };

        string? Optional(int column) => row.IsNull(column) ? null : words.Get(row.Bytes(column));
    }
}
