using System.Diagnostics.Metrics;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Routing.Patterns;
using Tocsin.Journal;
using Tocsin.Server.Api;
using Tocsin.Server.Metrics;

namespace Tocsin.Tests.Server;

public sealed class MetricsTests
{
    private static readonly string[] Promised =
    [
        "tocsin_http_requests_total", "tocsin_http_request_duration_seconds", "tocsin_http_refused_pushes_total", "tocsin_events_total", "tocsin_commit_entries",
        "tocsin_commit_duration_seconds", "tocsin_queue_depth", "tocsin_queue_capacity", "tocsin_polls_total", "tocsin_source_last_success_age_seconds",
        "tocsin_board_events", "tocsin_board_sequence", "tocsin_journal_sequence", "tocsin_store_size_bytes", "tocsin_stream_readers", "tocsin_stream_dropped_total",
        "process_cpu_seconds_total", "process_resident_memory_bytes", "process_start_time_seconds", "process_threads", "dotnet_gc_collections_total",
        "dotnet_gc_heap_size_bytes", "dotnet_gc_pause_seconds_total", "tocsin_build_info",
    ];

    [Fact]
    public async Task Every_promised_name_is_there_and_counts_what_was_done()
    {
        await using var server = await RunningServer.StartAsync();
        await server.AppendAsync(Some.Event(id: 1), Some.Event(id: 2), Some.Event(id: 3, source: "waf", kind: EventKind.Alert));
        await server.AppendAsync(Some.Amendment(1, userId: "7"));
        for (var n = 0; n < 3; n++)
            (await server.GetAsync("/incidents")).Dispose();
        await server.GetAsync("/incidents?user_id=7");
        await server.GetAsync("/sources/none");
        await server.SendAsync(new HttpMethod("BREW"), "/sources");

        var metrics = await MetricsText.ScrapeAsync(server.Client, metrics => Answered(metrics) == 6);

        metrics.Types.Keys.Intersect(Promised).ShouldBe(Promised, ignoreOrder: true);
        metrics.Value("""tocsin_events_total{kind="incident",source="elevate",result="created"}""").ShouldBe(2);
        metrics.Value("""tocsin_events_total{kind="alert",source="waf",result="created"}""").ShouldBe(1);
        metrics.Value("""tocsin_http_requests_total{route="/incidents",method="GET",status="200"}""").ShouldBe(4);
        metrics.Value("""tocsin_http_requests_total{route="/sources/{name}",method="GET",status="404"}""").ShouldBe(1);
        metrics.Value("""tocsin_http_requests_total{route="other",method="other",status="405"}""").ShouldBe(1);
        metrics.Value("""tocsin_http_request_duration_seconds_count{route="/incidents"}""").ShouldBe(4);
        metrics.Value("tocsin_journal_sequence").ShouldBe(4);
        metrics.Value("tocsin_queue_capacity").ShouldBe(100_000);
        metrics.Value("tocsin_store_size_bytes").ShouldBeGreaterThan(1_000);
        metrics.Value("process_resident_memory_bytes").ShouldBeGreaterThan(1 << 20);
        metrics.Value("""tocsin_build_info{version="0.1.0"}""").ShouldBe(1);
    }

    [Fact]
    public async Task Pushes_count_by_what_became_of_them()
    {
        await using var server = await RunningServer.StartAsync();
        const string Batch = """[{"type":"a","external_id":"1"},{"type":"b"},{"kind":"audit"}]""";
        for (var n = 0; n < 2; n++)
            (await server.PostAsync("/events", Batch)).Dispose();
        (await server.PostAsync("/event", """{"no":"type"}""")).Dispose();
        (await server.PostAsync("/event", """{"type":"other","external_id":"1"}""")).Dispose();

        var metrics = await MetricsText.ScrapeAsync(server.Client, metrics => metrics.Value("""tocsin_http_refused_pushes_total{code="idempotency_conflict"}""") > 0);

        metrics.Value("""tocsin_events_total{kind="audit",source="admin",result="created"}""").ShouldBe(3);
        metrics.Value("""tocsin_events_total{kind="audit",source="admin",result="duplicate"}""").ShouldBe(1);
        metrics.Value("""tocsin_events_total{kind="audit",source="admin",result="rejected"}""").ShouldBe(3);
        metrics.Value("""tocsin_events_total{kind="audit",source="admin",result="changed"}""").ShouldBe(1);
        metrics.Value("""tocsin_http_refused_pushes_total{code="idempotency_conflict"}""").ShouldBe(1);
    }

    [Fact]
    public async Task Paths_that_are_not_there_and_people_make_no_labels()
    {
        await using var server = await RunningServer.StartAsync();
        for (var n = 0; n < 20; n++)
            foreach (var path in new[] { $"/nowhere/{n}", $"/incidents/person{n}", $"/incidents?user_id=person{n}" })
                (await server.GetAsync(path)).Dispose();

        var metrics = await MetricsText.ScrapeAsync(server.Client, metrics => Answered(metrics) == 60);

        metrics.Samples.ShouldAllBe(sample => !sample.Contains("nowhere", StringComparison.Ordinal) && !sample.Contains("person", StringComparison.Ordinal));
        metrics.Value("""tocsin_http_requests_total{route="other",method="GET",status="404"}""").ShouldBe(20);
        metrics.Value("""tocsin_http_requests_total{route="/incidents/{user_id}",method="GET",status="404"}""").ShouldBe(20);
    }

    [Fact]
    public async Task Metrics_need_their_scope()
    {
        await using var server = await RunningServer.StartAsync(anonymousRead: true);
        using var stranger = server.Open(null);
        await RunningServer.ProblemAsync(await stranger.GetAsync("/metrics"), 401);
        server.MetricsUrl.ShouldBeNull();
    }

    [Fact]
    public async Task A_door_of_their_own_is_open_and_the_only_one()
    {
        await using var server = await RunningServer.StartAsync(options => options with { MetricsUrls = ["http://127.0.0.1:0"] });
        using var stranger = new HttpClient { BaseAddress = server.MetricsUrl };

        (await MetricsText.ScrapeAsync(stranger)).Value("tocsin_queue_capacity").ShouldBe(100_000);
        await RunningServer.ProblemAsync(await stranger.GetAsync("/incidents"), 404);
        await RunningServer.ProblemAsync(await stranger.GetAsync("/metrics?x=1"), 400);
        await RunningServer.ProblemAsync(await server.GetAsync("/metrics"), 404);
    }

    [Fact]
    public async Task Two_services_in_one_process_do_not_mix()
    {
        await using var one = await RunningServer.StartAsync();
        await using var other = await RunningServer.StartAsync();
        await one.AppendAsync(Some.Event(id: 1));

        (await MetricsText.ScrapeAsync(other.Client)).Value("""tocsin_events_total{kind="incident",source="elevate",result="created"}""").ShouldBe(0);
        (await MetricsText.ScrapeAsync(one.Client)).Value("""tocsin_events_total{kind="incident",source="elevate",result="created"}""").ShouldBe(1);
    }

    [Fact]
    public async Task Repeats_and_other_contents_are_counted_as_what_they_are()
    {
        await using var server = await RunningServer.StartAsync();
        var keyed = Some.Event() with { Id = EventId.FromKey(new byte[32]), Fingerprint = 1 };
        await server.AppendAsync(keyed);
        await server.AppendAsync(keyed, keyed with { Fingerprint = 2 }, Some.Event(id: 9));

        var metrics = await MetricsText.ScrapeAsync(server.Client);
        foreach (var (result, count) in new[] { ("created", 2), ("duplicate", 1), ("changed", 1) })
            metrics.Value($$"""tocsin_events_total{kind="incident",source="elevate",result="{{result}}"}""").ShouldBe(count, result);
    }

    [Fact]
    public void Text_is_escaped_and_a_histogram_counts_upwards()
    {
        using var registry = new MetricsRegistry();
        registry.Meter.CreateCounter<long>("a_total", null, "With \\ and\na break").Add(3, new KeyValuePair<string, object?>("path", "a\"b\\c\nd"));
        var sizes = registry.Meter.CreateHistogram("sizes", null, "Sizes", null, new InstrumentAdvice<long> { HistogramBucketBoundaries = [1, 10] });
        foreach (var size in new long[] { 1, 2, 10, 11 })
            sizes.Record(size);

        System.Text.Encoding.UTF8.GetString(registry.Scrape()).ShouldBe("""
            # HELP a_total With \\ and\na break
            # TYPE a_total counter
            a_total{path="a\"b\\c\nd"} 3
            # HELP sizes Sizes
            # TYPE sizes histogram
            sizes_bucket{le="1"} 1
            sizes_bucket{le="10"} 3
            sizes_bucket{le="+Inf"} 4
            sizes_sum 24
            sizes_count 4

            """);
    }

    [Fact]
    public void Label_sets_are_bounded_and_the_rest_counts_as_other()
    {
        using var registry = new MetricsRegistry();
        var counter = registry.Meter.CreateCounter<long>("a_total", null, "A");
        for (var n = 0; n < MetricFamily.MaxSeries + 50; n++)
            counter.Add(2, new KeyValuePair<string, object?>("name", $"n{n}"));
        counter.Add(1, new KeyValuePair<string, object?>("name", "n0"));

        var text = MetricsText.Parse(registry.Scrape());
        text.Samples.Count().ShouldBe(MetricFamily.MaxSeries + 1);
        text.Value("""a_total{name="other"}""").ShouldBe(100);
        text.Value("""a_total{name="n0"}""").ShouldBe(3);
    }

    [Fact]
    public void What_is_observed_and_no_longer_there_is_no_longer_told()
    {
        using var registry = new MetricsRegistry();
        var names = new List<string> { "a", "b" };
        registry.Meter.CreateObservableGauge("x", () => names.Select(name => new Measurement<long>(1, new KeyValuePair<string, object?>("name", name))), null, "X");
        MetricsText.Parse(registry.Scrape()).Samples.Count().ShouldBe(2);
        names.Remove("a");
        MetricsText.Parse(registry.Scrape()).Samples.ShouldBe(["""x{name="b"}"""]);
    }

    [Fact]
    public async Task Many_threads_lose_nothing()
    {
        using var registry = new MetricsRegistry();
        var counter = registry.Meter.CreateCounter<long>("a_total", null, "A");
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() =>
        {
            for (var n = 0; n < 50_000; n++)
                counter.Add(1, new KeyValuePair<string, object?>("name", n % 2 == 0 ? "even" : "odd"));
        })));
        MetricsText.Parse(registry.Scrape()).Value("""a_total{name="odd"}""").ShouldBe(100_000);
    }

    [Fact]
    public void A_request_that_is_answered_at_once_is_counted_without_an_allocation()
    {
        using var registry = new MetricsRegistry();
        var middleware = new HttpMetrics(_ => Task.CompletedTask, registry.Meter, new RefusedPushes(registry.Meter), new FakeTimeProvider());
        var context = Context("GET", "/incidents", "/incidents");
        for (var n = 0; n < 100; n++)
            _ = middleware.InvokeAsync(context);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var n = 0; n < 1_000; n++)
            _ = middleware.InvokeAsync(context);

        (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBeLessThan(1_000);
        MetricsText.Parse(registry.Scrape()).Value("""tocsin_http_requests_total{route="/incidents",method="GET",status="200"}""").ShouldBe(1_100);
    }

    [Theory]
    [InlineData("POST", "/events", 1)]
    [InlineData("POST", "/event", 1)]
    [InlineData("GET", "/events", 0)]
    [InlineData("POST", "/sync", 0)]
    public async Task A_push_that_is_refused_is_counted_by_its_code(string method, string route, int count)
    {
        using var registry = new MetricsRegistry();
        var middleware = new HttpMetrics(context => new Problem(429, "queue_full", "Full.").ExecuteAsync(context), registry.Meter, new RefusedPushes(registry.Meter), new FakeTimeProvider());
        await middleware.InvokeAsync(Context(method, route, route));

        MetricsText.Parse(registry.Scrape()).Value("""tocsin_http_refused_pushes_total{code="queue_full"}""").ShouldBe(count);
    }

    /// <summary>Whoever pushes may name any source, and must not take the series that alerts are about.</summary>
    [Fact]
    public void Pushed_sources_have_so_many_series_and_configured_ones_always_theirs()
    {
        using var registry = new MetricsRegistry();
        var journal = new JournalMetrics(registry.Meter, new FakeTimeProvider(), ["waf"]);
        for (var n = 0; n < JournalMetrics.MaxPushedSources + 7; n++)
            journal.Rejected(EventKind.Audit, $"host-{n}", 1);
        journal.Rejected(EventKind.Audit, "host-0", 2);
        journal.Rejected(EventKind.Alert, "waf", 5);

        var metrics = MetricsText.Parse(registry.Scrape());
        metrics.Value("""tocsin_events_total{kind="audit",source="host-0",result="rejected"}""").ShouldBe(3);
        metrics.Value("""tocsin_events_total{kind="audit",source="other",result="rejected"}""").ShouldBe(7);
        metrics.Value("""tocsin_events_total{kind="alert",source="waf",result="rejected"}""").ShouldBe(5);
    }

    /// <summary>How many requests are counted in full, other scrapes apart.</summary>
    private static double Answered(MetricsText metrics) =>
        metrics.Samples.Where(sample => sample.StartsWith("tocsin_http_request_duration_seconds_count", StringComparison.Ordinal) && !sample.Contains("\"/metrics\"", StringComparison.Ordinal)).Sum(metrics.Value);

    private static DefaultHttpContext Context(string method, string path, string route)
    {
        var context = new DefaultHttpContext();
        (context.Request.Method, context.Request.Path) = (method, path);
        context.SetEndpoint(new RouteEndpoint(_ => Task.CompletedTask, RoutePatternFactory.Parse(route), 0, null, null));
        return context;
    }
}
