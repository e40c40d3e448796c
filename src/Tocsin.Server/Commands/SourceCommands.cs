using System.CommandLine;
using System.Net;
using System.Security.Cryptography;
using Tocsin.Collect;
using Tocsin.Enrich;
using Tocsin.Enrich.Geo;
using Tocsin.Journal;
using Tocsin.Server.Configuration;
using Tocsin.Server.Enrichment;

namespace Tocsin.Server.Commands;

/// <summary><c>tocsin source list|sync|test</c>.</summary>
internal static class SourceCommands
{
    public static Command Create() => new("source", "Looks at the sources, polls them, tries a source file") { List(), Sync(), Test() };

    private static Command List()
    {
        var format = Output.Format();
        var command = new Command("list", "Lists the sources of the running service.")
        {
            format, ServiceClient.Url, ServiceClient.Data,
        }.WithExamples("""
            tocsin source list
            tocsin source list -o json
            """);
        command.SetAction((parsed, _) => ServiceClient.RunAsync(parsed, async client =>
        {
            var (_, sources) = await client.SendAsync(HttpMethod.Get, "sources");
            Output.Write(parsed.GetValue(format)!, sources, sources.EnumerateArray().Select(source => (source, new[]
            {
                Output.Text(source, "name"), Output.Text(source, "status"), Output.Text(source, "last_success"), Output.Text(source, "next_run"),
                Output.Text(source.GetProperty("counts"), "events"), Output.Text(source.GetProperty("counts"), "rejected"), Output.Text(source, "last_error"),
            })), "source", "status", "complete_as_of", "next_run", "events", "rejected", "last_error");
            return ExitCode.Ok;
        }));
        return command;
    }

    private static Command Sync()
    {
        var name = new Argument<string>("NAME") { Description = "The source" };
        var command = new Command("sync", "Tells the running service to poll a source now.")
        {
            name, ServiceClient.Url, ServiceClient.Data,
        }.WithExamples("""
            tocsin source sync elevate
            """);
        command.SetAction((parsed, _) => ServiceClient.RunAsync(parsed, async client =>
        {
            var source = parsed.GetValue(name)!;
            var (status, _) = await client.SendAsync(HttpMethod.Post, $"sync?source={Uri.EscapeDataString(source)}", HttpStatusCode.Conflict);
            Console.Error.WriteLine(status == HttpStatusCode.Conflict ? $"{source} is being polled already." : $"{source}: polling.");
            return status == HttpStatusCode.Conflict ? ExitCode.Failed : ExitCode.Ok;
        }));
        return command;
    }

    private static Command Test()
    {
        var what = new Argument<string>("FILE-or-NAME") { Description = "A source file, or the name of a configured source" };
        var config = new Option<FileInfo?>("--config") { Description = "Where a name is looked up", HelpName = "FILE" };
        var command = new Command("test", "Makes the calls of a source once and shows what would come of them: the exchange without secrets, the events, the fields the map does not read. Writes nothing. Exit 0 ok, 1 something failed, 2 the file has mistakes.")
        {
            what, config,
        }.WithExamples("""
            tocsin source test sources/elevate.yaml
            tocsin source test elevate --config tocsin.yaml
            """);
        command.SetAction((parsed, _) => TestAsync(parsed.GetValue(what)!, parsed.GetValue(config)));
        return command;
    }

    private static async Task<int> TestAsync(string what, FileInfo? config)
    {
        var secrets = new SecretResolver(Environment.GetEnvironmentVariable);
        SourceDefinition? source;
        IReadOnlyList<ConfigError> errors;
        if (File.Exists(what))
        {
            (source, errors) = SourceFile.Read(Path.GetFullPath(what), secrets);
        }
        else
        {
            var path = config?.FullName ?? (File.Exists(ServeCommand.DefaultConfig) ? Path.GetFullPath(ServeCommand.DefaultConfig) : null);
            var read = TocsinYaml.Read(path, secrets, ServeCommand.ProcessEnvironment());
            var all = SourceFiles.ReadAll(read.Options.Sources, secrets);
            (source, errors) = (all.Sources.FirstOrDefault(candidate => candidate.Name == what), [.. read.Errors, .. all.Errors]);
            if (source is null && errors.Count == 0)
                return ExitCode.Fail($"There is no file {what}, and no source of that name in {read.Options.Sources}.", ExitCode.Usage);
        }
        if (source is null)
        {
            Console.Error.Write(ConfigReport.Format(errors));
            return ExitCode.Usage;
        }
        var failed = false;
        using var signal = new StopSignal();
        var trial = new JournalInfo("none", "", Guid.Empty, RandomNumberGenerator.GetBytes(32));
        var test = new SourceTest(source, new IdentityDirectory(), new Countries { Database = ShippedCountries.Get()?.Value }, trial, TimeProvider.System);
        Console.Out.WriteLine($"{source.Name}: {test.Upstream}");
        await foreach (var call in test.RunAsync(signal.Token))
        {
            failed |= !call.IsOk;
            SourceTestText.Write(call, Console.Out);
        }
        if (source.Cursor is null)
            Console.Out.WriteLine("\nNext cursor: none (each answer is a whole snapshot).");
        return failed ? ExitCode.Failed : ExitCode.Ok;
    }
}
