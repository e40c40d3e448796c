using System.CommandLine;
using System.Globalization;
using Tocsin.Collect.Reading;
using Tocsin.MockUpstream;

namespace Tocsin.Server.Commands;

/// <summary><c>tocsin mock</c>: the mock upstream alone.</summary>
internal static class MockCommand
{
    public static Command Create()
    {
        var defaults = new MockOptions();
        var urls = new Option<string?>("--urls") { Description = $"Where to listen (default: {defaults.Urls})", HelpName = "URL" };
        var port = new Option<int?>("--port") { Description = "Listen on 127.0.0.1 at this port", HelpName = "N" };
        var perType = new Option<int>("--per-type") { Description = "Records of each of the seven feeds", DefaultValueFactory = _ => defaults.PerType, HelpName = "N" };
        var employees = new Option<int>("--employees") { Description = "Employees they concern", DefaultValueFactory = _ => defaults.Employees, HelpName = "N" };
        var alerts = new Option<int>("--alerts") { Description = "Records of the alert feed", DefaultValueFactory = _ => defaults.Alerts, HelpName = "N" };
        var latency = new Option<string>("--latency") { Description = "How long each answer takes", DefaultValueFactory = _ => "0ms", HelpName = "300ms" };
        var drip = new Option<string>("--drip") { Description = "New records in a second", DefaultValueFactory = _ => "0/s", HelpName = "1/s" };
        var seed = new Option<int>("--seed") { Description = "The same seed makes the same records", DefaultValueFactory = _ => defaults.Seed, HelpName = "N" };
        var replay = new Option<string?>("--replay") { Description = "Serve recorded files as they are: DIR/denial.json, DIR/api/v1/logs.json ...", HelpName = "DIR" };
        var command = new Command("mock", "Runs the mock upstream alone: the incident API and the alert API, with fault controls.")
        {
            urls, port, perType, employees, alerts, latency, drip, seed, replay,
        }.WithExamples("""
            tocsin mock --port 9001 --drip 1/s
            tocsin mock --per-type 1000 --latency 1500ms
            tocsin mock --replay ./recorded
            """);
        command.SetAction((parsed, _) =>
        {
            if (!Quantity.TryParseDuration(parsed.GetValue(latency)!, out var delay))
                return Task.FromResult(ExitCode.Fail("--latency: expected a duration like 300ms or 2s.", ExitCode.Usage));
            if (!double.TryParse(parsed.GetValue(drip)!.Replace("/s", "", StringComparison.Ordinal), NumberStyles.Float, CultureInfo.InvariantCulture, out var perSecond))
                return Task.FromResult(ExitCode.Fail("--drip: expected a rate like 1/s.", ExitCode.Usage));
            return RunAsync(new MockOptions
            {
                Urls = parsed.GetValue(urls) ?? (parsed.GetValue(port) is { } n ? $"http://127.0.0.1:{n}" : defaults.Urls),
                PerType = parsed.GetValue(perType),
                Employees = parsed.GetValue(employees),
                Alerts = parsed.GetValue(alerts),
                Latency = delay,
                DripPerSecond = perSecond,
                Seed = parsed.GetValue(seed),
                ReplayDirectory = parsed.GetValue(replay),
            });
        });
        return command;
    }

    private static async Task<int> RunAsync(MockOptions options)
    {
        using var signal = new StopSignal();
        var (urls, defect) = ListenCheck.Read(options.Urls);
        if (defect is not null)
            return ExitCode.Fail("--urls: expected http://ADDRESS:PORT, several with ;, without TLS.", ExitCode.Usage);
        try
        {
            ListenCheck.Run(urls, ListenCheck.Options);
            await using var mock = await MockServer.StartAsync(options, TimeProvider.System, signal.Token);
            Console.Error.WriteLine($"The mock upstream listens on {mock.BaseAddress} (user tocsin, password tocsin); GET / lists what it can do.");
            await mock.WaitForShutdownAsync(signal.Token);
            return ExitCode.Ok;
        }
        catch (IOException error)
        {
            return ExitCode.Fail(error.Message);
        }
        catch (ArgumentOutOfRangeException error)
        {
            return ExitCode.Fail(error.Message, ExitCode.Usage);
        }
    }
}
