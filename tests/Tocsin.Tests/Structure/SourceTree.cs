namespace Tocsin.Tests.Structure;

/// <summary>The source tree that these tests read, found upwards from the folder they run in. Paths are relative to its root, with slashes.</summary>
internal static class SourceTree
{
    private static readonly string[] Made = ["bin", "obj", "TestResults", "BenchmarkDotNet.Artifacts"];

    public static string Root { get; } = Find(new DirectoryInfo(AppContext.BaseDirectory));

    /// <summary>Files below a folder, without what a build makes.</summary>
    public static IReadOnlyList<string> Files(string folder, string pattern = "*") =>
        !Directory.Exists(Path.Combine(Root, folder)) ? [] :
        [.. Directory.EnumerateFiles(Path.Combine(Root, folder), pattern, SearchOption.AllDirectories)
            .Select(path => Path.GetRelativePath(Root, path).Replace('\\', '/'))
            .Where(path => !path.Split('/').Any(part => part[0] == '.' || Made.Contains(part)))
            .Order(StringComparer.Ordinal)];

    public static IReadOnlyList<string> CSharp(params string[] folders) => [.. folders.SelectMany(folder => Files(folder, "*.cs"))];

    public static string Text(string path) => File.ReadAllText(Path.Combine(Root, path));

    public static string[] Lines(string path) => File.ReadAllLines(Path.Combine(Root, path));

    private static string Find(DirectoryInfo? folder)
    {
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Tocsin.slnx")))
            folder = folder.Parent;
        return folder?.FullName ?? throw new InvalidOperationException("These tests read the source tree: run them from a build inside of it.");
    }
}
