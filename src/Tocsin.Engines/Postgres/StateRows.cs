using Npgsql;
using Tocsin.Journal;

namespace Tocsin.Engines.Postgres;

/// <summary>Named keyed rows with versions.</summary>
internal static class StateRows
{
    public static async Task<StateRow?> GetAsync(NpgsqlConnection connection, string name, string key, CancellationToken cancellation)
    {
        var rows = await Sql.ListAsync(connection, "SELECT key, version, value FROM tocsin.state WHERE name = $1 AND key = $2", row => Row(name, row),
            cancellation, StoredText.To(name), StoredText.To(key));
        return rows.Count > 0 ? rows[0] : null;
    }

    public static Task<IReadOnlyList<string>> NamesAsync(NpgsqlConnection connection, CancellationToken cancellation) =>
        Sql.ListAsync(connection, "SELECT DISTINCT name FROM tocsin.state ORDER BY name", row => EventRows.Text(row, 0)!, cancellation);

    public static Task<IReadOnlyList<StateRow>> ListAsync(NpgsqlConnection connection, string name, string? afterKey, int limit, CancellationToken cancellation) =>
        afterKey is null
            ? Sql.ListAsync(connection, "SELECT key, version, value FROM tocsin.state WHERE name = $1 ORDER BY key LIMIT $2", row => Row(name, row), cancellation, StoredText.To(name), limit)
            : Sql.ListAsync(connection, "SELECT key, version, value FROM tocsin.state WHERE name = $1 AND key > $2 ORDER BY key LIMIT $3", row => Row(name, row),
                cancellation, StoredText.To(name), StoredText.To(afterKey), limit);

    private static StateRow Row(string name, NpgsqlDataReader row) => new(name, EventRows.Text(row, 0)!, row.GetInt64(1), row.GetFieldValue<byte[]>(2));
}
