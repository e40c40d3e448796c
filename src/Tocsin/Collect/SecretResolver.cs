using System.Text;
using System.Text.RegularExpressions;

namespace Tocsin.Collect;

/// <summary>
/// Puts values in the place of <c>${env:NAME}</c> and <c>${file:PATH}</c>. What it says about a reference that cannot be
/// resolved names the reference and never a value. Thread-safe when <paramref name="environment"/> is.
/// </summary>
/// <param name="environment">Returns the value of an environment variable; null when it is not set.</param>
/// <param name="readsFiles">False: a reference to a file is refused, and so is whatever else a configuration reads from one.</param>
public sealed partial class SecretResolver(Func<string, string?> environment, bool readsFiles = true)
{
    /// <summary>A larger file is not a secret but a mistake.</summary>
    private const int MaxFileBytes = 64 * 1024;

    /// <summary>What is said where a file would be read and must not.</summary>
    internal const string NoFiles = "files of the machine are not read for a text that came over the network: use `tocsin source test` there";

    /// <summary>What is said where a reference stands whose value would come out again.</summary>
    internal const string NotHere = "a text that came over the network refers to secrets only in base_url, under auth and in a get: from elsewhere they would come out with the events";

    /// <summary>Whether files of the machine may be read.</summary>
    internal bool ReadsFiles => readsFiles;

    /// <summary>True when the text holds a reference, or the beginning of one.</summary>
    public static bool HasReference(string text) => text.Contains("${", StringComparison.Ordinal);

    /// <summary>
    /// Resolves every reference in <paramref name="text"/>. Line ends at the end of a file are not part of its value.
    /// </summary>
    /// <param name="text">The text as written.</param>
    /// <param name="folder">What a relative PATH is relative to: the folder of the file that holds the text.</param>
    /// <param name="problem">What is wrong, all references together; null when nothing is.</param>
    /// <param name="values">Takes each value that was found.</param>
    /// <returns>The text with its values; null when there is a problem.</returns>
    public string? Resolve(string text, string folder, out string? problem, ICollection<string>? values = null)
    {
        problem = null;
        if (!HasReference(text))
            return text;
        var problems = new List<string>();
        var resolved = Reference().Replace(text, match =>
        {
            var value = Value(match, folder, problems) ?? "";
            values?.Add(value);
            return value;
        });
        if (problems.Count == 0)
            return resolved;
        problem = string.Join("; ", problems);
        return null;
    }

    private string? Value(Match reference, string folder, List<string> problems)
    {
        var body = reference.Groups["body"].Value;
        string? problem = null;
        var value = reference.Groups["close"].Length == 0 ? Fail("`${` has no closing brace", out problem)
            : body.StartsWith("env:", StringComparison.Ordinal) ? FromEnvironment(body[4..], out problem)
            : body.StartsWith("file:", StringComparison.Ordinal) ? FromFile(body[5..], folder, out problem)
            : Fail($"${{{body}}} is neither ${{env:NAME}} nor ${{file:PATH}}", out problem);
        if (problem is not null)
            problems.Add(problem);
        return value;
    }

    private string? FromEnvironment(string name, out string? problem)
    {
        problem = null;
        var value = environment(name);
        // An empty variable is what a deployment file leaves behind when nobody filled it in: an empty password is never meant.
        return string.IsNullOrEmpty(value) ? Fail($"environment variable {name} is not set, or empty", out problem) : value;
    }

    private string? FromFile(string path, string folder, out string? problem)
    {
        problem = null;
        if (!readsFiles)
            return Fail($"${{file:{path}}}: {NoFiles}", out problem);
        try
        {
            var file = new FileInfo(Path.Combine(folder, path));
            if (!file.Exists)
                return Fail($"file {path} does not exist", out problem);
            if (file.Length > MaxFileBytes)
                return Fail($"file {path} is larger than {MaxFileBytes} bytes", out problem);
            var value = File.ReadAllText(file.FullName, Encoding.UTF8).TrimEnd('\r', '\n');
            return value.Length == 0 ? Fail($"file {path} is empty", out problem) : value;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            return Fail($"file {path} cannot be read", out problem);
        }
    }

    private static string? Fail(string text, out string? problem)
    {
        problem = text;
        return null;
    }

    [GeneratedRegex(@"\$\{(?<body>[^}]*)(?<close>\}?)", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Reference();
}
