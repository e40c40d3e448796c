using System.Net;
using System.Text;
using System.Text.Json;
using Tocsin.Access;

namespace Tocsin.Tests.Server;

public sealed class SessionApiTests
{
    private const string Wrong = "o5Vw1Yq8Zr3Tb6Nc9Xd2Mf4L";

    [Fact]
    public async Task A_browser_signs_in_reads_changes_and_signs_out()
    {
        await using var server = await RunningServer.StartAsync();
        using var answer = await PostAsync(server, $$"""{"token":"{{RunningServer.Token}}"}""");
        answer.StatusCode.ShouldBe(HttpStatusCode.OK);
        answer.Headers.CacheControl!.NoStore.ShouldBeTrue();
        var set = answer.Headers.GetValues("Set-Cookie").Single();
        set.ShouldMatch("^tocsin_session=[A-Za-z0-9_-]{43}; max-age=43200; path=/; samesite=strict; httponly$");
        set.ShouldNotContain(RunningServer.Token);
        var body = await answer.Content.ReadAsStringAsync();
        body.ShouldBe($$"""{"signed_in":true,"name":"admin","scopes":["admin"],"expires_at":"2026-03-05T00:00:00.000Z","anonymous_read":false,"demo":false,"version":"{{Tocsin.Server.ServerVersion.Text}}"}""");

        using var browser = Browser(server, set.Split(';')[0]);
        (await browser.GetStringAsync("/session")).ShouldBe(body);
        foreach (var path in new[] { "/incidents", "/incidents?limit=1", "/sources", "/tokens", "/events", "/metrics" })
            (await browser.GetAsync(path)).StatusCode.ShouldBe(HttpStatusCode.OK, path);
        JsonElement.Parse(await browser.GetStringAsync("/health")).TryGetProperty("version", out _).ShouldBeTrue();
        (await RunningServer.ProblemAsync(await browser.PostAsync("/config", Json("""{"sync_interval_minutes":5}""")), 403)).GetProperty("code").GetString().ShouldBe("csrf");
        await RunningServer.ProblemAsync(await browser.DeleteAsync("/session"), 403);

        browser.DefaultRequestHeaders.Add("X-Tocsin-Session", "1");
        (await browser.PostAsync("/config", Json("""{"sync_interval_minutes":5}"""))).StatusCode.ShouldBe(HttpStatusCode.OK);
        using var gone = await browser.DeleteAsync("/session");
        gone.StatusCode.ShouldBe(HttpStatusCode.NoContent);
        IsCleared(gone).ShouldBeTrue();
        await RunningServer.ProblemAsync(await browser.GetAsync("/incidents"), 401);
        await RunningServer.ProblemAsync(await browser.GetAsync("/sources"), 401);
        (await server.EventsAsync()).Select(e => (e.Type, e.UserId, e.SrcIp)).ShouldBe(
        [
            ("tocsin.sign_in.succeeded", "admin", "127.0.0.1"), ("tocsin.config.changed", "admin", "127.0.0.1"), ("tocsin.sign_out", "admin", "127.0.0.1"),
        ]);
    }

    [Fact]
    public async Task It_says_who_calls_and_what_they_may()
    {
        await using var server = await RunningServer.StartAsync(anonymousRead: true);
        using var stranger = server.Open(null);
        (await stranger.GetStringAsync("/session")).ShouldContain("""{"signed_in":false,"name":null,"scopes":["read"],"expires_at":null,"anonymous_read":true""");
        using var wrong = server.Open(Wrong);
        (await wrong.GetStringAsync("/session")).ShouldContain("""{"signed_in":false,"name":null,"scopes":[],""");
        using var made = await server.PostAsync("/tokens", """{"name":"ci","scopes":["operate","read"],"expires":"1h"}""");
        var secret = JsonElement.Parse(await made.Content.ReadAsStringAsync()).GetProperty("token").GetString()!;
        using var ci = server.Open(secret);
        const string Expected = """{"signed_in":true,"name":"ci","scopes":["read","operate"],"expires_at":"2026-03-04T13:00:00.000Z",""";
        (await ci.GetStringAsync("/session")).ShouldStartWith(Expected);
        using var signedIn = await PostAsync(server, $$"""{"token":"{{secret}}"}""");
        (await signedIn.Content.ReadAsStringAsync()).ShouldStartWith(Expected, customMessage: "the session ends with its token");
        signedIn.Headers.GetValues("Set-Cookie").Single().ShouldContain("max-age=3600;");
        using var browser = Browser(server, signedIn.Headers.GetValues("Set-Cookie").Single().Split(';')[0]);
        (await RunningServer.ProblemAsync(await browser.GetAsync("/tokens"), 403)).GetProperty("code").GetString().ShouldBe("missing_scope");
    }

    [Theory]
    [InlineData("{}", 422)]
    [InlineData("""{"token":null}""", 422)]
    [InlineData("""{"token":"","code":""}""", 422)]
    [InlineData("""{"token":"x","code":"y"}""", 422)]
    [InlineData("""{"token":7}""", 400)]
    [InlineData("""{"token":"x","more":1}""", 400)]
    [InlineData("[]", 400)]
    [InlineData("null", 400)]
    [InlineData("""{"token":" "}""", 401)]
    [InlineData("""{"token":"Bearer"}""", 401)]
    [InlineData("""{"token":"x"}""", 401)]
    [InlineData("""{"code":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}""", 401)]
    public async Task What_is_no_sign_in_sets_no_cookie(string body, int status)
    {
        await using var server = await RunningServer.StartAsync(anonymousRead: true);
        using var answer = await PostAsync(server, body);
        await RunningServer.ProblemAsync(answer, status);
        answer.Headers.Contains("Set-Cookie").ShouldBeFalse();
        answer.Headers.Contains("WWW-Authenticate").ShouldBe(status == 401);
    }

    [Fact]
    public async Task Wrong_tokens_are_counted_recorded_and_told_to_wait_and_the_right_one_still_signs_in()
    {
        await using var server = await RunningServer.StartAsync();
        for (var i = 0; i < GuessThrottle.MaxGuesses; i++)
            await RunningServer.ProblemAsync(await PostAsync(server, $$"""{"token":"{{Wrong}}"}"""), 401);
        using var refused = await PostAsync(server, $$"""{"token":"{{Wrong}}"}""");
        (await RunningServer.ProblemAsync(refused, 429)).GetProperty("code").GetString().ShouldBe("too_many_attempts");
        refused.Headers.RetryAfter!.Delta.ShouldBe(TimeSpan.FromMinutes(1));
        await SignInAsync(server, RunningServer.Token);
        (await server.EventsAsync()).Select(e => e.Type).ShouldBe(["tocsin.sign_in.failed", "tocsin.sign_in.succeeded"]);
    }

    [Theory]
    [InlineData("Origin", "http://127.0.0.1:1", false)]
    [InlineData("Origin", "http://elsewhere.example", false)]
    [InlineData("Origin", "null", false)]
    [InlineData("Origin", "", false)]
    [InlineData("Origin", "{own}.elsewhere.example", false)]
    [InlineData("Origin", "{own}", true)]
    [InlineData("Sec-Fetch-Site", "cross-site", false)]
    [InlineData("Sec-Fetch-Site", "same-site", false)]
    [InlineData("Sec-Fetch-Site", "", false)]
    [InlineData("Sec-Fetch-Site", "none", true)]
    [InlineData("Sec-Fetch-Site", "same-origin", true)]
    [InlineData("X-Tocsin-Session", "0", false)]
    [InlineData("X-Tocsin-Session", "true", false)]
    public async Task Only_the_dashboards_own_page_signs_in_and_changes(string name, string value, bool isOwn)
    {
        await using var server = await RunningServer.StartAsync();
        value = value.Replace("{own}", server.Url.GetLeftPart(UriPartial.Authority), StringComparison.Ordinal);
        using var browser = Browser(server, await SignInAsync(server, RunningServer.Token));
        using var change = new HttpRequestMessage(HttpMethod.Post, "/config") { Content = Json("""{"sync_interval_minutes":5}""") };
        change.Headers.TryAddWithoutValidation(name, value);
        change.Headers.TryAddWithoutValidation("X-Tocsin-Session", name == "X-Tocsin-Session" ? [] : ["1"]);
        using var changed = await browser.SendAsync(change);
        if (isOwn)
            changed.StatusCode.ShouldBe(HttpStatusCode.OK);
        else
            (await RunningServer.ProblemAsync(changed, 403)).GetProperty("code").GetString().ShouldBe("csrf");
        if (name == "X-Tocsin-Session")
            return;
        using var signIn = await PostAsync(server, $$"""{"token":"{{RunningServer.Token}}"}""", null, (name, value));
        signIn.StatusCode.ShouldBe(isOwn ? HttpStatusCode.OK : HttpStatusCode.Forbidden);
        // A token in the header is sent by no page but one that knows it.
        (await server.SendAsync(HttpMethod.Post, "/config", Json("""{"sync_interval_minutes":5}"""), (name, value))).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Behind_a_proxy_that_ends_TLS_its_page_is_own_and_the_cookie_is_for_https_alone()
    {
        await using var server = await RunningServer.StartAsync();
        using var answer = await PostAsync(server, $$"""{"token":"{{RunningServer.Token}}"}""", null, ("Host", "tocsin.example"), ("Origin", "https://tocsin.example"));
        answer.StatusCode.ShouldBe(HttpStatusCode.OK);
        answer.Headers.GetValues("Set-Cookie").Single().ShouldContain("; secure");
        foreach (var (host, origin) in new[] { ("tocsin.example", "https://tocsin.example:8443"), ("tocsin.example:8443", "https://tocsin.example"), ("tocsin.example", "ftp://tocsin.example"), ("[::1]:9000", "http://[::2]:9000") })
            (await PostAsync(server, $$"""{"token":"{{RunningServer.Token}}"}""", null, ("Host", host), ("Origin", origin))).StatusCode.ShouldBe(HttpStatusCode.Forbidden, origin);
        (await PostAsync(server, $$"""{"token":"{{RunningServer.Token}}"}""", null, ("Host", "[::1]:9000"), ("Origin", "http://[::1]:9000"))).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task A_header_wins_over_the_cookie()
    {
        await using var server = await RunningServer.StartAsync();
        var cookie = await SignInAsync(server, RunningServer.Token);
        using var metrics = server.Open(await TokensApiTests.MakeAsync(server, "scraper", "metrics"));
        metrics.DefaultRequestHeaders.Add("Cookie", cookie);
        await RunningServer.ProblemAsync(await metrics.GetAsync("/sources"), 403);
        await RunningServer.ProblemAsync(await metrics.GetAsync("/incidents"), 403);
        using var wrong = server.Open(Wrong);
        wrong.DefaultRequestHeaders.Add("Cookie", cookie);
        await RunningServer.ProblemAsync(await wrong.GetAsync("/sources"), 401);
        using var right = server.Open(RunningServer.Token);
        right.DefaultRequestHeaders.Add("Cookie", cookie);
        (await right.PostAsync("/config", Json("""{"sync_interval_minutes":5}"""))).StatusCode.ShouldBe(HttpStatusCode.OK, "no page sends that by itself");
        (await right.DeleteAsync("/session")).StatusCode.ShouldBe(HttpStatusCode.NoContent);
        using var browser = Browser(server, cookie);
        await RunningServer.ProblemAsync(await browser.GetAsync("/sources"), 401);
    }

    [Fact]
    public async Task A_cookie_that_is_not_known_is_as_none_is_not_counted_and_is_cleared()
    {
        await using var server = await RunningServer.StartAsync();
        using var browser = Browser(server, "tocsin_session=" + new string('A', 43));
        for (var i = 0; i < GuessThrottle.MaxGuesses * 2; i++)
            await RunningServer.ProblemAsync(await browser.GetAsync("/sources"), 401);
        using var answer = await browser.GetAsync("/session");
        IsCleared(answer).ShouldBeTrue();
        (await answer.Content.ReadAsStringAsync()).ShouldContain("\"signed_in\":false");
        (await server.EventsAsync()).ShouldBeEmpty();
        using var clean = server.Open(null);
        (await clean.GetAsync("/session")).Headers.Contains("Set-Cookie").ShouldBeFalse();
    }

    [Fact]
    public async Task Where_reading_is_open_an_old_cookie_still_reads()
    {
        await using var server = await RunningServer.StartAsync(anonymousRead: true);
        using var browser = Browser(server, "tocsin_session=old; theme=dark");
        foreach (var path in new[] { "/incidents", "/sources" })
            (await browser.GetAsync(path)).StatusCode.ShouldBe(HttpStatusCode.OK);
        browser.DefaultRequestHeaders.Add("X-Tocsin-Session", "1");
        await RunningServer.ProblemAsync(await browser.PostAsync("/sync", null), 401);
    }

    [Fact]
    public async Task A_session_lives_through_a_restart_and_a_crash_and_ends_at_its_hour()
    {
        var server = await RunningServer.StartAsync();
        var cookie = await SignInAsync(server, RunningServer.Token);
        server = await server.RestartAsync();
        server = await server.CrashAsync();
        await using var last = server;
        using var browser = Browser(last, cookie);
        (await browser.GetAsync("/sources")).StatusCode.ShouldBe(HttpStatusCode.OK);
        last.Time.Advance(SessionStore.Lifetime);
        await RunningServer.ProblemAsync(await browser.GetAsync("/sources"), 401);
        await RunningServer.ProblemAsync(await browser.GetAsync("/incidents"), 401);
    }

    [Fact]
    public async Task Signing_in_anew_ends_the_session_before()
    {
        await using var server = await RunningServer.StartAsync();
        var first = await SignInAsync(server, RunningServer.Token);
        using var answer = await PostAsync(server, $$"""{"token":"{{RunningServer.Token}}"}""", first);
        answer.StatusCode.ShouldBe(HttpStatusCode.OK);
        using var browser = Browser(server, first);
        await RunningServer.ProblemAsync(await browser.GetAsync("/sources"), 401);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_stream_by_cookie_ends_at_the_heartbeat_after_its_session(bool anonymousRead)
    {
        await using var server = await RunningServer.StartAsync(anonymousRead);
        using var browser = Browser(server, await SignInAsync(server, await TokensApiTests.MakeAsync(server, "ci", "read")));
        using var stream = await browser.GetAsync("/events/stream", HttpCompletionOption.ResponseHeadersRead);
        stream.StatusCode.ShouldBe(HttpStatusCode.OK);
        using var lines = new StreamReader(await stream.Content.ReadAsStreamAsync());
        while (await Until.DoneAsync(lines.ReadLineAsync()) is { Length: > 0 })
        {
        }
        await server.SendAsync(HttpMethod.Delete, "/tokens/ci");
        var rest = lines.ReadToEndAsync();
        await Until.TrueAsync(() =>
        {
            server.Time.Advance(TimeSpan.FromSeconds(15));
            return rest.IsCompleted;
        });
        (await rest).ShouldEndWith(": the token is no longer valid\n\n");
    }

    [Fact]
    public async Task The_code_of_the_demos_link_signs_the_admin_in_once()
    {
        await using var server = await RunningServer.StartAsync(options => options with { DemoMock = new Uri("http://127.0.0.1:1") });
        var code = server.MakeSignInCode().ShouldNotBeNull();
        using var answer = await PostAsync(server, $$"""{"code":"{{code}}"}""");
        (await answer.Content.ReadAsStringAsync()).ShouldContain("""{"signed_in":true,"name":"admin","scopes":["admin"],"expires_at":"2026-03-05T00:00:00.000Z","anonymous_read":false,"demo":true""");
        using var browser = Browser(server, answer.Headers.GetValues("Set-Cookie").Single().Split(';')[0]);
        (await browser.GetAsync("/tokens")).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await RunningServer.ProblemAsync(await PostAsync(server, $$"""{"code":"{{code}}"}"""), 401)).GetProperty("detail").GetString()!.ShouldContain("sign in with a token");
        await RunningServer.ProblemAsync(await PostAsync(server, $$"""{"token":"{{server.MakeSignInCode()}}"}"""), 401);
        await using var other = await RunningServer.StartAsync();
        other.MakeSignInCode().ShouldBeNull("only the demo has one");
    }

    /// <summary>Signs in; gives what the browser sends as its cookie from then on.</summary>
    internal static async Task<string> SignInAsync(RunningServer server, string token)
    {
        using var answer = await PostAsync(server, $$"""{"token":"{{token}}"}""");
        answer.StatusCode.ShouldBe(HttpStatusCode.OK);
        return answer.Headers.GetValues("Set-Cookie").Single().Split(';')[0];
    }

    private static HttpClient Browser(RunningServer server, string cookie)
    {
        var client = server.Open(null);
        client.DefaultRequestHeaders.Add("Cookie", cookie);
        return client;
    }

    private static async Task<HttpResponseMessage> PostAsync(RunningServer server, string body, string? cookie = null, params (string Name, string Value)[] headers)
    {
        using var client = server.Open(null);
        using var request = new HttpRequestMessage(HttpMethod.Post, "/session") { Content = Json(body) };
        foreach (var (name, value) in headers)
            request.Headers.TryAddWithoutValidation(name, value);
        if (cookie is not null)
            request.Headers.Add("Cookie", cookie);
        return await client.SendAsync(request);
    }

    private static ByteArrayContent Json(string text) => RunningServer.Body(Encoding.UTF8.GetBytes(text), "application/json");

    private static bool IsCleared(HttpResponseMessage answer) =>
        answer.Headers.GetValues("Set-Cookie").Single().StartsWith("tocsin_session=; expires=Thu, 01 Jan 1970 00:00:00 GMT; path=/", StringComparison.Ordinal);
}
