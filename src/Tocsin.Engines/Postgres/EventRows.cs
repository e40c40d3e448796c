using Npgsql;
using NpgsqlTypes;

namespace Tocsin.Engines.Postgres;

/// <summary>The way an event is written to and read from a row.</summary>
internal static class EventRows
{
    /// <summary>What an event is made of but its data.</summary>
    public const string Indexed =
        "sequence, id, kind, priority, ticks, precision, received_at, source, type, device, user_id, attribution, attribution_source, address, "
        + "external_id, fingerprint, src_ip, dst_ip, country, description";

    public const string All = $"{Indexed}, data";

    private const string Written =
        "sequence, ticks, tie, received_at, fingerprint, id, src, dst, precision, kind, priority, attribution, keyed, source, type, device, user_id, "
        + "attribution_source, address, external_id, src_ip, dst_ip, country, description, data";

    private const string Copy = $"COPY tocsin.event ({Written}) FROM STDIN (FORMAT BINARY)";

    private const string Insert = $"INSERT INTO tocsin.event ({Written}) SELECT * FROM unnest("
        + "$1::bigint[],$2::bigint[],$3::bigint[],$4::bigint[],$5::bigint[],$6::uuid[],$7::uuid[],$8::uuid[],$9::smallint[],$10::smallint[],$11::smallint[],$12::smallint[],$13::boolean[],"
        + "$14::text[],$15::text[],$16::text[],$17::text[],$18::text[],$19::text[],$20::text[],$21::text[],$22::text[],$23::text[],$24::text[],$25::bytea[])";

    /// <summary>By COPY: the quickest for many. A message of its own.</summary>
    public static async Task CopyAsync(NpgsqlConnection connection, IReadOnlyList<(long Sequence, SecurityEvent Event)> events, CancellationToken cancellation)
    {
        await using var copy = await connection.BeginBinaryImportAsync(Copy, cancellation);
        foreach (var (sequence, e) in events)
            await CopyAsync(copy, sequence, e, cancellation);
        await copy.CompleteAsync(cancellation);
    }

    /// <summary>As arrays, in one statement beside others.</summary>
    public static NpgsqlBatchCommand InsertOf(IReadOnlyList<(long Sequence, SecurityEvent Event)> events)
    {
        var insert = new NpgsqlBatchCommand(Insert);
        void Column<T>(NpgsqlDbType type, Func<long, SecurityEvent, T> value) =>
            insert.Parameters.Add(new NpgsqlParameter { NpgsqlDbType = NpgsqlDbType.Array | type, Value = events.Select(row => value(row.Sequence, row.Event)).ToArray() });
        Column(NpgsqlDbType.Bigint, static (sequence, _) => sequence);
        Column(NpgsqlDbType.Bigint, static (_, e) => e.Time.UnixTicks);
        Column(NpgsqlDbType.Bigint, static (sequence, e) => EventKey.Of(e.Time, sequence).Tie);
        Column(NpgsqlDbType.Bigint, static (_, e) => TicksOf(e.ReceivedAt));
        Column(NpgsqlDbType.Bigint, static (_, e) => e.Fingerprint);
        Column(NpgsqlDbType.Uuid, static (_, e) => e.Id.Value);
        Column(NpgsqlDbType.Uuid, static (_, e) => EventKey.Address(e.SrcIp));
        Column(NpgsqlDbType.Uuid, static (_, e) => EventKey.Address(e.DstIp));
        Column(NpgsqlDbType.Smallint, static (_, e) => (short)e.Time.StoredPrecision);
        Column(NpgsqlDbType.Smallint, static (_, e) => (short)e.Kind);
        Column(NpgsqlDbType.Smallint, static (_, e) => (short)e.Priority);
        Column(NpgsqlDbType.Smallint, static (_, e) => (short)e.Attribution.Rule);
        Column(NpgsqlDbType.Boolean, static (_, e) => e.Id.IsKeyed);
        for (var i = 0; i < TextColumns; i++)
        {
            var column = i;
            Column(NpgsqlDbType.Text, (_, e) => StoredText.To(TextOf(e, column)));
        }
        Column(NpgsqlDbType.Bytea, static (_, e) => e.Data.IsEmpty ? null : e.Data.Utf8.ToArray());
        return insert;
    }

    /// <summary>An event from the columns of <see cref="All"/>, or of <see cref="Indexed"/> when its data is not asked for.</summary>
    public static SecurityEvent Read(NpgsqlDataReader row, bool withData = true)
    {
        var rule = (AttributionRule)row.GetInt16(11);
        return new SecurityEvent
        {
            Id = new EventId(row.GetGuid(1)),
            Kind = (EventKind)row.GetInt16(2),
            Priority = (Priority)row.GetInt16(3),
            Time = EventTime.FromStored(row.GetInt64(4), row.GetInt16(5)),
            ReceivedAt = new DateTimeOffset(row.GetInt64(6) + DateTime.UnixEpoch.Ticks, TimeSpan.Zero),
            Source = Text(row, 7)!,
            Type = Text(row, 8)!,
            Device = Text(row, 9),
            UserId = Text(row, 10),
            Attribution = rule switch
            {
                AttributionRule.None => Attribution.Nobody,
                AttributionRule.Record => Attribution.FromRecord,
                _ => new Attribution(rule, Text(row, 12), Text(row, 13)),
            },
            ExternalId = Text(row, 14),
            Fingerprint = row.GetInt64(15),
            SrcIp = Text(row, 16),
            DstIp = Text(row, 17),
            Country = Text(row, 18),
            Description = Text(row, 19),
            Data = !withData || row.IsDBNull(20) ? RawRecord.None : new RawRecord(row.GetFieldValue<byte[]>(20)),
        };
    }

    public static string? Text(NpgsqlDataReader row, int column) => row.IsDBNull(column) ? null : StoredText.From(row.GetString(column));

    private const int TextColumns = 11;

    private static string? TextOf(SecurityEvent e, int column) => column switch
    {
        0 => e.Source,
        1 => e.Type,
        2 => e.Device,
        3 => e.UserId,
        4 => e.Attribution.Source,
        5 => e.Attribution.Address,
        6 => e.ExternalId,
        7 => e.SrcIp,
        8 => e.DstIp,
        9 => e.Country,
        _ => e.Description,
    };

    private static async Task CopyAsync(NpgsqlBinaryImporter copy, long sequence, SecurityEvent e, CancellationToken cancellation)
    {
        await copy.StartRowAsync(cancellation);
        await copy.WriteAsync(sequence, NpgsqlDbType.Bigint, cancellation);
        await copy.WriteAsync(e.Time.UnixTicks, NpgsqlDbType.Bigint, cancellation);
        await copy.WriteAsync(EventKey.Of(e.Time, sequence).Tie, NpgsqlDbType.Bigint, cancellation);
        await copy.WriteAsync(TicksOf(e.ReceivedAt), NpgsqlDbType.Bigint, cancellation);
        await copy.WriteAsync(e.Fingerprint, NpgsqlDbType.Bigint, cancellation);
        await copy.WriteAsync(e.Id.Value, NpgsqlDbType.Uuid, cancellation);
        await AddressAsync(copy, e.SrcIp, cancellation);
        await AddressAsync(copy, e.DstIp, cancellation);
        await copy.WriteAsync((short)e.Time.StoredPrecision, NpgsqlDbType.Smallint, cancellation);
        await copy.WriteAsync((short)e.Kind, NpgsqlDbType.Smallint, cancellation);
        await copy.WriteAsync((short)e.Priority, NpgsqlDbType.Smallint, cancellation);
        await copy.WriteAsync((short)e.Attribution.Rule, NpgsqlDbType.Smallint, cancellation);
        await copy.WriteAsync(e.Id.IsKeyed, NpgsqlDbType.Boolean, cancellation);
        for (var column = 0; column < TextColumns; column++)
            if (TextOf(e, column) is { } text)
                await copy.WriteAsync(StoredText.To(text), NpgsqlDbType.Text, cancellation);
            else
                await copy.WriteNullAsync(cancellation);
        if (e.Data.IsEmpty)
            await copy.WriteNullAsync(cancellation);
        else
            await copy.WriteAsync(e.Data.Utf8, NpgsqlDbType.Bytea, cancellation);
    }

    private static async Task AddressAsync(NpgsqlBinaryImporter copy, string? text, CancellationToken cancellation)
    {
        if (EventKey.Address(text) is { } address)
            await copy.WriteAsync(address, NpgsqlDbType.Uuid, cancellation);
        else
            await copy.WriteNullAsync(cancellation);
    }

    private static long TicksOf(DateTimeOffset time) => time.UtcTicks - DateTime.UnixEpoch.Ticks;
}
