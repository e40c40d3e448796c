using Microsoft.AspNetCore.Http;
using Tocsin.Server.Api;

namespace Tocsin.Tests.Server;

public sealed class PreferenceTests
{
    [Theory]
    [InlineData(true, "respond-async")]
    [InlineData(true, "wait=10, Respond-Async")]
    [InlineData(true, "return=minimal", " respond-async ; x=1 ")]
    [InlineData(false)]
    [InlineData(false, "")]
    [InlineData(false, "respond-asynchronously")]
    [InlineData(false, "return=respond-async")]
    public void Not_to_wait_is_asked_for_by_name(bool asked, params string[] prefer)
    {
        var headers = new HeaderDictionary();
        if (prefer.Length > 0)
            headers["Prefer"] = prefer;
        Preference.RespondAsync(headers).ShouldBe(asked);
    }
}
