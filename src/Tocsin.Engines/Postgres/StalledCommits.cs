using Npgsql;

namespace Tocsin.Engines.Postgres;

/// <summary>
/// Commits whose node no longer speaks: it was stopped, its machine froze, or the network between is gone. The server keeps such a transaction and its locks
/// for as long as the connection seems to live, and with them every other node would stand still. The connection is closed, and so nothing of it was written;
/// should the node wake, it learns that its commit failed.
/// </summary>
internal static class StalledCommits
{
    /// <summary>How often a node looks for them.</summary>
    public static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(1);

    // A node that works lets the server wait for milliseconds. By the server's clock alone. Neither idle_in_transaction_session_timeout nor statement_timeout
    // ends a COPY whose sender is silent; so this looks for both.
    private static readonly string SendAway = $"""
        SELECT count(*) FILTER (WHERE pg_terminate_backend(a.pid))::integer FROM pg_stat_activity a
        WHERE a.datname = current_database() AND a.usename = current_user AND a.wait_event_type = 'Client'
            AND greatest(a.state_change, a.query_start) < clock_timestamp() - interval '3 seconds'
            AND a.pid IN (SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND classid IN ({Locks.Class}, {Locks.Batches}))
        """;

    /// <summary>Closes the connections of those in this database; how many there were.</summary>
    public static async Task<int> SendAwayAsync(NpgsqlConnection connection, CancellationToken cancellation) =>
        (await Sql.ListAsync(connection, SendAway, static row => row.GetInt32(0), cancellation))[0];
}
