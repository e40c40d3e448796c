using Tocsin.Collect;

namespace Tocsin.Tests.Collect;

/// <summary>
/// One file for each mistake, named after it. Its first lines say what is expected: <c># expect: LINE KEY fragment</c>, a dash
/// for no key, and nothing else may be reported.
/// </summary>
public sealed class InvalidSourceTests
{
    private const string Expect = "# expect: ";

    private static readonly string Folder = Path.Combine(AppContext.BaseDirectory, "Collect", "invalid");

    public static TheoryData<string> Mistakes() => [.. Directory.EnumerateFiles(Folder, "*.yaml").Select(path => Path.GetFileName(path)).Order()];

    [Theory]
    [MemberData(nameof(Mistakes))]
    public void A_mistake_is_told_with_its_line_its_key_and_what_is_allowed(string name)
    {
        var path = Path.Combine(Folder, name);
        var expected = File.ReadLines(path).TakeWhile(line => line.StartsWith(Expect, StringComparison.Ordinal)).Select(line => line[Expect.Length..].Split(' ', 3)).ToList();

        var result = SourceFile.Read(path, SomeSource.Secrets);

        result.Source.ShouldBeNull();
        var report = ConfigReport.Format(result.Errors);
        result.Errors.Count.ShouldBe(expected.Count, report);
        foreach (var (error, parts) in result.Errors.OrderBy(e => e.Line).ThenBy(e => e.Key, StringComparer.Ordinal)
                     .Zip(expected.OrderBy(e => int.Parse(e[0])).ThenBy(e => e[1] == "-" ? "" : e[1], StringComparer.Ordinal)))
        {
            error.File.ShouldBe(path);
            error.Line.ShouldBe(int.Parse(parts[0]), report);
            error.Key.ShouldBe(parts[1] == "-" ? "" : parts[1], report);
            error.ToString().ShouldContain(parts[2]);
        }
        result.Errors.Select(error => error.Line).ShouldBeInOrder();
        report.ShouldNotContain(SomeSource.PasswordValue);
        report.ShouldNotContain(SomeSource.TokenValue);
        report.ShouldNotContain("hunter2");
    }

    [Fact]
    public void There_is_a_file_for_every_mistake() => Mistakes().Count.ShouldBeGreaterThan(80);
}
