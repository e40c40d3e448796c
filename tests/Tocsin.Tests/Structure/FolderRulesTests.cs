using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace Tocsin.Tests.Structure;

/// <summary>Who may use whom. A rule that no longer fits is changed here and in docs/ARCHITECTURE.md, by decision and not by accident.</summary>
public sealed partial class FolderRulesTests
{
    /// <summary>Each project and the projects it may use.</summary>
    private static readonly Dictionary<string, string[]> Projects = new(StringComparer.Ordinal)
    {
        ["src/Tocsin"] = [],
        ["src/Tocsin.Engines"] = ["Tocsin"],
        ["src/Tocsin.Server"] = ["Tocsin", "Tocsin.Engines", "Tocsin.MockUpstream"],
        ["tools/Tocsin.MockUpstream"] = [],
    };

    /// <summary>Each stage and the stages it may use; everyone may use the words at the root, which use nobody.</summary>
    private static readonly Dictionary<string, string[]> Stages = new(StringComparer.Ordinal)
    {
        ["Tocsin"] = [],
        ["Tocsin.Access"] = ["Tocsin.Enrich", "Tocsin.Journal"],
        ["Tocsin.Collect"] = ["Tocsin.Enrich", "Tocsin.Journal"],
        ["Tocsin.Enrich"] = [],
        ["Tocsin.Journal"] = [],
        ["Tocsin.Projections"] = ["Tocsin.Journal"],
    };

    [Fact]
    public void A_project_uses_those_below_it_and_never_back()
    {
        var projects = SourceTree.Files("src", "*.csproj").Concat(SourceTree.Files("tools", "*.csproj")).ToArray();

        projects.Select(path => Path.GetDirectoryName(path)!).ShouldBe(Projects.Keys, ignoreOrder: true);
        foreach (var path in projects)
        {
            var allowed = Projects[Path.GetDirectoryName(path)!];
            XDocument.Parse(SourceTree.Text(path)).Descendants("ProjectReference")
                .Select(reference => Path.GetFileNameWithoutExtension(reference.Attribute("Include")!.Value))
                .ShouldBe(allowed, ignoreOrder: true, path);
            TypeUse.AssembliesOf(Path.GetFileNameWithoutExtension(path)).Except(allowed).ShouldBeEmpty(path);
        }
    }

    [Fact]
    public void Only_the_commands_know_the_mock_upstream() =>
        TypeUse.In("Tocsin.Server").Where(use => use.To == "Tocsin.MockUpstream" && use.From != "Tocsin.Server.Commands").ShouldBeEmpty();

    [Fact]
    public void A_stage_uses_only_the_stages_it_may()
    {
        var uses = TypeUse.In("Tocsin");

        // What is certainly there is seen; else the emptiness below would mean nothing.
        uses.ShouldContain(new TypeUse("BoardFeeder", "Tocsin.Projections", "Tocsin.Journal"));
        uses.ShouldContain(new TypeUse("PageKeeper", "Tocsin.Collect", "Tocsin.Enrich"));
        uses.Where(use => !May(use.From, use.To)).ShouldBeEmpty();
    }

    [Fact]
    public void A_file_imports_only_the_stages_it_may()
    {
        var imports = SourceTree.CSharp("src/Tocsin").SelectMany(path => Import().Matches(SourceTree.Text(path))
            .Select(match => new TypeUse(Path.GetFileName(path), Path.GetDirectoryName(path)!["src/".Length..].Replace('/', '.'), match.Groups["name"].Value))).ToArray();

        imports.ShouldContain(new TypeUse("BoardFeeder.cs", "Tocsin.Projections", "Tocsin.Journal"));
        imports.Where(use => !May(use.From, use.To)).ShouldBeEmpty();
    }

    [Fact]
    public void Every_folder_of_the_product_is_a_stage() =>
        SourceTree.CSharp("src/Tocsin").Select(path => StageOf(Path.GetDirectoryName(path)!["src/".Length..].Replace('/', '.')))
            .Distinct().ShouldBe(Stages.Keys, ignoreOrder: true);

    [Fact]
    public void Namespaces_match_folders()
    {
        var files = SourceTree.CSharp("src", "tools", "bench", "tests").Where(path => Path.GetFileName(path) is not ("Program.cs" or "AssemblySettings.cs")).ToArray();

        files.ShouldNotBeEmpty();
        files.Where(path => Namespace().Match(SourceTree.Text(path)).Groups["name"].Value != Path.GetDirectoryName(path)![(path.IndexOf('/') + 1)..].Replace('/', '.'))
            .ShouldBeEmpty();
    }

    private static bool May(string from, string to)
    {
        var (user, used) = (StageOf(from), StageOf(to));
        return used == "Tocsin" || used == user || (Stages.TryGetValue(user, out var allowed) && allowed.Contains(used));
    }

    /// <summary>A folder inside a stage belongs to it.</summary>
    private static string StageOf(string name) => string.Join('.', name.Split('.').Take(2));

    [GeneratedRegex(@"^\s*(global\s+)?using\s+(static\s+)?(\w+\s*=\s*)?(?<name>Tocsin(\.\w+)*)", RegexOptions.Multiline | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Import();

    [GeneratedRegex(@"^namespace\s+(?<name>[\w.]+)", RegexOptions.Multiline | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Namespace();
}
