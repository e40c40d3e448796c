using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;
using Tocsin.Server.Api;

namespace Tocsin.Tests.Server;

public sealed class QueryReaderTests
{
    private static readonly DateTimeOffset Now = new(2026, 3, 4, 12, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData("2026-03-04T10:00:00Z", "2026-03-04T10:00:00Z")]
    [InlineData("2026-03-04t10:00:00.5z", "2026-03-04T10:00:00.5Z")]
    [InlineData("2026-03-04T12:00:00%2B02:00", "2026-03-04T10:00:00Z")]
    [InlineData("2026-03-04T12:00:00+02:00", "2026-03-04T10:00:00Z")]
    [InlineData("2026-03-04+12:00:00+02:00", "2026-03-04T10:00:00Z")]
    [InlineData("2026-03-04T08:00:00-02:00", "2026-03-04T10:00:00Z")]
    [InlineData("1629254311.8207245", "2021-08-18T02:38:31.8207245Z")]
    [InlineData("1629254311820", "2021-08-18T02:38:31.820Z")]
    [InlineData("-1", "1969-12-31T23:59:59Z")]
    [InlineData("0", "1970-01-01T00:00:00Z")]
    [InlineData("-24h", "2026-03-03T12:00:00.0000000Z")]
    [InlineData("-90m", "2026-03-04T10:30:00.0000000Z")]
    [InlineData("-1s", "2026-03-04T11:59:59.0000000Z")]
    [InlineData("-7d", "2026-02-25T12:00:00.0000000Z")]
    [InlineData("-0d", "2026-03-04T12:00:00.0000000Z")]
    [InlineData("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z")]
    [InlineData("9999-12-31T23:59:59.999999999Z", "9999-12-31T23:59:59.999999999Z")]
    public void A_time_is_read_in_every_form(string text, string time)
    {
        var reader = Reader($"since={text}");
        reader.Time("since").ShouldNotBeNull().ToString().ShouldBe(time);
        reader.Problem.ShouldBeNull();
    }

    [Theory]
    [InlineData("now")]
    [InlineData("24h")]
    [InlineData("+24h")]
    [InlineData("-h")]
    [InlineData("--1h")]
    [InlineData("-1.5h")]
    [InlineData("-1w")]
    [InlineData("-1H")]
    [InlineData("-%D9%A3h")]
    [InlineData("-25000d")]
    [InlineData("-999999d")]
    [InlineData("-9999999d")]
    [InlineData("-9999999h")]
    [InlineData("2026-03-04")]
    [InlineData("2026-03-04T10:00:00")]
    [InlineData("2026-02-30T10:00:00Z")]
    [InlineData("2016-12-31T23:59:60Z")]
    [InlineData("2026-03-04T24:00:00Z")]
    [InlineData("1e400")]
    [InlineData("NaN")]
    [InlineData("0x10")]
    [InlineData("1e20")]
    [InlineData("%00")]
    public void What_names_no_time_is_a_problem_that_names_the_parameter(string text)
    {
        var reader = Reader($"since={text}");
        reader.Time("since").ShouldBeNull();
        reader.Problem.ShouldNotBeNull().Errors!.Single().Pointer.ShouldBe("since");
    }

    [Fact]
    public void Aliases_may_be_mixed_and_the_first_problem_stays()
    {
        var reader = Reader("user_id=1&user=2&employee_id=3&limit=x&since=y");
        reader.Texts("user_id", "employee_id", "user").ShouldBe(["1", "3", "2"]);
        reader.Number("limit", 1, 5).ShouldBeNull();
        reader.Time("since").ShouldBeNull();
        reader.Problem.ShouldNotBeNull().Errors!.Single().Pointer.ShouldBe("limit");
    }

    [Fact]
    public void What_is_not_there_is_no_problem()
    {
        var reader = Reader("");
        (reader.Text("a"), reader.Number("b", 1, 2), reader.Flag("c"), reader.Time("d"), reader.Texts("e").Count, reader.Problem).ShouldBe((null, null, null, null, 0, null));
    }

    private static QueryReader Reader(string query) => new(new QueryCollection(QueryHelpers.ParseQuery(query)), Now);
}
