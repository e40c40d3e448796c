namespace Tocsin.Collect;

/// <summary>The reader of all source files together.</summary>
public static class SourceFiles
{
    /// <summary>Each source has a schedule and connections of its own; more than this is a pattern that caught the wrong folder.</summary>
    private const int MaxFiles = 1000;

    /// <summary>
    /// Reads every file that matches <paramref name="pattern"/>, whose last part may hold <c>*</c> and <c>?</c>, in the order
    /// of their names. No match is no mistake, except for a pattern without wildcards.
    /// </summary>
    public static SourcesReadResult ReadAll(string pattern, SecretResolver secrets)
    {
        var errors = new List<ConfigError>();
        var results = Find(pattern, errors).Select(path => (Path: path, Result: SourceFile.Read(path, secrets))).ToList();
        var firstWithName = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (path, result) in results)
        {
            errors.AddRange(result.Errors);
            if (result.Name is { Length: > 0 } name && !firstWithName.TryAdd(name, path))
                errors.Add(new ConfigError(path, result.NameLine, "name", $"\"{name}\" is already the name of the source in {firstWithName[name]}"));
        }
        return new SourcesReadResult([.. results.Select(read => read.Result.Source).OfType<SourceDefinition>()],
            [.. errors.OrderBy(error => error.File, StringComparer.Ordinal).ThenBy(error => error.Line)]);
    }

    private static List<string> Find(string pattern, List<ConfigError> errors)
    {
        var folder = Path.GetDirectoryName(Path.GetFullPath(pattern));
        var name = Path.GetFileName(pattern);
        if (name.AsSpan().IndexOfAny('*', '?') < 0)
            return [pattern];
        if (folder is null || !Directory.Exists(folder))
            return [];
        try
        {
            // As in a shell, a pattern does not match hidden files: editors leave their locks there.
            List<string> files =
            [
                .. Directory.EnumerateFiles(folder, name)
                    .Where(path => !Path.GetFileName(path.AsSpan()).StartsWith('.'))
                    .Order(StringComparer.Ordinal)
                    .Take(MaxFiles + 1),
            ];
            if (files.Count <= MaxFiles)
                return files;
            errors.Add(new ConfigError(pattern, 0, "", $"matches more than {MaxFiles} files"));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            errors.Add(new ConfigError(pattern, 0, "", "the folder cannot be read"));
        }
        return [];
    }
}

/// <summary>What came of reading all source files.</summary>
/// <param name="Sources">Those without a mistake.</param>
/// <param name="Errors">All mistakes of all files, by file and line: start nothing while there is one.</param>
public sealed record SourcesReadResult(IReadOnlyList<SourceDefinition> Sources, IReadOnlyList<ConfigError> Errors);
