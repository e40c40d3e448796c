using Microsoft.AspNetCore.Http;
using Tocsin.Server.Api;

namespace Tocsin.Tests.Server;

public sealed class PushBodyTests
{
    [Fact]
    public async Task Bodies_that_are_read_at_once_share_a_bound_and_give_back_what_they_took()
    {
        var memory = new BodyMemory(512 << 10);
        using (var first = await ReadAsync(200_000, memory))
        {
            first.Problem.ShouldBeNull();
            first.Bytes.Length.ShouldBe(200_000);
            using var second = await ReadAsync(200_000, memory);
            second.Problem.ShouldNotBeNull().Status.ShouldBe(429);
        }
        using var third = await ReadAsync(200_000, memory);
        third.Problem.ShouldBeNull();
    }

    private static async Task<PushBody> ReadAsync(int length, BodyMemory memory)
    {
        using var stream = new MemoryStream(new byte[length]);
        return await PushBody.ReadAsync(new DefaultHttpContext { Request = { Body = stream } }.Request, gzip: false, memory);
    }
}
