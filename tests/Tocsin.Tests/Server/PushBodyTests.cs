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

    /// <summary>A body that stands still would keep its memory from all others: Kestrel's own minimum is an average from the beginning.</summary>
    [Fact]
    public async Task A_body_that_stands_still_is_given_up_with_its_memory()
    {
        var memory = new BodyMemory(128 << 10);
        var time = new FakeTimeProvider();
        var pipe = new System.IO.Pipelines.Pipe();
        await pipe.Writer.WriteAsync(new byte[100]);
        var reading = PushBody.ReadAsync(new DefaultHttpContext { Request = { Body = pipe.Reader.AsStream() } }.Request, gzip: false, memory, time).AsTask();
        time.Advance(PushBody.Deadline - TimeSpan.FromSeconds(1));
        reading.IsCompleted.ShouldBeFalse();
        time.Advance(TimeSpan.FromSeconds(1));
        using (var body = await Until.DoneAsync(reading))
            body.Problem.ShouldNotBeNull().Status.ShouldBe(408);
        using var next = await ReadAsync(60_000, memory);
        next.Problem.ShouldBeNull();
    }

    private static async Task<PushBody> ReadAsync(int length, BodyMemory memory)
    {
        using var stream = new MemoryStream(new byte[length]);
        return await PushBody.ReadAsync(new DefaultHttpContext { Request = { Body = stream } }.Request, gzip: false, memory, TimeProvider.System);
    }
}
