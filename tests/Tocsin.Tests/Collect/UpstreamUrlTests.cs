using System.Text;
using Microsoft.AspNetCore.Http;
using Tocsin.Collect;

namespace Tocsin.Tests.Collect;

/// <summary>Where a source's calls go, and where they do not.</summary>
public sealed class UpstreamUrlTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public async Task A_url_that_an_answer_gave_is_asked_as_it_stands_with_the_auth()
    {
        await using var stub = await StubUpstream.StartAsync(context => StubUpstream.JsonAsync(context, "[7]"));
        using var client = new UpstreamClient(Source(stub.Url + "/api", "auth: { bearer: \"${env:TOKEN}\" }"), _time);
        var result = await client.GetAsync(new Uri($"{stub.Url}/other/page?after=a%2Fb%20c&x="), default);
        Encoding.UTF8.GetString(result.Body!).ShouldBe("[7]");
        result.Url.ShouldBe(new Uri($"{stub.Url}/other/page?after=a%2Fb%20c&x="));
        var call = stub.Calls.ShouldHaveSingleItem();
        (call.Target, call.Authorization).ShouldBe(("/other/page?after=a%2Fb%20c&x=", "Bearer " + SomeSource.TokenValue));
        client.UrlOf("/incidents/?a=1").ShouldBe(new Uri($"{stub.Url}/api/incidents/?a=1"));
    }

    [Theory]
    [InlineData("http://localhost:PORT/x")]
    [InlineData("http://127.0.0.1:OTHER/x")]
    [InlineData("http://127.0.0.2:PORT/x")]
    [InlineData("https://127.0.0.1:PORT/x")]
    [InlineData("http://127.0.0.1:PORT@evil.example/x")]
    [InlineData("http://me:hidden@127.0.0.1:PORT/x")]
    [InlineData("http://hidden@127.0.0.1:PORT/x")]
    [InlineData("file:///etc/passwd")]
    [InlineData("gopher://127.0.0.1:PORT/x")]
    [InlineData("ws://127.0.0.1:PORT/x")]
    [InlineData("mailto:a@b")]
    [InlineData("\\\\127.0.0.1\\share")]
    public async Task A_url_of_anywhere_else_is_refused_and_nothing_is_sent(string url)
    {
        await using var other = await StubUpstream.StartAsync(context => StubUpstream.JsonAsync(context, "[1]"));
        await using var stub = await StubUpstream.StartAsync(context => StubUpstream.JsonAsync(context, "[2]"));
        using var client = new UpstreamClient(Source(stub.Url), _time);
        var there = new Uri(url.Replace("PORT", $"{stub.Port}", StringComparison.Ordinal).Replace("OTHER", $"{other.Port}", StringComparison.Ordinal));
        var failure = (await client.GetAsync(there, default)).Failure.ShouldNotBeNull();
        failure.Kind.ShouldBe(FetchFailureKind.Redirected);
        failure.Message.ShouldNotContain("hidden");
        failure.Message.ShouldNotContain("passwd");
        (other.Calls.Count, stub.Calls.Count).ShouldBe((0, 0));
    }

    [Theory]
    [InlineData("http://\u05d0a:PORT/x")]
    [InlineData("//\u05d0a:PORT/x")]
    [InlineData("http://\u200d:PORT/x")]
    [InlineData("https://\u05d0a/")]
    public async Task A_host_that_is_no_name_is_refused_whether_an_answer_gives_it_or_a_redirect(string url)
    {
        using var listener = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        listener.Start();
        url = url.Replace("PORT", $"{((System.Net.IPEndPoint)listener.LocalEndpoint).Port}", StringComparison.Ordinal);
        var serve = ServeAsync(listener, $"HTTP/1.1 302 Found\r\nLocation: {Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(url))}\r\nContent-Length: 0\r\n\r\n");
        using var client = new UpstreamClient(Source($"http://{listener.LocalEndpoint}"), _time);
        foreach (var get in new[] { client.GetAsync(new Uri(client.UrlOf("/"), url), default), client.GetAsync("/incidents/", default) })
        {
            var failure = (await Until.DoneAsync(get)).Failure.ShouldNotBeNull();
            (failure.Kind, failure.IsTransient).ShouldBe((FetchFailureKind.Redirected, false));
            failure.Message.ShouldAllBe(c => char.IsAscii(c));
        }
        listener.Stop();
        await serve;
    }

    [Theory]
    [InlineData("@evil.example/")]
    [InlineData(".evil.example/")]
    [InlineData(":80/")]
    [InlineData("0/")]
    [InlineData("//evil.example/")]
    public void No_path_makes_another_host_of_the_base_urls(string path)
    {
        using var client = new UpstreamClient(Source("http://127.0.0.1:9001"), _time);
        var url = client.UrlOf(path);
        (url.Host, url.Port, url.UserInfo).ShouldBe(("127.0.0.1", 9001, ""));
    }

    [Theory]
    [InlineData("/there", "/there")]
    [InlineData("/there?b=2", "/there?b=2")]
    [InlineData("?b=2", "/incidents/?b=2")]
    [InlineData("/there#part", "/there")]
    public async Task A_redirect_keeps_the_query_it_names_and_nothing_else(string location, string target)
    {
        await using var stub = await StubUpstream.StartAsync(context =>
            context.Request.Query.ContainsKey("a") ? RedirectAsync(context, location) : StubUpstream.JsonAsync(context, "[]"));
        using var client = new UpstreamClient(Source(stub.Url), _time);
        var result = await client.GetAsync("/incidents/?a=1", default);
        result.Failure.ShouldBeNull();
        result.Url!.PathAndQuery.ShouldBe(target);
        stub.Calls.Last().Target.ShouldBe(target);
    }

    [Fact]
    public async Task The_links_of_the_last_answer_are_given_as_they_came()
    {
        await using var stub = await StubUpstream.StartAsync((context, self) =>
        {
            context.Response.Headers.Link = context.Request.Path == "/there"
                ? new(["<https://a/?p=2,3>; rel=\"next\"", "</x>; rel=prev"])
                : new("</wrong>; rel=next");
            return context.Request.Path == "/there" ? StubUpstream.JsonAsync(context, "[]") : RedirectAsync(context, "/there");
        });
        using var client = new UpstreamClient(Source(stub.Url), _time);
        (await client.GetAsync("/incidents/", default)).Link.ShouldBe("<https://a/?p=2,3>; rel=\"next\", </x>; rel=prev");
    }

    [Fact]
    public async Task Without_links_there_are_none()
    {
        await using var stub = await StubUpstream.StartAsync(context => StubUpstream.JsonAsync(context, "[]"));
        using var client = new UpstreamClient(Source(stub.Url), _time);
        (await client.GetAsync("/incidents/", default)).Link.ShouldBeNull();
    }

    [Fact]
    public async Task Links_too_long_to_be_taken_whole_are_a_failure_never_a_part_of_them()
    {
        await using var stub = await StubUpstream.StartAsync(context =>
        {
            context.Response.Headers.Link = $"<https://a/{new string('x', 17 << 10)}>; rel=next";
            return StubUpstream.JsonAsync(context, "[]");
        });
        using var client = new UpstreamClient(Source(stub.Url), _time);
        var failure = (await client.GetAsync("/incidents/", default)).Failure.ShouldNotBeNull();
        failure.Kind.ShouldBe(FetchFailureKind.Unreachable);
        failure.Message.ShouldContain("headers");
    }

    [Theory]
    [InlineData("http://127.0.0.1:OTHER/x")]
    [InlineData("http://2130706433:OTHER/x")]
    [InlineData("http://0177.0.0.1:OTHER/x")]
    [InlineData("http://0x7f.1:OTHER/x")]
    [InlineData("http://[::ffff:7f00:1]:OTHER/x")]
    [InlineData("http://[::1%25lo]:OTHER/x")]
    [InlineData("http://localhost.:PORT/x")]
    [InlineData("http://127.0.0.1.:PORT/x")]
    [InlineData("http://127.0.0.1.nip.io:PORT/x")]
    [InlineData("http:\\\\127.0.0.1:OTHER\\x")]
    [InlineData("/\\127.0.0.1:OTHER/x")]
    [InlineData("http://127.0.0.1:PORT\\@127.0.0.1:OTHER/x")]
    [InlineData("http://127.0.0.1:PORT#@127.0.0.1:OTHER/x")]
    [InlineData("http://me:hidden@127.0.0.1:PORT/x")]
    [InlineData("https://127.0.0.1:PORT/x")]
    [InlineData("gopher://127.0.0.1:OTHER/_GET")]
    [InlineData("file:///etc/passwd")]
    public async Task A_chain_of_redirects_that_begins_at_home_ends_where_it_leaves_it(string location)
    {
        await using var other = await StubUpstream.StartAsync(context => StubUpstream.JsonAsync(context, "[1]"));
        await using var stub = await StubUpstream.StartAsync((context, self) => context.Request.Path.Value switch
        {
            "/incidents/" => RedirectAsync(context, "/second?page=2"),
            "/second" => RedirectAsync(context, location.Replace("PORT", $"{self.Port}", StringComparison.Ordinal).Replace("OTHER", $"{other.Port}", StringComparison.Ordinal)),
            _ => StubUpstream.JsonAsync(context, "[2]"),
        });
        using var client = new UpstreamClient(Source(stub.Url, "auth: { header: { name: X-Api-Key, value: \"${env:TOKEN}\" } }"), _time);
        var result = await client.GetAsync("/incidents/", default);
        // Whatever a spelling means, it means this origin or nothing is asked.
        if (result.Failure is { } failure)
        {
            failure.Kind.ShouldBe(FetchFailureKind.Redirected);
            failure.Message.ShouldNotContain("hidden");
            failure.Message.ShouldNotContain("passwd");
            stub.Calls.Count.ShouldBe(2);
        }
        else
        {
            (location.Contains('#', StringComparison.Ordinal) || location[0] == '/').ShouldBeTrue();
            result.Url!.Authority.ShouldBe($"127.0.0.1:{stub.Port}");
        }
        other.Calls.ShouldBeEmpty();
    }

    [Fact]
    public void A_proxy_that_the_environment_names_is_not_used_nor_is_anything_followed_or_kept()
    {
        // Not tried out: the proxy of the environment is the whole process's, and other tests run beside this one.
        using var handler = GuardedHttp.Handler(new AddressGuard(new Uri("https://a.example.com"), allowPrivate: false, "a.yaml"), 1);
        (handler.UseProxy, handler.AllowAutoRedirect, handler.UseCookies, handler.PreAuthenticate, handler.Credentials).ShouldBe((false, false, false, false, null));
        handler.ConnectCallback.ShouldNotBeNull();
    }

    [Theory]
    [InlineData("HTTP/1.1 302 Found\r\nLocation: /x\r\n y\r\nContent-Length: 0\r\n\r\n")]
    [InlineData("HTTP/1.1 302 Found\r\nLocation: /x\rX-Other: 1\r\nContent-Length: 0\r\n\r\n")]
    [InlineData("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\0x\r\nContent-Length: 0\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n[]\r\n0\r\n\r\n")]
    [InlineData("HTTP/1.1 2000 OK\r\n\r\n")]
    [InlineData("220 smtp.example.com ESMTP\r\n")]
    public async Task An_answer_that_is_no_http_or_tries_to_smuggle_is_a_failure_with_a_clean_sentence(string answer)
    {
        using var listener = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        listener.Start();
        var serve = ServeAsync(listener, answer);
        using var client = new UpstreamClient(Source($"http://{listener.LocalEndpoint}"), _time);
        var result = await Until.DoneAsync(client.GetAsync("/incidents/", default));
        listener.Stop();
        await serve;
        var message = result.Failure.ShouldNotBeNull().Message;
        message.Any(char.IsControl).ShouldBeFalse(message);
        message.Length.ShouldBeLessThan(400);
    }

    /// <summary>Answers everyone the same until the listener stops.</summary>
    private static async Task ServeAsync(System.Net.Sockets.TcpListener listener, string answer)
    {
        try
        {
            while (true)
            {
                using var socket = await listener.AcceptSocketAsync();
                await socket.ReceiveAsync(new byte[4096]);
                await socket.SendAsync(Encoding.Latin1.GetBytes(answer));
                socket.Shutdown(System.Net.Sockets.SocketShutdown.Send);
            }
        }
        catch (Exception error) when (error is System.Net.Sockets.SocketException or InvalidOperationException)
        {
            // Stopped.
        }
    }

    private static SourceDefinition Source(string url, string more = "") =>
        SomeSource.Valid(SomeSource.Yaml(more).Replace("https://incidents.example.com", url, StringComparison.Ordinal));

    private static Task RedirectAsync(HttpContext context, string location)
    {
        context.Response.StatusCode = 302;
        context.Response.Headers.Location = location;
        return Task.CompletedTask;
    }
}
