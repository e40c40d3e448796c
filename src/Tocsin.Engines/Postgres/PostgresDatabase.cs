using System.Data;
using Npgsql;
using Tocsin.Journal;

namespace Tocsin.Engines.Postgres;

/// <summary>
/// The ways to one database: bounded pools for those who read, one for looks that are short and must not wait behind long ones, and connections of their own
/// for the one who writes and the one who follows. Every statement has a deadline on both sides.
/// </summary>
internal sealed class PostgresDatabase : IAsyncDisposable
{
    /// <summary>Connections that read at once; who comes beyond waits for one.</summary>
    private const int MaxReaders = 12;

    /// <summary>Connections for reads of state: leases and the health of this node hang on them.</summary>
    private const int MaxStateReaders = 3;

    /// <summary>How long a statement of a reader may run on the server. The journal's own deadlines for looks into records are shorter.</summary>
    private static readonly TimeSpan ReadDeadline = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan StateReadDeadline = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan WriteDeadline = TimeSpan.FromSeconds(15);

    /// <summary>What the server is given to say itself that a statement took too long.</summary>
    private static readonly TimeSpan Beyond = TimeSpan.FromSeconds(5);

    private readonly NpgsqlDataSource _readers;
    private readonly NpgsqlDataSource _stateReaders;
    private readonly NpgsqlDataSource _own;
    private readonly NpgsqlDataSource _follower;

    /// <summary>Throws <see cref="JournalOpenException"/> when the settings contradict one another.</summary>
    public PostgresDatabase(NpgsqlConnectionStringBuilder settings)
    {
        try
        {
            // Of a reader it is also how long it waits for its turn.
            _readers = Pool(Bounded(settings, ReadDeadline, ReadDeadline + Beyond), MaxReaders, AtMost(15, settings.Timeout));
        }
        catch (Exception error) when (error is ArgumentException or NotSupportedException)
        {
            // The first of the four stumbles over what any would. What it says names options, none of their values.
            throw new JournalOpenException($"store.connection contradicts itself: {error.Message.TrimEnd('.')}. Correct it there.", error);
        }
        _stateReaders = Pool(Bounded(settings, StateReadDeadline, StateReadDeadline + Beyond), MaxStateReaders, AtMost(5, settings.Timeout));
        _own = Own(Bounded(settings, WriteDeadline, WriteDeadline + Beyond));
        // It looks at single rows, and its silence is the first that tells that a server is gone.
        _follower = Own(Bounded(settings, WriteDeadline, Beyond));
        Place = $"{settings.Host}:{settings.Port}";
    }

    /// <summary>The server as a message may name it.</summary>
    public string Place { get; }

    /// <summary>A connection of the caller's own.</summary>
    public ValueTask<NpgsqlConnection> OpenOwnAsync(CancellationToken cancellation) => _own.OpenConnectionAsync(cancellation);

    /// <summary>A connection to follow on.</summary>
    public ValueTask<NpgsqlConnection> OpenFollowerAsync(CancellationToken cancellation) => _follower.OpenConnectionAsync(cancellation);

    /// <summary>Reads on a connection of the pool.</summary>
    public ValueTask<T> ReadAsync<T>(Func<NpgsqlConnection, Task<T>> read, CancellationToken cancellation) => ReadAsync(_readers, read, cancellation);

    /// <summary>Reads state, beside all who read for long.</summary>
    public ValueTask<T> ReadStateAsync<T>(Func<NpgsqlConnection, Task<T>> read, CancellationToken cancellation) => ReadAsync(_stateReaders, read, cancellation);

    private static async ValueTask<T> ReadAsync<T>(NpgsqlDataSource pool, Func<NpgsqlConnection, Task<T>> read, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        try
        {
            try
            {
                return await OnceAsync(pool, read, isLast: false, cancellation);
            }
            catch (StaleConnectionException)
            {
                return await OnceAsync(pool, read, isLast: true, cancellation);
            }
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

    private static async Task<T> OnceAsync<T>(NpgsqlDataSource pool, Func<NpgsqlConnection, Task<T>> read, bool isLast, CancellationToken cancellation)
    {
        await using var connection = await pool.OpenConnectionAsync(cancellation);
        try
        {
            return await read(connection);
        }
        catch (NpgsqlException error) when (!isLast && connection.State != ConnectionState.Open && error.InnerException is not TimeoutException && !cancellation.IsCancellationRequested)
        {
            // It may have waited in the pool since before the server was restarted; with it all of its age are gone from there.
            throw new StaleConnectionException(error);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _readers.DisposeAsync();
        await _stateReaders.DisposeAsync();
        await _own.DisposeAsync();
        await _follower.DisposeAsync();
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

    /// <summary>The settings with what this engine needs, and with deadlines on the server and here.</summary>
    internal static NpgsqlConnectionStringBuilder Bounded(NpgsqlConnectionStringBuilder settings, TimeSpan onServer, TimeSpan here)
    {
        var bounded = new NpgsqlConnectionStringBuilder(settings.ConnectionString)
        {
            CommandTimeout = (int)here.TotalSeconds,
            // A machine that is gone says nothing: the network asks after 5 s, and nine times more.
            TcpKeepAliveTime = 5,
            TcpKeepAliveInterval = 1,
            ApplicationName = settings.ApplicationName ?? "tocsin",
            // The deadline, the order and form of things, and what is told of them, must not depend on the server's configuration.
            Options = $"{settings.Options} -c statement_timeout={onServer.TotalMilliseconds:0} -c default_transaction_isolation=read\\ committed -c client_min_messages=notice -c jit=off".Trim(),
            IncludeErrorDetail = false,
            LogParameters = false,
            Enlist = false,
            // A transaction here is a connection's own.
            Multiplexing = false,
        };
        // Else each connection is tried with it first, and a server that does not answer costs the time of both.
        if (!settings.ShouldSerialize("GSS Encryption Mode"))
            bounded.GssEncryptionMode = GssEncryptionMode.Disable;
        // A standby would be taken as well, and refuse all that is written.
        if (settings.Host!.Contains(',', StringComparison.Ordinal) && settings.TargetSessionAttributes is null)
            bounded.TargetSessionAttributes = "primary";
        return bounded;
    }

    private static NpgsqlDataSource Pool(NpgsqlConnectionStringBuilder bounded, int size, int timeout)
    {
        (bounded.Pooling, bounded.MinPoolSize, bounded.MaxPoolSize, bounded.Timeout) = (true, 0, size, timeout);
        return NpgsqlDataSource.Create(bounded);
    }

    private static NpgsqlDataSource Own(NpgsqlConnectionStringBuilder bounded)
    {
        // -1: an answer that is late breaks the connection, and is not waited for again.
        (bounded.Pooling, bounded.KeepAlive, bounded.Timeout, bounded.CancellationTimeout) = (false, 15, AtMost(5, bounded.Timeout), -1);
        return NpgsqlDataSource.Create(bounded);
    }

    /// <summary>Of two times in seconds the shorter; 0, which a connection string may say, has no end.</summary>
    private static int AtMost(int seconds, int asked) => asked > 0 ? Math.Min(seconds, asked) : seconds;

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

    /// <summary>A connection of the pool was lost: a read may be made once more on another.</summary>
    private sealed class StaleConnectionException(Exception inner) : IOException(inner.Message, inner);
}
