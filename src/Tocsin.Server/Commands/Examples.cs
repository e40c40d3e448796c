using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace Tocsin.Server.Commands;

/// <summary>Commands with examples: <c>--help</c> shows them below what the parser's own help says.</summary>
internal static class Examples
{
    private static readonly Dictionary<Command, string> Texts = [];

    public static Command WithExamples(this Command command, string examples)
    {
        Texts[command] = examples;
        return command;
    }

    /// <summary>The help option of the whole program.</summary>
    public static HelpOption Help()
    {
        var option = new HelpOption();
        option.Action = new HelpWithExamples((HelpAction)option.Action!);
        return option;
    }

    private sealed class HelpWithExamples(HelpAction help) : SynchronousCommandLineAction
    {
        public override int Invoke(ParseResult parseResult)
        {
            var code = help.Invoke(parseResult);
            if (Texts.TryGetValue(parseResult.CommandResult.Command, out var examples))
                parseResult.InvocationConfiguration.Output.WriteLine("Examples:\n" + string.Join('\n', examples.Split('\n').Select(line => "  " + line)) + "\n");
            return code;
        }
    }
}
