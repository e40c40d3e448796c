using System.CommandLine;
using System.Net;
using System.Text.Json;

namespace Tocsin.Server.Commands;

/// <summary><c>tocsin health</c>: how the running service is.</summary>
internal static class HealthCommand
{
    public static Command Create()
    {
        var format = Output.Format();
        var command = new Command("health", "Says how the running service is. Exit 0 when it is healthy or degraded, 1 when it is not.")
        {
            format, ServiceClient.Url, ServiceClient.Data,
        }.WithExamples("""
            tocsin health
            tocsin health -o json --url http://tocsin.internal:9000
            """);
        command.SetAction((parsed, _) => ServiceClient.RunAsync(parsed, async client =>
        {
            var (code, health) = await client.SendAsync(HttpMethod.Get, "health", HttpStatusCode.ServiceUnavailable);
            // A 503 may also come from a proxy that reaches no node: its status is a number, or it has none.
            if (Status(health) is not { } status)
                throw code == HttpStatusCode.OK ? client.NoTocsin() : ServiceClient.Refused(code, health);
            if (parsed.GetValue(format) == "table")
                Console.Error.WriteLine(status + (health.TryGetProperty("store", out var store) && store.GetProperty("error").GetString() is { } error ? $": {error}" : ""));
            var rows = health.TryGetProperty("sources", out var sources) ? sources.EnumerateArray().Select(Row) : [];
            Output.Write(parsed.GetValue(format)!, health, rows, "source", "status", "last_success", "failures", "last_error");
            return status == "unhealthy" ? ExitCode.Failed : ExitCode.Ok;
        }));
        return command;
    }

    private static string? Status(JsonElement health) =>
        health.ValueKind == JsonValueKind.Object && health.TryGetProperty("status", out var status) && status.ValueKind == JsonValueKind.String
            && status.GetString() is "healthy" or "degraded" or "unhealthy" ? status.GetString() : null;

    private static (JsonElement, string[]) Row(JsonElement source) =>
        (source, [Output.Text(source, "name"), Output.Text(source, "status"), Output.Text(source, "last_success"), Output.Text(source, "consecutive_failures"), Output.Text(source, "last_error")]);
}
