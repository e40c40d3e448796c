using System.IO.Compression;
using System.Text;
using Microsoft.AspNetCore.Http;
using Tocsin.Collect;

namespace Tocsin.Tests.Collect;

public sealed class UpstreamClientTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public async Task Each_kind_of_auth_says_who_asks()
    {
        await using var stub = await StubUpstream.StartAsync(context => StubUpstream.JsonAsync(context, "[]"));
        foreach (var auth in new[] { "", "auth: { basic: { username: tocsin, password: \"${env:PASSWORD}\" } }", "auth: { bearer: \"${env:TOKEN}\" }", "auth: { header: { name: X-Api-Key, value: \"${env:TOKEN}\" } }" })
            (await GetAsync(stub, auth)).Failure.ShouldBeNull();
        var calls = stub.Calls.ToArray();
        calls.Select(call => call.Authorization).ShouldBe(
            [null, "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes("tocsin:" + SomeSource.PasswordValue)), "Bearer " + SomeSource.TokenValue, null]);
        calls[3].Headers["X-Api-Key"].ToString().ShouldBe(SomeSource.TokenValue);
        calls[0].Headers.Accept.ToString().ShouldBe("application/json");
        calls[0].Headers.UserAgent.ToString().ShouldStartWith("Tocsin/");
        calls[0].Headers.ContainsKey("X-Api-Key").ShouldBeFalse();
    }

    [Theory]
    [InlineData(301)]
    [InlineData(302)]
    [InlineData(303)]
    [InlineData(307)]
    [InlineData(308)]
    public async Task A_redirect_within_the_origin_is_followed_with_the_auth(int status)
    {
        await using var stub = await StubUpstream.StartAsync((context, self) =>
        {
            var (target, next) = ((string)context.Request.Path!, context.Request.Path == "/incidents/" ? "../moved?x=1" : $"{self.Url}/there");
            return target == "/there" ? StubUpstream.JsonAsync(context, "[7]") : RedirectAsync(context, next, status);
        });
        var result = await GetAsync(stub, "auth: { bearer: \"${env:TOKEN}\" }");
        Text(result).ShouldBe("[7]");
        stub.Calls.Select(call => call.Target).ShouldBe(["/incidents/", "/moved?x=1", "/there"]);
        stub.Calls.ShouldAllBe(call => call.Authorization == "Bearer " + SomeSource.TokenValue);
    }

    [Theory]
    [InlineData("http://localhost:PORT/x")]
    [InlineData("http://127.0.0.1:OTHER/x")]
    [InlineData("//127.0.0.1:OTHER/x")]
    [InlineData("http://127.0.0.2:PORT/x")]
    [InlineData("https://127.0.0.1:PORT/x")]
    [InlineData("http://127.0.0.1:PORT@evil.example/x")]
    [InlineData("http://user:hidden@127.0.0.1:OTHER/x")]
    [InlineData("file:///etc/passwd")]
    [InlineData("ftp://127.0.0.1:PORT/x")]
    [InlineData("javascript:alert(1)")]
    [InlineData("data:application/json,[]")]
    [InlineData("\\\\evil.example\\share")]
    public async Task A_redirect_to_anywhere_else_is_refused_and_nothing_is_sent_there(string location)
    {
        await using var other = await StubUpstream.StartAsync(context => StubUpstream.JsonAsync(context, "[1]"));
        await using var stub = await StubUpstream.StartAsync((context, self) =>
            RedirectAsync(context, location.Replace("PORT", self.Port.ToString(), StringComparison.Ordinal).Replace("OTHER", other.Port.ToString(), StringComparison.Ordinal)));
        var failure = (await GetAsync(stub, "auth: { bearer: \"${env:TOKEN}\" }")).Failure.ShouldNotBeNull();
        failure.Kind.ShouldBe(FetchFailureKind.Redirected);
        failure.IsTransient.ShouldBeFalse();
        failure.Message.ShouldNotContain("hidden");
        failure.Message.ShouldNotContain("passwd");
        failure.Message.Length.ShouldBeLessThan(400);
        other.Calls.ShouldBeEmpty();
        stub.Calls.Count.ShouldBe(1);
    }

    [Theory]
    [InlineData("//")]
    [InlineData("http://")]
    [InlineData("http://[")]
    [InlineData("http://:80:80/")]
    [InlineData("///x")]
    [InlineData("http:///x")]
    [InlineData("//[::1")]
    [InlineData("http://exa mple/")]
    [InlineData("http://127.0.0.1:99999999/")]
    [InlineData("")]
    public async Task A_redirect_to_nowhere_is_a_failure_like_any(string location)
    {
        await using var stub = await StubUpstream.StartAsync(context => RedirectAsync(context, location));
        (await GetAsync(stub)).Failure.ShouldNotBeNull().Kind.ShouldBe(FetchFailureKind.Redirected);
    }

    [Fact]
    public async Task Redirects_in_a_circle_end()
    {
        await using var stub = await StubUpstream.StartAsync(context => RedirectAsync(context, "/incidents/"));
        (await GetAsync(stub)).Failure.ShouldNotBeNull().Message.ShouldContain("more than 5 redirects");
        stub.Calls.Count.ShouldBe(6);
    }

    [Fact]
    public async Task A_redirect_without_a_place_is_a_failure()
    {
        await using var stub = await StubUpstream.StartAsync(context => { context.Response.StatusCode = 302; return Task.CompletedTask; });
        (await GetAsync(stub)).Failure.ShouldNotBeNull().Kind.ShouldBe(FetchFailureKind.Redirected);
    }

    [Fact]
    public async Task The_time_out_covers_an_upstream_that_says_nothing()
    {
        await using var stub = await StubUpstream.StartAsync(StubUpstream.HangAsync);
        var get = GetAsync(stub, "timeout: 3s");
        await Until.TrueAsync(() => stub.Calls.Count == 1);
        _time.Advance(TimeSpan.FromSeconds(2.9));
        get.IsCompleted.ShouldBeFalse();
        _time.Advance(TimeSpan.FromSeconds(0.1));
        var failure = (await Until.DoneAsync(get)).Failure.ShouldNotBeNull();
        (failure.Kind, failure.IsTransient).ShouldBe((FetchFailureKind.TimedOut, true));
        failure.Message.ShouldContain("3 s");
    }

    [Fact]
    public async Task The_time_out_covers_a_body_that_drips_without_an_end()
    {
        var dripped = new TaskCompletionSource();
        await using var stub = await StubUpstream.StartAsync(async context =>
        {
            await StubUpstream.JsonAsync(context, "[");
            await context.Response.Body.FlushAsync();
            for (var i = 0; i < 20; i++)
            {
                await context.Response.WriteAsync("1,");
                await context.Response.Body.FlushAsync();
            }
            dripped.SetResult();
            await StubUpstream.HangAsync(context);
        });
        var get = GetAsync(stub, "timeout: 3s");
        await dripped.Task;
        _time.Advance(TimeSpan.FromSeconds(3));
        (await Until.DoneAsync(get)).Failure.ShouldNotBeNull().Kind.ShouldBe(FetchFailureKind.TimedOut);
    }

    [Fact]
    public async Task The_time_out_covers_all_redirects_together()
    {
        await using var stub = await StubUpstream.StartAsync(context =>
        {
            if (context.Request.Path != "/incidents/")
                return StubUpstream.HangAsync(context);
            _time.Advance(TimeSpan.FromSeconds(2));
            return RedirectAsync(context, "/slow");
        });
        var get = GetAsync(stub, "timeout: 3s");
        await Until.TrueAsync(() => stub.Calls.Count == 2);
        _time.Advance(TimeSpan.FromSeconds(1));
        (await Until.DoneAsync(get)).Failure.ShouldNotBeNull().Kind.ShouldBe(FetchFailureKind.TimedOut);
    }

    [Fact]
    public async Task Cancelling_is_no_failure_of_the_upstream()
    {
        await using var stub = await StubUpstream.StartAsync(StubUpstream.HangAsync);
        using var stop = new CancellationTokenSource();
        using var client = new UpstreamClient(Source(stub), _time);
        var get = client.GetAsync("/incidents/", stop.Token);
        await Until.TrueAsync(() => stub.Calls.Count == 1);
        await stop.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(get);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_body_of_exactly_the_limit_is_taken_and_one_byte_more_is_not(bool declared)
    {
        foreach (var size in new[] { 1024, 1025 })
        {
            await using var stub = await StubUpstream.StartAsync(async context =>
            {
                if (declared)
                    context.Response.ContentLength = size;
                await context.Response.Body.WriteAsync(new byte[size]);
            });
            var result = await GetAsync(stub, "max_body: 1KiB");
            if (size == 1024)
                result.Body.ShouldNotBeNull().Length.ShouldBe(size);
            else
                result.Failure.ShouldNotBeNull().Kind.ShouldBe(FetchFailureKind.TooLarge);
        }
    }

    [Fact]
    public async Task A_length_beyond_the_limit_is_refused_before_a_byte_of_it()
    {
        await using var stub = await StubUpstream.StartAsync(async context =>
        {
            context.Response.ContentLength = 100L << 30;
            await context.Response.Body.FlushAsync();
            await StubUpstream.HangAsync(context);
        });
        var failure = (await Until.DoneAsync(GetAsync(stub))).Failure.ShouldNotBeNull();
        (failure.Kind, failure.IsTransient).ShouldBe((FetchFailureKind.TooLarge, false));
        failure.Message.ShouldContain("max_body");
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("deflate")]
    [InlineData("br")]
    public async Task The_limit_counts_inflated_bytes_so_a_bomb_does_not_go_off(string encoding)
    {
        var bomb = Compressed(encoding, new byte[64 << 20]);
        await using var stub = await StubUpstream.StartAsync(context => BytesAsync(context, bomb, encoding));
        bomb.Length.ShouldBeLessThan(1 << 20);
        var before = GC.GetTotalAllocatedBytes();
        (await GetAsync(stub, "max_body: 1MiB")).Failure.ShouldNotBeNull().Kind.ShouldBe(FetchFailureKind.TooLarge);
        (GC.GetTotalAllocatedBytes() - before).ShouldBeLessThan(64L << 20);
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("deflate")]
    [InlineData("br")]
    public async Task A_compressed_body_comes_out_as_it_went_in(string encoding)
    {
        await using var stub = await StubUpstream.StartAsync(context => BytesAsync(context, Compressed(encoding, "[1,2,3]"u8.ToArray()), encoding));
        Text(await GetAsync(stub)).ShouldBe("[1,2,3]");
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("deflate")]
    [InlineData("br")]
    public async Task A_body_that_is_not_compressed_as_it_says_is_malformed(string encoding)
    {
        await using var stub = await StubUpstream.StartAsync(context => BytesAsync(context, [.. "[1,2,3] and no archive at all"u8], encoding));
        var failure = (await GetAsync(stub)).Failure.ShouldNotBeNull();
        (failure.Kind, failure.IsTransient).ShouldBe((FetchFailureKind.Malformed, true));
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("deflate")]
    [InlineData("br")]
    public async Task An_archive_that_is_cut_is_never_taken_for_a_whole_answer(string encoding)
    {
        var text = Encoding.UTF8.GetBytes("[" + string.Join(',', Enumerable.Range(0, 20_000)) + "]");
        var whole = Compressed(encoding, text);
        foreach (var length in new[] { 1, 5, whole.Length / 2, whole.Length - 9 })
        {
            await using var stub = await StubUpstream.StartAsync(context => BytesAsync(context, whole[..length], encoding));
            var result = await GetAsync(stub);
            // What the library takes for an end must at least be no JSON.
            (result.Failure ?? Answer.Parse(result.Body!).Failure).ShouldNotBeNull($"{encoding} {length}").Kind.ShouldBe(FetchFailureKind.Malformed);
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_body_that_breaks_off_is_a_transient_failure(bool declared)
    {
        await using var stub = await StubUpstream.StartAsync(async context =>
        {
            if (declared)
                context.Response.ContentLength = 100;
            await StubUpstream.JsonAsync(context, "[1,2");
            await context.Response.Body.FlushAsync();
            context.Abort();
        });
        var failure = (await GetAsync(stub)).Failure.ShouldNotBeNull();
        (failure.Kind, failure.IsTransient).ShouldBe((FetchFailureKind.Unreachable, true));
    }

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

    [Fact]
    public async Task Nobody_at_home_is_a_transient_failure_without_a_secret()
    {
        int port;
        await using (var stub = await StubUpstream.StartAsync(StubUpstream.HangAsync))
            port = stub.Port;
        using var client = new UpstreamClient(Source($"http://127.0.0.1:{port}", "auth: { basic: { username: tocsin, password: \"${env:PASSWORD}\" } }"), _time);
        var failure = (await client.GetAsync($"/incidents/?key={SomeSource.TokenValue}", default)).Failure.ShouldNotBeNull();
        (failure.Kind, failure.IsTransient).ShouldBe((FetchFailureKind.Unreachable, true));
        failure.Message.ShouldNotContain(SomeSource.TokenValue);
        failure.Message.ShouldNotContain(SomeSource.PasswordValue);
    }

    [Theory]
    [InlineData("localhost")]
    [InlineData("127.0.0.1")]
    [InlineData("[::1]")]
    [InlineData("[::ffff:127.0.0.1]")]
    public async Task A_name_that_leads_home_is_refused_with_the_line_to_add_and_not_connected_to(string host)
    {
        await using var stub = await StubUpstream.StartAsync(context => StubUpstream.JsonAsync(context, "[]"));
        var source = SomeSource.Valid(SomeSource.Yaml()) with { BaseUrl = new Uri($"https://{host}:{stub.Port}"), File = "/etc/tocsin/sources/example.yaml" };
        source.AllowPrivate.ShouldBeFalse();
        using var client = new UpstreamClient(source, _time);
        var failure = (await client.GetAsync("/incidents/", default)).Failure.ShouldNotBeNull();
        (failure.Kind, failure.IsTransient).ShouldBe((FetchFailureKind.AddressRefused, false));
        failure.Message.ShouldContain("allow_private: true");
        failure.Message.ShouldContain("example.yaml");
        failure.Message.ShouldNotContain("/etc");
        stub.Calls.ShouldBeEmpty();
    }

    [Fact]
    public async Task With_the_line_a_private_address_is_connected_to()
    {
        await using var stub = await StubUpstream.StartAsync(context => StubUpstream.JsonAsync(context, "[]"));
        var source = SomeSource.Valid(SomeSource.Yaml()) with { BaseUrl = new Uri($"https://localhost:{stub.Port}"), AllowPrivate = true };
        using var client = new UpstreamClient(source, _time);
        // It speaks no TLS: refused there, and no longer by us.
        (await client.GetAsync("/incidents/", default)).Failure.ShouldNotBeNull().Kind.ShouldBe(FetchFailureKind.Unreachable);
    }

    [Theory]
    [InlineData("", "/incidents/")]
    [InlineData("/", "/incidents/")]
    [InlineData("/api/v1/", "/api/v1/incidents/")]
    public async Task Requests_stand_below_the_base_urls_path(string basePath, string target)
    {
        await using var stub = await StubUpstream.StartAsync(context => StubUpstream.JsonAsync(context, "[]"));
        using var client = new UpstreamClient(Source(stub.Url + basePath), _time);
        (await client.GetAsync("/incidents/?a=%2F&b=1%202", default)).Failure.ShouldBeNull();
        stub.Calls.Single().Target.ShouldBe(target + "?a=%2F&b=1%202");
    }

    [Fact]
    public async Task Calls_of_a_source_stay_within_their_number_and_who_waits_for_a_turn_can_be_stopped()
    {
        var gate = new TaskCompletionSource();
        var (now, most) = (0, 0);
        await using var stub = await StubUpstream.StartAsync(async context =>
        {
            var here = Interlocked.Increment(ref now);
            lock (gate)
                most = Math.Max(most, here);
            await gate.Task;
            Interlocked.Decrement(ref now);
            await StubUpstream.JsonAsync(context, "[]");
        });
        using var client = new UpstreamClient(Source(stub), _time);
        var calls = Enumerable.Range(0, 20).Select(_ => client.GetAsync("/incidents/", default)).ToArray();
        await Until.TrueAsync(() => Volatile.Read(ref now) == 8);
        using var stop = new CancellationTokenSource();
        var waiting = client.GetAsync("/incidents/", stop.Token);
        await stop.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(waiting);
        gate.SetResult();
        (await Until.DoneAsync(Task.WhenAll(calls))).ShouldAllBe(result => result.Failure == null);
        (most, stub.Calls.Count).ShouldBe((8, 20));
    }

    [Fact]
    public async Task Large_answers_that_come_at_once_are_each_read_whole()
    {
        var sizes = new[] { 100, (4 << 20) - 1, 4 << 20, (4 << 20) + 1, 9 << 20, 5 << 20 };
        foreach (var declared in new[] { true, false })
        {
            await using var stub = await StubUpstream.StartAsync(async context =>
            {
                var size = sizes[int.Parse(context.Request.Path.Value![1..])];
                if (declared)
                    context.Response.ContentLength = size;
                await context.Response.Body.WriteAsync(Enumerable.Repeat((byte)size, size).ToArray());
            });
            using var client = new UpstreamClient(Source(stub, "max_body: 10MiB"), _time);
            var results = await Until.DoneAsync(Task.WhenAll(sizes.Select((_, i) => client.GetAsync($"/{i}", default))));
            for (var i = 0; i < sizes.Length; i++)
            {
                results[i].Body.ShouldNotBeNull().Length.ShouldBe(sizes[i]);
                results[i].Body.AsSpan().IndexOfAnyExcept((byte)sizes[i]).ShouldBe(-1);
            }
        }
    }

    [Fact]
    public async Task Cookies_are_not_sent_back()
    {
        await using var stub = await StubUpstream.StartAsync(context =>
        {
            context.Response.Headers.SetCookie = "session=1; Path=/";
            return StubUpstream.JsonAsync(context, "[]");
        });
        using var client = new UpstreamClient(Source(stub), _time);
        await client.GetAsync("/incidents/", default);
        await client.GetAsync("/incidents/", default);
        stub.Calls.ShouldAllBe(call => call.Headers.Cookie.Count == 0);
    }

    private static SourceDefinition Source(StubUpstream stub, string more = "") => Source(stub.Url, more);

    private static SourceDefinition Source(string url, string more = "") =>
        SomeSource.Valid(SomeSource.Yaml(more).Replace("https://incidents.example.com", url, StringComparison.Ordinal));

    private async Task<FetchResult> GetAsync(StubUpstream stub, string more = "")
    {
        using var client = new UpstreamClient(Source(stub, more), _time);
        return await client.GetAsync("/incidents/", default);
    }

    private static string Text(FetchResult result)
    {
        result.Failure.ShouldBeNull();
        return Encoding.UTF8.GetString(result.Body.ShouldNotBeNull());
    }

    private static Task RedirectAsync(HttpContext context, string location, int status = 302)
    {
        context.Response.StatusCode = status;
        context.Response.Headers.Location = location;
        return Task.CompletedTask;
    }

    private static Task RefuseAsync(HttpContext context, int status, string? retryAfter)
    {
        context.Response.StatusCode = status;
        if (retryAfter is not null)
            context.Response.Headers.RetryAfter = retryAfter;
        return Task.CompletedTask;
    }

    private static Task BytesAsync(HttpContext context, byte[] bytes, string encoding)
    {
        context.Response.Headers.ContentEncoding = encoding;
        return context.Response.Body.WriteAsync(bytes).AsTask();
    }

    private static byte[] Compressed(string encoding, byte[] bytes)
    {
        using var output = new MemoryStream();
        using (Stream compressor = encoding switch
        {
            "gzip" => new GZipStream(output, CompressionLevel.Optimal),
            "deflate" => new ZLibStream(output, CompressionLevel.Optimal),
            _ => new BrotliStream(output, CompressionLevel.Fastest),
        })
            compressor.Write(bytes);
        return output.ToArray();
    }
}
