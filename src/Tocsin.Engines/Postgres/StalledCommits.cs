using Npgsql;

namespace Tocsin.Engines.Postgres;

/// <summary>
/// Commits whose node no longer speaks: it was stopped, its machine froze, or the network between is gone. The server keeps such a transaction and its locks
/// for as long as the connection seems to live, and with them every other node would stand still. The connection is closed, and so nothing of it was written;
/// should the node wake, it learns that its commit failed.
/// </summary>
internal sealed class StalledCommits(TimeProvider time)
{
    /// <summary>How often a node looks for them.</summary>
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(1);

    /// <summary>How long one must have been seen silent, in every look.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    /// <summary>Looks in which one must have been seen: who looks may have stood still himself.</summary>
    private const int EnoughLooks = 3;

    // Each commit that waits for its node, as how far it has come: while a node works, one of these moves on. Neither idle_in_transaction_session_timeout nor
    // statement_timeout ends a COPY whose sender is silent; so this looks for both.
    private static readonly string Look = $"""
        SELECT seen, CASE WHEN seen = ANY($1) THEN pg_terminate_backend(pid) ELSE false END FROM (
            SELECT a.pid, concat_ws(' ', a.pid, a.backend_start, a.state_change, a.query_start, p.bytes_processed) AS seen
            FROM pg_stat_activity a LEFT JOIN pg_stat_progress_copy p ON p.pid = a.pid
            WHERE a.datname = current_database() AND a.usename = current_user AND a.wait_event_type = 'Client'
                AND a.pid IN (SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND classid IN ({Locks.Class}, {Locks.Batches}))) waiting
        """;

    private Dictionary<string, (long Since, int Looks)> _silent = [];
    private long _looked;

    /// <summary>Looks, when it is time to, and closes the connections of those that have been silent for long; how many there were.</summary>
    public async Task<int> SendAwayAsync(NpgsqlConnection connection, CancellationToken cancellation)
    {
        if (time.GetElapsedTime(_looked) < LookEvery)
            return 0;
        _looked = time.GetTimestamp();
        var stalled = _silent.Where(row => row.Value.Looks >= EnoughLooks && time.GetElapsedTime(row.Value.Since) >= Patience).Select(row => row.Key).ToArray();
        var waiting = await Sql.ListAsync(connection, Look, static row => (Seen: row.GetString(0), IsSent: row.GetBoolean(1)), cancellation, (object)stalled);
        _silent = waiting.Where(row => !row.IsSent)
            .ToDictionary(row => row.Seen, row => _silent.TryGetValue(row.Seen, out var before) ? (before.Since, before.Looks + 1) : (_looked, 1), StringComparer.Ordinal);
        return waiting.Count(row => row.IsSent);
    }
}
