using System.Globalization;
using System.Reflection;
using System.Security.Cryptography;
using Npgsql;
using Tocsin.Journal;

namespace Tocsin.Engines.Postgres;

/// <summary>Brings a database to this version's schema: numbered .sql files, all in one transaction under a lock, so that nodes that start at once take turns.</summary>
internal static class PostgresMigrations
{
    private const string ThisVersion = "SELECT obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname = 'tocsin'";

    /// <summary>The comment of the schema: whose it is, and its version.</summary>
    private const string Mark = "Tocsin journal, schema ";

    private static readonly (int Number, string Resource)[] Files =
        [.. Assembly.GetExecutingAssembly().GetManifestResourceNames()
            .Where(name => name.Contains(".Postgres.Migrations.", StringComparison.Ordinal) && name.EndsWith(".sql", StringComparison.Ordinal))
            .Select(name => (int.Parse(name.Split('.')[^2][..4], CultureInfo.InvariantCulture), name))
            .OrderBy(file => file.Item1)];

    /// <summary>The newest schema this version knows.</summary>
    public static int Latest => Files[^1].Number;

    public static async Task ApplyAsync(NpgsqlConnection connection, JournalInfo? copyOf, CancellationToken cancellation)
    {
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        await ExecuteAsync(connection, $"SELECT pg_advisory_xact_lock({Locks.Class}, {Locks.Migrate})", cancellation);
        var version = await VersionAsync(connection, cancellation);
        if (version == Latest)
            return;
        // A role that owns the schema but not the database cannot make one, and need not.
        if (!await ExistsAsync(connection, "SELECT 1 FROM pg_namespace WHERE nspname = 'tocsin'", cancellation))
            await ExecuteAsync(connection, "CREATE SCHEMA tocsin", cancellation);
        foreach (var (number, resource) in Files.Where(file => file.Number > version))
        {
            await using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream(resource)!;
            using var reader = new StreamReader(stream);
            await ExecuteAsync(connection, await reader.ReadToEndAsync(cancellation), cancellation);
            if (number == 1)
                await FirstHeadAsync(connection, copyOf, cancellation);
        }
        await ExecuteAsync(connection, $"COMMENT ON SCHEMA tocsin IS '{Mark}{Latest}'", cancellation);
        await transaction.CommitAsync(cancellation);
    }

    /// <summary>Refuses, before anything is written, a schema that is somebody else's or a newer version's; 0 when there is none, or an empty one.</summary>
    private static async Task<int> VersionAsync(NpgsqlConnection connection, CancellationToken cancellation)
    {
        await using var ask = new NpgsqlCommand(ThisVersion, connection);
        var comment = await ask.ExecuteScalarAsync(cancellation) as string;
        if (comment?.StartsWith(Mark, StringComparison.Ordinal) == true && int.TryParse(comment.AsSpan(Mark.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var version))
            return version <= Latest ? version : throw new JournalOpenException(
                $"The schema tocsin of database {connection.Database} was written by a newer Tocsin (schema {version}, this version knows {Latest}): start that version, or name another database in store.connection.");
        if (await ExistsAsync(connection, "SELECT 1 FROM pg_class WHERE relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = 'tocsin') LIMIT 1", cancellation))
            throw new JournalOpenException($"The schema tocsin of database {connection.Database} holds tables that are not Tocsin's: name another database in store.connection.");
        return 0;
    }

    private static async Task FirstHeadAsync(NpgsqlConnection connection, JournalInfo? copyOf, CancellationToken cancellation)
    {
        await using var insert = new NpgsqlCommand("INSERT INTO tocsin.head VALUES (1, $1, $2, 0, 0, 0)", connection);
        insert.Parameters.Add(new NpgsqlParameter { Value = copyOf?.Id ?? Guid.NewGuid() });
        insert.Parameters.Add(new NpgsqlParameter { Value = copyOf?.DedupeKey ?? RandomNumberGenerator.GetBytes(32) });
        await insert.ExecuteNonQueryAsync(cancellation);
    }

    private static async Task<bool> ExistsAsync(NpgsqlConnection connection, string sql, CancellationToken cancellation)
    {
        await using var ask = new NpgsqlCommand(sql, connection);
        return await ask.ExecuteScalarAsync(cancellation) is not null;
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(cancellation);
    }
}
