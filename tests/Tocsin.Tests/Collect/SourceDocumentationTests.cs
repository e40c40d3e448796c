using Tocsin.Tests.Structure;

namespace Tocsin.Tests.Collect;

/// <summary>What a source file may say, and what its page says of that, are the same.</summary>
public sealed class SourceDocumentationTests
{
    private const string Page = "docs/sources/README.md";

    [Theory]
    [InlineData("mistake: 1")]
    [InlineData("auth: { mistake: 1 }")]
    [InlineData("auth: { basic: { username: a, password: \"${env:PASSWORD}\", mistake: 1 } }")]
    [InlineData("auth: { oauth2: { token_url: https://a.example.com, client_id: a, client_secret: \"${env:PASSWORD}\", mistake: 1 } }")]
    [InlineData("retry: { mistake: 1 }")]
    [InlineData("cursor: { param: a, mistake: 1 }")]
    [InlineData("paging: { style: page, mistake: 1 }")]
    [InlineData("paging: { style: cursor, param: a, from: b, mistake: 1 }")]
    [InlineData("identities: { get: /a, mistake: 1 }")]
    public void Every_key_of_a_section_stands_on_the_page(string yaml) => Undocumented(SomeSource.Yaml(yaml)).ShouldBeEmpty();

    [Fact]
    public void Every_field_of_a_map_stands_on_the_page()
    {
        Undocumented(SomeSource.Yaml(map: "{ time: a, mistake: b }")).ShouldBeEmpty();
        Undocumented(SomeSource.Yaml(map: "{ time: { from: a, mistake: b } }")).ShouldBeEmpty();
    }

    [Theory]
    [InlineData("cursor: { param: a, format: mistake }")]
    [InlineData("paging: { style: mistake }")]
    [InlineData("auth: { oauth2: { token_url: https://a.example.com, client_id: a, client_secret: \"${env:PASSWORD}\", client_auth: mistake } }")]
    public void Every_word_that_a_key_takes_stands_on_the_page(string yaml) => Undocumented(SomeSource.Yaml(yaml)).ShouldBeEmpty();

    /// <summary>The words that the mistake's message allows and the page does not have.</summary>
    private static IEnumerable<string> Undocumented(string yaml)
    {
        var allowed = SomeSource.Read(yaml).Errors[0].Allowed.ShouldNotBeNull().Split(", ");
        allowed.Length.ShouldBeGreaterThan(1);
        var words = SourceTree.Text(Page).Split([' ', '`', ':', '{', '}', ',', '|', '\n', '(', ')'], StringSplitOptions.RemoveEmptyEntries).ToHashSet(StringComparer.Ordinal);
        return allowed.Where(word => !words.Contains(word));
    }
}
