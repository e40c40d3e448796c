using System.CommandLine;
using System.Text.Json;

namespace Tocsin.Server.Commands;

/// <summary><c>tocsin events list|export</c>: the events of the running service from a terminal, with the filters of the API.</summary>
internal static class EventCommands
{
    private const int DefaultLimit = 100;

    /// <summary>Options by the name of their query parameter; each may stand several times.</summary>
    private static readonly Dictionary<string, Option<string[]>> Filters = new(StringComparer.Ordinal)
    {
        ["type"] = Filter("--type", "Only this type; auth.* means all that begin with auth.", "TYPE"),
        ["user_id"] = Filter("--user", "Only this person; unknown: nobody was found for it", "ID"),
        ["priority"] = Filter("--priority", "low, medium, high or critical", "PRIORITY"),
        ["source"] = Filter("--source", "Only this source", "NAME"),
        ["device"] = Filter("--device", "Only what this device reported", "NAME"),
        ["kind"] = Filter("--kind", "incident, alert or audit", "KIND"),
        ["country"] = Filter("--country", "Country of the remote party, two letters", "CODE"),
        ["ip"] = Filter("--ip", "Address or network on either side", "IP"),
        ["q"] = Filter("--q", "Text anywhere in type, description, user and data", "TEXT"),
    };

    private static readonly string[] Columns = ["time", "priority", "type", "user_id", "source", "description"];

    private static readonly Option<string?> Since = new("--since") { Description = "Only what happened then or later: RFC 3339, Unix seconds, or -24h", HelpName = "TIME" };
    private static readonly Option<string?> Until = new("--until") { Description = "Only what happened before", HelpName = "TIME" };
    private static readonly Option<int?> Limit = new("--limit") { Description = "At most so many events", HelpName = "N" };

    public static Command Create() => new("events", "Shows and exports the events of the running service") { List(), Export(), TailCommand.Create() };

    /// <summary>Gives a command the filters of events.</summary>
    public static Command WithFilters(this Command command)
    {
        foreach (var option in Filters.Values)
            command.Add(option);
        command.Add(Since);
        command.Add(Until);
        return command;
    }

    /// <summary>The filters that were given, as a query; empty, or <c>?</c> and what follows.</summary>
    public static string Query(ParseResult parsed, int? limit = null)
    {
        var values = Filters.SelectMany(filter => (parsed.GetValue(filter.Value) ?? []).Select(value => (filter.Key, (string?)value)))
            .Concat([("since", parsed.GetValue(Since)), ("until", parsed.GetValue(Until)), ("limit", limit?.ToString())]);
        var query = string.Join('&', values.Where(pair => pair.Item2 is not null).Select(pair => $"{pair.Item1}={Uri.EscapeDataString(pair.Item2!)}"));
        return query.Length == 0 ? "" : "?" + query;
    }

    private static Command List()
    {
        var format = Output.Format();
        var command = new Command("list", $"Lists the newest events, {DefaultLimit} unless --limit says otherwise.")
        {
            Limit, format, ServiceClient.Url, ServiceClient.Data,
        }.WithFilters().WithExamples("""
            tocsin events list --user 4506 --since -24h
            tocsin events list --type 'auth.*' --priority high --priority critical -o json
            tocsin events list --ip 10.0.0.0/8 --limit 1000 -o csv > events.csv
            """);
        command.SetAction((parsed, _) => ServiceClient.RunAsync(parsed, async client =>
        {
            var path = "events" + Query(parsed, parsed.GetValue(Limit) ?? DefaultLimit);
            var form = parsed.GetValue(format)!;
            return form is "ndjson" or "csv" ? await StreamAsync(client, path, form) : await ShowAsync(client, path, form);
        }));
        return command;
    }

    private static Command Export()
    {
        var format = new Option<string>("--output", "-o") { Description = "ndjson or csv", DefaultValueFactory = _ => "ndjson", HelpName = "FORMAT" };
        format.AcceptOnlyFromAmong("ndjson", "csv");
        var command = new Command("export", "Writes every event that matches to stdout, as it comes. Exit 1 when it breaks off on the way.")
        {
            Limit, format, ServiceClient.Url, ServiceClient.Data,
        }.WithFilters().WithExamples("""
            tocsin events export > events.ndjson
            tocsin events export --kind alert --since -7d -o csv > alerts.csv
            """);
        command.SetAction((parsed, _) => ServiceClient.RunAsync(parsed, client => StreamAsync(client, "events" + Query(parsed, parsed.GetValue(Limit)), parsed.GetValue(format)!)));
        return command;
    }

    private static async Task<int> ShowAsync(ServiceClient client, string path, string format)
    {
        using var response = await client.OpenAsync(path, "application/json");
        var events = client.Parse(await response.Content.ReadAsByteArrayAsync());
        var names = format == "table" ? await PeopleNames.OfAsync(client, events.EnumerateArray().Select(e => Text(e, "user_id"))) : PeopleNames.None;
        Output.Write(format, events, events.EnumerateArray().Select(e => (e, names.Cells([.. Columns.Select(column => Text(e, column))], Columns))), names.Columns(Columns));
        if (response.Headers.Contains("Tocsin-Partial"))
            await Console.Error.WriteLineAsync("Not everything was looked through in time: narrow the filter, or use tocsin events export.");
        return ExitCode.Ok;
    }

    private static async Task<int> StreamAsync(ServiceClient client, string path, string format)
    {
        using var response = await client.OpenAsync(path, format == "csv" ? "text/csv" : "application/x-ndjson");
        await using var from = await response.Content.ReadAsStreamAsync();
        await using var to = Output.Raw();
        await ExportCopy.RunAsync(from, to, format == "csv");
        return ExitCode.Ok;
    }

    private static string Text(JsonElement e, string name) => e.GetProperty(name).GetString() ?? "";

    private static Option<string[]> Filter(string name, string description, string helpName) =>
        new(name) { Description = description + "; may be repeated", HelpName = helpName, Arity = ArgumentArity.OneOrMore };
}
