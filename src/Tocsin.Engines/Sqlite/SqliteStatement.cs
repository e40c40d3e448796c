using System.Text;
using SQLitePCL;

namespace Tocsin.Engines.Sqlite;

/// <summary>A prepared statement: parameters from 1, columns from 0. Values are copied by SQLite when bound.</summary>
internal sealed class SqliteStatement(SqliteConnection connection, sqlite3_stmt handle) : IDisposable
{
    public SqliteStatement Bind(int index, long value)
    {
        connection.Check(raw.sqlite3_bind_int64(handle, index, value));
        return this;
    }

    public SqliteStatement Bind(int index, string? text)
    {
        if (text is null)
        {
            connection.Check(raw.sqlite3_bind_null(handle, index));
            return this;
        }
        Span<byte> buffer = text.Length <= 256 ? stackalloc byte[text.Length * 3] : new byte[Encoding.UTF8.GetByteCount(text)];
        // An empty span carries no address, and SQLite takes no address for NULL.
        connection.Check(text.Length == 0
            ? raw.sqlite3_bind_text(handle, index, "")
            : raw.sqlite3_bind_text(handle, index, buffer[..Encoding.UTF8.GetBytes(text, buffer)]));
        return this;
    }

    public SqliteStatement Bind(int index, ReadOnlySpan<byte> blob)
    {
        connection.Check(blob.IsEmpty ? raw.sqlite3_bind_zeroblob(handle, index, 0) : raw.sqlite3_bind_blob(handle, index, blob));
        return this;
    }

    /// <summary>True when there is a row to read.</summary>
    public bool Step()
    {
        var code = raw.sqlite3_step(handle);
        if (code is not (raw.SQLITE_ROW or raw.SQLITE_DONE))
        {
            raw.sqlite3_reset(handle);
            connection.Check(code);
        }
        return code == raw.SQLITE_ROW;
    }

    /// <summary>Runs to the end and makes the statement ready again.</summary>
    public void Run()
    {
        while (Step())
        {
        }
        raw.sqlite3_reset(handle);
    }

    public void Reset() => raw.sqlite3_reset(handle);

    public bool IsNull(int column) => raw.sqlite3_column_type(handle, column) == raw.SQLITE_NULL;

    public long Int64(int column) => raw.sqlite3_column_int64(handle, column);

    /// <summary>The bytes of a blob or of a text (UTF-8), valid until the next step.</summary>
    public ReadOnlySpan<byte> Bytes(int column) => raw.sqlite3_column_blob(handle, column);

    public string Text(int column) => Encoding.UTF8.GetString(Bytes(column));

    public void Dispose() => handle.Dispose();
}
