using SQLitePCL;

namespace Tocsin.Engines.Sqlite;

/// <summary>A call to SQLite failed.</summary>
internal sealed class SqliteException(int code, string message) : Exception($"SQLite {code}: {message}")
{
    public int Code { get; } = code;

    /// <summary>The disk or the file refused for now: full, read-only, an I/O error, no memory, locked by another tool.</summary>
    public bool IsEnvironment => (Code & 0xFF) is raw.SQLITE_FULL or raw.SQLITE_IOERR or raw.SQLITE_READONLY or raw.SQLITE_CANTOPEN
        or raw.SQLITE_NOMEM or raw.SQLITE_BUSY or raw.SQLITE_LOCKED;
}
