using System.Text.RegularExpressions;

namespace Tocsin.Tests.Structure;

/// <summary>Rules of the house that a reader would otherwise have to remember.</summary>
public sealed partial class SourceRulesTests
{
    private const int MaxLines = 300;

    [Fact]
    public void A_file_has_300_lines_at_most() =>
        SourceTree.CSharp("src").Select(path => (path, lines: SourceTree.Lines(path).Length)).Where(file => file.lines > MaxLines).ShouldBeEmpty();

    [Fact]
    public void Nothing_is_left_to_do_in_the_code() => Found(LeftOver(), "src", "tools", "bench", "tests").ShouldBeEmpty();

    /// <summary>The build bans the calls; this also sees a build that was told to look away.</summary>
    [Fact]
    public void Nobody_reads_the_wall_clock() => Found(WallClock(), "src", "tools", "tests").ShouldBeEmpty();

    /// <summary>Only who composes the program chooses its clock.</summary>
    [Fact]
    public void The_product_takes_its_clock_from_its_caller() => Found(OwnClock(), "src/Tocsin", "src/Tocsin.Engines").ShouldBeEmpty();

    [Theory]
    [InlineData("var now = DateTimeOffset.UtcNow;")]
    [InlineData("DateTime . Now")]
    [InlineData("Guid.CreateVersion7()")]
    [InlineData("#pragma warning disable CA1822, RS0030")]
    public void A_wall_clock_is_recognised(string line) => WallClock().IsMatch(line).ShouldBeTrue();

    private static IEnumerable<string> Found(Regex what, params string[] folders) => SourceTree.CSharp(folders)
        .Where(path => Path.GetFileName(path) != "SourceRulesTests.cs")
        .SelectMany(path => SourceTree.Lines(path).Select((line, index) => (line, at: $"{path}:{index + 1}: {line.Trim()}")))
        .Where(found => what.IsMatch(found.line)).Select(found => found.at);

    [GeneratedRegex(@"\b(TODO|FIXME)\b", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex LeftOver();

    [GeneratedRegex(@"\bDateTime(Offset)?\s*\.\s*(Now|UtcNow|Today)\b|\bGuid\.CreateVersion7\(\s*\)|disable.*\bRS0030\b|SuppressMessage.*\bRS0030\b", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex WallClock();

    [GeneratedRegex(@"\bTimeProvider\.System\b|\bStopwatch\b|\bEnvironment\.TickCount", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex OwnClock();
}
