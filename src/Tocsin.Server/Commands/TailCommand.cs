using System.CommandLine;
using System.Text.Json;

namespace Tocsin.Server.Commands;

/// <summary><c>tocsin events tail</c>: events as they are committed, until Ctrl+C.</summary>
internal static class TailCommand
{
    private static readonly string[] Columns = ["time", "priority", "type", "user_id", "source", "description"];

    public static Command Create()
    {
        var format = new Option<string>("--output", "-o") { Description = "table (a line an event), json or ndjson", DefaultValueFactory = _ => "table", HelpName = "FORMAT" };
        format.AcceptOnlyFromAmong("table", "json", "ndjson");
        var command = new Command("tail", "Shows events as they come, until Ctrl+C. A lost connection is made anew, and nothing is missed.")
        {
            format, ServiceClient.Url, ServiceClient.Data,
        }.WithFilters().WithExamples("""
            tocsin events tail
            tocsin events tail --priority high --priority critical
            tocsin events tail --type 'auth.*' -o ndjson | jq .user_id
            """);
        command.SetAction((parsed, _) => ServiceClient.RunAsync(parsed, client => RunAsync(client, EventCommands.Query(parsed), parsed.GetValue(format)!)));
        return command;
    }

    private static async Task<int> RunAsync(ServiceClient client, string query, string format)
    {
        using var signal = new StopSignal();
        await using var output = new StreamWriter(Output.Raw()) { AutoFlush = true };
        var tail = new EventTail(client, query, TimeProvider.System, Console.Error);
        await tail.RunAsync((e, isAmended) => output.WriteLineAsync(Line(e, isAmended, format)), signal.Token);
        return ExitCode.Ok;
    }

    private static string Line(string json, bool isAmended, string format) => format switch
    {
        "ndjson" => json,
        "json" => DeepJson.Indented(DeepJson.Parse(json)),
        _ => Row(DeepJson.Parse(json), isAmended),
    };

    /// <summary>Columns for people; for pipes tabs, as the other tables.</summary>
    private static string Row(JsonElement e, bool isAmended)
    {
        string[] cells = [.. Columns.Select(name => Output.Plain(e.GetProperty(name).GetString() ?? ""))];
        if (isAmended)
            cells[^1] = $"{cells[^1]} (amended)".TrimStart();
        return Console.IsOutputRedirected
            ? string.Join('\t', cells)
            : $"{cells[0],-24}  {cells[1],-8}  {cells[2],-20}  {cells[3],-12}  {cells[4],-12}  {cells[5]}".TrimEnd();
    }
}
