using Tocsin.Tests.Collect;


namespace Tocsin.Tests;

public sealed class FieldPathTests
{
    [Theory]
    [InlineData(".", """{"a":{"b":[{"c":7}]}}""")]
    [InlineData("a", """{"b":[{"c":7}]}""")]
    [InlineData("a.b[0].c", "7")]
    [InlineData("a.b[0]", """{"c":7}""")]
    public void A_path_leads_into_a_record(string path, string expected)
    {
        FieldPath.Parse(path).TryGet(SomeSource.Json("""{"a":{"b":[{"c":7}]}}"""), out var value).ShouldBeTrue();
        value.GetRawText().ShouldBe(expected);
        FieldPath.Parse(path).ToString().ShouldBe(path);
    }

    [Theory]
    [InlineData("b")]
    [InlineData("a.b.c")]
    [InlineData("a.b[1]")]
    [InlineData("a[0]")]
    [InlineData("[0]")]
    [InlineData("a.b[0].c.d")]
    public void A_path_that_the_record_does_not_have_finds_nothing(string path) =>
        FieldPath.Parse(path).TryGet(SomeSource.Json("""{"a":{"b":[{"c":7}]}}"""), out _).ShouldBeFalse();

    [Fact]
    public void Lists_of_lists_and_names_with_other_signs_can_be_reached()
    {
        FieldPath.Parse("[1][0].@käse-1").TryGet(SomeSource.Json("""[0,[{"@käse-1":true}]]"""), out var value).ShouldBeTrue();
        value.GetBoolean().ShouldBeTrue();
    }

    [Theory]
    [InlineData("")]
    [InlineData("..")]
    [InlineData(".a")]
    [InlineData("a.")]
    [InlineData("a..b")]
    [InlineData("a[")]
    [InlineData("a[]")]
    [InlineData("a[-1]")]
    [InlineData("a[x]")]
    [InlineData("a[0]b")]
    [InlineData("a]")]
    [InlineData("a[99999999999]")]
    public void A_text_that_is_no_path_is_refused(string text)
    {
        FieldPath.TryParse(text, out _).ShouldBeFalse();
        Should.Throw<FormatException>(() => FieldPath.Parse(text));
    }
}
