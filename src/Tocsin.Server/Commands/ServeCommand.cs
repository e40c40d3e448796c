using System.Collections;
using System.CommandLine;
using Tocsin.Access;
using Tocsin.Collect;
using Tocsin.Journal;
using Tocsin.Server.Configuration;

namespace Tocsin.Server.Commands;

/// <summary><c>tocsin serve</c>: the service.</summary>
internal static partial class ServeCommand
{
    public const string DefaultConfig = "tocsin.yaml";
    private const string TokenVariable = "TOCSIN_ADMIN_TOKEN";

    public static Command Create()
    {
        var config = new Option<FileInfo?>("--config") { Description = $"The configuration file (default: {DefaultConfig} when there is one)", HelpName = "FILE" };
        var data = new Option<string?>("--data") { Description = "The data folder (default: ./data)", HelpName = "DIR" };
        var urls = new Option<string?>("--urls") { Description = "Where to listen, several with ; (default: http://127.0.0.1:9000)", HelpName = "URL;URL" };
        var port = new Option<int?>("--port") { Description = "Listen on 127.0.0.1 at this port", HelpName = "N" };
        var command = new Command("serve", "Runs the service.")
        {
            config, data, urls, port,
        }.WithExamples("""
            tocsin serve                                     embedded store in ./data, sources from ./data/sources/*.yaml
            tocsin serve --config /etc/tocsin/tocsin.yaml
            tocsin serve --data /var/lib/tocsin --port 9000
            """);
        command.SetAction((parsed, _) => RunAsync(parsed.GetValue(config), parsed.GetValue(data), parsed.GetValue(urls), parsed.GetValue(port)));
        return command;
    }

    /// <summary>The process's environment.</summary>
    public static IEnumerable<KeyValuePair<string, string>> ProcessEnvironment() =>
        Environment.GetEnvironmentVariables().Cast<DictionaryEntry>().Select(pair => KeyValuePair.Create((string)pair.Key, (string?)pair.Value ?? ""));

    /// <summary>
    /// Starts the service, says where it is, waits for a signal, drains. What cannot start is one sentence and exit 1.
    /// </summary>
    public static async Task<int> HostAsync(
        ServerOptions options, IReadOnlyList<SourceDefinition> sources, ILoggerFactory logs, string? adminToken, Func<Composition, CancellationToken, Task> started)
    {
        using var signal = new StopSignal();
        var logger = logs.CreateLogger("Tocsin");
        Composition? running = null;
        try
        {
            await using var composition = running = await Composition.StartAsync(options, sources, adminToken, logs, TimeProvider.System, signal.Token);
            await started(composition, signal.Token);
            if (await Task.WhenAny(signal.WaitAsync(), composition.Broken) == composition.Broken)
            {
                Log.Broken(logger, composition.Broken.Exception);
                return ExitCode.Failed;
            }
            Log.Draining(logger);
        }
        catch (Exception error) when (error is JournalOpenException or QueueOpenException or JournalUnavailableException or IOException)
        {
            return ExitCode.Fail(error.Message);
        }
        catch (OperationCanceledException) when (signal.Token.IsCancellationRequested)
        {
            return ExitCode.Ok;
        }
        if (running.IsStoreHanging)
            return ExitCode.Failed;
        Log.Stopped(logger);
        return ExitCode.Ok;
    }

    /// <summary>The admin token of the environment; null when there is none. Exits with a message when it is too weak.</summary>
    public static bool TryAdminToken(out string? token, out string problem)
    {
        token = Environment.GetEnvironmentVariable(TokenVariable);
        problem = token is null ? "" : AdminToken.Defect(token) ?? "";
        if (problem.Length > 0)
            problem = $"{TokenVariable} is refused: {problem}. Make one with: openssl rand -base64 32";
        return problem.Length == 0;
    }

    private static async Task<int> RunAsync(FileInfo? config, string? data, string? urls, int? port)
    {
        if (urls is not null && port is not null)
            return ExitCode.Fail("Say --urls or --port, not both.", ExitCode.Usage);
        var overrides = ProcessEnvironment().ToList();
        if (data is not null)
            overrides.Add(new("TOCSIN__DATA", data));
        if ((urls ?? (port is null ? null : $"http://127.0.0.1:{port}")) is { } listen)
            overrides.Add(new("TOCSIN__URLS", listen));
        var secrets = new SecretResolver(Environment.GetEnvironmentVariable);
        var path = config?.FullName ?? (File.Exists(DefaultConfig) ? Path.GetFullPath(DefaultConfig) : null);
        var read = TocsinYaml.Read(path, secrets, overrides);
        var sources = SourceFiles.ReadAll(read.Options.Sources, secrets);
        if (read.Errors.Count + sources.Errors.Count > 0)
        {
            await Console.Error.WriteAsync(ConfigReport.Format([.. read.Errors, .. sources.Errors]));
            return ExitCode.Usage;
        }
        if (!TryAdminToken(out var adminToken, out var problem))
            return ExitCode.Fail(problem, ExitCode.Usage);
        using var logs = ConsoleLog.Create(LogLevel.Information);
        return await HostAsync(read.Options, sources.Sources, logs, adminToken, (composition, _) =>
        {
            Announce(logs.CreateLogger("Tocsin"), composition, read.Options, sources.Sources);
            return Task.CompletedTask;
        });
    }

    private static void Announce(ILogger logger, Composition composition, ServerOptions options, IReadOnlyList<SourceDefinition> sources)
    {
        Log.Listening(logger, ServerVersion.Text, string.Join(", ", composition.Addresses), options.Data, composition.StoreVersion);
        if (sources.Count == 0)
            Log.NoSources(logger, options.Sources);
        else
            Log.Sources(logger, sources.Count, string.Join(", ", sources.Select(source => source.Name)));
        if (composition.AdminToken.MadeNow is not { } token)
            return;
        Log.TokenMade(logger, Path.Combine(options.Data, AdminToken.FileName));
        if (!Console.IsErrorRedirected)
            Console.Error.WriteLine($"Admin token (shown once, also in {AdminToken.FileName}): {token}");
    }

    private static partial class Log
    {
        [LoggerMessage(200, LogLevel.Information, "Tocsin {Version} listens on {Addresses}; data in {Data}; {Store}")]
        public static partial void Listening(ILogger logger, string version, string addresses, string data, string store);

        [LoggerMessage(201, LogLevel.Warning, "No source files match {Pattern}: nothing is polled")]
        public static partial void NoSources(ILogger logger, string pattern);

        [LoggerMessage(202, LogLevel.Information, "{Count} sources: {Names}")]
        public static partial void Sources(ILogger logger, int count, string names);

        [LoggerMessage(203, LogLevel.Information, "An admin token was made: {File}")]
        public static partial void TokenMade(ILogger logger, string file);

        [LoggerMessage(204, LogLevel.Information, "Stopping: finishing what was accepted")]
        public static partial void Draining(ILogger logger);

        [LoggerMessage(206, LogLevel.Critical, "A part of Tocsin broke; ending, so that it is started anew")]
        public static partial void Broken(ILogger logger, Exception? error);

        [LoggerMessage(205, LogLevel.Information, "Stopped")]
        public static partial void Stopped(ILogger logger);
    }
}
