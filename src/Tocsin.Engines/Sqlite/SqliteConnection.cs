using SQLitePCL;

namespace Tocsin.Engines.Sqlite;

/// <summary>One connection to one database file, for one thread at a time. Statements are prepared once and kept.</summary>
internal sealed class SqliteConnection : IDisposable
{
    private readonly sqlite3 _db;
    private readonly Dictionary<string, SqliteStatement> _statements = new(StringComparer.Ordinal);

    private SqliteConnection(sqlite3 db) => _db = db;

    /// <summary>True outside of a transaction.</summary>
    public bool IsIdle => raw.sqlite3_get_autocommit(_db) != 0;

    /// <summary>Statements in the cache.</summary>
    public int Statements => _statements.Count;

    public static SqliteConnection OpenWriter(string path) => Open(path, raw.SQLITE_OPEN_READWRITE | raw.SQLITE_OPEN_CREATE);

    public static SqliteConnection OpenReader(string path) => Open(path, raw.SQLITE_OPEN_READONLY);

    /// <summary>A file that nobody changes: read without locks.</summary>
    public static SqliteConnection OpenImmutable(string path) => Open($"{new Uri(path).AbsoluteUri}?immutable=1", raw.SQLITE_OPEN_READONLY);

    private static SqliteConnection Open(string path, int flags)
    {
        _ = SqliteLibrary.Version;
        var code = raw.sqlite3_open_v2(path, out var db, flags | raw.SQLITE_OPEN_NOMUTEX | raw.SQLITE_OPEN_URI, null);
        if (code != raw.SQLITE_OK)
        {
            var message = db is null ? "cannot open" : raw.sqlite3_errmsg(db).utf8_to_string();
            db?.Dispose();
            throw new SqliteException(code, message);
        }
        raw.sqlite3_extended_result_codes(db, 1);
        raw.sqlite3_busy_timeout(db, 2000);
        return new SqliteConnection(db);
    }

    /// <summary>The statement for this text, reset, from the connection's cache.</summary>
    public SqliteStatement Statement(string sql)
    {
        if (!_statements.TryGetValue(sql, out var statement))
        {
            Check(raw.sqlite3_prepare_v2(_db, sql, out var handle));
            _statements.Add(sql, statement = new SqliteStatement(this, handle));
        }
        statement.Reset();
        return statement;
    }

    /// <summary>Runs one or more statements that return nothing of interest.</summary>
    public void Execute(string sql) => Check(raw.sqlite3_exec(_db, sql));

    /// <summary>Runs pragmas on a connection just opened, and closes it when they fail.</summary>
    public SqliteConnection Set(string pragmas)
    {
        try
        {
            Execute(pragmas);
            return this;
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Lets go of the statements that name a table; none of them may be under way.</summary>
    public void Forget(string table)
    {
        foreach (var sql in _statements.Keys.Where(sql => sql.Contains($" {table} ", StringComparison.Ordinal)).ToArray())
        {
            _statements[sql].Dispose();
            _statements.Remove(sql);
        }
    }

    public long Scalar(string sql)
    {
        var statement = Statement(sql);
        var value = statement.Step() ? statement.Int64(0) : 0;
        statement.Reset();
        return value;
    }

    /// <summary>As <see cref="Scalar"/>, for a statement that is not needed again.</summary>
    public long Once(string sql)
    {
        Check(raw.sqlite3_prepare_v2(_db, sql, out var handle));
        using var statement = new SqliteStatement(this, handle);
        return statement.Step() ? statement.Int64(0) : 0;
    }

    /// <summary>Rolls back when a transaction is open; after a full disk SQLite may already have done so.</summary>
    public void RollbackIfOpen()
    {
        if (!IsIdle)
            raw.sqlite3_exec(_db, "ROLLBACK");
    }

    /// <summary>Copies committed pages from the WAL into the database as far as no reader is in the way; never waits. Gives the WAL's length in frames.</summary>
    public int Checkpoint()
    {
        raw.sqlite3_wal_checkpoint_v2(_db, "main", raw.SQLITE_CHECKPOINT_PASSIVE, out var frames, out _);
        return frames;
    }

    /// <summary>The same, and waits for readers within the busy time-out, so that the next commit begins the WAL anew.</summary>
    public void CheckpointAndRestart() => raw.sqlite3_wal_checkpoint_v2(_db, "main", raw.SQLITE_CHECKPOINT_RESTART, out _, out _);

    public void Check(int code)
    {
        if (code is not (raw.SQLITE_OK or raw.SQLITE_ROW or raw.SQLITE_DONE))
            throw new SqliteException(code, raw.sqlite3_errmsg(_db).utf8_to_string());
    }

    public void Dispose()
    {
        foreach (var statement in _statements.Values)
            statement.Dispose();
        _db.Dispose();
    }
}
