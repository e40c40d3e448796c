using System.Diagnostics.Metrics;
using System.Net;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Tocsin.Access;
using Tocsin.Collect;
using Tocsin.Enrich;
using Tocsin.Journal;
using Tocsin.Projections;
using Tocsin.Server.Api;
using Tocsin.Server.Configuration;
using Tocsin.Server.Enrichment;
using Tocsin.Server.Health;
using Tocsin.Tests.Collect;

namespace Tocsin.Tests.Server;

/// <summary>What the service says of itself: with a source in trouble, with a store that hangs or fails, and after a crash.</summary>
public sealed class HealthTests
{
    /// <summary>By when a store that hangs must show.</summary>
    private static readonly TimeSpan RedWithin = TimeSpan.FromSeconds(15);

    private static readonly TimeSpan ProbeInterval = TimeSpan.FromSeconds(5);

    [Fact]
    public async Task A_source_that_fails_makes_the_service_degraded_and_says_so_and_why_until_it_is_well_or_paused()
    {
        var status = 200;
        await using var upstream = await StubUpstream.StartAsync(context =>
        {
            context.Response.StatusCode = status;
            return StubUpstream.JsonAsync(context, """[{"timestamp":1700000000},{"timestamp":1700000000.5}]""");
        });
        await using var server = await RunningServer.StartAsync(sources: Source(upstream, "every: 1h\nretry: { attempts: 1 }"));
        await PolledAsync(server, 1);
        var began = server.Time.GetUtcNow();
        var health = await HealthAsync(server.Client, 200, "healthy");
        foreach (var shown in new[] { health, health.GetProperty("sources")[0] })
        {
            shown.GetProperty("last_sync").GetDateTimeOffset().ShouldBe(began);
            shown.GetProperty("last_success").GetDateTimeOffset().ShouldBe(began);
            shown.GetProperty("last_event_time").GetString().ShouldBe("2023-11-14T22:13:20.5Z");
            shown.GetProperty("last_error").ValueKind.ShouldBe(JsonValueKind.Null);
        }
        (health.GetProperty("sources")[0].GetProperty("status").GetString(), health.GetProperty("sources")[0].GetProperty("next_run").GetDateTimeOffset()).ShouldBe(("idle", began.AddHours(1)));
        health.GetProperty("queue").GetRawText().ShouldBe("""{"engine":"memory","depth":0,"capacity":100000}""");

        status = 500;
        server.Time.Advance(TimeSpan.FromSeconds(1));
        (await server.SendAsync(HttpMethod.Post, "/sync")).StatusCode.ShouldBe(HttpStatusCode.Accepted);
        await PolledAsync(server, 2);
        health = await HealthAsync(server.Client, 200, "degraded");
        health.GetProperty("last_error").GetString().ShouldBe("example: " + health.GetProperty("sources")[0].GetProperty("last_error").GetString());
        (health.GetProperty("last_sync").GetDateTimeOffset(), health.GetProperty("last_success").GetDateTimeOffset()).ShouldBe((began.AddSeconds(1), began));
        (health.GetProperty("sources")[0].GetProperty("status").GetString(), health.GetProperty("sources")[0].GetProperty("consecutive_failures").GetInt32()).ShouldBe(("failed", 1));
        (await server.GetAsync("/readyz")).StatusCode.ShouldBe(HttpStatusCode.OK, "a sick upstream does not make the service sick");

        using var pause = RunningServer.Body("""{"enabled":false}"""u8.ToArray(), "application/json");
        await server.SendAsync(HttpMethod.Patch, "/sources/example", pause);
        (await HealthAsync(server.Client, 200, "healthy")).GetProperty("sources")[0].GetProperty("status").GetString().ShouldBe("paused");
        using var resume = RunningServer.Body("""{"enabled":true}"""u8.ToArray(), "application/json");
        await server.SendAsync(HttpMethod.Patch, "/sources/example", resume);
        await HealthAsync(server.Client, 200, "degraded");
        status = 200;
        await server.SendAsync(HttpMethod.Post, "/sync");
        await PolledAsync(server, 3);
        (await HealthAsync(server.Client, 200, "healthy")).GetProperty("last_error").ValueKind.ShouldBe(JsonValueKind.Null);
    }

    [Fact]
    public async Task Refused_pushes_are_counted_by_code_the_most_frequent_first_and_told_only_to_whoever_may_read()
    {
        await using var server = await RunningServer.StartAsync();
        (await HealthAsync(server.Client, 200, "healthy")).GetProperty("pushes").GetRawText().ShouldBe("""{"refused":[]}""");
        foreach (var body in new[] { """{"type":"a","external_id":"1"}""", """{"type":"b","external_id":"1"}""", "[", "[" })
            (await server.PostAsync("/event", body)).Dispose();

        // A request is counted a moment after its answer.
        JsonElement[] refused = [];
        await Until.TrueAsync(async () =>
        {
            refused = [.. (await HealthAsync(server.Client, 200, "healthy")).GetProperty("pushes").GetProperty("refused").EnumerateArray()];
            return refused.Sum(row => row.GetProperty("count").GetInt64()) == 3;
        });

        refused.Select(row => row.GetProperty("count").GetInt64()).ShouldBe([2, 1]);
        refused[1].GetProperty("code").GetString().ShouldBe("idempotency_conflict");
        var metrics = await MetricsText.ScrapeAsync(server.Client);
        foreach (var row in refused)
            metrics.Value($$"""tocsin_http_refused_pushes_total{code="{{row.GetProperty("code").GetString()}}"}""").ShouldBe(row.GetProperty("count").GetInt64());
        using var stranger = server.Open(null);
        (await stranger.GetStringAsync("/health")).ShouldBe("""{"status":"healthy"}""");
    }

    [Fact]
    public async Task The_time_of_the_newest_event_is_that_of_all_sources_and_stays_when_a_restart_brings_older_ones()
    {
        var answers = new Dictionary<string, string>(StringComparer.Ordinal) { ["/a"] = """[{"timestamp":1700000000.5},{"timestamp":1700000000}]""", ["/b"] = """[{"timestamp":1700000000}]""" };
        await using var upstream = await StubUpstream.StartAsync(context => StubUpstream.JsonAsync(context, answers[context.Request.Path!]));
        var server = await RunningServer.StartAsync(sources: [Source(upstream, "every: 1h", "a"), Source(upstream, "every: 1h", "b")]);
        try
        {
            foreach (var polls in new[] { 1, 2 })
            {
                await PolledAsync(server, polls, "a");
                await PolledAsync(server, polls, "b");
                var health = await HealthAsync(server.Client, 200, "healthy");
                health.GetProperty("last_event_time").GetString().ShouldBe("2023-11-14T22:13:20.5Z");
                health.GetProperty("sources").EnumerateArray().Select(source => source.GetProperty("last_event_time").GetString()).ShouldBe(["2023-11-14T22:13:20.5Z", "2023-11-14T22:13:20Z"]);
                (answers["/a"], answers["/b"]) = ("""[{"timestamp":1600000000}]""", """[{"timestamp":1600000000}]""");
                if (polls == 1)
                    server = await server.RestartAsync();
            }
        }
        finally
        {
            await server.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_crash_while_a_call_hangs_leaves_no_source_syncing()
    {
        var hangs = true;
        await using var upstream = await StubUpstream.StartAsync(context =>
            hangs && context.Request.Path == "/hangs" ? StubUpstream.HangAsync(context) : StubUpstream.JsonAsync(context, "[]"));
        var source = SomeSource.Valid(SomeSource.Yaml("allow_private: true\nenabled: false\ntimeout: 5m").Replace("https://incidents.example.com", upstream.Url, StringComparison.Ordinal)
            .Replace("{ get: /incidents/ }", "{ get: /hangs }, { get: /well }", StringComparison.Ordinal));
        var server = await RunningServer.StartAsync(sources: source);
        try
        {
            // The second poll is of the other request alone: what it keeps of the source says that a call is under way.
            foreach (var calls in new[] { 2, 3 })
            {
                await SyncAsync(server, 202, """{"started":["example"],"already_running":[]}""", "?source=example");
                await Until.TrueAsync(() => upstream.Calls.Count == calls && Feeds(server).Contains("/well idle"));
            }
            await PolledAsync(server, 1);
            Feeds(server).ShouldBe("/hangs syncing,/well idle");
            server = await server.CrashAsync();
            Feeds(server).ShouldBe("/hangs idle,/well idle");
            hangs = false;
            await SyncAsync(server, 202, """{"started":["example"],"already_running":[]}""", "?source=example");
            await PolledAsync(server, 2);
            Feeds(server).ShouldBe("/hangs idle,/well idle");
            (await HealthAsync(server.Client, 200, "healthy")).GetProperty("sources")[0].GetProperty("last_success").ValueKind.ShouldBe(JsonValueKind.String);
        }
        finally
        {
            await server.DisposeAsync();
        }
    }

    [Fact]
    public async Task Told_to_sync_it_says_what_it_started_what_was_running_and_409_when_nothing_was_started()
    {
        var gates = new Dictionary<string, TaskCompletionSource>(StringComparer.Ordinal) { ["a"] = new(), ["b"] = new(), ["off"] = new() };
        await using var upstream = await StubUpstream.StartAsync(async context =>
        {
            await gates[context.Request.Path.Value!.Trim('/')].Task;
            await StubUpstream.JsonAsync(context, "[]");
        });
        SourceDefinition Of(string name, string more = "") => SomeSource.Valid(SomeSource.Yaml("allow_private: true\nevery: 1h\ntimeout: 5m\n" + more).Replace("name: example", $"name: {name}", StringComparison.Ordinal)
            .Replace("https://incidents.example.com", upstream.Url, StringComparison.Ordinal).Replace("/incidents/", $"/{name}", StringComparison.Ordinal));
        await using var server = await RunningServer.StartAsync(sources: [Of("a"), Of("b"), Of("off", "enabled: false")]);
        await Until.TrueAsync(() => upstream.Calls.Count == 2);
        await SyncAsync(server, 409, """{"started":[],"already_running":["a","b"]}""");
        gates["a"].SetResult();
        await PolledAsync(server, 1, "a");
        await SyncAsync(server, 202, """{"started":["a"],"already_running":["b"]}""");
        await PolledAsync(server, 2, "a");
        await SyncAsync(server, 202, """{"started":["off"],"already_running":[]}""", "?source=off");
        await SyncAsync(server, 409, """{"started":[],"already_running":["off"]}""", "?source=off");
        await SyncAsync(server, 202, """{"started":["a"],"already_running":["b"]}""", "?source=b&source=a&source=a");
        await RunningServer.ProblemAsync(await server.SendAsync(HttpMethod.Post, "/sync?source=a&source=none"), 404);
        await PolledAsync(server, 3, "a");
        foreach (var gate in gates.Values)
            gate.TrySetResult();
        await PolledAsync(server, 1, "off");
        await PolledAsync(server, 1, "b");
    }

    [Fact]
    public async Task A_store_that_hangs_in_a_commit_shows_in_time_and_is_well_as_soon_as_it_answers()
    {
        await using var host = await HealthHost.StartAsync();
        host.Store.Hold();
        host.Time.Advance(ProbeInterval);
        await Until.DoneAsync(host.Store.Held);
        await HangsAsync(host, since: ProbeInterval);
        host.Store.LetGo();
        await WellAsync(host);
    }

    [Fact]
    public async Task A_store_that_hangs_in_a_read_shows_in_time_and_is_well_as_soon_as_it_answers()
    {
        await using var host = await HealthHost.StartAsync();
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        host.Store.StateReads = gate.Task;
        host.Time.Advance(ProbeInterval);
        await Until.TrueAsync(() => host.Store.Groups.Count == 2);
        await HangsAsync(host, since: ProbeInterval);
        host.Store.StateReads = Task.CompletedTask;
        gate.SetResult();
        await WellAsync(host);
    }

    [Fact]
    public async Task However_long_a_store_hangs_one_probe_waits()
    {
        await using var host = await HealthHost.StartAsync();
        host.Store.Hold();
        host.Time.Advance(ProbeInterval);
        await Until.DoneAsync(host.Store.Held);
        for (var i = 0; i < 100; i++)
            host.Time.Advance(ProbeInterval);
        (await HealthAsync(host.Client, 503, "unhealthy")).GetProperty("queue").GetProperty("depth").GetInt32().ShouldBe(1);
        host.Store.LetGo();
        await WellAsync(host);
    }

    [Fact]
    public async Task A_store_that_refuses_makes_the_service_unhealthy_with_the_reason_and_is_well_at_the_next_probe()
    {
        await using var host = await HealthHost.StartAsync();
        host.Store.Refuse = _ => new JournalUnavailableException("database or disk is full");
        host.Time.Advance(ProbeInterval);
        await Until.TrueAsync(() => Status(host, "/readyz") == 503);
        var store = (await HealthAsync(host.Client, 503, "unhealthy")).GetProperty("store");
        (store.GetProperty("status").GetString(), store.GetProperty("error").GetString()).ShouldBe(("unhealthy", "database or disk is full"));
        host.Store.Refuse = _ => null;
        host.Time.Advance(ProbeInterval);
        await WellAsync(host);
    }

    private static async Task HangsAsync(HealthHost host, TimeSpan since)
    {
        Status(host, "/readyz").ShouldBe(200, "one slow probe is no reason yet");
        host.Time.Advance(RedWithin - since);
        Status(host, "/readyz").ShouldBe(503);
        Status(host, "/livez").ShouldBe(200);
        var store = (await HealthAsync(host.Client, 503, "unhealthy")).GetProperty("store");
        store.GetProperty("error").GetString().ShouldNotBeNullOrEmpty();
        store.GetProperty("latency_ms").GetDouble().ShouldBe((RedWithin - since).TotalMilliseconds);
        using var stranger = new HttpClient { BaseAddress = host.Client.BaseAddress };
        using var answer = await stranger.GetAsync("/health");
        (answer.StatusCode, await answer.Content.ReadAsStringAsync()).ShouldBe((HttpStatusCode.ServiceUnavailable, """{"status":"unhealthy"}"""));
    }

    private static async Task WellAsync(HealthHost host)
    {
        await Until.TrueAsync(() => Status(host, "/readyz") == 200);
        (await HealthAsync(host.Client, 200, "healthy")).GetProperty("store").GetProperty("error").ValueKind.ShouldBe(JsonValueKind.Null);
    }

    private static int Status(HealthHost host, string path)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        using var answer = host.Client.Send(request);
        return (int)answer.StatusCode;
    }

    private static async Task<JsonElement> HealthAsync(HttpClient client, int code, string status)
    {
        using var answer = await client.GetAsync("/health");
        var health = JsonElement.Parse(await answer.Content.ReadAsStringAsync());
        ((int)answer.StatusCode, health.GetProperty("status").GetString()).ShouldBe((code, status), health.GetRawText());
        return health;
    }

    private static async Task SyncAsync(RunningServer server, int status, string body, string query = "")
    {
        using var answer = await server.SendAsync(HttpMethod.Post, "/sync" + query);
        ((int)answer.StatusCode, await answer.Content.ReadAsStringAsync()).ShouldBe((status, body));
    }

    private static SourceDefinition Source(StubUpstream upstream, string more, string name = "example") => SomeSource.Valid(SomeSource.Yaml("allow_private: true\n" + more)
        .Replace("name: example", $"name: {name}", StringComparison.Ordinal).Replace("https://incidents.example.com", upstream.Url, StringComparison.Ordinal).Replace("/incidents/", $"/{name}", StringComparison.Ordinal));

    private static string Feeds(RunningServer server) => string.Join(',', JsonElement.Parse(server.Client.GetStringAsync("/sources/example").GetAwaiter().GetResult())
        .GetProperty("feeds").EnumerateArray().Select(feed => $"{feed.GetProperty("name").GetString()} {feed.GetProperty("status").GetString()}"));

    /// <summary>Waits until this many polls have left their row of history.</summary>
    private static Task PolledAsync(RunningServer server, int polls, string name = "example") => Until.TrueAsync(() =>
        JsonElement.Parse(server.Client.GetStringAsync($"/sources/{name}/syncs").GetAwaiter().GetResult()).GetArrayLength() >= polls);

    /// <summary>The doors of health over a real server, with a hand on the store and the clock.</summary>
    private sealed class HealthHost : IAsyncDisposable
    {
        private readonly TempFolder _folder = new();
        private readonly CancellationTokenSource _stop = new();
        private readonly EventJournal _journal;
        private readonly IdentityStore _identities;
        private readonly SessionStore _sessions;
        private readonly Collector _collector;
        private readonly WebApplication _web;
        private readonly StoreProbe _probe;
        private readonly Meter _meter;
        private Task _probing = Task.CompletedTask;

        private HealthHost()
        {
            Store = new TestStore(_folder.Path);
            _journal = new EventJournal(Store, 10_000, NullLogger<EventJournal>.Instance);
            _probe = new StoreProbe(_journal, Time);
            var directory = new IdentityDirectory();
            var late = new LateAttribution(_journal, directory, Time, NullLogger<LateAttribution>.Instance);
            _identities = new IdentityStore(_journal, directory, late);
            _collector = new Collector([], TimeSpan.FromMinutes(30), _journal, directory, _identities, late, Time, NullLogger<Collector>.Instance);
            var board = new IncidentBoard(Store.Info.Id, 100);
            var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
            builder.WebHost.UseKestrelCore().UseUrls("http://127.0.0.1:0");
            builder.Services.AddRoutingCore().AddSingleton<Microsoft.Extensions.Logging.ILoggerFactory>(NullLoggerFactory.Instance).AddLogging();
            builder.Services.ConfigureHttpJsonOptions(json => ApiJson.Configure(json.SerializerOptions));
            _web = builder.Build();
            _web.UseMiddleware<ErrorMiddleware>();
            _web.UseRouting();
            var hash = new byte[32];
            AccessControl.Hash(RunningServer.Token, hash);
            var access = new AccessControl(hash, false, Time);
            _web.UseMiddleware<RouteRulesMiddleware>(new Callers(access, _sessions = new SessionStore(_journal, access, new OwnActions(_journal, Time), Time), []), new GuessThrottle(Time, _ => { }));
            _meter = new Meter("health");
            var files = new EnrichmentFiles(new ServerOptions { Data = _folder.Path, Sources = "" }, directory, static () => { }, _meter, Time, NullLogger<EnrichmentFiles>.Instance);
            new HealthApi(_journal, new MemoryPushQueue(_journal), _probe, _collector, board, new BoardFeeder(_journal, board, Time), files, new RefusedPushes(_meter), leases: null, Time).Map(_web);
        }

        public TestStore Store { get; }

        public FakeTimeProvider Time { get; } = new();

        public HttpClient Client { get; private set; } = null!;

        /// <summary>Starts it, and waits for the first probe.</summary>
        public static async Task<HealthHost> StartAsync()
        {
            var host = new HealthHost();
            await host._web.StartAsync();
            host.Client = new HttpClient { BaseAddress = new Uri(host._web.Urls.First()) };
            host.Client.DefaultRequestHeaders.Add("Authorization", "Bearer " + RunningServer.Token);
            host._probing = host._probe.RunAsync(host._stop.Token);
            await Until.TrueAsync(() => host._probe.Latency == TimeSpan.Zero && host.Store.Groups.Count == 1 && host.Store.StateReadsDone == 1 && Status(host, "/readyz") == 200);
            return host;
        }

        public async ValueTask DisposeAsync()
        {
            Client.Dispose();
            await _stop.CancelAsync();
            await _probing.ContinueWith(static _ => { }, TaskScheduler.Default);
            await _web.StopAsync();
            await _web.DisposeAsync();
            await _journal.DisposeAsync();
            _collector.Dispose();
            _identities.Dispose();
            _sessions.Dispose();
            _meter.Dispose();
            _stop.Dispose();
            _folder.Dispose();
        }
    }
}
