using Npgsql;
using Tocsin.Journal;

namespace Tocsin.Engines.Postgres;

/// <summary>
/// The ways to one database: a bounded pool for those who read, and connections of their own for the one who writes and the one who follows. Every
/// statement has a deadline on both sides.
/// </summary>
internal sealed class PostgresDatabase : IAsyncDisposable
{
    /// <summary>Connections that read at once; who comes beyond waits for one.</summary>
    private const int MaxReaders = 12;

    /// <summary>How long a statement may run on the server. The journal's own deadlines for looks into records are shorter.</summary>
    private static readonly TimeSpan StatementDeadline = TimeSpan.FromSeconds(30);

    private readonly NpgsqlDataSource _readers;
    private readonly NpgsqlDataSource _own;

    public PostgresDatabase(NpgsqlConnectionStringBuilder settings)
    {
        var bounded = new NpgsqlConnectionStringBuilder(settings.ConnectionString)
        {
            CommandTimeout = (int)StatementDeadline.TotalSeconds + 5,
            Timeout = Math.Min(settings.Timeout, 15),
            ApplicationName = settings.ApplicationName ?? "tocsin",
            // The deadline, the order and form of things, and what is told of them, must not depend on the server's configuration.
            Options = $"{settings.Options} -c statement_timeout={StatementDeadline.TotalMilliseconds:0} -c default_transaction_isolation=read\\ committed -c client_min_messages=notice -c jit=off".Trim(),
            IncludeErrorDetail = false,
            LogParameters = false,
            Enlist = false,
        };
        _readers = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(bounded.ConnectionString) { Pooling = true, MinPoolSize = 0, MaxPoolSize = MaxReaders });
        _own = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(bounded.ConnectionString) { Pooling = false, KeepAlive = 15 });
        Place = $"{settings.Host}:{settings.Port}";
    }

    /// <summary>The server as a message may name it.</summary>
    public string Place { get; }

    /// <summary>A connection of the caller's own.</summary>
    public ValueTask<NpgsqlConnection> OpenOwnAsync(CancellationToken cancellation) => _own.OpenConnectionAsync(cancellation);

    /// <summary>Reads on a connection of the pool.</summary>
    public async ValueTask<T> ReadAsync<T>(Func<NpgsqlConnection, Task<T>> read, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        try
        {
            await using var connection = await _readers.OpenConnectionAsync(cancellation);
            return await read(connection);
        }
        catch (Exception error) when (cancellation.IsCancellationRequested && PostgresFaults.IsEnvironment(error))
        {
            throw new OperationCanceledException(error.Message, error, cancellation);
        }
        catch (Exception error) when (PostgresFaults.IsEnvironment(error))
        {
            throw PostgresFaults.Unavailable(error);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _readers.DisposeAsync();
        await _own.DisposeAsync();
    }

    /// <summary>What a connection string says; throws <see cref="JournalOpenException"/> without repeating any of it.</summary>
    public static NpgsqlConnectionStringBuilder Parse(string connection)
    {
        try
        {
            var settings = Uri.TryCreate(connection, UriKind.Absolute, out var uri) && uri.Scheme is "postgres" or "postgresql" ? OfUri(uri!) : new NpgsqlConnectionStringBuilder(connection);
            if (string.IsNullOrEmpty(settings.Host))
                throw new JournalOpenException("store.connection names no server: write Host=...;Database=...;Username=...;Password=... or postgres://user:password@host/database.");
            return settings;
        }
        catch (Exception error) when (error is ArgumentException or FormatException)
        {
            // The message of the parser may hold a part of the string, and so of the password.
            throw new JournalOpenException("store.connection cannot be read: write Host=...;Database=...;Username=...;Password=... or postgres://user:password@host/database.");
        }
    }

    private static NpgsqlConnectionStringBuilder OfUri(Uri uri)
    {
        var user = uri.UserInfo.Split(':', 2);
        var settings = new NpgsqlConnectionStringBuilder { Host = uri.Host, Port = uri.Port > 0 ? uri.Port : NpgsqlConnection.DefaultPort };
        if (user[0].Length > 0)
            settings.Username = Uri.UnescapeDataString(user[0]);
        if (user.Length > 1)
            settings.Password = Uri.UnescapeDataString(user[1]);
        if (uri.AbsolutePath.Trim('/') is { Length: > 0 } database)
            settings.Database = Uri.UnescapeDataString(database);
        foreach (var part in uri.Query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var pair = part.Split('=', 2);
            settings[pair[0] == "sslmode" ? "SSL Mode" : Uri.UnescapeDataString(pair[0])] = Uri.UnescapeDataString(pair.Length > 1 ? pair[1] : "").Replace("-", "", StringComparison.Ordinal);
        }
        return settings;
    }
}
