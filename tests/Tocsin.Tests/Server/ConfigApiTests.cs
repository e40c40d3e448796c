using System.Net;
using System.Text;
using System.Text.Json;
using Tocsin.Collect;
using Tocsin.Server.Configuration;
using Tocsin.Tests.Collect;

namespace Tocsin.Tests.Server;

/// <summary>What is set while the service runs: the interval of all sources, the schedule of one, and changes on condition.</summary>
public sealed class ConfigApiTests
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    [Fact]
    public async Task The_interval_is_said_with_where_it_comes_from_and_whom_it_does_not_concern()
    {
        await using (var unsaid = await RunningServer.StartAsync())
            (await ConfigAsync(unsaid)).GetRawText().ShouldBe("""{"sync_interval_minutes":30,"from":"default","not_affected":[],"changed_at":null,"changed_by":null}""");
        await using var server = await StartAsync(TimeSpan.FromSeconds(30), Source("b", "every: 5m"), Source("c"), Source("a", "every: 1h"));
        var config = await ConfigAsync(server);
        (Minutes(config), From(config), NotAffected(config)).ShouldBe((0.5, "file", "a,b"));
        await PatchAsync(server, "c", """{"every":"7m"}""");
        NotAffected(await ConfigAsync(server)).ShouldBe("a,b,c");
        await PatchAsync(server, "c", """{"every":"file"}""");
        NotAffected(await ConfigAsync(server)).ShouldBe("a,b");
    }

    [Fact]
    public async Task An_interval_that_is_set_applies_at_once_wins_over_the_file_and_survives_a_restart_until_it_is_deleted()
    {
        var server = await StartAsync(TimeSpan.FromMinutes(10), Source("own", "every: 5m"), Source("plain"));
        try
        {
            var answer = JsonElement.Parse(await (await server.PostAsync("/config", """{"sync_interval_minutes":2}""")).Content.ReadAsStringAsync());
            (Minutes(answer), From(answer), NotAffected(answer)).ShouldBe((2, "api", "own"));
            (answer.GetProperty("changed_by").GetString(), answer.GetProperty("changed_at").GetString()).ShouldBe(("admin", "2026-03-04T12:00:00.000Z"));
            (await EveryAsync(server, "plain"), await EveryAsync(server, "own")).ShouldBe((120, 300));

            server = await server.RestartAsync();
            (await ConfigAsync(server)).GetRawText().ShouldBe(answer.GetRawText());
            (await EveryAsync(server, "plain"), await EveryAsync(server, "own")).ShouldBe((120, 300));
            // Another file does not win either.
            server = await server.RestartAsync(Options(TimeSpan.FromMinutes(20)));
            (await EveryAsync(server, "plain")).ShouldBe(120);

            var back = JsonElement.Parse(await (await server.SendAsync(HttpMethod.Delete, "/config")).Content.ReadAsStringAsync());
            (Minutes(back), From(back), back.GetProperty("changed_by").GetString()).ShouldBe((20, "file", "admin"));
            (await EveryAsync(server, "plain")).ShouldBe(1200);
            server = await server.RestartAsync();
            (await EveryAsync(server, "plain")).ShouldBe(1200);
        }
        finally
        {
            await server.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_new_interval_counts_from_the_last_start()
    {
        await using var upstream = await StubUpstream.StartAsync(context => StubUpstream.JsonAsync(context, "[]"));
        var source = SomeSource.Valid(SomeSource.Yaml("allow_private: true").Replace("https://incidents.example.com", upstream.Url, StringComparison.Ordinal));
        await using var server = await StartAsync(TimeSpan.FromHours(6), source);
        var began = server.Time.GetUtcNow();
        // At its end: a poll that is still busy when the next is due is not joined by it.
        await Until.TrueAsync(() => SourceAsync(server, "example").GetAwaiter().GetResult() is var source && source.GetProperty("status").GetString() == "idle" && source.GetProperty("counts").GetProperty("succeeded").GetInt64() == 1);
        await Until.DoneAsync(server.Time.UntilTimerAsync(TimeSpan.FromHours(6)));
        server.Time.Advance(3 * Minute);
        await SetAsync(server, 5);
        // Two minutes are left of the five.
        await Until.DoneAsync(server.Time.UntilTimerAsync(2 * Minute));
        (await SourceAsync(server, "example")).GetProperty("next_run").GetDateTimeOffset().ShouldBe(began + (5 * Minute));
        await SetAsync(server, 2);
        await Until.TrueAsync(() => upstream.Calls.Count == 2);
    }

    [Theory]
    [InlineData("""{"sync_interval_minutes":0}""", 422, "/sync_interval_minutes")]
    [InlineData("""{"sync_interval_minutes":-5}""", 422, "/sync_interval_minutes")]
    [InlineData("""{"sync_interval_minutes":1441}""", 422, "/sync_interval_minutes")]
    [InlineData("""{"sync_interval_minutes":"x"}""", 422, "/sync_interval_minutes")]
    [InlineData("""{"sync_interval_minutes":"5"}""", 422, "/sync_interval_minutes")]
    [InlineData("""{"sync_interval_minutes":null}""", 422, "/sync_interval_minutes")]
    [InlineData("""{"sync_interval_minutes":true}""", 422, "/sync_interval_minutes")]
    [InlineData("""{"sync_interval_minutes":[5]}""", 422, "/sync_interval_minutes")]
    [InlineData("""{"sync_interval_minutes":{"a":5}}""", 422, "/sync_interval_minutes")]
    [InlineData("""{"sync_interval_minutes":5.5}""", 422, "/sync_interval_minutes")]
    [InlineData("""{"sync_interval_minutes":1e400}""", 422, "/sync_interval_minutes")]
    [InlineData("""{"sync_interval_minutes":99999999999999999999}""", 422, "/sync_interval_minutes")]
    [InlineData("{}", 422, "/sync_interval_minutes")]
    [InlineData("""{"sync_interval_minutes":5,"a/b~c":1}""", 422, "/a~1b~0c")]
    [InlineData("""{"Sync_Interval_Minutes":5}""", 422, "/sync_interval_minutes")]
    [InlineData("""{"sync_interval_minutes":5,"sync_interval_minutes":6}""", 400, null)]
    [InlineData("""{"sync_interval_minutes":5,"x":1,"x":2}""", 400, null)]
    [InlineData("""{"sync_interval_minutes":NaN}""", 400, null)]
    [InlineData("""{"sync_interval_minutes":5""", 400, null)]
    [InlineData("null", 400, null)]
    [InlineData("[5]", 400, null)]
    [InlineData("", 400, null)]
    public async Task What_cannot_be_is_refused_and_changes_nothing(string body, int status, string? pointer)
    {
        await using var server = await StartAsync(TimeSpan.FromMinutes(10), Source("plain"));
        await SetAsync(server, 3);
        var before = await ConfigAsync(server);
        var problem = await RunningServer.ProblemAsync(await server.PostAsync("/config", body), status);
        if (pointer is not null)
            problem.GetProperty("errors").EnumerateArray().ShouldContain(error => error.GetProperty("pointer").GetString() == pointer);
        (await ConfigAsync(server)).GetRawText().ShouldBe(before.GetRawText());
        (await EveryAsync(server, "plain")).ShouldBe(180);
    }

    [Theory]
    [InlineData("1", 1)]
    [InlineData("1440", 1440)]
    [InlineData("5.0", 5)]
    public async Task The_ends_of_the_range_are_in_it(string minutes, double set)
    {
        await using var server = await StartAsync(TimeSpan.FromMinutes(10));
        using var answer = await server.PostAsync("/config", $$"""{"sync_interval_minutes":{{minutes}}}""");
        answer.StatusCode.ShouldBe(HttpStatusCode.OK);
        Minutes(await ConfigAsync(server)).ShouldBe(set);
    }

    [Fact]
    public async Task A_source_goes_by_what_was_patched_then_by_its_file_then_by_what_was_set_then_by_the_service()
    {
        await using var server = await StartAsync(TimeSpan.FromMinutes(10), Source("own", "every: 5m"), Source("plain"));
        async Task<(double, double)> BothAsync() => (await EveryAsync(server, "own"), await EveryAsync(server, "plain"));
        (await BothAsync()).ShouldBe((300, 600));
        await SetAsync(server, 2);
        (await BothAsync()).ShouldBe((300, 120));
        await PatchAsync(server, "own", """{"every":"90s"}""");
        await PatchAsync(server, "plain", """{"every":"80s"}""");
        (await BothAsync()).ShouldBe((90, 80));
        await SetAsync(server, 3);
        (await BothAsync()).ShouldBe((90, 80));
        await PatchAsync(server, "own", """{"every":null,"enabled":false}""");
        (await BothAsync()).ShouldBe((90, 80), "null is as good as absent");
        await PatchAsync(server, "own", """{"every":"file"}""");
        await PatchAsync(server, "plain", """{"every":"file"}""");
        (await BothAsync()).ShouldBe((300, 180));
        (await server.SendAsync(HttpMethod.Delete, "/config")).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await BothAsync()).ShouldBe((300, 600));
        (await SourceAsync(server, "own")).GetProperty("enabled").GetBoolean().ShouldBeFalse("taking back the interval leaves the rest");
    }

    [Fact]
    public async Task A_change_is_an_event_of_who_made_it_and_what_changes_nothing_is_none()
    {
        await using var server = await StartAsync(TimeSpan.FromMinutes(10), Source("plain"));
        await SetAsync(server, 2);
        await SetAsync(server, 2);
        await RunningServer.ProblemAsync(await server.PostAsync("/config", """{"sync_interval_minutes":0}"""), 422);
        await server.SendAsync(HttpMethod.Delete, "/config");
        await server.SendAsync(HttpMethod.Delete, "/config");
        await PatchAsync(server, "plain", "{}");
        (await server.EventsAsync()).Select(e => (e.Type, e.UserId, e.Data.ToString())).ShouldBe(
        [
            ("tocsin.config.changed", "admin", """{"sync_interval_minutes":2}"""),
            ("tocsin.config.changed", "admin", """{"sync_interval_minutes":null}"""),
        ]);
    }

    [Fact]
    public async Task A_tag_stays_until_somebody_changes_it_and_across_restarts_and_never_comes_back()
    {
        var server = await StartAsync(TimeSpan.FromMinutes(10), Source("plain"), Source("other"));
        try
        {
            foreach (var (path, change) in new (string, Func<int, Task<HttpResponseMessage>>)[]
            {
                ("/config", i => i == 3 ? server.SendAsync(HttpMethod.Delete, "/config") : server.PostAsync("/config", $$"""{"sync_interval_minutes":{{i}}}""")),
                ("/sources/plain", i => PatchAsync(server, "plain", i == 3 ? """{"every":"file"}""" : $$"""{"every":"{{i}}h"}""")),
            })
            {
                var seen = new HashSet<string> { await TagAsync(server, path) };
                for (var i = 1; i <= 4; i++)
                {
                    using var answer = await change(i);
                    var tag = answer.Headers.ETag.ShouldNotBeNull();
                    tag.IsWeak.ShouldBeFalse();
                    seen.Add(tag.ToString()).ShouldBeTrue($"{path} {i}: {tag}");
                    (await TagAsync(server, path)).ShouldBe(tag.ToString());
                    answer.Headers.CacheControl.ShouldNotBeNull().NoStore.ShouldBeTrue();
                }
                var (last, untouched) = (await TagAsync(server, path), await TagAsync(server, "/sources/other"));
                await server.SendAsync(HttpMethod.Post, "/sync?source=plain");
                (await TagAsync(server, path)).ShouldBe(last);
                server = await server.RestartAsync();
                (await TagAsync(server, path), await TagAsync(server, "/sources/other")).ShouldBe((last, untouched));
            }
        }
        finally
        {
            await server.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_change_on_a_condition_that_does_not_hold_is_412_and_changes_nothing()
    {
        await using var server = await StartAsync(TimeSpan.FromMinutes(10), Source("plain"));
        var (old, oldSource) = (await TagAsync(server, "/config"), await TagAsync(server, "/sources/plain"));
        await SetAsync(server, 2);
        await PatchAsync(server, "plain", """{"every":"4m"}""");
        var (tag, sourceTag) = (await TagAsync(server, "/config"), await TagAsync(server, "/sources/plain"));
        foreach (var match in new[] { old, $"W/{tag}", tag.Trim('"'), "\"x\"", "\"x\", \"y\"", "", "nonsense", "\"unfinished" })
        {
            (await RunningServer.ProblemAsync(await ChangeAsync(server, "/config", HttpMethod.Post, match), 412)).GetProperty("code").GetString().ShouldBe("precondition_failed");
            await RunningServer.ProblemAsync(await ChangeAsync(server, "/config", HttpMethod.Delete, match), 412);
        }
        await RunningServer.ProblemAsync(await ChangeAsync(server, "/sources/plain", HttpMethod.Patch, oldSource), 412);
        await RunningServer.ProblemAsync(await ChangeAsync(server, "/sources/none", HttpMethod.Patch, "*"), 404);
        (Minutes(await ConfigAsync(server)), await EveryAsync(server, "plain"), await TagAsync(server, "/config"), await TagAsync(server, "/sources/plain")).ShouldBe((2, 240, tag, sourceTag));

        (await ChangeAsync(server, "/config", HttpMethod.Post, $"\"x\", {tag}")).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await ChangeAsync(server, "/config", HttpMethod.Delete, "*")).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await ChangeAsync(server, "/sources/plain", HttpMethod.Patch, sourceTag)).StatusCode.ShouldBe(HttpStatusCode.OK);
        await RunningServer.ProblemAsync(await ChangeAsync(server, "/sources/plain", HttpMethod.Patch, sourceTag), 412);
    }

    [Fact]
    public async Task Of_many_who_change_on_the_same_condition_one_does()
    {
        await using var server = await StartAsync(TimeSpan.FromMinutes(10), Source("plain"));
        for (var round = 1; round <= 5; round++)
            foreach (var (path, method, body) in new[] { ("/config", HttpMethod.Post, "{{\"sync_interval_minutes\":{0}}}"), ("/sources/plain", HttpMethod.Patch, "{{\"every\":\"{0}m\"}}") })
            {
                var tag = await TagAsync(server, path);
                var answers = await Task.WhenAll(Enumerable.Range(round * 20, 16).Select(i =>
                    server.SendAsync(method, path, RunningServer.Body(Encoding.UTF8.GetBytes(string.Format(null, body, i)), "application/json"), ("If-Match", tag))));
                answers.Count(answer => answer.StatusCode == HttpStatusCode.OK).ShouldBe(1);
                answers.Count(answer => answer.StatusCode == HttpStatusCode.PreconditionFailed).ShouldBe(15);
                var won = JsonElement.Parse(await answers.Single(answer => answer.IsSuccessStatusCode).Content.ReadAsStringAsync());
                var now = JsonElement.Parse(await server.Client.GetStringAsync(path));
                var name = path == "/config" ? "sync_interval_minutes" : "every_seconds";
                now.GetProperty(name).GetDouble().ShouldBe(won.GetProperty(name).GetDouble());
            }
        // Without a condition all of them do, one after the other, and what is in use is what is kept.
        await Task.WhenAll(Enumerable.Range(1, 16).Select(i => server.PostAsync("/config", $$"""{"sync_interval_minutes":{{i}}}""")));
        await PatchAsync(server, "plain", """{"every":"file"}""");
        (await EveryAsync(server, "plain")).ShouldBe(Minutes(await ConfigAsync(server)) * 60);
    }

    [Fact]
    public async Task Who_may_only_read_does_not_change()
    {
        await using var server = await StartAsync(TimeSpan.FromMinutes(10));
        using var reader = server.Open(await TokensApiTests.MakeAsync(server, "reader", "read"));
        (await reader.GetAsync("/config")).StatusCode.ShouldBe(HttpStatusCode.OK);
        using var body = RunningServer.Body("""{"sync_interval_minutes":5}"""u8.ToArray(), "application/json");
        await RunningServer.ProblemAsync(await reader.PostAsync("/config", body), 403);
        await RunningServer.ProblemAsync(await reader.DeleteAsync("/config"), 403);
        Minutes(await ConfigAsync(server)).ShouldBe(10);
    }

    private static ServerOptions Options(TimeSpan interval) =>
        new() { Data = "", Sources = "none", Urls = ["http://127.0.0.1:0"], SyncInterval = interval, IsSyncIntervalSaid = true };

    private static Task<RunningServer> StartAsync(TimeSpan interval, params SourceDefinition[] sources) =>
        RunningServer.StartAsync(options => options with { SyncInterval = interval, IsSyncIntervalSaid = true }, null, sources);

    /// <summary>One that is not polled.</summary>
    private static SourceDefinition Source(string name, string more = "") =>
        SomeSource.Valid(SomeSource.Yaml("enabled: false\nbase_url: http://127.0.0.1:1\n" + more).Replace("name: example", $"name: {name}", StringComparison.Ordinal).Replace("base_url: https://incidents.example.com\n", "", StringComparison.Ordinal));

    private static async Task SetAsync(RunningServer server, int minutes) =>
        (await server.PostAsync("/config", $$"""{"sync_interval_minutes":{{minutes}}}""")).StatusCode.ShouldBe(HttpStatusCode.OK);

    private static Task<HttpResponseMessage> PatchAsync(RunningServer server, string name, string body) =>
        server.SendAsync(HttpMethod.Patch, $"/sources/{name}", RunningServer.Body(Encoding.UTF8.GetBytes(body), "application/json"));

    private static Task<HttpResponseMessage> ChangeAsync(RunningServer server, string path, HttpMethod method, string match) => server.SendAsync(
        method, path, method == HttpMethod.Delete ? null : RunningServer.Body(Encoding.UTF8.GetBytes(path == "/config" ? """{"sync_interval_minutes":7}""" : """{"every":"7m"}"""), "application/json"), ("If-Match", match));

    private static async Task<JsonElement> ConfigAsync(RunningServer server) => JsonElement.Parse(await server.Client.GetStringAsync("/config"));

    private static async Task<JsonElement> SourceAsync(RunningServer server, string name) => JsonElement.Parse(await server.Client.GetStringAsync($"/sources/{name}"));

    private static async Task<double> EveryAsync(RunningServer server, string name) => (await SourceAsync(server, name)).GetProperty("every_seconds").GetDouble();

    private static async Task<string> TagAsync(RunningServer server, string path) => (await server.GetAsync(path)).Headers.ETag.ShouldNotBeNull().ToString();

    private static double Minutes(JsonElement config) => config.GetProperty("sync_interval_minutes").GetDouble();

    private static string From(JsonElement config) => config.GetProperty("from").GetString()!;

    private static string NotAffected(JsonElement config) => string.Join(',', config.GetProperty("not_affected").EnumerateArray().Select(name => name.GetString()));
}
