using System.Globalization;
using System.Net;
using System.Text.Json;

namespace Tocsin.SystemTests;

/// <summary>What polling does to the board over time, with an upstream that is there, or is not.</summary>
public sealed class PollingTests
{
    private static int Polls => int.Parse(Environment.GetEnvironmentVariable("TOCSIN_POLLS") ?? "100", CultureInfo.InvariantCulture);

    [Fact]
    public async Task Without_a_source_it_runs_and_is_empty()
    {
        using var home = new ServerHome();
        await using var server = await ServerProcess.StartAsync(home);
        await Eventually.DuringAsync(TimeSpan.FromSeconds(1), async () =>
        {
            var board = await server.BoardAsync();
            (board.Status, board.Incomplete, board.AsOf).ShouldBe((HttpStatusCode.OK, null, null));
            board.Body.ShouldBe("{}"u8.ToArray());
        });
        (await server.JsonAsync("/sources")).GetArrayLength().ShouldBe(0);
        (await server.PostAsync("/sync", "")).Status.ShouldBe(HttpStatusCode.Conflict);
        (await server.Process.TerminateAsync()).End.Code.ShouldBe(0);
    }

    [Fact]
    public async Task With_the_upstream_down_from_the_start_the_board_is_empty_and_says_so()
    {
        using var home = new ServerHome(new SourceYaml($"http://127.0.0.1:{Ports.Free()}"));
        await using var server = await ServerProcess.StartAsync(home);

        await Eventually.BeAsync("the failure shows", TimeSpan.FromSeconds(10), async () => (await server.SourceAsync()).GetProperty("last_error").ValueKind == JsonValueKind.String);

        var milliseconds = new List<double>();
        await Eventually.DuringAsync(TimeSpan.FromSeconds(1), async () =>
        {
            var asked = TimeProvider.System.GetTimestamp();
            var board = await server.BoardAsync();
            milliseconds.Add(TimeProvider.System.GetElapsedTime(asked).TotalMilliseconds);
            board.Status.ShouldBe(HttpStatusCode.OK);
            board.Body.ShouldBe("{}"u8.ToArray());
            board.Incomplete.ShouldBe("elevate");
            board.AsOf.ShouldBeNull();
        });
        (await server.JsonAsync("/health")).GetProperty("status").GetString().ShouldBe("degraded");
        Figures.Print($"/incidents with the upstream down: p99 {Figures.Percentile(milliseconds, 0.99):F1} ms of {milliseconds.Count} answers");
    }

    [Fact]
    public async Task With_the_upstream_gone_later_the_board_stays_and_says_as_of_when_it_is()
    {
        await using var mock = await MockProcess.StartAsync();
        using var home = new ServerHome(new SourceYaml(mock.Url));
        await using var server = await ServerProcess.StartAsync(home);
        await server.CompleteAsync();
        (await server.JsonAsync("/health")).GetProperty("status").GetString().ShouldBe("healthy");

        await mock.Process.KillAsync();
        await Eventually.BeAsync("health says degraded", TimeSpan.FromSeconds(10), async () => (await server.JsonAsync("/health")).GetProperty("status").GetString() == "degraded");
        await Eventually.BeAsync("all feeds have failed", TimeSpan.FromSeconds(10), async () =>
            (await server.SourceAsync()).GetProperty("feeds").EnumerateArray().All(feed => feed.GetProperty("last_error").ValueKind == JsonValueKind.String));
        var before = await server.BoardAsync();

        await Eventually.DuringAsync(TimeSpan.FromSeconds(1.5), async () =>
        {
            var board = await server.BoardAsync();
            board.Body.ShouldBe(before.Body);
            board.AsOf.ShouldBe(before.AsOf);
            board.Incomplete.ShouldBeNull();
        });
        before.Incidents().Count.ShouldBe(2_100);
        var source = await server.SourceAsync();
        source.GetProperty("last_error").GetString().ShouldNotBeNullOrEmpty();
        source.GetProperty("consecutive_failures").GetInt32().ShouldBePositive();
        var listed = (await server.JsonAsync("/sources"))[0];
        listed.GetProperty("status").GetString().ShouldBeOneOf("failed", "retrying", "syncing");
        listed.GetProperty("counts").GetProperty("failed").GetInt64().ShouldBePositive();
        source.GetProperty("last_success").GetString().ShouldBe(before.AsOf);

        await server.Process.TerminateAsync();
        await using var again = await ServerProcess.StartAsync(home);
        var restarted = await again.BoardAsync();
        restarted.Body.ShouldBe(before.Body, "the board survives a restart without its upstream");
        restarted.Incomplete.ShouldBeNull("it has finished once, if not in this life");
    }

    [Fact]
    public async Task Polls_of_the_same_records_add_nothing()
    {
        await using var mock = await MockProcess.StartAsync();
        using var home = new ServerHome(new SourceYaml(mock.Url) { Every = "100ms" });
        await using var server = await ServerProcess.StartAsync(home);
        var first = await server.CompleteAsync();
        var runs = await RunsAsync(server);

        var again = await DuplicatesAsync(server);
        // A feed still busy with the last poll is left out of the next: so what came is counted, not how often it was asked for.
        await Eventually.BeAsync($"all records have come {Polls} times more", TimeSpan.FromSeconds(0.9 * Polls), async () => await DuplicatesAsync(server) >= again + Polls * 2_100);

        var last = await server.BoardAsync();
        last.Sequence.ShouldBe(first.Sequence);
        last.Body.ShouldBe(first.Body);
        last.ETag.ShouldBe(first.ETag);
        var counts = (await server.SourceAsync()).GetProperty("counts");
        counts.GetProperty("events").GetInt64().ShouldBe(2_100);
        counts.GetProperty("changed").GetInt64().ShouldBe(0);
        Figures.Print($"{await RunsAsync(server) - runs} polls of the same snapshot, {counts.GetProperty("duplicates").GetInt64()} records known already: {last.Sequence - first.Sequence} entries added");
    }

    [Fact]
    public async Task A_new_record_is_on_the_board_within_an_interval()
    {
        const int IntervalMilliseconds = 500;
        await using var mock = await MockProcess.StartAsync();
        using var home = new ServerHome(new SourceYaml(mock.Url) { Every = $"{IntervalMilliseconds}ms" });
        await using var server = await ServerProcess.StartAsync(home);
        var count = (await server.CompleteAsync()).Incidents().Count;
        var worst = 0.0;
        for (var i = 1; i <= 8; i++)
        {
            await mock.AddAsync(1);
            var added = TimeProvider.System.GetTimestamp();
            await Eventually.BeAsync("the new record shows", TimeSpan.FromSeconds(10), async () => (await server.BoardAsync()).Incidents().Count == count + i);
            worst = Math.Max(worst, TimeProvider.System.GetElapsedTime(added).TotalMilliseconds);
        }
        // A run is listed when it has ended, a commit after its records show.
        var listed = await RunsAsync(server);
        await Eventually.BeAsync("the last poll is listed", TimeSpan.FromSeconds(10), async () => await RunsAsync(server) > listed);
        var longest = (await server.JsonAsync("/sources/elevate/syncs")).EnumerateArray()
            .Max(run => (run.GetProperty("finished_at").GetDateTimeOffset() - run.GetProperty("started_at").GetDateTimeOffset()).TotalMilliseconds);
        Figures.Print($"a new record, asked for every {IntervalMilliseconds} ms: on the board after {worst:F0} ms at the latest of 8 (looked every 20 ms; the longest poll took {longest:F0} ms)");
        // A feed that is still being asked when its poll is due waits for the next: where the machine is that slow, an interval more is right.
        worst.ShouldBeLessThan(IntervalMilliseconds * Math.Max(1, Math.Ceiling(longest / IntervalMilliseconds)) + longest + 1_000);
        Board.Difference(await mock.BoardAsync(), (await server.BoardAsync()).Incidents()).ShouldBeNull();
    }

    [Fact]
    public async Task A_sync_that_is_asked_for_starts_at_once()
    {
        await using var mock = await MockProcess.StartAsync();
        using var home = new ServerHome(new SourceYaml(mock.Url) { Every = "1h" });
        await using var server = await ServerProcess.StartAsync(home);
        var count = (await server.CompleteAsync()).Incidents().Count;
        await Eventually.BeAsync("the poll has ended", TimeSpan.FromSeconds(5), async () => (await server.SourceAsync()).GetProperty("status").GetString() == "idle");

        await mock.AddAsync(7);
        var (status, body) = await server.PostAsync("/sync?source=elevate", "");
        status.ShouldBe(HttpStatusCode.Accepted);
        body.GetProperty("started")[0].GetString().ShouldBe("elevate");
        await Eventually.BeAsync("the new records show", TimeSpan.FromSeconds(5), async () => (await server.BoardAsync()).Incidents().Count == count + 7);
        await Eventually.BeAsync("that poll has ended, too", TimeSpan.FromSeconds(5), async () => (await server.SourceAsync()).GetProperty("status").GetString() == "idle");
        (await server.PostAsync("/sync?source=nobody", "")).Status.ShouldBe(HttpStatusCode.NotFound);

        await mock.SetAsync("""{"latency_ms":2000}""");
        (await server.PostAsync("/sync", "")).Status.ShouldBe(HttpStatusCode.Accepted);
        (status, body) = await server.PostAsync("/sync", "");
        status.ShouldBe(HttpStatusCode.Conflict);
        body.GetProperty("already_running")[0].GetString().ShouldBe("elevate");
    }

    private static async Task<long> DuplicatesAsync(ServerProcess server) =>
        (await server.SourceAsync()).GetProperty("counts").GetProperty("duplicates").GetInt64();

    private static async Task<long> RunsAsync(ServerProcess server) =>
        (await server.JsonAsync("/sources/elevate/syncs")).EnumerateArray().Select(run => run.GetProperty("run").GetInt64()).FirstOrDefault();
}
