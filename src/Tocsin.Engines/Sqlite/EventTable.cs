namespace Tocsin.Engines.Sqlite;

/// <summary>The events of one partition as a table, and the way an event is written to and read from a row.</summary>
internal sealed class EventTable(int number)
{
    private const string Columns =
        "sequence, id, kind, priority, time, precision, received_at, source, type, device, user_id, attribution, attribution_source, address, "
        + "external_id, fingerprint, src_ip, dst_ip, country, description, data";

    private readonly string _insert = $"INSERT INTO event_{number} ({Columns}) VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19,?20,?21)";
    private readonly string _after = $"SELECT {Columns} FROM event_{number} WHERE sequence > ?1 AND sequence <= ?2 ORDER BY sequence LIMIT ?3";
    private readonly string _byId = $"SELECT sequence, fingerprint FROM event_{number} WHERE id = ?1";
    private readonly string _unresolvedAddress = $"SELECT address, attribution FROM event_{number} WHERE sequence = ?1";

    public static void Create(SqliteConnection connection, int number) => connection.Execute($"""
        CREATE TABLE event_{number} (
            sequence INTEGER PRIMARY KEY, id BLOB NOT NULL, kind INTEGER NOT NULL, priority INTEGER NOT NULL,
            time INTEGER NOT NULL, precision INTEGER NOT NULL, received_at INTEGER NOT NULL,
            source TEXT NOT NULL, type TEXT NOT NULL, device TEXT, user_id TEXT,
            attribution INTEGER NOT NULL, attribution_source TEXT, address TEXT,
            external_id TEXT, fingerprint INTEGER NOT NULL, src_ip TEXT, dst_ip TEXT, country TEXT, description TEXT, data BLOB);
        CREATE UNIQUE INDEX event_{number}_id ON event_{number} (id);
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

    /// <summary>The sequence and fingerprint of the event with this id; sequence 0 when there is none here.</summary>
    public (long Sequence, long Fingerprint) FindId(SqliteConnection connection, ReadOnlySpan<byte> id)
    {
        var row = connection.Statement(_byId).Bind(1, id);
        var found = row.Step() ? (row.Int64(0), row.Int64(1)) : default;
        row.Reset();
        return found;
    }

    /// <summary>False when there is no such event. <paramref name="address"/> is set when nobody was found for it at first.</summary>
    public bool Contains(SqliteConnection connection, long sequence, out string? address)
    {
        address = null;
        var row = connection.Statement(_unresolvedAddress).Bind(1, sequence);
        var found = row.Step();
        if (found && row.Int64(1) == (long)AttributionRule.Unresolved)
            address = row.Text(0);
        row.Reset();
        return found;
    }

    /// <summary>Adds the events of (after, upTo] to <paramref name="entries"/>, at most <paramref name="limit"/> of them.</summary>
    public void Read(SqliteConnection connection, long after, long upTo, int limit, StringCache words, List<Sequenced> entries)
    {
        var row = connection.Statement(_after).Bind(1, after).Bind(2, upTo).Bind(3, limit);
        while (row.Step())
            entries.Add(new Sequenced(row.Int64(0), Event(row, words)));
        row.Reset();
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
