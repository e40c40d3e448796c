using Tocsin.Server;

namespace Tocsin.Tests.Server;

public sealed class ListenCheckTests
{
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
