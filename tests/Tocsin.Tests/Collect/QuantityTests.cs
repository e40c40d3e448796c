using Tocsin.Collect.Reading;

namespace Tocsin.Tests.Collect;

public sealed class QuantityTests
{
    [Theory]
    [InlineData("300ms", 300)]
    [InlineData("30s", 30_000)]
    [InlineData("5m", 300_000)]
    [InlineData("1h", 3_600_000)]
    [InlineData("2d", 172_800_000)]
    [InlineData("0s", 0)]
    public void A_duration_is_a_whole_number_and_a_unit(string text, long milliseconds)
    {
        Quantity.TryParseDuration(text, out var duration).ShouldBeTrue();
        duration.ShouldBe(TimeSpan.FromMilliseconds(milliseconds));
    }

    [Theory]
    [InlineData("")]
    [InlineData("30")]
    [InlineData("s")]
    [InlineData("-5s")]
    [InlineData("1.5s")]
    [InlineData("30 s")]
    [InlineData("30S")]
    [InlineData("5min")]
    [InlineData("1h30m")]
    [InlineData("99999999999d")]
    [InlineData("99999999999999999999s")]
    public void Anything_else_is_none(string text) => Quantity.TryParseDuration(text, out _).ShouldBeFalse();

    [Theory]
    [InlineData(300, "300ms")]
    [InlineData(90_000, "90s")]
    [InlineData(3_600_000, "1h")]
    [InlineData(86_400_000, "1d")]
    public void A_duration_is_written_in_the_largest_whole_unit(int milliseconds, string expected) =>
        Quantity.Format(TimeSpan.FromMilliseconds(milliseconds)).ShouldBe(expected);

    [Theory]
    [InlineData("32MiB", 33_554_432)]
    [InlineData("1kib", 1024)]
    [InlineData("2048B", 2048)]
    [InlineData("1GiB", 1_073_741_824)]
    public void A_size_is_a_whole_number_and_a_binary_unit(string text, long bytes)
    {
        Quantity.TryParseBytes(text, out var size).ShouldBeTrue();
        size.ShouldBe(bytes);
    }
}
