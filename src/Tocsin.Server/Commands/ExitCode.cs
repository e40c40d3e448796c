using System.CommandLine;

namespace Tocsin.Server.Commands;

/// <summary>What a command's exit says.</summary>
internal static class ExitCode
{
    public const int Ok = 0;
    public const int Failed = 1;
    public const int Usage = 2;
    public const int Unreachable = 3;
    public const int NotAllowed = 4;

    /// <summary>One sentence on stderr, and the code.</summary>
    public static int Fail(string message, int code = Failed)
    {
        Console.Error.WriteLine(message);
        return code;
    }

    /// <summary>The commands of a parse, outermost first, without the root.</summary>
    public static IEnumerable<string> CommandNames(this ParseResult parsed)
    {
        var names = new List<string>();
        for (var result = parsed.CommandResult; result.Parent is System.CommandLine.Parsing.CommandResult parent; result = parent)
            names.Insert(0, result.Command.Name);
        return names;
    }
}
