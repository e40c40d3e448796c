using Npgsql;
using NpgsqlTypes;

namespace Tocsin.Engines.Postgres;

/// <summary>Statements with their values in order: $1, $2 ...</summary>
internal static class Sql
{
    public static NpgsqlCommand Command(NpgsqlConnection connection, string sql, params ReadOnlySpan<object> values)
    {
        var command = new NpgsqlCommand(sql, connection);
        foreach (var value in values)
            command.Parameters.Add(Parameter(value));
        return command;
    }

    public static NpgsqlBatchCommand Part(string sql, params ReadOnlySpan<object> values)
    {
        var command = new NpgsqlBatchCommand(sql);
        foreach (var value in values)
            command.Parameters.Add(Parameter(value));
        return command;
    }

    public static async Task<IReadOnlyList<T>> ListAsync<T>(NpgsqlConnection connection, string sql, Func<NpgsqlDataReader, T> read, CancellationToken cancellation, params object[] values)
    {
        await using var command = Command(connection, sql, values);
        await using var rows = await command.ExecuteReaderAsync(cancellation);
        var list = new List<T>();
        while (await rows.ReadAsync(cancellation))
            list.Add(read(rows));
        return list;
    }

    public static async Task<int> ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancellation, params object[] values)
    {
        await using var command = Command(connection, sql, values);
        return await command.ExecuteNonQueryAsync(cancellation);
    }

    /// <summary>An array of a type, some of whose elements may be null.</summary>
    public static NpgsqlParameter Array<T>(NpgsqlDbType type, IEnumerable<T> values) => new() { NpgsqlDbType = NpgsqlDbType.Array | type, Value = values.ToArray() };

    private static NpgsqlParameter Parameter(object value) => value as NpgsqlParameter ?? new NpgsqlParameter { Value = value };
}
