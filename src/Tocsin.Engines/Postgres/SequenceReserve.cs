using Npgsql;

namespace Tocsin.Engines.Postgres;

/// <summary>Sequences promised to a transaction, and the epoch they were promised in.</summary>
internal sealed record Reservation(long First, long Last, long Epoch);

/// <summary>
/// Hands out sequences before the head is moved, so that nodes write their rows side by side. A promise is worth something while those before it keep
/// theirs: when one is given up, a new epoch begins, and those behind it begin again. Wrong promises cost time, never order: the head decides.
/// </summary>
internal sealed class SequenceReserve(PostgresDatabase database, TimeProvider time) : IAsyncDisposable
{
    /// <summary>The wait between two looks at the head.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(1);

    /// <summary>Looks after which it is asked whether anybody is still at work before us.</summary>
    private const int LooksBeforeAsking = 8;

    /// <summary>Answers that nobody is, one after the other, that are believed: one may just have begun to wait, another just have ended.</summary>
    private const int AnswersBelieved = 3;

    /// <summary>How long those before us may take; then their sequences are given to others.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private const string Take = """
        UPDATE tocsin.reserved SET upto = greatest(upto, (SELECT sequence FROM tocsin.head)) + $1 RETURNING upto, epoch
        """;

    private const string GiveUp = "UPDATE tocsin.reserved SET upto = greatest($1, (SELECT sequence FROM tocsin.head)), epoch = epoch + 1 WHERE upto > $1 AND epoch = $2";

    private const string CutToHead = "UPDATE tocsin.reserved SET upto = (SELECT sequence FROM tocsin.head), epoch = epoch + 1 WHERE epoch = $1";

    private static readonly string Wait = $"SELECT pg_advisory_xact_lock({Locks.Waiters}, $1)";

    // Who holds the lock of a batch and does not wait as we do is at work.
    private static readonly string Look = $"""
        SELECT h.sequence, r.epoch,
            (SELECT count(*) FILTER (WHERE classid = {Locks.Batches}) - count(*) FILTER (WHERE classid = {Locks.Waiters}) FROM pg_locks
                WHERE $1 AND locktype = 'advisory' AND granted AND mode = 'ExclusiveLock' AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))
        FROM tocsin.head h, tocsin.reserved r
        """;

    private NpgsqlConnection? _connection;

    public async Task<Reservation> TakeAsync(int count, CancellationToken cancellation)
    {
        var taken = await Sql.ListAsync(await ConnectionAsync(cancellation), Take, static row => (Upto: row.GetInt64(0), Epoch: row.GetInt64(1)), cancellation, (long)count);
        return new Reservation(taken[0].Upto - count + 1, taken[0].Upto, taken[0].Epoch);
    }

    /// <summary>What was reserved will not be written, and so nothing behind it. Of an epoch that is over nothing is promised any more.</summary>
    public async Task GiveUpAsync(Reservation reserved, CancellationToken cancellation) =>
        await Sql.ExecuteAsync(await ConnectionAsync(cancellation), GiveUp, cancellation, reserved.First - 1, reserved.Epoch);

    /// <summary>Waits until those before us have moved the head to where we begin, and moves it on; false when that will not come.</summary>
    public async Task<bool> WaitAsync(NpgsqlConnection connection, Reservation reserved, Func<NpgsqlBatchCommand> move, long batch, CancellationToken cancellation)
    {
        await Sql.ExecuteAsync(connection, Wait, cancellation, Locks.OfBatch(batch));
        var (began, alone) = (time.GetTimestamp(), 0);
        for (var looks = 1; ; looks++)
        {
            var asks = looks % LooksBeforeAsking == 0;
            var (head, epoch, others) = (await Sql.ListAsync(connection, Look, static row => (row.GetInt64(0), row.GetInt64(1), row.GetInt64(2)), cancellation, asks))[0];
            if (head == reserved.First - 1)
            {
                await using var again = new NpgsqlBatch(connection) { BatchCommands = { move() } };
                if (await again.ExecuteNonQueryAsync(cancellation) == 1)
                    return true;
            }
            else if (head >= reserved.First || epoch != reserved.Epoch)
                return false;
            else if (asks)
            {
                alone = others == 0 ? alone + 1 : 0;
                if (alone >= AnswersBelieved || time.GetElapsedTime(began) > Patience)
                {
                    await Sql.ExecuteAsync(await ConnectionAsync(cancellation), CutToHead, cancellation, reserved.Epoch);
                    return false;
                }
            }
            await Task.Delay(Pause, time, cancellation);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_connection is not null)
            await _connection.DisposeAsync();
    }

    private async ValueTask<NpgsqlConnection> ConnectionAsync(CancellationToken cancellation)
    {
        if (_connection is { FullState: System.Data.ConnectionState.Open })
            return _connection;
        await DisposeAsync();
        _connection = null;
        var connection = await database.OpenOwnAsync(cancellation);
        // What it writes is a hint: it need not be on disk.
        await Sql.ExecuteAsync(connection, "SET synchronous_commit = off", cancellation);
        return _connection = connection;
    }
}
