using System.Globalization;

namespace Tocsin.SystemTests;

/// <summary>The feed of alerts killed, in every style of paging, and beside an upstream that hangs.</summary>
public sealed class AlertFeedTests
{
    private static readonly TimeSpan Recovery = TimeSpan.FromSeconds(30);

    private static int Kills => int.Parse(Environment.GetEnvironmentVariable("TOCSIN_KILLS") ?? "5", CultureInfo.InvariantCulture);

    [Fact]
    public async Task After_kills_in_the_middle_of_a_sync_every_alert_is_there_once()
    {
        await using var mock = await MockProcess.StartAsync("--alerts", "3000", "--per-type", "1", "--latency", "5ms");
        await mock.SetAsync("""{"http_500":0.1,"truncate":0.1,"drip_per_second":140}""");
        // Small pages: a kill meets a walk in its middle.
        using var home = new ServerHome().With(new AlertYaml(mock.Url) { Paging = "{ style: page, param: page, size_param: limit, size: 50 }" });
        for (var kill = 0; kill < Kills; kill++)
        {
            await using var server = await ServerProcess.StartAsync(home);
            await mock.AddAsync(40, "alerts");
            await mock.ReviseAsync(10);
            await server.SyncAsync();
            await Eventually.DuringAsync(TimeSpan.FromMilliseconds(Random.Shared.Next(600)), () => server.JsonAsync("/sources"));
            await server.KillAsync();
        }
        await mock.CalmAsync();
        await using var last = await ServerProcess.StartAsync(home);
        var alerts = await last.ShowsAsync(mock, Recovery);
        Figures.Print($"{Kills} x kill -9 in the middle of a sync of alerts in pages of 50, faults at 20 %: every one of {alerts} alerts once, in its newest version");
    }

    [Fact]
    public async Task Every_style_of_paging_brings_every_alert_once_though_more_come_meanwhile_and_calls_fail()
    {
        await using var mock = await MockProcess.StartAsync("--alerts", "60", "--per-type", "1");
        AlertYaml[] sources =
        [
            new(mock.Url) { Name = "page", Paging = "{ style: page, param: page, size_param: limit, size: 7 }" },
            new(mock.Url) { Name = "offset", Paging = "{ style: offset, param: offset, size_param: limit, size: 7 }" },
            new(mock.Url) { Name = "cursor", Path = "/alerts/cursor", Records = "items", Paging = "{ style: cursor, param: cursor, from: next_cursor, size_param: limit, size: 7 }" },
            new(mock.Url) { Name = "next_url", Path = "/alerts/next_url", Records = "items", Paging = "{ style: next_url, from: next, size_param: limit, size: 7 }" },
            new(mock.Url) { Name = "link", Path = "/alerts/link", Paging = "{ style: link, size_param: limit, size: 7 }" },
        ];
        using var home = new ServerHome();
        foreach (var source in sources)
            home.With(source);
        await mock.SetAsync("""{"http_500":0.3,"drip_per_second":80}""");
        await using var server = await ServerProcess.StartAsync(home);
        await Eventually.DuringAsync(TimeSpan.FromSeconds(2), async () =>
        {
            await server.SyncAsync();
            await mock.ReviseAsync(1);
        });
        await mock.CalmAsync();
        await server.SyncAsync();
        foreach (var source in sources)
        {
            var alerts = await server.ShowsAsync(mock, Recovery, source.Name);
            Figures.Print($"alerts, paging {source.Name} in sevens, http_500 at 0.3: all {alerts} once, in their newest versions");
        }
    }

    [Fact]
    public async Task An_upstream_that_hangs_makes_no_other_late()
    {
        const int IntervalMilliseconds = 200;
        const double MaxLaterMilliseconds = 100;
        await using var healthy = await MockProcess.StartAsync("--alerts", "50", "--per-type", "1");
        await using var hanging = await MockProcess.StartAsync("--alerts", "50", "--per-type", "50");
        using var home = new ServerHome(new SourceYaml(hanging.Url) { Name = "hangs-too", Timeout = "30s" })
            .With(new AlertYaml(hanging.Url) { Name = "hangs", Timeout = "30s", Every = "500ms" })
            .With(new AlertYaml(healthy.Url) { Every = $"{IntervalMilliseconds}ms" });
        await using var server = await ServerProcess.StartAsync(home);
        await server.CompleteAsync();

        var alone = await DelaysAsync();
        await hanging.SetAsync("""{"timeout":1}""");
        await Eventually.BeAsync("the neighbours hang", Recovery, async () =>
            (await server.SourceAsync("hangs")).GetProperty("status").GetString() == "syncing" && (await server.SourceAsync("hangs-too")).GetProperty("status").GetString() == "syncing");
        var beside = await DelaysAsync();
        (await server.SourceAsync("hangs")).GetProperty("status").GetString().ShouldBe("syncing", "for 30 s");

        Figures.Print($"polls of a source, from when they were due to their end: alone median {Figures.Percentile(alone, 0.5):F1} ms, p95 {Figures.Percentile(alone, 0.95):F1} ms, at most {alone.Max():F1} ms; beside nine feeds that hang median {Figures.Percentile(beside, 0.5):F1} ms, p95 {Figures.Percentile(beside, 0.95):F1} ms, at most {beside.Max():F1} ms");
        // Of fifteen the three slowest are the machine's; none waits for a neighbour that hangs for 30 s.
        (Figures.Percentile(beside, 0.8) - Figures.Percentile(alone, 0.8)).ShouldBeLessThan(MaxLaterMilliseconds);
        beside.Max().ShouldBeLessThan(5_000);

        async Task<double[]> DelaysAsync()
        {
            var first = (await RunsAsync())[^1].Run + 1;
            await Eventually.BeAsync("fifteen polls", Recovery, async () => (await RunsAsync())[^1].Run >= first + 14);
            var runs = (await RunsAsync()).Where(run => run.Run >= first).ToArray();
            // The rhythm does not drift: a poll is due a whole number of intervals after the most punctual one. One that was left out (the one before was
            // still at its commit) is as late as the next.
            var slots = runs.Select(run => (int)Math.Round((run.Started - runs[0].Started).TotalMilliseconds / IntervalMilliseconds)).ToArray();
            var due = runs.Zip(slots, (run, slot) => run.Started.AddMilliseconds(-IntervalMilliseconds * slot)).Min();
            return
            [
                .. Enumerable.Range(0, slots[^1] + 1)
                    .Select(slot => (runs[Array.FindIndex(slots, taken => taken >= slot)].Finished - due).TotalMilliseconds - IntervalMilliseconds * slot),
            ];
        }

        async Task<(long Run, DateTimeOffset Started, DateTimeOffset Finished)[]> RunsAsync() =>
        [
            .. (await server.JsonAsync("/sources/alerts/syncs")).EnumerateArray()
                .Select(run => (run.GetProperty("run").GetInt64(), run.GetProperty("started_at").GetDateTimeOffset(), run.GetProperty("finished_at").GetDateTimeOffset())).OrderBy(run => run.Item1),
        ];
    }
}
