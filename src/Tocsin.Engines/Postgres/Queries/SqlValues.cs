using System.Globalization;
using Npgsql;
using NpgsqlTypes;

namespace Tocsin.Engines.Postgres.Queries;

/// <summary>The values of one statement, and how it names them.</summary>
internal sealed class SqlValues
{
    private readonly List<NpgsqlParameter> _values = [];

    /// <summary>A value's name in the statement.</summary>
    public string Add(object value) => Add(new NpgsqlParameter { Value = value });

    public string Texts(IEnumerable<string> values) => Add(Sql.Array(NpgsqlDbType.Text, values.Select(value => StoredText.To(value))));

    public string Add(NpgsqlParameter value)
    {
        _values.Add(value);
        return string.Create(CultureInfo.InvariantCulture, $"${_values.Count}");
    }

    public NpgsqlBatchCommand Part(string sql)
    {
        var part = new NpgsqlBatchCommand(sql);
        foreach (var value in _values)
            part.Parameters.Add(value);
        return part;
    }

    public NpgsqlCommand Command(NpgsqlConnection connection, string sql)
    {
        var command = new NpgsqlCommand(sql, connection);
        foreach (var value in _values)
            command.Parameters.Add(value);
        return command;
    }
}
