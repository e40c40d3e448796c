using System.CommandLine;
using System.Text.Json;
using Tocsin.Collect;
using Tocsin.Engines.RabbitMq;
using Tocsin.Journal;
using Tocsin.Server.Api;
using Tocsin.Server.Configuration;

namespace Tocsin.Server.Commands;

/// <summary><c>tocsin queue dead list|replay|drop</c>: speaks to the broker itself, so that it is of use also while the service is down.</summary>
internal static class QueueCommands
{
    private const int DefaultLimit = 100;
    private static readonly Option<FileInfo?> Config = new("--config") { Description = $"Where queue.url stands (default: {ServeCommand.DefaultConfig}, or TOCSIN__QUEUE__ENGINE=rabbitmq with TOCSIN__QUEUE__URL)", HelpName = "FILE" };

    public static Command Create() => new("queue", "Looks after the queue in front of the store (RabbitMQ)")
    {
        new Command("dead", "Requests that were set aside because they cannot be stored") { List(), Replay(), Drop() },
    };

    private static Command List()
    {
        var format = Output.Format();
        var limit = new Option<int>("--limit") { Description = "At most so many, the oldest first", DefaultValueFactory = _ => DefaultLimit, HelpName = "N" };
        var command = new Command("list", "Lists them, with the reason.")
        {
            format, limit, Config,
        }.WithExamples("""
            tocsin queue dead list
            tocsin queue dead list -o json --config /etc/tocsin/tocsin.yaml
            """);
        command.SetAction((parsed, cancellation) => RunAsync(parsed, async letters =>
        {
            var found = await letters.ListAsync(parsed.GetValue(limit), cancellation);
            var json = JsonSerializer.SerializeToElement(found, ApiJson.Options);
            Output.Write(parsed.GetValue(format)!, json, json.EnumerateArray().Select(letter => (letter, new[]
            {
                Output.Text(letter, "id"), Output.Text(letter, "time"), Output.Text(letter, "sender"), Output.Text(letter, "events"), Output.Text(letter, "bytes"), Output.Text(letter, "reason"),
            })), "id", "time", "sender", "events", "bytes", "reason");
            return ExitCode.Ok;
        }, cancellation));
        return command;
    }

    private static Command Replay() => Take("replay", "Gives them back to be stored; those that still cannot be stored are set aside anew.", "given back to be stored",
        static (letters, ids, cancellation) => letters.ReplayAsync(ids, cancellation), """
        tocsin queue dead replay --all
        tocsin queue dead replay 6f0c8d5e7a1b4c2f9e3d0a5b8c7f6e1d/4711
        """);

    private static Command Drop() => Take("drop", "Drops them for good: their events are lost.", "dropped",
        static (letters, ids, cancellation) => letters.DropAsync(ids, cancellation), """
        tocsin queue dead drop 6f0c8d5e7a1b4c2f9e3d0a5b8c7f6e1d/4711
        tocsin queue dead drop --all
        """);

    private static Command Take(string name, string what, string done, Func<DeadLetters, string[], CancellationToken, Task<int>> take, string examples)
    {
        var ids = new Argument<string[]>("ID") { Description = "Those that list shows under these ids", Arity = ArgumentArity.ZeroOrMore };
        var all = new Option<bool>("--all") { Description = "All of them" };
        var command = new Command(name, what)
        {
            ids, all, Config,
        }.WithExamples(examples);
        command.SetAction(async (parsed, cancellation) =>
        {
            var given = parsed.GetValue(ids) ?? [];
            if (given.Length > 0 == parsed.GetValue(all))
                return ExitCode.Fail("Say which: one or more ID, or --all.", ExitCode.Usage);
            return await RunAsync(parsed, async letters =>
            {
                var taken = await take(letters, given, cancellation);
                Console.Error.WriteLine($"{taken} requests: {done}.");
                return taken < given.Length ? ExitCode.Fail("Not all of these ids are there: tocsin queue dead list") : ExitCode.Ok;
            }, cancellation);
        });
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, Func<DeadLetters, Task<int>> action, CancellationToken cancellation)
    {
        var path = parsed.GetValue(Config)?.FullName ?? (File.Exists(ServeCommand.DefaultConfig) ? Path.GetFullPath(ServeCommand.DefaultConfig) : null);
        var read = TocsinYaml.Read(path, new SecretResolver(Environment.GetEnvironmentVariable), ServeCommand.ProcessEnvironment());
        if (read.Errors.Count > 0)
        {
            await Console.Error.WriteAsync(ConfigReport.Format(read.Errors));
            return ExitCode.Usage;
        }
        if (read.Options.QueueUrl is not { } url)
            return ExitCode.Fail("The queue is in memory: there is no broker to look at. Say which configuration with --config.", ExitCode.Usage);
        try
        {
            await using var letters = await DeadLetters.OpenAsync(url, TimeProvider.System, cancellation);
            return await action(letters);
        }
        catch (QueueOpenException error)
        {
            return ExitCode.Fail(error.Message, ExitCode.Unreachable);
        }
        catch (QueueUnavailableException error)
        {
            return ExitCode.Fail(error.Message);
        }
    }
}
