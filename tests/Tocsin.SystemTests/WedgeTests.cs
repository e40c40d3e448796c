using System.Net;
using System.Text;
using System.Text.Json;

namespace Tocsin.SystemTests;

/// <summary>A store that neither writes nor reads nor fails: it hangs, with everybody who asks it.</summary>
public sealed class WedgeTests
{
    private const int Readers = 64;
    private static readonly TimeSpan HealthWithin = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan RedWithin = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan After = TimeSpan.FromSeconds(3);

    [Fact]
    public async Task While_the_store_hangs_health_answers_at_once_and_readiness_turns_red_and_green_again()
    {
        using var home = new ServerHome();
        await using var server = await ServerProcess.StartAsync(home);
        await PushAsync(server, 9_000);
        // The answers' code is in memory before the disk hangs: what hangs here is the store.
        foreach (var path in new[] { "/health", "/metrics", "/events?q=nothing", "/sources", "/nowhere" })
            (await server.Http.GetAsync(path)).Dispose();

        var looks = new Dictionary<string, List<TimeSpan>>(StringComparer.Ordinal);
        TimeSpan? red = null;
        Task[] hanging;
        await using (var wedge = await WedgedDisk.BeginAsync(server))
        {
            hanging = [.. Enumerable.Range(0, Readers).Select(i => ReadAsync(home, i)), PushAsync(server, 1), ConfigureAsync(home)];
            async Task LookAsync()
            {
                foreach (var (path, token) in new[] { ("/health", ServerHome.Token), ("/health", null), ("/livez", null), ("/readyz", null), ("/config", ServerHome.Token) })
                {
                    using var client = ServerProcess.Client(home.Url, token);
                    var start = TimeProvider.System.GetTimestamp();
                    using var answer = await client.GetAsync(path);
                    looks[path] = [.. looks.GetValueOrDefault(path, []), TimeProvider.System.GetElapsedTime(start)];
                    if (path == "/readyz" && answer.StatusCode == HttpStatusCode.ServiceUnavailable)
                        red ??= TimeProvider.System.GetElapsedTime(wedge.Since);
                }
            }
            await Eventually.BeAsync("it is not ready any more", RedWithin, async () => { await LookAsync(); return red is not null; }, server.Process.Shown);
            await Eventually.DuringAsync(After, LookAsync);
            using var health = await server.Http.GetAsync("/health");
            health.StatusCode.ShouldBe(HttpStatusCode.ServiceUnavailable);
            var said = JsonElement.Parse(await health.Content.ReadAsStringAsync());
            (said.GetProperty("status").GetString(), said.GetProperty("store").GetProperty("status").GetString()).ShouldBe(("unhealthy", "unhealthy"));
            hanging.Count(task => task.IsCompleted).ShouldBeLessThan(Readers / 2, "it did not hang at all");
        }
        await Eventually.BeAsync("it is ready again", RedWithin, async () =>
        {
            using var answer = await server.Http.GetAsync("/readyz");
            return answer.StatusCode == HttpStatusCode.OK;
        }, server.Process.Shown);
        await Task.WhenAll(hanging);
        (await server.JsonAsync("/config")).GetProperty("sync_interval_minutes").GetDouble().ShouldBe(7, "what was asked for meanwhile was done");
        TestContext.Current.TestOutputHelper?.WriteLine($"red after {red!.Value.TotalSeconds:0.0} s; slowest: {string.Join(", ", looks.Select(path => $"{path.Key} {path.Value.Max().TotalMilliseconds:0} ms"))}");
        // One may be held up by the machine: strace stops every thread at every call. Were they tied to the store, all would be.
        looks.ShouldAllBe(path => path.Value.Count > 2 && path.Value.OrderDescending().ElementAt(1) < HealthWithin);
        red!.Value.ShouldBeLessThan(RedWithin);
    }

    private static async Task ReadAsync(ServerHome home, int number)
    {
        using var client = ServerProcess.Client(home.Url, ServerHome.Token);
        client.Timeout = TimeSpan.FromMinutes(1);
        // Each another part of the journal: what one connection has read already it would not read again.
        using var answer = await client.GetAsync($"/events?limit=1000&type=wedge.{number}");
        answer.StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    private static async Task ConfigureAsync(ServerHome home)
    {
        using var client = ServerProcess.Client(home.Url, ServerHome.Token);
        client.Timeout = TimeSpan.FromMinutes(1);
        using var body = new StringContent("""{"sync_interval_minutes":7}""", Encoding.UTF8, "application/json");
        using var answer = await client.PostAsync("/config", body);
        answer.StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    private static async Task PushAsync(ServerProcess server, int events)
    {
        var lines = new StringBuilder();
        for (var i = 0; i < events; i++)
            lines.Append($$"""{"type":"wedge.{{i % Readers}}","data":["{{new string('x', 600)}}"]}""").Append('\n');
        using var client = ServerProcess.Client(server.Home.Url, ServerHome.Token);
        client.Timeout = TimeSpan.FromMinutes(1);
        using var body = new StringContent(lines.ToString(), Encoding.UTF8, "application/x-ndjson");
        using var answer = await client.PostAsync("/events", body);
        answer.StatusCode.ShouldBe(HttpStatusCode.OK);
    }
}
