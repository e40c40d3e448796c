using System.Text;

namespace Tocsin.Tests;

public sealed class EventTimeTests
{
    [Theory]
    [InlineData("1629254311.8207245", "2021-08-18T02:38:31.8207245Z", "1629254311.8207245")]
    [InlineData("1629254534", "2021-08-18T02:42:14Z", "1629254534")]
    [InlineData("1629254534000", "2021-08-18T02:42:14.000Z", "1629254534.000")]
    [InlineData("1.629254534e9", "2021-08-18T02:42:14Z", "1629254534")]
    [InlineData("-1.5", "1969-12-31T23:59:58.5Z", "-1.5")]
    [InlineData("0.123456789", "1970-01-01T00:00:00.123456789Z", "0.123456789")]
    [InlineData("1629254311.50", "2021-08-18T02:38:31.50Z", "1629254311.50")]
    public void A_number_is_Unix_seconds_with_every_digit(string number, string rfc3339, string seconds)
    {
        EventTime.TryParseNumber(Encoding.UTF8.GetBytes(number), out var time).ShouldBeTrue();
        time.ToString().ShouldBe(rfc3339);
        time.ToUnixSeconds().ShouldBe(seconds);
        EventTime.FromStored(time.UnixTicks, time.StoredPrecision).ShouldBe(time);
    }

    [Theory]
    [InlineData("1e400")]
    [InlineData("12345678901234567890")]
    [InlineData("99999999999999999999999999999999999999999999")]
    [InlineData("")]
    public void A_number_that_is_no_time_is_refused(string number) =>
        EventTime.TryParseNumber(Encoding.UTF8.GetBytes(number), out _).ShouldBeFalse();

    [Theory]
    [InlineData("2021-08-18T02:38:31Z", "2021-08-18T02:38:31Z")]
    [InlineData("2021-08-18T04:38:31.5+02:00", "2021-08-18T02:38:31.5Z")]
    [InlineData("2021-08-18 02:38:31.123456789Z", "2021-08-18T02:38:31.123456789Z")]
    [InlineData("9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z")]
    [InlineData("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z")]
    public void A_text_is_RFC_3339(string text, string expected)
    {
        EventTime.TryParse(text, out var time).ShouldBeTrue();
        time.ToString().ShouldBe(expected);
    }

    [Theory]
    [InlineData("2021-08-18T02:38:31")]
    [InlineData("2016-12-31T23:59:60Z")]
    [InlineData("2021-02-29T00:00:00Z")]
    [InlineData("9999-12-31T23:59:59-01:00")]
    [InlineData("yesterday")]
    [InlineData("2021-08-18T02:38:31.Z")]
    public void A_text_that_names_no_instant_is_refused(string text) => EventTime.TryParse(text, out _).ShouldBeFalse();

    [Theory]
    [InlineData("2021-08-18T02:38:31Z")]
    [InlineData("2021-08-18T02:38:31.0Z")]
    [InlineData("2021-08-18T02:38:31.12Z")]
    [InlineData("2021-08-18T02:38:31.120Z")]
    [InlineData("2021-08-18T02:38:31.0001Z")]
    [InlineData("2021-08-18T02:38:31.12345Z")]
    [InlineData("2021-08-18T02:38:31.123456Z")]
    [InlineData("2021-08-18T02:38:31.1234567Z")]
    [InlineData("2021-08-18T02:38:31.12345678Z")]
    [InlineData("2021-08-18T02:38:31.123456789Z")]
    [InlineData("0001-01-01T00:00:00.000000001Z")]
    [InlineData("1969-12-31T23:59:59.999999999Z")]
    [InlineData("9999-12-31T23:59:59.999999999Z")]
    public void A_time_is_written_with_the_digits_that_came_in_and_no_byte_more(string text)
    {
        EventTime.TryParse(text, out var time).ShouldBeTrue();
        var utf8 = new byte[EventTime.MaxTextBytes + 1];
        utf8[text.Length] = (byte)'!';
        time.Format(utf8).ShouldBe(text.Length);
        Encoding.ASCII.GetString(utf8).TrimEnd('\0').ShouldBe(text + "!");
        time.Format(new byte[text.Length]).ShouldBe(text.Length);
        time.ToString().ShouldBe(text);
    }
}
