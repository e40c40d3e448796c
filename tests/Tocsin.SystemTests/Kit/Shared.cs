namespace Tocsin.SystemTests.Kit;

/// <summary>What lies beside this project's files: the repository, and the folder of recorded traffic where it is at hand.</summary>
internal static class Shared
{
    private const string Marker = "CONTRACT.md";

    /// <summary>The repository's root: the folder with the solution.</summary>
    public static string Repository { get; } =
        Above(AppContext.BaseDirectory).FirstOrDefault(folder => File.Exists(Path.Combine(folder, "Tocsin.slnx"))) ?? AppContext.BaseDirectory;

    /// <summary>The recorded answers of the upstream; skips the test when they are not at hand.</summary>
    public static string CaptureOrSkip() => DataOrSkip("upstream-capture");

    /// <summary>Collected records, strings and JSON texts; skips the test when they are not at hand.</summary>
    public static string CorporaOrSkip() => DataOrSkip("corpora");

    private static string DataOrSkip(string name)
    {
        var given = Environment.GetEnvironmentVariable("TOCSIN_SHARED");
        var shared = (given is { Length: > 0 } ? [given] : Above(AppContext.BaseDirectory).Select(folder => Path.Combine(folder, "shared")))
            .FirstOrDefault(folder => File.Exists(Path.Combine(folder, Marker)));
        Assert.SkipWhen(shared is null, $"No folder `shared` with {Marker} beside the repository or above it; TOCSIN_SHARED says where it is.");
        return Path.Combine(shared!, "data", name);
    }

    private static IEnumerable<string> Above(string folder)
    {
        for (var at = new DirectoryInfo(folder); at is not null; at = at.Parent)
            yield return at.FullName;
    }
}
