using Microsoft.Extensions.Primitives;
using Tocsin.Projections;
using Tocsin.Server.Api;
using Tocsin.Tests.Projections;

namespace Tocsin.Tests.Server;

public sealed class BoardEncodingTests
{
    private const string Tag = "\"a1-2\"";
    private static readonly BoardAnswer Answer = BoardTestKit.BoardOf(Some.Event()).Get(BoardTestKit.Incidents);

    [Theory]
    [InlineData("br", "br")]
    [InlineData("gzip, deflate, br", "br")]
    [InlineData("gzip;q=1, br;q=0.9", "gzip")]
    [InlineData("br;q=0.5, gzip;q=0.5", "br")]
    [InlineData("br;q=0, *", "gzip")]
    [InlineData("gzip;q=0, *;q=0.1", "br")]
    [InlineData("*", "br")]
    [InlineData("*;q=0, gzip", "gzip")]
    [InlineData("identity;q=0.5, *;q=0", null)]
    [InlineData("BR", "br")]
    [InlineData(" gzip ; q=0.3 ", "gzip")]
    [InlineData("gzip;Q=0", null)]
    [InlineData("gzip;q=0.000", null)]
    [InlineData("", null)]
    [InlineData(",", null)]
    [InlineData(";", null)]
    [InlineData("gzip;", "gzip")]
    [InlineData("brotli", null)]
    public void The_best_that_the_client_takes_is_chosen(string accept, string? encoding) => Choose(accept).ShouldBe(encoding);

    [Fact]
    public void No_header_means_as_it_is_and_several_are_one_list()
    {
        BoardEncoding.Choose(StringValues.Empty, Answer).ShouldBe((Answer.Body, null));
        BoardEncoding.Choose(new StringValues(["gzip;q=0.5", "br;q=0.1"]), Answer).Encoding.ShouldBe("gzip");
        BoardEncoding.Choose(new StringValues([null, "gzip"]), Answer).Encoding.ShouldBe("gzip");
    }

    [Fact]
    public void Each_form_has_its_own_bytes_and_its_own_tag()
    {
        BoardEncoding.Choose("gzip", Answer).Body.ShouldBeSameAs(Answer.Gzip);
        BoardEncoding.Choose("br", Answer).Body.ShouldBeSameAs(Answer.Brotli);
        new[] { null, "gzip", "br" }.Select(encoding => BoardEncoding.ETag(Tag, encoding)).ShouldBe([Tag, "\"a1-2-gzip\"", "\"a1-2-br\""]);
    }

    [Theory]
    [InlineData("\"a1-2\"", true)]
    [InlineData("W/\"a1-2\"", true)]
    [InlineData("*", true)]
    [InlineData(" * ", true)]
    [InlineData("\"x\",\"a1-2\"", true)]
    [InlineData("\"x\" , W/\"a1-2\" ,\"y\"", true)]
    [InlineData("", false)]
    [InlineData(",,", false)]
    [InlineData("a1-2", false)]
    [InlineData("\"A1-2\"", false)]
    [InlineData("w/\"a1-2\"", false)]
    [InlineData("\"a1-2-gzip\"", false)]
    [InlineData("W/W/\"a1-2\"", false)]
    public void A_tag_is_looked_for_in_the_whole_list(string match, bool found) => BoardEncoding.Matches(match, Tag).ShouldBe(found);

    [Fact]
    public void Several_lines_are_one_list_and_none_matches_nothing()
    {
        BoardEncoding.Matches(new StringValues(["\"x\"", Tag]), Tag).ShouldBeTrue();
        BoardEncoding.Matches(StringValues.Empty, Tag).ShouldBeFalse();
        BoardEncoding.Matches(new StringValues([null]), Tag).ShouldBeFalse();
    }

    private static string? Choose(string accept) => BoardEncoding.Choose(accept, Answer).Encoding;
}
