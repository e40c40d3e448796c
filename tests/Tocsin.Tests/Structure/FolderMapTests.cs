namespace Tocsin.Tests.Structure;

/// <summary>The map in docs/ARCHITECTURE.md and the folders are the same: a map that drifts is worse than none.</summary>
public sealed class FolderMapTests
{
    private const string Document = "docs/ARCHITECTURE.md";
    private const string Heading = "## Folder map";
    private static readonly string[] Mapped = ["src", "tools", "bench", "tests", "sources", "docs", "deploy"];

    [Fact]
    public void The_map_names_every_folder_once_and_no_other()
    {
        var map = Map(SourceTree.Lines(Document));

        map.ShouldBeUnique();
        map.Except(Folders()).ShouldBeEmpty("on the map, but no folder with a file in it");
        Folders().Except(map).ShouldBeEmpty("a folder, but not on the map");
    }

    [Fact]
    public void A_map_is_read_by_its_indentation() =>
        Map(["# A", Heading, "", "```", "src/          the code", "  A/ B/       two", "    C/        below the last", "docs/", "```", "```", "other/", "```"])
            .ShouldBe(["src", "src/A", "src/B", "src/B/C", "docs"]);

    /// <summary>Folders that hold a file, to two levels below the mapped ones.</summary>
    private static IEnumerable<string> Folders() => Mapped.SelectMany(folder => SourceTree.Files(folder))
        .SelectMany(path => Ancestors(path).Where(folder => folder.Count(c => c == '/') <= 2)).Distinct();

    private static IEnumerable<string> Ancestors(string path)
    {
        for (var end = path.LastIndexOf('/'); end > 0; end = path.LastIndexOf('/', end - 1))
            yield return path[..end];
    }

    /// <summary>The first fenced block under the heading: names that end in a slash begin a line, two blanks a level; several may share one.</summary>
    private static List<string> Map(string[] lines)
    {
        var folders = new List<string>();
        var open = new List<string>();
        foreach (var line in lines.SkipWhile(line => line != Heading).SkipWhile(line => !line.StartsWith("```", StringComparison.Ordinal)).Skip(1)
            .TakeWhile(line => !line.StartsWith("```", StringComparison.Ordinal)))
        {
            var level = (line.Length - line.TrimStart().Length) / 2;
            foreach (var name in line.Split(' ', StringSplitOptions.RemoveEmptyEntries).TakeWhile(word => word.EndsWith('/')))
            {
                open.RemoveRange(level, open.Count - level);
                open.Add(name.TrimEnd('/'));
                folders.Add(string.Join('/', open));
            }
        }
        return folders;
    }
}
