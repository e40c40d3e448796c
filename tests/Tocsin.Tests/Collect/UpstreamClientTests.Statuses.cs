using Microsoft.AspNetCore.Http;
using Tocsin.Collect;

namespace Tocsin.Tests.Collect;

/// <summary>Answers that are no success: what each means, and how long is waited.</summary>
public sealed partial class UpstreamClientTests
{
    [Theory]
    [InlineData("7", 7)]
    [InlineData("0", 0)]
    [InlineData("900", 900)]
    [InlineData("901", 900)]
    [InlineData("86400", 900)]
    [InlineData("999999999999999999999999", 900)]
    [InlineData(" 12 ", 12)]
    [InlineData("Wed, 04 Mar 2026 12:00:30 GMT", 30)]
    [InlineData("Wed, 04 Mar 2026 11:00:00 GMT", 0)]
    [InlineData("Fri, 31 Dec 9999 23:59:59 GMT", 900)]
    public async Task A_retry_after_is_honoured_up_to_a_quarter_of_an_hour(string value, int seconds)
    {
        await using var stub = await StubUpstream.StartAsync(context => RefuseAsync(context, 429, value));
        var failure = (await GetAsync(stub)).Failure.ShouldNotBeNull();
        (failure.Kind, failure.RetryAfter).ShouldBe((FetchFailureKind.RateLimited, TimeSpan.FromSeconds(seconds)));
    }

    /// <summary>The time of the test is 2026-03-04T12:00:00Z, 1772625600.</summary>
    [Theory]
    [InlineData(403, "Retry-After: 60", 60)]
    [InlineData(403, "X-RateLimit-Remaining: 0", null)]
    [InlineData(403, "X-RateLimit-Remaining: 0\nX-RateLimit-Reset: 1772625690", 90)]
    [InlineData(403, "X-RateLimit-Remaining: 0\nX-RateLimit-Reset: 1772625000", 0)]
    [InlineData(403, "X-RateLimit-Remaining: 0\nX-RateLimit-Reset: 9223372036854775807", 900)]
    [InlineData(403, "X-RateLimit-Remaining: 0\nX-RateLimit-Reset: soon", null)]
    [InlineData(403, "Retry-After: 7\nX-RateLimit-Remaining: 0\nX-RateLimit-Reset: 1772625690", 7)]
    [InlineData(429, "X-RateLimit-Remaining: 0\nX-RateLimit-Reset: 1772625690", 90)]
    public async Task A_spent_limit_is_waited_for_also_where_it_is_said_with_a_403(int status, string headers, int? seconds)
    {
        await using var stub = await StubUpstream.StartAsync(context => RefuseAsync(context, status, headers));
        var failure = (await GetAsync(stub)).Failure.ShouldNotBeNull();
        (failure.Kind, failure.RetryAfter?.TotalSeconds, failure.IsTransient).ShouldBe((FetchFailureKind.RateLimited, seconds, true));

        static Task RefuseAsync(HttpContext context, int status, string headers)
        {
            context.Response.StatusCode = status;
            foreach (var header in headers.Split('\n'))
                context.Response.Headers[header.Split(": ")[0]] = header.Split(": ")[1];
            return Task.CompletedTask;
        }
    }

    [Theory]
    [InlineData("X-RateLimit-Remaining: 4000")]
    [InlineData("X-RateLimit-Reset: 1772625690")]
    public async Task A_403_with_room_left_is_a_refusal(string header)
    {
        await using var stub = await StubUpstream.StartAsync(context =>
        {
            context.Response.StatusCode = 403;
            context.Response.Headers[header.Split(": ")[0]] = header.Split(": ")[1];
            return Task.CompletedTask;
        });
        (await GetAsync(stub)).Failure.ShouldNotBeNull().Kind.ShouldBe(FetchFailureKind.Unauthorised);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("-1")]
    [InlineData("-999999999")]
    [InlineData("1.5")]
    [InlineData("soon")]
    [InlineData("1e9")]
    [InlineData("NaN")]
    [InlineData("٣")]
    [InlineData("2026-03-04T12:00:30Z")]
    public async Task A_retry_after_that_says_nothing_counts_as_none(string? value)
    {
        await using var stub = await StubUpstream.StartAsync(context => RefuseAsync(context, 503, value));
        var failure = (await GetAsync(stub)).Failure.ShouldNotBeNull();
        (failure.Kind, failure.RetryAfter, failure.IsTransient).ShouldBe((FetchFailureKind.ServerError, null, true));
    }

    [Theory]
    [InlineData(201, FetchFailureKind.UnexpectedStatus, false)]
    [InlineData(204, FetchFailureKind.UnexpectedStatus, false)]
    [InlineData(304, FetchFailureKind.UnexpectedStatus, false)]
    [InlineData(400, FetchFailureKind.UnexpectedStatus, false)]
    [InlineData(401, FetchFailureKind.Unauthorised, false)]
    [InlineData(403, FetchFailureKind.Unauthorised, false)]
    [InlineData(404, FetchFailureKind.NotFound, false)]
    [InlineData(408, FetchFailureKind.ServerError, true)]
    [InlineData(429, FetchFailureKind.RateLimited, true)]
    [InlineData(500, FetchFailureKind.ServerError, true)]
    [InlineData(599, FetchFailureKind.ServerError, true)]
    public async Task Every_other_status_is_a_failure_that_names_it(int status, FetchFailureKind kind, bool transient)
    {
        await using var stub = await StubUpstream.StartAsync(context => RefuseAsync(context, status, null));
        var failure = (await GetAsync(stub, "auth: { bearer: \"${env:TOKEN}\" }")).Failure.ShouldNotBeNull();
        (failure.Kind, failure.IsTransient).ShouldBe((kind, transient));
        failure.Message.ShouldContain($"{status}");
        failure.Message.ShouldNotContain(SomeSource.TokenValue);
    }

    private static Task RefuseAsync(HttpContext context, int status, string? retryAfter)
    {
        context.Response.StatusCode = status;
        if (retryAfter is not null)
            context.Response.Headers.RetryAfter = retryAfter;
        return Task.CompletedTask;
    }
}
