namespace Tocsin.Tests.Enrich.Geo;

/// <summary>MaxMind's test files, good and bad, where they are at hand.</summary>
internal static class MmdbCorpus
{
    /// <summary>The bytes of one of them; skips the test where there are none.</summary>
    public static byte[] Bytes(string path) => File.ReadAllBytes(Path.Combine(Folder(), path));

    public static string Text(string path) => File.ReadAllText(Path.Combine(Folder(), path));

    public static IReadOnlyList<string> Files(string folder) =>
        [.. Directory.GetFiles(Path.Combine(Folder(), folder), "*.mmdb", SearchOption.AllDirectories).Select(path => Path.GetRelativePath(Folder(), path)).Order(StringComparer.Ordinal)];

    private static string Folder() => Path.Combine(Shared.CorporaOrSkip(), "mmdb");
}
