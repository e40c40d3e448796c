using Npgsql;

namespace Tocsin.Engines.Postgres;

/// <summary>
/// Listens, while it lives, whether a commit on a connection gave up to wait for a standby. The server then says COMMIT all the same: it stands on the one
/// server alone, and is lost with it.
/// </summary>
internal sealed class Standby : IDisposable
{
    /// <summary>The routine of the server in which a commit waits; its notices are told in the server's language.</summary>
    private const string Wait = "SyncRepWaitForLSN";

    private readonly NpgsqlConnection _connection;
    private bool _isCut;

    public Standby(NpgsqlConnection connection)
    {
        _connection = connection;
        connection.Notice += Hear;
    }

    public void Dispose() => _connection.Notice -= Hear;

    /// <summary>Throws what makes the outcome unknown when the wait was cut short.</summary>
    public void ThrowIfCut()
    {
        if (_isCut)
            throw new IOException("the wait for a standby was cut short");
    }

    /// <summary>
    /// Returns when a standby, where the server waits for one, has all that was committed before: by a commit of its own, which waits for it as well.
    /// </summary>
    public static async Task ConfirmAsync(NpgsqlConnection connection, CancellationToken cancellation)
    {
        using var standby = new Standby(connection);
        await using var batch = new NpgsqlBatch(connection) { BatchCommands = { Sql.Part(GroupRows.Durable), Sql.Part("UPDATE tocsin.reserved SET upto = upto") } };
        await batch.ExecuteNonQueryAsync(cancellation);
        standby.ThrowIfCut();
    }

    private void Hear(object sender, NpgsqlNoticeEventArgs e) => _isCut |= e.Notice.Routine == Wait;
}
