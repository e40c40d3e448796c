using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Tocsin.Server.Api;

namespace Tocsin.Server.Commands;

/// <summary><c>tocsin incidents</c>: the board from a terminal.</summary>
internal static class IncidentsCommand
{
    private static readonly string[] Columns = ["user_id", "priority", "time", "type", "event_id"];

    public static Command Create()
    {
        var user = new Option<string?>("--user") { Description = "Only this employee", HelpName = "ID" };
        var format = Output.Format();
        var command = new Command("incidents", "Shows the board of the running service.")
        {
            user, format, ServiceClient.Url, ServiceClient.Data,
        }.WithExamples("""
            tocsin incidents --data ./tocsin-demo
            tocsin incidents --user 4506 -o json
            tocsin incidents -o csv > board.csv
            """);
        command.SetAction((parsed, _) => ServiceClient.RunAsync(parsed, async client =>
        {
            var path = parsed.GetValue(user) is { } id ? $"incidents?user_id={Uri.EscapeDataString(id)}" : "incidents";
            var (_, board) = await client.SendAsync(HttpMethod.Get, path);
            if (parsed.GetValue(user) is { } wanted && !board.EnumerateObject().Any())
                return ExitCode.Fail($"Nothing on the board concerns {Output.Plain(wanted)}.");
            var names = parsed.GetValue(format) == "table" ? await PeopleNames.OfAsync(client, board.EnumerateObject().Select(employee => employee.Name)) : PeopleNames.None;
            Output.Write(parsed.GetValue(format)!, board, Rows(board).Select(row => (row.Json, names.Cells(row.Cells, Columns))), names.Columns(Columns));
            return ExitCode.Ok;
        }));
        return command;
    }

    private static IEnumerable<(JsonElement Json, string[] Cells)> Rows(JsonElement board)
    {
        foreach (var employee in board.EnumerateObject())
            foreach (var priority in employee.Value.EnumerateObject())
                foreach (var incident in priority.Value.GetProperty("incidents").EnumerateArray())
                    yield return (Line(employee.Name, incident),
                        [employee.Name, priority.Name, Time(incident), incident.GetProperty("type").GetString()!, incident.GetProperty("event_id").GetString()!]);
    }

    /// <summary>A record stays as it is written: what is no Unicode in it could not be written anew. A line break between its tokens would end the line.</summary>
    private static JsonElement Line(string employee, JsonElement incident)
    {
        var user = incident.TryGetProperty("user_id", out _) ? [] : new[] { $"\"user_id\":{JsonSerializer.Serialize(employee, ApiJson.Options)}" };
        return DeepJson.Parse($"{{{string.Join(',', user.Concat(incident.EnumerateObject().Select(field => field.ToString())))}}}".Replace('\n', ' ').Replace('\r', ' '));
    }

    private static string Time(JsonElement incident) =>
        !incident.TryGetProperty("timestamp", out var timestamp) ? ""
        : timestamp.ValueKind == JsonValueKind.Number && EventTime.TryParseNumber(System.Text.Encoding.UTF8.GetBytes(timestamp.GetRawText()), out var time)
            ? time.ToDateTimeOffset().ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture)
            : timestamp.ToString();
}
