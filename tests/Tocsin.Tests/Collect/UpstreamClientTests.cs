using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Http;
using Tocsin.Collect;

namespace Tocsin.Tests.Collect;

public sealed partial class UpstreamClientTests
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

    /// <summary>About one in a hundred of these comes out of the HTTP client as a SocketException, none of its own.</summary>
    [Fact]
    public async Task A_connection_reset_as_soon_as_it_is_made_is_a_transient_failure()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var resets = Task.Run(async () =>
        {
            try
            {
                while (true)
                {
                    using var socket = await listener.AcceptSocketAsync();
                    socket.LingerState = new LingerOption(true, 0);
                }
            }
            catch (Exception error) when (error is SocketException or InvalidOperationException)
            {
                // The listener was stopped.
            }
        });
        using var client = new UpstreamClient(Source($"http://{listener.LocalEndpoint}", ""), _time);
        for (var i = 0; i < 1_000; i++)
        {
            var failure = (await client.GetAsync("/incidents/", default)).Failure.ShouldNotBeNull();
            (failure.Kind, failure.IsTransient).ShouldBe((FetchFailureKind.Unreachable, true));
        }
        listener.Stop();
        await resets;
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
}
