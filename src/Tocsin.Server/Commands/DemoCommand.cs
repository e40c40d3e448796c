using System.CommandLine;
using System.Reflection;
using Tocsin.Access;
using Tocsin.Collect;
using Tocsin.MockUpstream;
using Tocsin.Server.Configuration;

namespace Tocsin.Server.Commands;

/// <summary><c>tocsin demo</c>: the main job on a bare machine, with an upstream of its own.</summary>
internal static class DemoCommand
{
    private const int DefaultPort = 9000;
    private const int PortsTried = 50;
    private static readonly string[] Feeds = ["elevate.yaml", "alerts.yaml"];
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(5);

    public static Command Create()
    {
        var port = new Option<int>("--port") { Description = "Port of Tocsin", DefaultValueFactory = _ => DefaultPort, HelpName = "N" };
        var mockPort = new Option<int>("--mock-port") { Description = "Port of the mock upstream (default: the one after)", HelpName = "N" };
        var data = new Option<string>("--data") { Description = "The data folder", DefaultValueFactory = _ => "./tocsin-demo", HelpName = "DIR" };
        var command = new Command("demo", "Runs Tocsin with a mock upstream beside it: seven incident feeds and an alert feed, new records dripping in. Nothing else is needed.")
        {
            port, mockPort, data,
        }.WithExamples("""
            tocsin demo
            tocsin demo --port 8000 --data /tmp/tocsin-demo
            """);
        command.SetAction((parsed, _) => RunAsync(parsed.GetValue(port), parsed.GetValue(mockPort), parsed.GetValue(data)!));
        return command;
    }

    private static async Task<int> RunAsync(int port, int mockPort, string data)
    {
        if (FreePair(port, mockPort) is not { } pair)
            return ExitCode.Fail($"No free pair of ports from {port} on: choose others with --port and --mock-port.");
        if (pair.Port != port)
            Console.Error.WriteLine($"Port {port} or the one for the mock is taken; taking {pair.Port} and {pair.MockPort}.");
        using var logs = ConsoleLog.Create(LogLevel.Warning);
        var mockOptions = new MockOptions { Urls = $"http://127.0.0.1:{pair.MockPort}", Latency = TimeSpan.FromMilliseconds(300), DripPerSecond = 1 };
        await using var mock = await MockServer.StartAsync(mockOptions, TimeProvider.System, CancellationToken.None);
        var secrets = new SecretResolver(name => name switch
        {
            "ELEVATE_URL" or "ALERTS_URL" => mockOptions.Urls,
            "ELEVATE_USER" or "ELEVATE_PASSWORD" or "ALERTS_USER" or "ALERTS_PASSWORD" => "tocsin",
            _ => null,
        });
        SourceReadResult[] sources = [.. Feeds.Select(file => SourceFile.Parse(ReadyMade(file), $"sources/{file}", ".", secrets))];
        if (sources.SelectMany(source => source.Errors).ToList() is { Count: > 0 } mistakes)
            return ExitCode.Fail(ConfigReport.Format(mistakes));
        var options = new ServerOptions
        {
            Urls = [$"http://127.0.0.1:{pair.Port}"], Data = Path.GetFullPath(data), Sources = "", AnonymousRead = true, DemoMock = new Uri(mockOptions.Urls),
        };
        var adminToken = Environment.GetEnvironmentVariable("TOCSIN_ADMIN_TOKEN");
        return await ServeCommand.HostAsync(options, [.. sources.Select(source => source.Source! with { Every = Every })], logs, adminToken, async (composition, stop) =>
        {
            Console.Out.Write(Banner(options, mockOptions.Urls, adminToken ?? TokenOf(options.Data), composition.MakeSignInCode()));
            Console.Out.WriteLine($"All feeds are in: {await composition.CompleteAsync(stop):N0} incidents on the board, alerts beside them, more dripping in.");
        });
    }

    /// <summary>A ready-made source file, from within the program: one binary is all that is needed.</summary>
    public static string ReadyMade(string file)
    {
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream($"sources/{file}")!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }

    private static (int Port, int MockPort)? FreePair(int port, int mockPort)
    {
        for (var i = 0; i < PortsTried * 2; i += 2)
        {
            var pair = (Port: port + i, MockPort: mockPort == 0 ? port + i + 1 : mockPort + i);
            if (pair.Port is < 1 or > 65535 || pair.MockPort is < 1 or > 65535)
                return null;
            if (ListenCheck.IsFree($"http://127.0.0.1:{pair.Port}") && ListenCheck.IsFree($"http://127.0.0.1:{pair.MockPort}"))
                return pair;
        }
        return null;
    }

    private static string TokenOf(string folder)
    {
        var file = Path.Combine(folder, AdminToken.FileName);
        return File.Exists(file) ? File.ReadAllText(file).Trim() : $"(the one this folder was made with; {AdminToken.FileName} is gone)";
    }

    private static string Banner(ServerOptions options, string mock, string token, string? code, string example = """{"type":"account_created","user_id":"1234","data":{"plan":"free"}}""") => $"""

        Open  {options.Urls[0]}/#signin={code}
              (signs you in; works once, for {SignInCode.Lifetime.TotalMinutes:0} minutes. Later, sign in with the admin token)

        Tocsin {ServerVersion.Text} demo

          Dashboard           {options.Urls[0]}/
          The board           {options.Urls[0]}/incidents
          Alerts              {options.Urls[0]}/alerts
          Read and try        {options.Urls[0]}/docs
          Mock upstream       {mock}/        (faults, new records: see there)
          Data                {options.Data}
          Admin token         {token}

        Try:
          curl "{options.Urls[0]}/incidents?limit=2"
          curl -X POST -H "Authorization: Bearer {token}" -H "Content-Type: application/json" -d '{example}' "{options.Urls[0]}/event"
          curl "{options.Urls[0]}/alerts?criticality=critical&limit=2"

        Ctrl+C stops it.


        """;
}
