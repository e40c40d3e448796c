using Tocsin.Collect.Reading;

namespace Tocsin.Collect;

/// <summary>The reader of source files.</summary>
public static class SourceFile
{
    /// <summary>Reads a file. Relative paths in it are relative to its folder.</summary>
    public static SourceReadResult Read(string path, SecretResolver secrets)
    {
        var file = new ConfigFile(path, Path.GetDirectoryName(Path.GetFullPath(path))!, secrets);
        return YamlText.Read(path, file) is { } yaml ? Parse(yaml, file) : new SourceReadResult(null, file.Errors);
    }

    /// <summary>Reads a text.</summary>
    /// <param name="yaml">The text.</param>
    /// <param name="fileName">What mistakes are reported against, and <see cref="SourceDefinition.File"/>.</param>
    /// <param name="folder">What relative paths are relative to.</param>
    /// <param name="secrets">Resolves references.</param>
    public static SourceReadResult Parse(string yaml, string fileName, string folder, SecretResolver secrets) =>
        Parse(yaml, new ConfigFile(fileName, folder, secrets));

    private static SourceReadResult Parse(string yaml, ConfigFile file)
    {
        if (YamlText.Parse(yaml, file) is not { } root)
            return new SourceReadResult(null, file.Errors);
        var source = SourceReader.Read(root);
        return new SourceReadResult(file.HasErrors ? null : source with { OutsideValues = file.OutsideValues, TokenValues = file.TokenValues }, file.Errors)
        {
            Name = root.Scalar("name")?.Raw,
            NameLine = root.LineOf("name"),
        };
    }
}

/// <summary>What came of reading a source file.</summary>
/// <param name="Source">Null when there is any mistake.</param>
/// <param name="Errors">All mistakes, by line.</param>
public sealed record SourceReadResult(SourceDefinition? Source, IReadOnlyList<ConfigError> Errors)
{
    /// <summary>As written, also when there are mistakes: a second file with the same name is one more.</summary>
    internal string? Name { get; init; }

    internal int NameLine { get; init; }
}
