using Npgsql;
using Tocsin.Journal;

namespace Tocsin.Engines.Postgres;

/// <summary>
/// Commits groups of appends, beside the writers of other nodes. A group is judged, its keys are claimed, its sequences reserved, its rows written: all that
/// without a lock that others need. Last the head is moved over it, which only works when it stands right before: so sequences have no gap and are in the
/// order of commits, whatever was reserved.
/// </summary>
internal sealed class PostgresWriter(PostgresDatabase database, PostgresOptions options, TimeProvider time) : IAsyncDisposable
{
    /// <summary>Times a group begins again because another node was quicker; each time that node has got on.</summary>
    private const int MaxTries = 50;

    /// <summary>
    /// Bytes of records from which they go in by COPY, which shows how it gets on; a large message does not, and over a slow network others would take its
    /// node for lost.
    /// </summary>
    private const long CopyFromBytes = 1 << 20;

    /// <summary>How long a COMMIT may stay without an answer before it is looked whether the server is still at it, and between looks.</summary>
    private static readonly TimeSpan LookAtCommitEvery = TimeSpan.FromSeconds(15);

    private const string UnderWay = """
        SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted AND mode = 'ExclusiveLock' AND classid::bigint = $1 AND objid::bigint = $2
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))
        """;

    private readonly SequenceReserve _reserve = new(database, time);
    private readonly PartitionMaker _partitions = new(database, options.PartitionRows);
    private NpgsqlConnection? _connection;
    private long? _unknown;

    // Batches without entries, only of state, as each heartbeat is one: their rows tell nobody anything once their outcome is known, and the next deletes them.
    private long[] _empties = [];
    private volatile object _node = Guid.NewGuid();

    /// <summary>Who this node is in <c>state_change</c>: somebody new after each commit whose answer was lost, for it never learned what that one wrote.</summary>
    public Guid Node => (Guid)_node;

    /// <summary>Told the last sequence of each commit.</summary>
    public Action<long> Advanced { get; set; } = static _ => { };

    public async ValueTask<IReadOnlyList<AppendResult>> CommitAsync(IReadOnlyList<Append> group, CancellationToken cancellation)
    {
        try
        {
            // A commit of before whose outcome nobody knows: it may still be under way.
            if (_unknown is { } before)
                await OutcomeAsync(before, cancellation);
            for (var tries = 0; tries < MaxTries; tries++)
                if (await TryCommitAsync(group, cancellation) is { } results)
                    return results;
            throw new JournalUnavailableException("PostgreSQL cannot be used now: other nodes were quicker with the same records again and again.");
        }
        catch (Exception error) when (PostgresFaults.IsEnvironment(error))
        {
            throw PostgresFaults.Unavailable(error);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await CloseAsync();
        await _reserve.DisposeAsync();
    }

    /// <summary>Null: another node was quicker, and the group must be judged anew.</summary>
    private async ValueTask<AppendResult[]?> TryCommitAsync(IReadOnlyList<Append> group, CancellationToken cancellation)
    {
        // Its keep-alive may have found out meanwhile that it is lost.
        if (_connection is { FullState: not System.Data.ConnectionState.Open })
            await CloseAsync();
        var connection = _connection ??= await database.OpenOwnAsync(cancellation);
        Reservation? reserved = null;
        try
        {
            var batch = BatchNumber.Next(time);
            var known = await GroupRows.BeginAsync(connection, group, batch, cancellation);
            var judged = new GroupJudge(known);
            foreach (var append in group)
                judged.Judge(append);
            if (judged.WritesNothing)
            {
                await Sql.ExecuteAsync(connection, "ROLLBACK", cancellation);
                Advanced(known.Head);
                return judged.Results(0);
            }
            if (!await GroupRows.ClaimKeysAsync(connection, judged.Kept, batch, cancellation))
            {
                await Sql.ExecuteAsync(connection, "ROLLBACK", cancellation);
                return null;
            }
            reserved = await _reserve.TakeAsync(judged.Kept.Count, cancellation);
            await _partitions.EnsureAsync(reserved.Last, cancellation);
            if (!await WriteAsync(connection, judged, batch, reserved, cancellation))
            {
                await Sql.ExecuteAsync(connection, "ROLLBACK", cancellation);
                await _reserve.GiveUpAsync(reserved, cancellation);
                return null;
            }
            if (judged.Kept.Count == 0)
                _empties = [.. _empties, batch];
            await CommitAsync(connection, batch, cancellation);
            if (judged.Kept.Count == 0)
                _empties = [batch];
            Advanced(reserved.Last);
            return judged.Results(reserved.First);
        }
        catch (Exception error)
        {
            await CloseAsync();
            _partitions.Forget();
            if (reserved is not null && error is not OutcomeUnknownException)
                await TryGiveUpAsync(reserved);
            // A sequence that somebody else wrote after all: what was reserved is worth nothing. Or a partition that was lost: it is made anew.
            if (error is PostgresException { SqlState: PostgresErrorCodes.UniqueViolation or PostgresErrorCodes.DeadlockDetected or PostgresErrorCodes.CheckViolation })
                return null;
            throw;
        }
    }

    /// <summary>Writes the rows and moves the head; false when the sequences were not ours to give.</summary>
    private async Task<bool> WriteAsync(NpgsqlConnection connection, GroupJudge judged, long batch, Reservation reserved, CancellationToken cancellation)
    {
        var events = judged.Kept.Select((entry, place) => (reserved.First + place, entry as SecurityEvent)).Where(e => e.Item2 is not null).ToArray();
        await using var rest = new NpgsqlBatch(connection);
        if (events.Length >= options.CopyFrom || events.Sum(e => (long)((SecurityEvent)e.Item2!).Data.Utf8.Length) >= CopyFromBytes)
            await EventRows.CopyAsync(connection, events!, cancellation);
        else if (events.Length > 0)
            rest.BatchCommands.Add(EventRows.InsertOf(events!));
        foreach (var part in GroupRows.Rest(judged, reserved.First, Node, judged.Kept.Count == 0 ? _empties : []))
            rest.BatchCommands.Add(part);
        rest.BatchCommands.Add(Sql.Part("SELECT pg_notify('tocsin', $1)", Node.ToString()));
        var move = GroupRows.MoveHead(judged, batch, reserved.First);
        rest.BatchCommands.Add(move);
        await rest.PrepareAsync(cancellation);
        await rest.ExecuteNonQueryAsync(cancellation);
        return move.RecordsAffected == 1 || await _reserve.WaitAsync(connection, reserved, () => GroupRows.MoveHead(judged, batch, reserved.First), batch, cancellation);
    }

    /// <summary>Nothing may stop it from here: either it is committed, or it is known not to be.</summary>
    private async Task CommitAsync(NpgsqlConnection connection, long batch, CancellationToken cancellation)
    {
        try
        {
            using var standby = new Standby(connection);
            await SendAsync(connection, batch, cancellation);
            standby.ThrowIfCut();
        }
        catch (Exception error) when (PostgresFaults.IsEnvironment(error))
        {
            await CloseAsync();
            if (!await OutcomeAsync(batch, cancellation))
                throw;
        }
    }

    /// <summary>
    /// Sends COMMIT and waits for the answer without a deadline, for as long as the server lives and is at it: who waits for a standby must not be cancelled,
    /// or it stands on one server alone. A server that vanished without a word is found out by a look over another connection.
    /// </summary>
    private async Task SendAsync(NpgsqlConnection connection, long batch, CancellationToken cancellation)
    {
        var sent = CommitAsync(connection);
        while (true)
        {
            await sent.WaitAsync(LookAtCommitEvery, time, CancellationToken.None).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (sent.IsCompleted)
            {
                await sent;
                return;
            }
            if (await IsUnderWayAsync(batch, cancellation))
                continue;
            // Nobody answers on it any more; it is closed when the network says so.
            _connection = null;
            _ = ForgetAsync(sent, connection);
            throw new TimeoutException();
        }
    }

    private static async Task CommitAsync(NpgsqlConnection connection)
    {
        await using var commit = Sql.Command(connection, "COMMIT");
        commit.CommandTimeout = 0;
        await commit.ExecuteNonQueryAsync(CancellationToken.None);
    }

    private static async Task ForgetAsync(Task sent, NpgsqlConnection connection)
    {
        await sent.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await connection.DisposeAsync();
    }

    /// <summary>True while the server holds the lock of the batch: its transaction has not ended.</summary>
    private async Task<bool> IsUnderWayAsync(long batch, CancellationToken cancellation)
    {
        try
        {
            await using var connection = await database.OpenOwnAsync(cancellation);
            return (await Sql.ListAsync(connection, UnderWay, static row => row.GetBoolean(0), cancellation, Locks.Batches, Locks.OfBatch(batch)))[0];
        }
        catch (Exception error) when (PostgresFaults.IsEnvironment(error))
        {
            return false;
        }
    }

    /// <summary>
    /// True when the batch is in the journal, also on a standby where the server waits for one. The transaction holds its lock from its beginning: who got it
    /// knows that nothing more becomes of it. While the server is away nobody knows.
    /// </summary>
    private async Task<bool> OutcomeAsync(long batch, CancellationToken cancellation)
    {
        _unknown = batch;
        _node = Guid.NewGuid();
        var began = time.GetTimestamp();
        while (true)
        {
            try
            {
                await using var connection = await database.OpenOwnAsync(cancellation);
                await Sql.ExecuteAsync(connection, "SELECT pg_advisory_xact_lock_shared($1, $2)", cancellation, Locks.Batches, Locks.OfBatch(batch));
                var (isThere, isStandby) = (await Sql.ListAsync(connection, "SELECT EXISTS (SELECT FROM tocsin.batch WHERE number = $1), pg_is_in_recovery()",
                    static row => (row.GetBoolean(0), row.GetBoolean(1)), cancellation, batch))[0];
                if (isStandby)
                    throw new IOException("the server is a standby now, which does not know");
                // It may have been written while its wait for a standby was cut short, by a restart as well.
                if (isThere)
                    await Standby.ConfirmAsync(connection, cancellation);
                _unknown = null;
                return isThere;
            }
            catch (Exception error) when (PostgresFaults.IsEnvironment(error))
            {
                if (time.GetElapsedTime(began) > options.OutcomeDeadline)
                    throw new OutcomeUnknownException($"{PostgresFaults.Describe(error)}; whether the last commit was written is not known yet", error);
                await Task.Delay(TimeSpan.FromMilliseconds(100), time, cancellation);
            }
        }
    }

    private async Task TryGiveUpAsync(Reservation reserved)
    {
        try
        {
            await _reserve.GiveUpAsync(reserved, CancellationToken.None);
        }
        catch (Exception error) when (PostgresFaults.IsEnvironment(error))
        {
            // Those who wait behind it find out that nobody is before them.
        }
    }

    private async ValueTask CloseAsync()
    {
        var connection = _connection;
        _connection = null;
        if (connection is not null)
            await connection.DisposeAsync();
    }

    /// <summary>The server stayed away after a commit was asked for.</summary>
    private sealed class OutcomeUnknownException(string message, Exception inner) : IOException(message, inner);
}
