using System.Collections.Concurrent;

namespace Tocsin.Engines.Sqlite;

/// <summary>A read-only connection with its own cache of strings.</summary>
internal sealed record SqliteReader(SqliteConnection Connection, StringCache Words);

/// <summary>
/// A bounded number of read-only connections: a reader beyond it waits its turn, and readers never wait for the writer.
/// </summary>
internal sealed class ReadPool(string path) : IAsyncDisposable
{
    private const int MaxConnections = 8;

    /// <summary>Statements after which a connection is closed: those for tables that are gone would stay for ever.</summary>
    private const int MaxStatements = 256;

    private readonly ConcurrentBag<SqliteReader> _idle = [];
    private readonly SemaphoreSlim _turns = new(MaxConnections);
    private volatile bool _isClosed;

    /// <summary>Runs <paramref name="read"/> on the thread pool: SQLite's calls block.</summary>
    public async ValueTask<T> RunAsync<T>(Func<SqliteReader, T> read, CancellationToken cancellation)
    {
        await _turns.WaitAsync(cancellation);
        try
        {
            if (_isClosed)
                throw new Journal.JournalUnavailableException("The journal is closed.");
            return await Task.Run(() => Read(read), cancellation);
        }
        finally
        {
            _turns.Release();
        }
    }

    private T Read<T>(Func<SqliteReader, T> read)
    {
        if (!_idle.TryTake(out var reader))
            reader = Open();
        try
        {
            var result = read(reader);
            if (reader.Connection.Statements > MaxStatements)
                reader.Connection.Dispose();
            else
                _idle.Add(reader);
            return result;
        }
        catch (Exception error)
        {
            // Left half read it would hold its snapshot, and with it the WAL.
            reader.Connection.Dispose();
            if (error is SqliteException { IsEnvironment: true })
                throw new Journal.JournalUnavailableException(error.Message, error);
            throw;
        }
    }

    private SqliteReader Open()
    {
        var connection = SqliteConnection.OpenReader(path).Set("PRAGMA query_only=ON; PRAGMA cache_size=-2048");
        return new SqliteReader(connection, new StringCache());
    }

    /// <summary>Completes when the last reader has ended; who still waits for a turn is refused.</summary>
    public async ValueTask DisposeAsync()
    {
        _isClosed = true;
        for (var turn = 0; turn < MaxConnections; turn++)
            await _turns.WaitAsync();
        while (_idle.TryTake(out var reader))
            reader.Connection.Dispose();
        _turns.Release(MaxConnections);
    }
}
