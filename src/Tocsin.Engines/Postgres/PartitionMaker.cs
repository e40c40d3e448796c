using System.Globalization;

namespace Tocsin.Engines.Postgres;

/// <summary>
/// Makes partitions of the event table ahead. Each is a run of sequences, and so of time received; it is made beside the table and then attached, which
/// stops nobody who writes or reads.
/// </summary>
internal sealed class PartitionMaker(PostgresDatabase database, long rows)
{
    private long _upTo = -1;

    /// <summary>Sees to it that this sequence has its partition, and the next half of one.</summary>
    public async Task EnsureAsync(long sequence, CancellationToken cancellation)
    {
        if (sequence + (rows / 2) <= _upTo)
            return;
        await using var connection = await database.OpenOwnAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        await Sql.ExecuteAsync(connection, "SELECT pg_advisory_xact_lock($1, $2)", cancellation, Locks.Class, Locks.Partitions);
        var upTo = (await Sql.ListAsync(connection, LastSql, static row => row.GetInt64(0), cancellation))[0];
        while (upTo < sequence + rows)
        {
            await Sql.ExecuteAsync(connection, Make(upTo + 1, upTo + rows), cancellation);
            upTo += rows;
        }
        await transaction.CommitAsync(cancellation);
        _upTo = upTo;
    }

    /// <summary>The server may have lost what was made: it is looked at again.</summary>
    public void Forget() => _upTo = -1;

    // The bounds stand in the names: event_<first>_<last>.
    private const string LastSql = """
        SELECT coalesce(max(split_part(c.relname, '_', 3)::bigint), 0) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'tocsin.event'::regclass
        """;

    private static string Make(long first, long last) => string.Create(CultureInfo.InvariantCulture, $"""
        CREATE TABLE tocsin.event_{first}_{last} (LIKE tocsin.event INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING INDEXES);
        ALTER TABLE tocsin.event ATTACH PARTITION tocsin.event_{first}_{last} FOR VALUES FROM ({first}) TO ({last + 1});
        """);
}
