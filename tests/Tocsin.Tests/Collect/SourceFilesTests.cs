using Tocsin.Collect;

namespace Tocsin.Tests.Collect;

public sealed class SourceFilesTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory().FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void All_files_of_the_pattern_are_read_in_order()
    {
        Write("b.yaml", SomeSource.Yaml().Replace("name: example", "name: b", StringComparison.Ordinal));
        Write("a.yaml", SomeSource.Yaml().Replace("name: example", "name: a", StringComparison.Ordinal));
        Write("c.yml", "not read");
        Write(".#a.yaml", "not read either");

        var result = SourceFiles.ReadAll(Path.Combine(folder, "*.yaml"), SomeSource.Secrets);

        result.Errors.ShouldBeEmpty();
        result.Sources.Select(source => source.Name).ShouldBe(["a", "b"]);
    }

    [Fact]
    public void The_mistakes_of_all_files_are_told_together_and_so_is_a_name_that_two_files_have()
    {
        Write("a.yaml", SomeSource.Yaml());
        Write("b.yaml", SomeSource.Yaml("evry: 30s"));
        Write("c.yaml", "kind: [incident");

        var result = SourceFiles.ReadAll(Path.Combine(folder, "*.yaml"), SomeSource.Secrets);

        result.Sources.ShouldHaveSingleItem();
        ConfigReport.Format(result.Errors).Replace(folder + "/", "", StringComparison.Ordinal).Split('\n').Select(line => line.Split(" (allowed")[0].Replace(folder, "", StringComparison.Ordinal)).ShouldBe(
        [
            "b.yaml:1: name: \"example\" is already the name of the source in a.yaml",
            "b.yaml:6: evry: unknown key; did you mean every?",
            "c.yaml:1: broken YAML: a bracket or brace that opens here is not closed",
            "3 mistakes in 2 files",
            "",
        ]);
    }

    [Fact]
    public void A_pattern_may_match_nothing_but_a_file_that_is_named_must_be_there()
    {
        SourceFiles.ReadAll(Path.Combine(folder, "none", "*.yaml"), SomeSource.Secrets).Errors.ShouldBeEmpty();
        SourceFiles.ReadAll(Path.Combine(folder, "one.yaml"), SomeSource.Secrets).Errors.ShouldHaveSingleItem().Message.ShouldBe("no such file");
    }

    [Fact]
    public void No_mistake_is_no_report_and_one_is_singular()
    {
        ConfigReport.Format([]).ShouldBeEmpty();
        ConfigReport.Format([new ConfigError("a.yaml", 0, "", "no such file")]).ShouldBe("a.yaml: no such file\n1 mistake in 1 file\n");
    }

    private void Write(string name, string yaml) => File.WriteAllText(Path.Combine(folder, name), yaml);
}
