using System.Net;
using Tocsin.Server.Api;

namespace Tocsin.Server.Commands;

/// <summary>Names for the ids in a table, where the service knows people: a column <c>name</c> behind the column <c>user_id</c>.</summary>
internal sealed class PeopleNames
{
    private const string IdColumn = "user_id";

    /// <summary>The line of a request may have some 8,000 characters.</summary>
    private const int MaxQueryCharacters = 4_000;

    private readonly Dictionary<string, string> _names = new(StringComparer.Ordinal);

    private PeopleNames()
    {
    }

    /// <summary>Nobody has a name, and there is no column.</summary>
    public static PeopleNames None { get; } = new();

    /// <summary>Asks the service for the names of these ids, a hundred at once.</summary>
    public static async Task<PeopleNames> OfAsync(ServiceClient client, IEnumerable<string> ids)
    {
        // A service of an earlier version knows no people.
        var (status, anybody) = await client.SendAsync(HttpMethod.Get, "people?limit=1", HttpStatusCode.NotFound);
        if (status != HttpStatusCode.OK || anybody.GetArrayLength() == 0)
            return None;
        var names = new PeopleNames();
        var (query, count) = ("", 0);
        foreach (var id in ids.Where(id => id.Length > 0).Distinct(StringComparer.Ordinal))
        {
            query += $"&{IdColumn}={Uri.EscapeDataString(id)}";
            if (++count < QueryReader.MaxValues && query.Length < MaxQueryCharacters)
                continue;
            await names.AskAsync(client, query);
            (query, count) = ("", 0);
        }
        if (count > 0)
            await names.AskAsync(client, query);
        return names;
    }

    /// <summary>The columns, with that of the names.</summary>
    public string[] Columns(params string[] columns) => With(columns, columns, "name");

    /// <summary>The cells of a row of these columns, with the name.</summary>
    public string[] Cells(string[] cells, params string[] columns) =>
        With(cells, columns, _names.GetValueOrDefault(cells[Array.IndexOf(columns, IdColumn)], ""));

    private string[] With(string[] cells, string[] columns, string cell)
    {
        var after = Array.IndexOf(columns, IdColumn) + 1;
        return this == None ? cells : [.. cells[..after], cell, .. cells[after..]];
    }

    private async Task AskAsync(ServiceClient client, string query)
    {
        var (_, people) = await client.SendAsync(HttpMethod.Get, $"people?limit={QueryReader.MaxValues}{query}");
        foreach (var person in people.EnumerateArray())
            if (person.GetProperty("name").GetString() is { } name)
                _names[person.GetProperty(IdColumn).GetString()!] = name;
    }
}
