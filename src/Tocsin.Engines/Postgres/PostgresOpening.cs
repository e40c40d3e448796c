using System.Globalization;
using System.Net.Sockets;
using Npgsql;
using Tocsin.Journal;

namespace Tocsin.Engines.Postgres;

/// <summary>Looks at a server and its database before anything is written, makes or updates the schema, and says in one sentence what is wrong.</summary>
internal static class PostgresOpening
{
    /// <summary>The oldest version this engine is tested with. Older ones are at the end of their support, or near it.</summary>
    public const int MinVersion = 15;

    /// <summary>Brings the schema to this version's and tells who the journal is.</summary>
    public static async Task<JournalInfo> OpenAsync(PostgresDatabase database, NpgsqlConnectionStringBuilder settings, JournalInfo? copyOf, CancellationToken cancellation)
    {
        try
        {
            await using var connection = await database.OpenOwnAsync(cancellation);
            await VerifyServerAsync(connection, cancellation);
            await PostgresMigrations.ApplyAsync(connection, copyOf, cancellation);
            await using var read = new NpgsqlCommand("SELECT journal_id, dedupe_key FROM tocsin.head", connection);
            await using var row = await read.ExecuteReaderAsync(cancellation);
            await row.ReadAsync(cancellation);
            return new JournalInfo("postgres", connection.PostgreSqlVersion.ToString(), row.GetGuid(0), row.GetFieldValue<byte[]>(1));
        }
        catch (Exception error) when (Explain(error, database.Place, settings) is { } sentence)
        {
            throw new JournalOpenException(sentence, error);
        }
    }

    internal static void RefuseOld(Version version)
    {
        if (version.Major < MinVersion)
            throw new JournalOpenException(string.Create(CultureInfo.InvariantCulture,
                $"The server is PostgreSQL {version}, and Tocsin needs {MinVersion} or newer: update the server, or choose another in store.connection."));
    }

    private static async Task VerifyServerAsync(NpgsqlConnection connection, CancellationToken cancellation)
    {
        RefuseOld(connection.PostgreSqlVersion);
        await using var ask = new NpgsqlCommand("SELECT pg_is_in_recovery(), current_setting('server_encoding'), current_database()", connection);
        await using var row = await ask.ExecuteReaderAsync(cancellation);
        await row.ReadAsync(cancellation);
        var name = row.GetString(2);
        if (row.GetBoolean(0))
            throw new JournalOpenException("The server is a standby, which nobody can write to: name the primary in store.connection (or several hosts with Target Session Attributes=primary).");
        if (row.GetString(1) != "UTF8")
            throw new JournalOpenException($"The database {name} has the encoding {row.GetString(1)}, and Tocsin needs UTF8: make another with CREATE DATABASE {name}_utf8 ENCODING 'UTF8' TEMPLATE template0, and name it in store.connection.");
    }

    /// <summary>Null: a fault nobody foresaw, to be seen as it is.</summary>
    private static string? Explain(Exception error, string place, NpgsqlConnectionStringBuilder settings)
    {
        var (user, name) = (settings.Username ?? "(none)", settings.Database ?? settings.Username ?? "(none)");
        return error switch
        {
            PostgresException { SqlState: PostgresErrorCodes.InvalidPassword } =>
                $"PostgreSQL at {place} refuses the password of {user}: correct it in store.connection or in the environment it is taken from.",
            PostgresException { SqlState: PostgresErrorCodes.InvalidAuthorizationSpecification } server =>
                $"PostgreSQL at {place} does not let {user} in ({server.MessageText}): make the role with CREATE ROLE {user} LOGIN, or correct store.connection or the server's pg_hba.conf.",
            PostgresException { SqlState: PostgresErrorCodes.InvalidCatalogName } =>
                $"PostgreSQL at {place} has no database {name}: make it with CREATE DATABASE {name} OWNER {user} ENCODING 'UTF8' TEMPLATE template0, or correct store.connection.",
            PostgresException { SqlState: PostgresErrorCodes.InsufficientPrivilege } server =>
                $"The role {user} may not do what Tocsin needs in the database {name} ({server.MessageText}): make it the owner with ALTER DATABASE {name} OWNER TO {user}, "
                + $"or an owner of the schema with CREATE SCHEMA tocsin AUTHORIZATION {user}.",
            PostgresException { SqlState: PostgresErrorCodes.TooManyConnections } => $"PostgreSQL at {place} has no connection left: raise its max_connections, or stop what takes them.",
            PostgresException { SqlState: PostgresErrorCodes.CannotConnectNow } server => $"PostgreSQL at {place} is not ready ({server.MessageText}): wait until it is, and start again.",
            PostgresException server when PostgresFaults.IsEnvironment(server) =>
                $"PostgreSQL at {place} cannot open the journal now ({PostgresFaults.Describe(server)}): mend that at the server, or correct store.connection, and start again.",
            PostgresException => null,
            NpgsqlException or SocketException or TimeoutException when PostgresFaults.IsEnvironment(error) =>
                $"PostgreSQL at {place} cannot be reached ({PostgresFaults.Describe(error)}): start it, or correct the host, port and SSL mode in store.connection.",
            _ => null,
        };
    }
}
