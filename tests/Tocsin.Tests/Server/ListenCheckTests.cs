using System.Net;
using System.Net.Sockets;
using Tocsin.Server;

namespace Tocsin.Tests.Server;

public sealed class ListenCheckTests
{
    [Fact]
    public void A_port_that_is_taken_is_told_and_another_is_free()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var url = $"http://127.0.0.1:{((IPEndPoint)taken.LocalEndpoint).Port}";

        ListenCheck.IsFree(url).ShouldBeFalse();
        Should.Throw<IOException>(() => ListenCheck.Run([url], "metrics.urls")).Message.ShouldBe($"{url} is taken by another program: stop that one, or choose another with metrics.urls.");
        taken.Stop();
        ListenCheck.IsFree(url).ShouldBeTrue();
        ListenCheck.Run([url, url.Replace("127.0.0.1", "*", StringComparison.Ordinal), url.Replace("127.0.0.1", "localhost", StringComparison.Ordinal), "http://127.0.0.1:0"], ListenCheck.Options);
    }

    /// <summary>An address of RFC 5737, which no machine has.</summary>
    [Fact]
    public void An_address_of_another_machine_is_told_as_such()
    {
        ListenCheck.IsFree("http://192.0.2.1:9000").ShouldBeFalse();
        Should.Throw<IOException>(() => ListenCheck.Run(["http://192.0.2.1:9000"], ListenCheck.Options)).Message
            .ShouldBe("http://192.0.2.1:9000 is at an address that this machine does not have: choose one of its own with --port or --urls.");
    }

    [Theory]
    [InlineData(SocketError.AccessDenied, "http://x:80 is not open to this process: a port below 1024 needs a privilege (CAP_NET_BIND_SERVICE), grant it or choose another port with --port or --urls.")]
    [InlineData(SocketError.AddressFamilyNotSupported, "http://x:80 needs IPv6, which is off on this machine: choose an IPv4 address with --port or --urls.")]
    [InlineData(SocketError.TooManyOpenSockets, "http://x:80 cannot be listened at (")]
    public void Each_reason_has_its_own_sentence(SocketError error, string expected) =>
        ListenCheck.Sentence("http://x:80", new SocketException((int)error), ListenCheck.Options).ShouldStartWith(expected);

    [Theory]
    [InlineData("http://127.0.0.1:9000", true)]
    [InlineData("http://[::1]:9000", true)]
    [InlineData("http://+:9000", true)]
    [InlineData("https://127.0.0.1:9000", false)]
    [InlineData("HTTPS://127.0.0.1:9000", false)]
    [InlineData("http://127.0.0.1:9000/base", false)]
    [InlineData("http://127.0.0.1:99999", false)]
    [InlineData("127.0.0.1:9000", false)]
    public void A_URL_is_one_to_listen_at_or_not(string url, bool isOne) => (ListenCheck.Defect(url) is null).ShouldBe(isOne);
}
