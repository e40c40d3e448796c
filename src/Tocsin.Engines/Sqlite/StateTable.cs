using Tocsin.Journal;

namespace Tocsin.Engines.Sqlite;

/// <summary>Named keyed rows with versions.</summary>
internal static class StateTable
{
    public static long Version(SqliteConnection connection, string name, string key)
    {
        var row = connection.Statement("SELECT version FROM state WHERE name = ?1 AND key = ?2").Bind(1, name).Bind(2, key);
        var version = row.Step() ? row.Int64(0) : 0;
        row.Reset();
        return version;
    }

    public static void Write(SqliteConnection connection, StateWrite write, long version)
    {
        if (write.Value is null)
            connection.Statement("DELETE FROM state WHERE name = ?1 AND key = ?2").Bind(1, write.Name).Bind(2, write.Key).Run();
        else
            connection.Statement("INSERT INTO state VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE SET version = excluded.version, value = excluded.value")
                .Bind(1, write.Name).Bind(2, write.Key).Bind(3, version).Bind(4, write.Value).Run();
    }

    public static StateRow? Get(SqliteConnection connection, string name, string key)
    {
        var row = connection.Statement("SELECT version, value FROM state WHERE name = ?1 AND key = ?2").Bind(1, name).Bind(2, key);
        var found = row.Step() ? new StateRow(name, key, row.Int64(0), row.Bytes(1).ToArray()) : null;
        row.Reset();
        return found;
    }

    public static IReadOnlyList<string> Names(SqliteConnection connection)
    {
        var row = connection.Statement("SELECT DISTINCT name FROM state ORDER BY name");
        var names = new List<string>();
        while (row.Step())
            names.Add(row.Text(0));
        row.Reset();
        return names;
    }

    public static IReadOnlyList<StateRow> List(SqliteConnection connection, string name, string? afterKey, int limit)
    {
        // Two statements: one that took null for "from the first" would not search the key, but read every row before it.
        var row = afterKey is null
            ? connection.Statement("SELECT key, version, value FROM state WHERE name = ?1 ORDER BY key LIMIT ?2").Bind(1, name).Bind(2, limit)
            : connection.Statement("SELECT key, version, value FROM state WHERE name = ?1 AND key > ?2 ORDER BY key LIMIT ?3")
                .Bind(1, name).Bind(2, afterKey).Bind(3, limit);
        var rows = new List<StateRow>();
        while (row.Step())
            rows.Add(new StateRow(name, row.Text(0), row.Int64(1), row.Bytes(2).ToArray()));
        row.Reset();
        return rows;
    }
}
