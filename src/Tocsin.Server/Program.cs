using System.CommandLine;
using Tocsin.Server;
using Tocsin.Server.Commands;

SocketThreads.Configure();

// A plain command, not RootCommand: that one calls itself by the name of the file it runs from.
var help = Examples.Help();
var root = new Command("tocsin", "Tocsin: security incidents by employee, from the tools you have. Try: tocsin demo")
{
    help, new VersionOption(),
    DemoCommand.Create(), ServeCommand.Create(), MockCommand.Create(), InitCommand.Create(), ConfigCommand.Create(),
    SourceCommands.Create(), TokenCommands.Create(), IncidentsCommand.Create(), EventCommands.Create(), HealthCommand.Create(), StoreCommands.Create(), QueueCommands.Create(),
};
var parsed = root.Parse(args);
if (parsed.Errors.Count > 0 && parsed.GetResult(help) is null)
{
    foreach (var error in parsed.Errors)
        await Console.Error.WriteLineAsync(error.Message);
    await Console.Error.WriteLineAsync($"See: tocsin {string.Join(' ', parsed.CommandNames())} --help".Replace("  ", " "));
    return ExitCode.Usage;
}
return await parsed.InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = null });
