using Npgsql;
using NpgsqlTypes;

namespace Tocsin.Engines.Postgres;

/// <summary>The table of amendments, by sequence and by target, and how events read with them.</summary>
internal static class AmendmentRows
{
    private const string WithRecord = "SELECT a.target, a.changes, a.data" + Newest;
    private const string WithoutRecord = "SELECT a.target, a.changes, NULL::bytea" + Newest;

    // What stands before a revision no longer shows, and there may be much of it.
    private const string Newest = """
         FROM unnest($1::bigint[]) t, LATERAL (
            SELECT target, sequence, changes, data FROM tocsin.amendment
            WHERE target = t AND sequence <= $2
                AND sequence >= coalesce((SELECT max(sequence) FROM tocsin.amendment WHERE target = t AND sequence <= $2 AND revises), 0)
        ) a ORDER BY a.target, a.sequence
        """;

    public static NpgsqlBatchCommand Insert(IReadOnlyList<(long Sequence, Amendment Amendment)> amendments) => Sql.Part(
        "INSERT INTO tocsin.amendment SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::boolean[], $4::bytea[], $5::bytea[])",
        Sql.Array(NpgsqlDbType.Bigint, amendments.Select(a => a.Sequence)),
        Sql.Array(NpgsqlDbType.Bigint, amendments.Select(a => a.Amendment.Target)),
        Sql.Array(NpgsqlDbType.Boolean, amendments.Select(a => a.Amendment.Revision is not null)),
        Sql.Array(NpgsqlDbType.Bytea, amendments.Select(a => AmendmentJson.Write(a.Amendment).ToArray())),
        Sql.Array(NpgsqlDbType.Bytea, amendments.Select(a => a.Amendment.Revision is { Data: { IsEmpty: false } data } ? data.Utf8.ToArray() : null)));

    /// <summary>The amendments up to a sequence that still show, of many events, in order; to be read with <see cref="ReadNewestAsync"/>.</summary>
    public static NpgsqlBatchCommand NewestOf(long[] targets, long ceiling, bool withRecord) => Sql.Part(withRecord ? WithRecord : WithoutRecord, targets, ceiling);

    /// <summary>Applies what <see cref="NewestOf"/> found to the events.</summary>
    public static async Task ReadNewestAsync(NpgsqlDataReader rows, Dictionary<long, SecurityEvent> events, CancellationToken cancellation)
    {
        while (await rows.ReadAsync(cancellation))
            if (rows.GetInt64(0) is var target && events.TryGetValue(target, out var e))
                events[target] = AmendmentJson.Read(target, rows.GetFieldValue<byte[]>(1), Data(rows, 2)).Apply(e);
    }

    /// <summary>Those of (after, upTo] in order, at most so many, and at most some bytes of records; the last tells whether more may follow for their bytes.</summary>
    public static async Task<(List<Sequenced> Amendments, bool IsCut)> ReadAsync(NpgsqlConnection connection, long after, long upTo, int limit, long maxBytes, CancellationToken cancellation)
    {
        const string sql = """
            SELECT sequence, target, changes, data FROM (
                SELECT *, sum(octet_length(coalesce(data, ''))) OVER (ORDER BY sequence ROWS UNBOUNDED PRECEDING) - octet_length(coalesce(data, '')) AS before
                FROM (SELECT * FROM tocsin.amendment WHERE sequence > $1 AND sequence <= $2 ORDER BY sequence LIMIT $3) page) sized
            WHERE before < $4 ORDER BY sequence
            """;
        var amendments = new List<Sequenced>();
        var bytes = 0L;
        await using var command = Sql.Command(connection, sql, after, upTo, limit, maxBytes);
        await using var rows = await command.ExecuteReaderAsync(cancellation);
        while (await rows.ReadAsync(cancellation))
        {
            amendments.Add(new Sequenced(rows.GetInt64(0), AmendmentJson.Read(rows.GetInt64(1), rows.GetFieldValue<byte[]>(2), Data(rows, 3))));
            bytes += amendments[^1].Entry.Bytes;
        }
        return (amendments, bytes >= maxBytes);
    }

    private static RawRecord Data(NpgsqlDataReader row, int column) => row.IsDBNull(column) ? RawRecord.None : new RawRecord(row.GetFieldValue<byte[]>(column));
}
