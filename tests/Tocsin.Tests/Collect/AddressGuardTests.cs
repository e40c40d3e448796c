using System.Net;
using Tocsin.Collect;

namespace Tocsin.Tests.Collect;

public sealed class AddressGuardTests
{
    private static readonly IPAddress Loopback = IPAddress.Parse("127.0.0.1");

    [Fact]
    public async Task A_name_is_resolved_once_and_the_address_that_was_checked_is_the_one_connected_to()
    {
        await using var stub = await StubUpstream.StartAsync(StubUpstream.HangAsync);
        var asked = 0;
        // Whoever asked again would get an address where nobody listens.
        var guard = Guard(allowPrivate: true, () => asked++ == 0 ? [Loopback] : [IPAddress.Parse("127.0.0.9")]);
        await using var stream = await guard.ConnectAsync(new DnsEndPoint("feed.example.com", stub.Port), default);
        asked.ShouldBe(1);
    }

    [Fact]
    public async Task A_name_that_is_public_at_first_and_private_later_is_refused_when_it_is()
    {
        await using var stub = await StubUpstream.StartAsync(StubUpstream.HangAsync);
        var asked = 0;
        var guard = Guard(allowPrivate: false, () => asked++ == 0 ? [IPAddress.Parse("192.0.0.0"), Loopback] : [Loopback]);
        for (var i = 0; i < 2; i++)
            (await Should.ThrowAsync<AddressRefusedException>(ConnectAsync(guard, "feed.example.com", stub.Port))).Message.ShouldContain("allow_private: true");
        stub.Calls.ShouldBeEmpty();
    }

    [Theory]
    [InlineData("::1")]
    [InlineData("::ffff:127.0.0.1")]
    [InlineData("64:ff9b::7f00:1")]
    [InlineData("2002:7f00:1::1")]
    [InlineData("fe80::1%1")]
    [InlineData("169.254.169.254")]
    [InlineData("0.0.0.0")]
    public async Task A_name_of_an_address_inside_is_refused(string address) =>
        await Should.ThrowAsync<AddressRefusedException>(ConnectAsync(Guard(allowPrivate: false, () => [IPAddress.Parse(address)]), "feed.example.com", 9));

    [Theory]
    [InlineData("https://feed.example.com./", "feed.example.com")]
    [InlineData("https://feed.example.com/", "evil.example.com")]
    [InlineData("https://feed.example.com/", "127.0.0.1")]
    [InlineData("https://feed.example.com/", "feed.example.com.evil.example")]
    public async Task Consent_is_to_one_host_and_no_other_is_connected_to(string url, string host)
    {
        var guard = new AddressGuard(new Uri(url), allowPrivate: true, "a.yaml", (_, _) => throw new InvalidOperationException("resolved"));
        await Should.ThrowAsync<AddressRefusedException>(ConnectAsync(guard, host, 9));
    }

    private static async Task ConnectAsync(AddressGuard guard, string host, int port)
    {
        await using var stream = await guard.ConnectAsync(new DnsEndPoint(host, port), default);
    }

    private static AddressGuard Guard(bool allowPrivate, Func<IPAddress[]> resolve) =>
        new(new Uri("https://feed.example.com"), allowPrivate, "a.yaml", (_, _) => Task.FromResult(resolve()));
}
