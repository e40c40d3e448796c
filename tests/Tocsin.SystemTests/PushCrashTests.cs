using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Tocsin.SystemTests;

/// <summary>What was acknowledged stays: over kills, stops, and a disk that is full.</summary>
public sealed partial class PushCrashTests
{
    private static int Kills => int.Parse(Environment.GetEnvironmentVariable("TOCSIN_KILLS") ?? "10", CultureInfo.InvariantCulture);

    [Fact]
    public async Task After_kills_under_load_every_acknowledged_event_is_there_once()
    {
        using var home = new ServerHome();
        await using var load = new PushLoad(home);
        var slowest = TimeSpan.Zero;
        for (var kill = 0; kill < Kills; kill++)
        {
            await using var server = await ServerProcess.StartAsync(home);
            var ready = TimeProvider.System.GetElapsedTime(server.Process.StartedAt);
            slowest = ready > slowest ? ready : slowest;
            await PassAsync(Random.Shared.Next(50, 900));
            await server.KillAsync();
        }
        await load.StopAsync();
        await using var last = await ServerProcess.StartAsync(home);
        await load.VerifyAsync(last);
        load.Acknowledged.ShouldBeGreaterThan(100 * Kills);
        Figures.Print($"{Kills} x kill -9, 8 writers: {load.Acknowledged} acknowledged, 0 lost, 0 doubled, 0 altered, 0 half batches ({load.Beside}); ready again after {slowest.TotalMilliseconds:F0} ms at the latest");
    }

    [Fact]
    public async Task Told_to_stop_under_load_it_ends_in_time_and_loses_nothing()
    {
        const int Stops = 4;
        using var home = new ServerHome();
        await using var load = new PushLoad(home);
        var slowest = TimeSpan.Zero;
        for (var stop = 0; stop < Stops; stop++)
        {
            await using var server = await ServerProcess.StartAsync(home);
            await PassAsync(Random.Shared.Next(100, 900));
            var (end, took) = await server.Process.TerminateAsync();
            end.Code.ShouldBe(0, end.ToString());
            end.Err.ShouldNotContain(" ERROR ", Case.Sensitive);
            slowest = took > slowest ? took : slowest;
        }
        await load.StopAsync();
        await using var last = await ServerProcess.StartAsync(home);
        await load.VerifyAsync(last);
        slowest.ShouldBeLessThan(TimeSpan.FromSeconds(10));
        Figures.Print($"{Stops} x SIGTERM, 8 writers: {load.Acknowledged} acknowledged, 0 lost; out after {slowest.TotalMilliseconds:F0} ms at the latest");
    }

    [Fact]
    public async Task Each_answer_waits_for_a_finished_sync()
    {
        const int Posts = 30;
        Assert.SkipWhen(Tool.Find("strace") is null, "Syncs before answers: strace is not there.");
        using var home = new ServerHome();
        var trace = Path.Combine(home.Folder, "trace");
        var spans = new List<(double Sent, double Answered)>();
        await using (var server = await ServerProcess.StartAsync(home, "strace", "-f", "-qq", "-ttt", "-T", "-e", "trace=fsync,fdatasync", "-o", trace))
        {
            await server.PostAsync("/event", """{"type":"warm"}""");
            for (var i = 0; i < Posts; i++)
            {
                // Apart, so that the sync of one that was answered too early is not taken for the next one's.
                await PassAsync(20);
                var sent = Clock();
                (await server.PostAsync("/event", $$"""{"type":"synced","data":{{i}}}""")).Status.ShouldBe(HttpStatusCode.Created);
                spans.Add((sent, Clock()));
            }
        }
        var syncs = File.ReadLines(trace).Select(line => Sync().Match(line)).Where(match => match.Success).Select(Finished).ToArray();
        spans.Count(span => syncs.Any(sync => sync >= span.Sent && sync <= span.Answered)).ShouldBe(Posts);
        Figures.Print($"{Posts} of {Posts} answers after a finished sync ({syncs.Length} syncs)");

        // A call that others interrupted is finished on a line of its own, which bears the time of its end.
        static double Finished(Match match) => Number(match.Groups["at"]) + (match.Groups["resumed"].Success ? 0 : Number(match.Groups["took"]));
        static double Number(Group group) => double.Parse(group.Value, CultureInfo.InvariantCulture);
        static double Clock() => (TimeProvider.System.GetUtcNow() - DateTimeOffset.UnixEpoch).TotalSeconds;
    }

    [Fact]
    public async Task A_full_disk_is_said_and_reads_go_on_and_it_ends_when_there_is_room()
    {
        using var home = new ServerHome();
        await using var disk = await SmallDisk.MountOrSkipAsync(home.Data, 24);
        await disk.TakeAsync(12);
        var (kept, refused) = (new HashSet<string>(), new HashSet<string>());
        await using (var server = await ServerProcess.StartAsync(home))
        {
            await FillAsync(server, kept, refused);
            disk.Fill();
            for (var i = 0; i < 20; i++)
                (await PutAsync(server, kept, refused)).ShouldBeOneOf(HttpStatusCode.ServiceUnavailable, HttpStatusCode.InsufficientStorage);
            (await server.JsonAsync("/events?limit=5")).GetArrayLength().ShouldBe(5);
            (await server.JsonAsync("/stats?by=type")).ValueKind.ShouldBe(JsonValueKind.Object);
            (await server.BoardAsync()).Status.ShouldBe(HttpStatusCode.OK);
            (await server.PostAsync("/tokens", """{"name":"t","scopes":["read"]}""")).Status.ShouldBe(HttpStatusCode.ServiceUnavailable);
            await HealthBecomesAsync(server, HttpStatusCode.ServiceUnavailable);
            // Many refusals must not become as many lines: the log may lie on the same disk.
            Regex.Count(server.Process.Err, " ERROR ", RegexOptions.None, TimeSpan.FromSeconds(1)).ShouldBeLessThan(10, server.Process.Shown());

            disk.Free();
            var freed = TimeProvider.System.GetTimestamp();
            await Eventually.BeAsync("it takes events again", TimeSpan.FromSeconds(15), async () => await PutAsync(server, kept, refused) == HttpStatusCode.Created);
            var resumed = TimeProvider.System.GetElapsedTime(freed);
            await HealthBecomesAsync(server, HttpStatusCode.OK);
            Figures.Print($"disk full: {refused.Count} refused with 503 or 507; takes events again {resumed.TotalMilliseconds:F0} ms after there is room");

            disk.Fill();
            await FillAsync(server, kept, refused);
        }
        // Killed while it was full. It starts all the same, and reads.
        await using (var server = ServerProcess.Launch(home))
        {
            await Eventually.BeAsync("it reads", TimeSpan.FromSeconds(20), async () => (await server.JsonAsync("/events?limit=1")).GetArrayLength() == 1, server.Process.Shown);
            disk.Free();
            await Eventually.BeAsync("it takes events again", TimeSpan.FromSeconds(15), async () => await PutAsync(server, kept, refused) == HttpStatusCode.Created);
            await server.KillAsync();
        }
        await using var last = await ServerProcess.StartAsync(home);
        var stored = new List<string>();
        await foreach (var e in EventWalk.AllAsync(last, "type=full"))
            stored.Add(e.GetProperty("external_id").GetString()!);
        stored.ShouldBe(kept, ignoreOrder: true, "each that was acknowledged, once, and none that was refused");
    }

    private static Task HealthBecomesAsync(ServerProcess server, HttpStatusCode status) => Eventually.BeAsync($"health says {status}", TimeSpan.FromSeconds(8), async () =>
    {
        using var health = await server.Http.GetAsync("/health");
        return health.StatusCode == status;
    });

    private static async Task FillAsync(ServerProcess server, HashSet<string> kept, HashSet<string> refused)
    {
        var before = refused.Count;
        for (var i = 0; i < 5_000 && refused.Count < before + 20; i++)
            await PutAsync(server, kept, refused);
        refused.Count.ShouldBe(before + 20, "it never became full");
    }

    private static async Task<HttpStatusCode> PutAsync(ServerProcess server, HashSet<string> kept, HashSet<string> refused)
    {
        var id = $"f{kept.Count + refused.Count}";
        using var content = new StringContent($$"""{"type":"full","external_id":"{{id}}","data":"{{new string('x', 8_000)}}"}""", Encoding.UTF8, "application/json");
        using var answer = await server.Http.PostAsync("/event", content);
        if (answer.StatusCode != HttpStatusCode.Created)
            answer.StatusCode.ShouldBeOneOf(HttpStatusCode.ServiceUnavailable, HttpStatusCode.InsufficientStorage);
        (answer.StatusCode == HttpStatusCode.Created ? kept : refused).Add(id);
        return answer.StatusCode;
    }

    private static Task PassAsync(int milliseconds) => Task.Delay(TimeSpan.FromMilliseconds(milliseconds), TimeProvider.System);

    [GeneratedRegex(@"^\d+ +(?<at>\d+\.\d+) (?<resumed><\.\.\. )?(fsync|fdatasync)[( ].*= 0 <(?<took>[\d.]+)>$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Sync();
}
