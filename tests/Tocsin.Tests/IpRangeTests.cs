namespace Tocsin.Tests;

public sealed class IpRangeTests
{
    [Theory]
    [InlineData("10.1.2.3", "10.1.2.3", "10.1.2.2", "10.1.2.4")]
    [InlineData("10.0.0.0/8", "10.255.255.255", "9.255.255.255", "11.0.0.0")]
    [InlineData("10.1.2.3/24", "10.1.2.0", "10.1.1.255", "10.1.3.0")]
    [InlineData("10.1.2.2/31", "10.1.2.3", "10.1.2.1", "10.1.2.4")]
    [InlineData("0.0.0.0/0", "255.255.255.255", "::", "2001:db8::1")]
    [InlineData("255.255.255.255/32", "255.255.255.255", "255.255.255.254", "::1:0:0:0")]
    [InlineData("2001:db8::/32", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db7:ffff::", "2001:db9::")]
    [InlineData("::1", "0:0:0:0:0:0:0:1", "::", "::2")]
    [InlineData("::1/128", "::1", "::", "0.0.0.1")]
    [InlineData("::ffff:0:0/96", "1.2.3.4", "::fffe:0:0", "::1:0:0:0")]
    [InlineData("::ffff:10.0.0.0/104", "10.9.9.9", "11.0.0.0", "::10.0.0.1")]
    [InlineData("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "FFFF:ffff:ffff:ffff:ffff:ffff:255.255.255.255", "ffff::", "::")]
    public void A_range_holds_what_is_between_its_ends(string text, string within, string below, string above)
    {
        IpRange.TryParse(text, out var range).ShouldBeTrue();
        range.Contains(within).ShouldBeTrue();
        range.Contains(below).ShouldBeFalse();
        range.Contains(above).ShouldBeFalse();
    }

    [Fact]
    public void All_of_IPv6_holds_IPv4_too_and_nothing_that_is_no_address()
    {
        IpRange.TryParse("::/0", out var all).ShouldBeTrue();
        foreach (var address in (string[])["::", "1.2.3.4", "0.0.0.0", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "::ffff:1.2.3.4"])
            all.Contains(address).ShouldBeTrue(address);
        foreach (var text in NoAddresses.Append(null))
            all.Contains(text).ShouldBeFalse(text);
    }

    [Fact]
    public void An_address_has_one_number_in_all_its_forms()
    {
        foreach (var forms in (string[][])
            [["1.2.3.4", "::ffff:1.2.3.4", "::FFFF:102:304", "0:0:0:0:0:ffff:0102:0304"], ["2001:db8::1", "2001:0DB8:0:0:0:0:0:1", "2001:db8::0.0.0.1"], ["0.0.0.0", "::ffff:0:0"]])
            forms.Select(form => IpRange.TryAddress(form, out var address) ? address : throw new ArgumentException(form)).Distinct().Count().ShouldBe(1, forms[0]);
    }

    [Fact]
    public void What_is_no_address_is_no_range()
    {
        foreach (var text in NoAddresses)
        {
            IpRange.TryAddress(text, out _).ShouldBeFalse(text);
            IpRange.TryParse(text, out _).ShouldBe(text.Contains('/') && !text.StartsWith('['), text);
        }
        foreach (var text in (string[])["10.0.0.0/33", "::/129", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/", "10.0.0.0/8/8", "/8", "10.0.0.0/ 8", "10.0.0.0/99999999999", "10/8", "10.0.0.0/255.0.0.0", "10.0.0.0 /8"])
            IpRange.TryParse(text, out _).ShouldBeFalse(text);
    }

    private static readonly string[] NoAddresses =
    [
        "", " ", "10", "10.1", "1.2.3", "1.2.3.4.5", "1.2.3.256", "1.2.3.1000", "01.2.3.4", "1.2.3.00", "1..3.4", ".1.2.3.4", "1.2.3.4.", "0x1.2.3.4", "1.2.3.4 ", " 1.2.3.4", "1.2.3.4:80",
        "[::1]", "[::1]:80", "fe80::1%eth0", "::1%", ":", ":::", "::1::", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "12345::", "g::", "::1 ", "::1/64", "1.2.3.4/8", "host", "a.b.c.d", "１.2.3.4",
        "::ffff:1.2.3.256", "::1]", new('1', 60), new string(':', 60),
    ];
}
