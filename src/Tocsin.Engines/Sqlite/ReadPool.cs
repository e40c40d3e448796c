using System.Collections.Concurrent;

namespace Tocsin.Engines.Sqlite;

/// <summary>A read-only connection with its own cache of strings.</summary>
internal sealed record SqliteReader(SqliteConnection Connection, StringCache Words);

/// <summary>
/// A bounded number of read-only connections: a reader beyond it waits its turn, and readers never wait for the writer.
/// </summary>
internal sealed class ReadPool(string path) : IDisposable
{
    private const int MaxConnections = 8;
    private readonly ConcurrentBag<SqliteReader> _idle = [];
    private readonly SemaphoreSlim _turns = new(MaxConnections);

    /// <summary>Runs <paramref name="read"/> on the thread pool: SQLite's calls block.</summary>
    public async ValueTask<T> RunAsync<T>(Func<SqliteReader, T> read, CancellationToken cancellation)
    {
        await _turns.WaitAsync(cancellation);
        try
        {
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
        var connection = SqliteConnection.OpenReader(path);
        connection.Execute("PRAGMA query_only=ON; PRAGMA cache_size=-8192");
        return new SqliteReader(connection, new StringCache());
    }

    public void Dispose()
    {
        while (_idle.TryTake(out var reader))
            reader.Connection.Dispose();
        _turns.Dispose();
    }
}
