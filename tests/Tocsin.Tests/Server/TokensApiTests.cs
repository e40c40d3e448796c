using System.Net;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using Tocsin.Server;
using Tocsin.Server.Configuration;
using Tocsin.Tests.Collect;

namespace Tocsin.Tests.Server;

public sealed class TokensApiTests
{
    [Fact]
    public async Task A_token_is_made_shown_once_listed_used_and_revoked()
    {
        await using var server = await RunningServer.StartAsync();
        using var answer = await server.PostAsync("/tokens", """{"name":"ci","scopes":["read","ingest","read"],"expires":"90d"}""");
        answer.StatusCode.ShouldBe(HttpStatusCode.Created);
        answer.Headers.Location!.ToString().ShouldBe("/tokens/ci");
        answer.Headers.CacheControl!.NoStore.ShouldBeTrue();
        var made = JsonElement.Parse(await answer.Content.ReadAsStringAsync());
        made.EnumerateObject().Select(member => member.Name).ShouldBe(["token", "name", "scopes", "created_at", "expires_at", "last_used_at"]);
        made.GetRawText().ShouldContain("""
            "name":"ci","scopes":["ingest","read"],"created_at":"2026-03-04T12:00:00.000Z","expires_at":"2026-06-02T12:00:00.000Z","last_used_at":null
            """);
        var secret = made.GetProperty("token").GetString()!;

        using var ci = server.Open(secret);
        (await ci.GetAsync("/incidents")).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await ci.GetAsync("/sources")).StatusCode.ShouldBe(HttpStatusCode.OK);
        JsonElement.Parse(await ci.GetStringAsync("/health")).TryGetProperty("version", out _).ShouldBeTrue();
        using var bare = server.Open(null);
        bare.DefaultRequestHeaders.TryAddWithoutValidation("Authorization", secret);
        (await bare.GetAsync("/sources")).StatusCode.ShouldBe(HttpStatusCode.OK);

        var list = await server.Client.GetStringAsync("/tokens");
        list.ShouldNotContain(secret["tocsin_".Length..]);
        list.ShouldBe("""
            [{"name":"admin","scopes":["admin"],"created_at":null,"expires_at":null,"last_used_at":"2026-03-04T12:00:00.000Z"},{"name":"ci","scopes":["ingest","read"],"created_at":"2026-03-04T12:00:00.000Z","expires_at":"2026-06-02T12:00:00.000Z","last_used_at":"2026-03-04T12:00:00.000Z"}]
            """);
        var one = await server.GetAsync("/tokens/ci");
        list.ShouldContain(await one.Content.ReadAsStringAsync());
        one.Headers.CacheControl!.NoStore.ShouldBeTrue();

        using var gone = await server.SendAsync(HttpMethod.Delete, "/tokens/ci");
        gone.StatusCode.ShouldBe(HttpStatusCode.NoContent);
        await RunningServer.ProblemAsync(await ci.GetAsync("/incidents"), 401);
        await RunningServer.ProblemAsync(await ci.GetAsync("/sources"), 401);
        await RunningServer.ProblemAsync(await server.SendAsync(HttpMethod.Delete, "/tokens/ci"), 404);
        await RunningServer.ProblemAsync(await server.GetAsync("/tokens/ci"), 404);
    }

    [Fact]
    public async Task A_token_may_what_its_scopes_say_and_is_told_what_it_lacks()
    {
        await using var server = await RunningServer.StartAsync();
        using var ingest = server.Open(await MakeAsync(server, "in", "ingest"));
        using var operate = server.Open(await MakeAsync(server, "op", "operate"));
        using var admin = server.Open(await MakeAsync(server, "boss", "admin"));
        foreach (var (client, path, lacks) in new[] { (ingest, "/incidents", "read"), (operate, "/sources", "read"), (ingest, "/tokens", "admin"), (operate, "/tokens", "admin") })
        {
            using var refused = await client.GetAsync(path);
            var problem = await RunningServer.ProblemAsync(refused, 403);
            problem.GetProperty("code").GetString().ShouldBe("missing_scope");
            problem.GetProperty("detail").GetString()!.ShouldEndWith($"lacks the scope {lacks}.");
            refused.Headers.WwwAuthenticate.ToString().ShouldContain($"scope=\"{lacks}\"");
        }
        JsonElement.Parse(await ingest.GetStringAsync("/health")).EnumerateObject().Count().ShouldBe(1);
        (await admin.GetAsync("/tokens")).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await admin.DeleteAsync("/tokens/boss")).StatusCode.ShouldBe(HttpStatusCode.NoContent, "one may give up what one has");
        await RunningServer.ProblemAsync(await admin.GetAsync("/tokens"), 401);
    }

    [Theory]
    [InlineData("{}", "/name,/scopes")]
    [InlineData("""{"name":null,"scopes":null,"expires":null}""", "/name,/scopes")]
    [InlineData("""{"name":"a b","scopes":[]}""", "/name,/scopes")]
    [InlineData("""{"name":"tocsin","scopes":["read","Read","",null,"tokens","all"]}""", "/name,/scopes/1,/scopes/2,/scopes/3,/scopes/4,/scopes/5")]
    [InlineData("""{"name":"example","scopes":["read"]}""", "/name")]
    [InlineData("""{"name":"ok","scopes":["read"],"expires":""}""", "/expires")]
    [InlineData("""{"name":"ok","scopes":["read"],"expires":"0s"}""", "/expires")]
    [InlineData("""{"name":"ok","scopes":["read"],"expires":"999ms"}""", "/expires")]
    [InlineData("""{"name":"ok","scopes":["read"],"expires":"-1d"}""", "/expires")]
    [InlineData("""{"name":"ok","scopes":["read"],"expires":"3654d"}""", "/expires")]
    [InlineData("""{"name":"ok","scopes":["read"],"expires":"99999999999999999999d"}""", "/expires")]
    [InlineData("""{"name":"ok","scopes":["read"],"expires":"soon"}""", "/expires")]
    public async Task What_cannot_be_made_is_422_and_names_each_place(string body, string pointers)
    {
        await using var server = await RunningServer.StartAsync(sources: SomeSource.Valid(SomeSource.Yaml("enabled: false")));
        var problem = await RunningServer.ProblemAsync(await server.PostAsync("/tokens", body), 422);
        string.Join(',', problem.GetProperty("errors").EnumerateArray().Select(error => error.GetProperty("pointer").GetString())).ShouldBe(pointers);
        JsonElement.Parse(await server.Client.GetStringAsync("/tokens")).GetArrayLength().ShouldBe(1);
    }

    [Theory]
    [InlineData("""{"name":7,"scopes":["read"]}""")]
    [InlineData("""{"name":"ok","scopes":"read"}""")]
    [InlineData("""{"name":"ok","scopes":["read"],"expires":90}""")]
    [InlineData("""{"name":"ok","scopes":["read"],"secret":"mine"}""")]
    [InlineData("""{"name":"ok","name":"ok","scopes":["read"]}""")]
    [InlineData("[]")]
    public async Task A_body_of_another_shape_is_400(string body)
    {
        await using var server = await RunningServer.StartAsync();
        await RunningServer.ProblemAsync(await server.PostAsync("/tokens", body), 400);
    }

    [Fact]
    public async Task A_name_is_given_once_also_to_those_who_ask_at_the_same_time()
    {
        await using var server = await RunningServer.StartAsync();
        var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => server.PostAsync("/tokens", """{"name":"ci","scopes":["read"]}""")));
        answers.Count(answer => answer.StatusCode == HttpStatusCode.Created).ShouldBe(1);
        answers.Count(answer => answer.StatusCode == HttpStatusCode.Conflict).ShouldBe(7);
        (await RunningServer.ProblemAsync(await server.PostAsync("/tokens", """{"name":"ci","scopes":["read"]}"""), 409)).GetProperty("code").GetString().ShouldBe("name_taken");
    }

    [Fact]
    public async Task The_admin_token_is_not_revoked_here_and_says_what_to_do_instead()
    {
        await using var server = await RunningServer.StartAsync();
        var problem = await RunningServer.ProblemAsync(await server.SendAsync(HttpMethod.Delete, "/tokens/admin"), 409);
        problem.GetProperty("detail").GetString()!.ShouldContain("TOCSIN_ADMIN_TOKEN");
        (await server.GetAsync("/tokens/admin")).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task A_token_ends_at_its_hour()
    {
        await using var server = await RunningServer.StartAsync();
        using var made = await server.PostAsync("/tokens", """{"name":"short","scopes":["read"],"expires":"5s"}""");
        using var client = server.Open(JsonElement.Parse(await made.Content.ReadAsStringAsync()).GetProperty("token").GetString());
        (await client.GetAsync("/incidents")).StatusCode.ShouldBe(HttpStatusCode.OK);
        server.Time.Advance(TimeSpan.FromSeconds(5));
        await RunningServer.ProblemAsync(await client.GetAsync("/incidents"), 401);
        await RunningServer.ProblemAsync(await client.GetAsync("/sources"), 401);
    }

    [Fact]
    public async Task Guessing_is_429_until_the_minute_is_over_and_never_locks_out_the_right_one()
    {
        await using var server = await RunningServer.StartAsync();
        using var wrong = server.Open("o5Vw1Yq8Zr3Tb6Nc9Xd2Mf4L");
        string[] paths = ["/incidents", "/health", "/sources", "/tokens", "/incidents/7"];
        for (var i = 0; i < 10; i++)
            (await wrong.GetAsync(paths[i % paths.Length])).StatusCode.ShouldBe(paths[i % paths.Length] == "/health" ? HttpStatusCode.OK : HttpStatusCode.Unauthorized);
        foreach (var path in paths.Where(path => path != "/health"))
        {
            using var refused = await wrong.GetAsync(path);
            (await RunningServer.ProblemAsync(refused, 429)).GetProperty("code").GetString().ShouldBe("too_many_attempts");
            refused.Headers.RetryAfter!.Delta.ShouldBe(TimeSpan.FromMinutes(1));
        }
        (await wrong.GetStringAsync("/health")).ShouldBe("""{"status":"healthy"}""", "no more than a stranger sees");
        (await wrong.GetAsync("/livez")).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await server.GetAsync("/incidents")).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await server.GetAsync("/sources")).StatusCode.ShouldBe(HttpStatusCode.OK);
        using var stranger = server.Open(null);
        await RunningServer.ProblemAsync(await stranger.GetAsync("/sources"), 401);
        using var elsewhere = server.Open("o5Vw1Yq8Zr3Tb6Nc9Xd2Mf4L", from: "127.0.0.77");
        await RunningServer.ProblemAsync(await elsewhere.GetAsync("/sources"), 401);

        server.Time.Advance(TimeSpan.FromMinutes(1));
        await RunningServer.ProblemAsync(await wrong.GetAsync("/sources"), 401);
    }

    [Fact]
    public async Task A_probe_with_an_old_token_does_not_fail_and_is_no_guess()
    {
        await using var server = await RunningServer.StartAsync();
        using var old = server.Open("o5Vw1Yq8Zr3Tb6Nc9Xd2Mf4L");
        for (var i = 0; i < 30; i++)
            (await old.GetAsync(i % 2 == 0 ? "/livez" : "/readyz")).StatusCode.ShouldBe(HttpStatusCode.OK);
        await RunningServer.ProblemAsync(await old.GetAsync("/sources"), 401);
    }

    [Fact]
    public async Task What_is_done_to_Tocsin_is_an_event_with_who_did_it_and_from_where()
    {
        await using var server = await RunningServer.StartAsync(sources: SomeSource.Valid(SomeSource.Yaml("enabled: false")));
        using var boss = server.Open(await MakeAsync(server, "boss", "admin"), from: "127.0.0.9");
        (await boss.PatchAsync("/sources/example", RunningServer.Body("""{"every":"90s"}"""u8.ToArray(), "application/json"))).EnsureSuccessStatusCode();
        (await boss.PatchAsync("/sources/example", RunningServer.Body("{}"u8.ToArray(), "application/json"))).EnsureSuccessStatusCode();
        await boss.PatchAsync("/sources/none", RunningServer.Body("""{"every":"90s"}"""u8.ToArray(), "application/json"));
        await boss.PatchAsync("/sources/example", RunningServer.Body("""{"every":"0s"}"""u8.ToArray(), "application/json"));
        (await boss.PostAsync("/identities", RunningServer.Body("""{"ip":"17.0.0.1","user_id":"7","to":1767312000}"""u8.ToArray(), "application/json"))).EnsureSuccessStatusCode();
        await boss.DeleteAsync("/tokens/boss");
        (await boss.GetAsync("/sources")).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);

        await Until.TrueAsync(() => server.EventsAsync().GetAwaiter().GetResult().Length == 5);
        var events = await server.EventsAsync();
        events.Select(e => (e.Type, e.UserId, e.SrcIp, e.Data.ToString())).ShouldBe(
        [
            ("tocsin.token.created", "admin", "127.0.0.1", """{"name":"boss","scopes":["admin"],"expires_at":null}"""),
            ("tocsin.source.changed", "boss", "127.0.0.9", """{"source":"example","every":"90s"}"""),
            ("tocsin.identity.assigned", "boss", "127.0.0.9", """{"ip":"17.0.0.1","user_id":"7","from":null,"to":"2026-01-02T00:00:00.000Z"}"""),
            ("tocsin.token.revoked", "boss", "127.0.0.9", """{"name":"boss","scopes":["admin"],"expires_at":null}"""),
            ("tocsin.sign_in.failed", null, "127.0.0.9", """{"attempts":1,"since":"2026-03-04T12:00:00.000Z"}"""),
        ]);
        events.ShouldAllBe(e => e.Kind == EventKind.Audit && e.Source == "tocsin" && e.Priority == Priority.None);
        (await server.Client.GetStringAsync("/incidents")).ShouldBe("{}", "they are nobody's incidents");
    }

    [Fact]
    public async Task A_restart_keeps_tokens_and_when_they_were_last_used()
    {
        using var folder = new TempFolder();
        var time = new FakeTimeProvider();
        var options = new ServerOptions { Data = folder.Path, Sources = folder.File("none"), Urls = ["http://127.0.0.1:0"] };
        async Task<(Composition, HttpClient)> StartAsync()
        {
            var started = await Composition.StartAsync(options, [], RunningServer.Token, NullLoggerFactory.Instance, time, default);
            var caller = new HttpClient { BaseAddress = new Uri(started.Addresses.First()) };
            caller.DefaultRequestHeaders.Authorization = new("Bearer", RunningServer.Token);
            return (started, caller);
        }
        var (composition, client) = await StartAsync();
        (await client.PostAsync("/tokens", RunningServer.Body("""{"name":"ci","scopes":["read"]}"""u8.ToArray(), "application/json"))).EnsureSuccessStatusCode();
        time.Advance(TimeSpan.FromSeconds(7));
        var before = await client.GetStringAsync("/tokens");
        before.ShouldContain("\"last_used_at\":\"2026-03-04T12:00:07.000Z\"");
        await composition.DisposeAsync();
        client.Dispose();
        (composition, client) = await StartAsync();
        (await client.GetStringAsync("/tokens")).ShouldBe(before);
        await composition.DisposeAsync();
        client.Dispose();
    }

    internal static async Task<string> MakeAsync(RunningServer server, string name, string scope)
    {
        using var made = await server.PostAsync("/tokens", $$"""{"name":"{{name}}","scopes":["{{scope}}"]}""");
        made.EnsureSuccessStatusCode();
        return JsonElement.Parse(await made.Content.ReadAsStringAsync()).GetProperty("token").GetString()!;
    }
}
