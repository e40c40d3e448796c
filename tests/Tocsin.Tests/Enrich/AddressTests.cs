using Tocsin.Enrich;

namespace Tocsin.Tests.Enrich;

public sealed class AddressTests
{
    [Theory]
    [InlineData("17.0.0.1", "17.0.0.1")]
    [InlineData("0.0.0.0", "0.0.0.0")]
    [InlineData("255.255.255.255", "255.255.255.255")]
    [InlineData("::ffff:1.2.3.4", "1.2.3.4")]
    [InlineData("::FFFF:0102:0304", "1.2.3.4")]
    [InlineData("2001:DB8::A", "2001:db8::a")]
    [InlineData("2001:0db8:0000:0000:0000:0000:0000:000a", "2001:db8::a")]
    [InlineData("::", "::")]
    [InlineData("::1", "::1")]
    [InlineData("fe80::1%3", "fe80::1")]
    [InlineData("64:ff9b::1.2.3.4", "64:ff9b::102:304")]
    public void An_address_has_one_form(string text, string form) => Address.Normalise(text).ShouldBe(form);

    [Theory]
    [InlineData("386255")]
    [InlineData("1.2")]
    [InlineData("1.2.3")]
    [InlineData("017.1.1.1")]
    [InlineData("17.01.1.1")]
    [InlineData("1.2.3.00")]
    [InlineData("0x7f.0.0.1")]
    [InlineData("0x7f000001")]
    [InlineData("1.2.3.4.")]
    [InlineData(".1.2.3.4")]
    [InlineData("1..2.3")]
    [InlineData("1.2.3.4.5")]
    [InlineData("1.2.3.256")]
    [InlineData("1.2.3.1000")]
    [InlineData(" 1.2.3.4")]
    [InlineData("1.2.3.4 ")]
    [InlineData("1.2.3.4\n")]
    [InlineData("1.2.3.4\0")]
    [InlineData("1.2.3.4/24")]
    [InlineData("1.2.3.4:80")]
    [InlineData("[::1]:80")]
    [InlineData("[::1]")]
    [InlineData("::1/64")]
    [InlineData("1::2::3")]
    [InlineData(":::")]
    [InlineData(":")]
    [InlineData("12:34:56:78:9a:bc")]
    [InlineData("host:80")]
    [InlineData("localhost")]
    [InlineData("host.example.com")]
    [InlineData("alice@example.com")]
    [InlineData("١.٢.٣.٤")]
    [InlineData("")]
    public void What_is_no_address_is_an_id(string text) => Address.Normalise(text).ShouldBeNull();

    [Fact]
    public void A_zone_that_is_a_name_does_not_depend_on_the_machine() =>
        // "lo" is an interface nearly everywhere, the other nowhere: both must read the same.
        Address.Normalise("fe80::1%lo").ShouldBe(Address.Normalise("fe80::1%nosuch0"));

    [Fact]
    public void A_long_text_is_not_even_looked_at() => Address.Normalise(new string(':', 1_000_000)).ShouldBeNull();
}
