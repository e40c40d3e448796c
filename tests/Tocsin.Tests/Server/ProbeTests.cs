using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Logging;
using Tocsin.Access;
using Tocsin.Server.Api;

namespace Tocsin.Tests.Server;

/// <summary>Those who try the doors with what is no token: nobody gets in, nothing breaks, and no secret gets out.</summary>
public sealed class ProbeTests
{
    private const string Right = RunningServer.Token;

    [Fact]
    public async Task Nobody_gets_in_with_anything_but_a_token_on_any_route()
    {
        await using var server = await RunningServer.StartAsync();
        var revoked = await TokensApiTests.MakeAsync(server, "gone", "admin");
        await server.SendAsync(HttpMethod.Delete, "/tokens/gone");
        var probes = 0;
        foreach (var (method, path) in Doors(server))
            foreach (var headers in Headers(revoked))
            {
                var (status, answer) = await RawAsync(server, method, path, headers);
                // 400 and 431: what Kestrel does not take for a header at all.
                status.ShouldBeOneOf([401, 429, 400, 431], $"{method} {path} {Shown(headers)}");
                answer.ShouldNotContain(Right, Case.Sensitive);
                if (status is 401)
                    answer.ShouldContain("WWW-Authenticate: Bearer");
                if (status is 429)
                    answer.ShouldContain("Retry-After: ");
                probes++;
            }
        probes.ShouldBeGreaterThan(500);
        (await server.GetAsync("/incidents")).StatusCode.ShouldBe(HttpStatusCode.OK, "the right one still does");
    }

    [Fact]
    public async Task Nobody_gets_in_with_anything_but_a_good_cookie_on_any_route()
    {
        await using var server = await RunningServer.StartAsync();
        await using var other = await RunningServer.StartAsync();
        var ended = await SessionApiTests.SignInAsync(server, await TokensApiTests.MakeAsync(server, "short", "admin"));
        server.Time.Advance(SessionStore.Lifetime);
        var good = await SessionApiTests.SignInAsync(server, Right);
        // The last to sign in here: the next would clear away what has ended.
        var revoked = await SessionApiTests.SignInAsync(server, await TokensApiTests.MakeAsync(server, "gone", "admin"));
        await server.SendAsync(HttpMethod.Delete, "/tokens/gone");
        var foreign = await SessionApiTests.SignInAsync(other, Right);
        var probes = 0;
        foreach (var (method, path) in Doors(server))
            foreach (var cookie in Cookies(good, ended, revoked, foreign))
            {
                // With the header, so that it is the cookie alone that is refused.
                var (status, answer) = await RawAsync(server, method, path, [], "Cookie: " + cookie, "X-Tocsin-Session: 1");
                status.ShouldBeOneOf([401, 400, 431], $"{method} {path} {cookie}");
                answer.ShouldNotContain("Set-Cookie");
                probes++;
            }
        probes.ShouldBeGreaterThan(500);
        (await server.EventsAsync()).ShouldNotContain(e => e.Type == OwnActionType.SignInFailed, "a cookie is no guess");
        (await RawAsync(server, "GET", "/incidents", [], "Cookie: " + good)).Status.ShouldBe(200, "the good one still does");
    }

    [Fact]
    public async Task Another_page_changes_nothing_by_the_cookie_on_any_route()
    {
        await using var server = await RunningServer.StartAsync();
        var good = "Cookie: " + await SessionApiTests.SignInAsync(server, Right);
        var before = (await server.EventsAsync()).Length;
        var probes = 0;
        string[][] pages =
        [
            [], ["X-Tocsin-Session: "], ["X-Tocsin-Session: 2"], ["X-Tocsin-Session: 1", "X-Tocsin-Session: 1"], ["X-Tocsin-Session: 1", "Origin: null"], ["X-Tocsin-Session: 1", "Origin: https://elsewhere.example"],
            ["X-Tocsin-Session: 1", "Origin: http://x:81"], ["X-Tocsin-Session: 1", "Origin: http://x", "Origin: http://x"], ["X-Tocsin-Session: 1", "Sec-Fetch-Site: cross-site"], ["X-Tocsin-Session: 1", "Sec-Fetch-Site: same-site"],
            ["X-Tocsin-Session: 1", "Origin: http://x", "Sec-Fetch-Site: cross-site"], ["X-Tocsin-Session: 1", "Sec-Fetch-Site: same-origin", "Sec-Fetch-Site: cross-site"], ["Origin: http://x", "Sec-Fetch-Site: same-origin"],
        ];
        foreach (var (method, path) in Doors(server).Where(door => door.Method != "GET").Append(("DELETE", "/session")))
            foreach (var page in pages)
            {
                var (status, answer) = await RawAsync(server, method, path, [], [good, .. page]);
                status.ShouldBe(403, $"{method} {path} {string.Join(" | ", page)}");
                answer.ShouldContain("\"csrf\"");
                probes++;
            }
        probes.ShouldBeGreaterThan(100);
        (await server.EventsAsync()).Length.ShouldBe(before);
        (await RawAsync(server, "DELETE", "/config", [], good, "X-Tocsin-Session: 1", "Origin: http://x", "Sec-Fetch-Site: same-origin")).Status.ShouldBe(200, "the dashboard's own page does");
    }

    [Fact]
    public async Task Health_tells_a_wrong_token_what_it_tells_a_stranger()
    {
        await using var server = await RunningServer.StartAsync();
        foreach (var headers in Headers("tocsin_revoked"))
        {
            var (status, answer) = await RawAsync(server, "GET", "/health", headers);
            status.ShouldBeOneOf([200, 400, 431], Shown(headers));
            answer.ShouldNotContain("version", Case.Sensitive, Shown(headers));
        }
    }

    [Theory]
    [InlineData("Bearer " + Right)]
    [InlineData("bearer " + Right)]
    [InlineData("BEARER   " + Right)]
    [InlineData(Right)]
    [InlineData("   " + Right + "  ")]
    public async Task The_token_gets_in_in_every_form_that_is_meant(string header)
    {
        await using var server = await RunningServer.StartAsync();
        foreach (var path in new[] { "/incidents", "/incidents?priority=high", "/sources", "/tokens" })
            (await RawAsync(server, "GET", path, [Encoding.ASCII.GetBytes(header)])).Status.ShouldBe(200, path);
    }

    [Fact]
    public async Task No_secret_stands_in_an_answer_a_header_a_log_or_an_event()
    {
        using var logs = new KeptLogs();
        await using var server = await RunningServer.StartAsync(logs);
        var secret = await TokensApiTests.MakeAsync(server, "ci", "admin");
        const string Wrong = "tocsin_d3JvbmcgdG9rZW4gdGhhdCBtdXN0IG5vdCBzaG93";
        var session = (await SessionApiTests.SignInAsync(server, secret)).Split('=')[1];
        var said = new StringBuilder();
        foreach (var token in new[] { secret, Wrong, Right, session })
        {
            using var client = server.Open(token == session ? null : token);
            if (token == session)
                client.DefaultRequestHeaders.Add("Cookie", $"tocsin_session={session}");
            foreach (var (method, path) in Doors(server).Append(("GET", "/health")).Append(("GET", "/session")).Append(("GET", "/nowhere")).Append(("GET", $"/tokens/{token}")).Append(("DELETE", $"/tokens/{token}")))
            {
                using var request = new HttpRequestMessage(new HttpMethod(method), path);
                if (method is "POST" or "PATCH")
                    request.Content = RunningServer.Body(Encoding.UTF8.GetBytes($$"""{"name":"{{token}}","x":1}"""), "application/json");
                using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
                // A stream has no end: its events are looked at below, in the store.
                var isStream = response.Content.Headers.ContentType?.MediaType == "text/event-stream";
                said.Append(response.Headers).Append(response.Content.Headers).AppendLine(isStream ? "" : await response.Content.ReadAsStringAsync());
            }
        }
        foreach (var e in await server.EventsAsync())
            said.AppendLine($"{e}{e.Data}");
        foreach (var line in logs.Lines)
            said.AppendLine(line);
        logs.CreateLogger("Tocsin").LogInformation("kept");
        logs.Lines.ShouldNotBeEmpty();
        said.ToString().ShouldContain("tocsin.sign_in.failed");
        foreach (var token in new[] { secret, Wrong, Right, session })
            said.ToString().Split('\n').Where(line => line.Contains(token[7..], StringComparison.Ordinal)).ShouldBeEmpty();
    }

    private static IEnumerable<(string Method, string Path)> Doors(RunningServer server) =>
        from endpoint in server.Endpoints
        where endpoint.Metadata.GetMetadata<RouteRules>()!.Scope != Scope.None
        from method in endpoint.Metadata.GetMetadata<HttpMethodMetadata>()!.HttpMethods
        select (method, ("/" + endpoint.RoutePattern.RawText!.TrimStart('/')).Replace("{name}", "none", StringComparison.Ordinal).Replace("{user_id}", "7", StringComparison.Ordinal).Replace("{id}", "7", StringComparison.Ordinal));

    /// <summary>What is no cookie of a session that is good now.</summary>
    private static string[] Cookies(string good, string ended, string revoked, string foreign)
    {
        var id = good.Split('=')[1];
        return
        [
            ended, revoked, foreign, "", "tocsin_session", "tocsin_session=", "tocsin_session=admin", "tocsin_session=" + Right, "tocsin_session=Bearer " + Right, "tocsin_session=" + new string('A', 43), "tocsin_session=" + new string('x', 8_000),
            "tocsin_session=" + id[1..], "tocsin_session=" + id + "A", "tocsin_session=" + id.ToUpperInvariant(), "tocsin_session=" + new string([.. id.Reverse()]), $"tocsin_session=\"{id}\"x", $"session={id}", $"Authorization={Right}", id, $"tocsin_session%3D{id}",
        ];
    }

    /// <summary>Values that are no token, and sets of headers that are not one.</summary>
    private static IEnumerable<byte[][]> Headers(string revoked)
    {
        string[] one =
        [
            "", " ", "\t", "Bearer", "Bearer ", "Bearer  \t ", "bearer", "BEARER x", "Basic", "Basic " + Right, "Basic YWRtaW46YWRtaW4=", "Digest username=\"admin\"", "Token " + Right,
            "Negotiate " + Right, "Bearer Bearer " + Right, "Bearer" + Right, "Bearer:" + Right, "Bearer=" + Right, "Bearer, " + Right, $"Bearer {Right},", $"Bearer {Right};", $"\"{Right}\"", $"Bearer \"{Right}\"",
            Right[..^1], Right[1..], Right + "=", Right + "A", Right.ToUpperInvariant(), Right.ToLowerInvariant(), $"{Right} {Right}", $"Bearer {Right}, Bearer {Right}", $"Bearer x {Right}",
            "admin", "null", "undefined", "true", "0", "*", "%", "%00", "' OR 1=1 --", "../../admin.token", "${env:TOCSIN_ADMIN_TOKEN}", "tocsin_", revoked, "Bearer " + revoked,
            "Bearer " + new string('A', 43), new string('x', 512), new string('x', 513), new string('x', 8_000), new string('x', 100_000), "Bearer " + new string('=', 600),
        ];
        foreach (var value in one)
            yield return [Encoding.Latin1.GetBytes(value)];
        foreach (var value in new[] { "Bearer тоcsin", "Bearer " + Right + "\u200b", "ï»¿" + Right, "Bearer 🔔", "\u00a0" + Right })
            yield return [Encoding.UTF8.GetBytes(value)];
        yield return [[0xFF, 0xFE, 0x41]];
        yield return [[.. "Bearer "u8, 0xC3, 0x28]];
        yield return [[.. Encoding.ASCII.GetBytes(Right), 0]];
        yield return [[.. Encoding.ASCII.GetBytes(Right), 0x0B, 0x41]];
        yield return [Encoding.ASCII.GetBytes(Right), Encoding.ASCII.GetBytes("wrong")];
        yield return [Encoding.ASCII.GetBytes(Right), Encoding.ASCII.GetBytes(Right)];
        yield return [[], Encoding.ASCII.GetBytes(Right)];
        yield return [Encoding.ASCII.GetBytes(Right), []];
        yield return [];
    }

    private static async Task<(int Status, string Answer)> RawAsync(RunningServer server, string method, string path, byte[][] headers, params string[] others)
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(server.Url.Host, server.Url.Port);
        var request = new List<byte>();
        request.AddRange(Encoding.ASCII.GetBytes($"{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n"));
        foreach (var header in headers)
            request.AddRange([.. "Authorization: "u8, .. header, .. "\r\n"u8]);
        foreach (var other in others)
            request.AddRange(Encoding.Latin1.GetBytes(other + "\r\n"));
        request.AddRange("\r\n"u8);
        await using var stream = new NetworkStream(socket);
        var answer = new StringBuilder();
        try
        {
            await stream.WriteAsync(request.ToArray());
            var buffer = new byte[4096];
            for (int read; (read = await stream.ReadAsync(buffer)) > 0;)
                answer.Append(Encoding.Latin1.GetString(buffer, 0, read));
        }
        catch (Exception error) when (error is IOException or SocketException)
        {
            // Refused before all of it was sent; what was said until then counts.
        }
        var text = answer.ToString();
        return (text.Length == 0 ? 431 : int.Parse(text.AsSpan(9, 3)), text);
    }

    private static string Shown(byte[][] headers) => string.Join(" | ", headers.Select(header => Encoding.Latin1.GetString(header, 0, Math.Min(header.Length, 60))));

    private sealed class KeptLogs : ILoggerFactory, ILogger
    {
        private readonly ConcurrentQueue<string> _lines = new();

        public IReadOnlyCollection<string> Lines => _lines;

        // As the service's own console has it: the framework speaks from warnings on.
        public ILogger CreateLogger(string categoryName) =>
            categoryName.StartsWith("Microsoft", StringComparison.Ordinal) ? new Loud(this) : this;

        public void AddProvider(ILoggerProvider provider) { }

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, Microsoft.Extensions.Logging.EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            _lines.Enqueue($"{formatter(state, exception)} {exception}");

        public void Dispose() { }

        private sealed class Loud(ILogger logger) : ILogger
        {
            public IDisposable? BeginScope<TState>(TState state)
                where TState : notnull => null;

            public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

            public void Log<TState>(LogLevel logLevel, Microsoft.Extensions.Logging.EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
            {
                if (IsEnabled(logLevel))
                    logger.Log(logLevel, eventId, state, exception, formatter);
            }
        }
    }
}
