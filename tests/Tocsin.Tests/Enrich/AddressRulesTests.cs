using System.Net;
using Tocsin.Enrich;

namespace Tocsin.Tests.Enrich;

public sealed class AddressRulesTests
{
    [Theory]
    [InlineData("0.0.0.0")]
    [InlineData("0.1.2.3")]
    [InlineData("10.0.0.0")]
    [InlineData("10.255.255.255")]
    [InlineData("100.64.0.0")]
    [InlineData("100.127.255.255")]
    [InlineData("127.0.0.1")]
    [InlineData("127.255.255.255")]
    [InlineData("168.63.129.16")]
    [InlineData("169.254.169.254")]
    [InlineData("172.16.0.0")]
    [InlineData("172.31.255.255")]
    [InlineData("192.0.0.1")]
    [InlineData("192.0.2.255")]
    [InlineData("192.168.0.1")]
    [InlineData("198.18.0.0")]
    [InlineData("198.19.255.255")]
    [InlineData("198.51.100.1")]
    [InlineData("203.0.113.255")]
    [InlineData("224.0.0.1")]
    [InlineData("239.255.255.255")]
    [InlineData("240.0.0.1")]
    [InlineData("255.255.255.255")]
    [InlineData("::")]
    [InlineData("::1")]
    [InlineData("::127.0.0.1")]
    [InlineData("::ffff:10.0.0.1")]
    [InlineData("::ffff:127.0.0.1")]
    [InlineData("64:ff9b::10.0.0.1")]
    [InlineData("64:ff9b::a9fe:a9fe")]
    [InlineData("64:ff9b:1::1")]
    [InlineData("100::1")]
    [InlineData("2001::1")]
    [InlineData("2001:db8::1")]
    [InlineData("2002:7f00:1::1")]
    [InlineData("2002:c0a8:101::")]
    [InlineData("3fff::1")]
    [InlineData("fc00::1")]
    [InlineData("fd00:ec2::254")]
    [InlineData("fe80::1")]
    [InlineData("fe80::1%3")]
    [InlineData("febf::1")]
    [InlineData("fec0::1")]
    [InlineData("ff02::1")]
    public void An_address_that_leads_inside_is_not_public(string address) => AddressRules.IsPublic(IPAddress.Parse(address)).ShouldBeFalse();

    [Theory]
    [InlineData("1.1.1.1")]
    [InlineData("9.255.255.255")]
    [InlineData("11.0.0.0")]
    [InlineData("100.63.255.255")]
    [InlineData("100.128.0.0")]
    [InlineData("126.255.255.255")]
    [InlineData("128.0.0.1")]
    [InlineData("169.253.255.255")]
    [InlineData("169.255.0.0")]
    [InlineData("172.15.255.255")]
    [InlineData("172.32.0.0")]
    [InlineData("192.0.1.1")]
    [InlineData("192.167.255.255")]
    [InlineData("192.169.0.0")]
    [InlineData("198.17.255.255")]
    [InlineData("198.20.0.0")]
    [InlineData("223.255.255.255")]
    [InlineData("::ffff:8.8.8.8")]
    [InlineData("64:ff9b::8.8.8.8")]
    [InlineData("2001:4860:4860::8888")]
    [InlineData("2002:808:808::1")]
    [InlineData("2a00:1450::1")]
    public void Any_other_address_is_public(string address) => AddressRules.IsPublic(IPAddress.Parse(address)).ShouldBeTrue();

    [Theory]
    [InlineData("https://localhost./", true)]
    [InlineData("https://LOCALHOST/", true)]
    [InlineData("https://a.localhost/", true)]
    [InlineData("https://2130706433/", true)]
    [InlineData("https://0x7f.1/", true)]
    [InlineData("https://[fe80::1]/", true)]
    [InlineData("https://[2001:4860:4860::8888]/", false)]
    [InlineData("https://localhost.example.com/", false)]
    public void A_host_is_judged_in_every_way_to_write_it(string url, bool isPrivate) => AddressRules.IsPrivateLiteral(new Uri(url)).ShouldBe(isPrivate);

    /// <summary>The same rules once more, as .NET's own networks: what counts bits is held against what was written down.</summary>
    [Fact]
    public void An_address_as_a_number_is_judged_as_its_network_says()
    {
        var random = new Random(20260304);
        var bytes = new byte[16];
        var seen = new HashSet<bool>();
        foreach (var edge in NotPublic.Concat(Others).SelectMany(Edges))
            Agrees(edge);
        for (var i = 0; i < 100_000; i++)
        {
            random.NextBytes(bytes);
            // The first bits decide: most of these begin as one of the networks does.
            if (i % 4 != 0)
                Edges(NotPublic.Concat(Others).ElementAt(random.Next(NotPublic.Length + Others.Length)))[0].MapToIPv6().GetAddressBytes().AsSpan(0, random.Next(1, 17)).CopyTo(bytes);
            Agrees(new IPAddress(bytes));
            seen.Add(AddressRules.IsPublic(new IPAddress(bytes)));
        }
        seen.Count.ShouldBe(2);

        static void Agrees(IPAddress address)
        {
            var number = System.Buffers.Binary.BinaryPrimitives.ReadUInt128BigEndian(address.MapToIPv6().GetAddressBytes());
            AddressRules.IsPublic(number).ShouldBe(Expected(address), address.ToString());
            AddressRules.IsPublic(address).ShouldBe(Expected(address), address.ToString());
        }
    }

    [Theory]
    [InlineData("64:ff9b::808:808", "8.8.8.8")]
    [InlineData("2002:808:808::1", "8.8.8.8")]
    [InlineData("2001:4860:4860::8888", "2001:4860:4860::8888")]
    [InlineData("8.8.8.8", "8.8.8.8")]
    public void What_embeds_an_ipv4_address_leads_to_it(string address, string reached)
    {
        IpRange.TryAddress(address, out var from).ShouldBeTrue();
        IpRange.TryAddress(reached, out var to).ShouldBeTrue();
        AddressRules.Reached(from).ShouldBe(to);
    }

    private static readonly string[] NotPublic =
    [
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.168.0.0/16", "198.18.0.0/15",
        "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4", "2001::/23", "2001:db8::/32", "3fff::/20",
    ];

    private static readonly string[] Others = ["2000::/3", "64:ff9b::/96", "2002::/16", "8.0.0.0/8"];

    private static bool Expected(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6)
            return Expected(address.MapToIPv4());
        if (IPNetwork.Parse("64:ff9b::/96").Contains(address))
            return Expected(new IPAddress(address.GetAddressBytes().AsSpan(12, 4)));
        if (IPNetwork.Parse("2002::/16").Contains(address))
            return Expected(new IPAddress(address.GetAddressBytes().AsSpan(2, 4)));
        return !NotPublic.Any(network => IPNetwork.Parse(network).Contains(address))
            && (address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork || IPNetwork.Parse("2000::/3").Contains(address));
    }

    /// <summary>The first and the last address of a network, and those beside it.</summary>
    private static IPAddress[] Edges(string network)
    {
        IpRange.TryParse(network, out var range).ShouldBeTrue();
        return [.. new[] { range.First, range.First - 1, range.Last, range.Last + 1 }.Select(Written)];
    }

    private static IPAddress Written(UInt128 number)
    {
        var bytes = new byte[16];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt128BigEndian(bytes, number);
        return new IPAddress(bytes);
    }
}
