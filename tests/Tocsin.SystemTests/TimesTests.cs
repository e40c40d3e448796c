using System.Net;

namespace Tocsin.SystemTests;

/// <summary>Times as they are sent: the same instant comes back, with the digits that came in, or the event is refused and says why.</summary>
public sealed class TimesTests(BareHouse house) : IClassFixture<BareHouse>
{
    private const string? Refused = null;

    [Theory]
    [InlineData("\"2026-01-31T12:00:00Z\"", "2026-01-31T12:00:00Z")]
    [InlineData("\"2026-01-31t12:00:00z\"", "2026-01-31T12:00:00Z")]
    [InlineData("\"2026-01-31 12:00:00Z\"", "2026-01-31T12:00:00Z")]
    [InlineData("\"2026-01-31T12:00:00+00:00\"", "2026-01-31T12:00:00Z")]
    [InlineData("\"2026-01-31T12:00:00-00:00\"", "2026-01-31T12:00:00Z")]
    [InlineData("\"2026-01-31T12:00:00+14:00\"", "2026-01-30T22:00:00Z")]
    [InlineData("\"2026-01-31T12:00:00-12:00\"", "2026-02-01T00:00:00Z")]
    [InlineData("\"2026-01-31T12:00:00+05:45\"", "2026-01-31T06:15:00Z")]
    [InlineData("\"2026-01-31T12:00:00.1Z\"", "2026-01-31T12:00:00.1Z")]
    [InlineData("\"2026-01-31T12:00:00.120Z\"", "2026-01-31T12:00:00.120Z")]
    [InlineData("\"2026-01-31T12:00:00.000000001Z\"", "2026-01-31T12:00:00.000000001Z")]
    [InlineData("\"2026-01-31T12:00:00.999999999+01:00\"", "2026-01-31T11:00:00.999999999Z")]
    [InlineData("\"2024-02-29T23:59:59Z\"", "2024-02-29T23:59:59Z")]
    [InlineData("\"2000-02-29T00:00:00Z\"", "2000-02-29T00:00:00Z")]
    [InlineData("\"2023-02-29T00:00:00Z\"", Refused)]
    [InlineData("\"1900-02-29T00:00:00Z\"", Refused)]
    [InlineData("\"2026-04-31T00:00:00Z\"", Refused)]
    [InlineData("\"2026-13-01T00:00:00Z\"", Refused)]
    [InlineData("\"2026-00-10T00:00:00Z\"", Refused)]
    [InlineData("\"2016-12-31T23:59:60Z\"", Refused)] // A leap second has no place in Unix time.
    [InlineData("\"2026-01-31T24:00:00Z\"", Refused)]
    [InlineData("\"2026-01-31T12:60:00Z\"", Refused)]
    [InlineData("\"2024-03-10T01:59:59-05:00\"", "2024-03-10T06:59:59Z")] // One second before and one after New York's clocks go forward, and both of its half past ones in autumn.
    [InlineData("\"2024-03-10T03:00:00-04:00\"", "2024-03-10T07:00:00Z")]
    [InlineData("\"2024-11-03T01:30:00-04:00\"", "2024-11-03T05:30:00Z")]
    [InlineData("\"2024-11-03T01:30:00-05:00\"", "2024-11-03T06:30:00Z")]
    [InlineData("\"1969-12-31T23:59:59.5Z\"", "1969-12-31T23:59:59.5Z")]
    [InlineData("\"0001-01-01T00:00:00Z\"", "0001-01-01T00:00:00Z")]
    [InlineData("\"0001-01-01T00:00:00+01:00\"", Refused)]
    [InlineData("\"0000-12-31T00:00:00Z\"", Refused)]
    [InlineData("\"9999-12-31T23:59:59.999999999Z\"", "9999-12-31T23:59:59.999999999Z")]
    [InlineData("\"9999-12-31T23:59:59-01:00\"", Refused)]
    [InlineData("\"10000-01-01T00:00:00Z\"", Refused)]
    [InlineData("\"2026-01-31T12:00:00\"", Refused)] // No offset: no instant.
    [InlineData("\"2026-01-31T12:00:00,5Z\"", Refused)]
    [InlineData("\"2026-01-31T12:00:00.Z\"", Refused)]
    [InlineData("\"2026-01-31T12:00:00+25:00\"", Refused)]
    [InlineData("\"2026-01-31\"", Refused)]
    [InlineData("\"2026-W05-6T12:00:00Z\"", Refused)]
    [InlineData("\"Sat, 31 Jan 2026 12:00:00 GMT\"", Refused)]
    [InlineData("\"now\"", Refused)]
    [InlineData("\"\"", Refused)]
    [InlineData("\"２０２６-01-31T12:00:00Z\"", Refused)]
    [InlineData("0", "1970-01-01T00:00:00Z")]
    [InlineData("-1", "1969-12-31T23:59:59Z")]
    [InlineData("-0.5", "1969-12-31T23:59:59.5Z")]
    [InlineData("1629254311.8207245", "2021-08-18T02:38:31.8207245Z")]
    [InlineData("1629254311.820", "2021-08-18T02:38:31.820Z")]
    [InlineData("1e9", "2001-09-09T01:46:40Z")]
    [InlineData("1.6292543118207245E9", "2021-08-18T02:38:31.8207245Z")]
    [InlineData("1629254311820", "2021-08-18T02:38:31.820Z")] // Milliseconds.
    [InlineData("1629254311820.7245", "2021-08-18T02:38:31.8207245Z")]
    [InlineData("99999999999", "5138-11-16T09:46:39Z")] // The last that is seconds, and the first that is milliseconds.
    [InlineData("100000000000", "1973-03-03T09:46:40.000Z")]
    [InlineData("-100000000000", "1966-10-31T14:13:20.000Z")]
    [InlineData("-62135596800", "0001-01-01T00:00:00Z")]
    [InlineData("-62135596801", Refused)]
    [InlineData("253402300799999", "9999-12-31T23:59:59.999Z")]
    [InlineData("253402300800000", Refused)]
    [InlineData("1e400", Refused)]
    [InlineData("1e-400", "1970-01-01T00:00:00.000000000Z")] // Nine digits are kept.
    [InlineData("12345678901234567890", Refused)]
    [InlineData("true", Refused)]
    [InlineData("[]", Refused)]
    [InlineData("{}", Refused)]
    public async Task The_same_instant_comes_back_or_it_is_refused(string sent, string? expected)
    {
        var (status, body) = await house.Server.PostAsync("/event", $$"""{"type":"time","time":{{sent}}}""");
        if (expected is Refused)
        {
            status.ShouldBe(HttpStatusCode.UnprocessableEntity, body.ToString());
            body.GetProperty("errors")[0].GetProperty("pointer").GetString().ShouldBe("/time");
            return;
        }
        status.ShouldBe(HttpStatusCode.Created, body.ToString());
        var id = body.GetProperty("id").GetString();
        (await house.Server.JsonAsync($"/events/{id}")).GetProperty("time").GetString().ShouldBe(expected);
        var found = await house.Server.JsonAsync($"/events?type=time&time={Uri.EscapeDataString(expected)}&limit=1000");
        found.EnumerateArray().Select(e => e.GetProperty("id").GetString()).ShouldContain(id);
    }
}
