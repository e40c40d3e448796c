using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace Tocsin.SystemTests;

/// <summary>Kills around the moment at which a full partition is sealed: real ones, of 250,000 events.</summary>
public sealed class SealingCrashTests
{
    private const int PartitionRows = 250_000;
    private const int BatchSize = 10_000;
    private const int Users = 7;
    private const int Kills = 3;
    private const string Type = "sealed";
    private static readonly string[] Priorities = ["low", "medium", "high", "critical"];

    [Fact]
    public async Task Kills_while_a_partition_is_sealed_lose_and_double_nothing()
    {
        using var home = new ServerHome();
        var batches = 0;
        var start = TimeProvider.System.GetTimestamp();
        await using (var server = await ServerProcess.StartAsync(home))
        {
            // One event of its own at least (the rest of Tocsin's) may stand before: so the last batch but one may fill it or not.
            for (; batches < PartitionRows / BatchSize; batches++)
                (await PushAsync(server.Http, batches)).ShouldBeTrue();
            var rate = batches * BatchSize / TimeProvider.System.GetElapsedTime(start).TotalSeconds;
            Figures.Print($"{batches} requests of {BatchSize} lines, one after the other: {rate:F0} events/s; resident {server.Process.ResidentBytes >> 20} MiB");
            await KillInAsync(server, async () => await PushAsync(server.Http, batches));
        }
        for (var kill = 1; kill < Kills; kill++)
        {
            await using var server = await ServerProcess.StartAsync(home);
            batches = await HoldsAsync(server, batches);
            await KillInAsync(server, async () => await PushAsync(server.Http, batches));
        }
        await using var last = await ServerProcess.StartAsync(home);
        batches = await HoldsAsync(last, batches);
        (await PushAsync(last.Http, batches - 1, repeat: true)).ShouldBeTrue("a repeat is known, sealed or not");
        (await PushAsync(last.Http, 0, repeat: true)).ShouldBeTrue("a repeat is known, sealed or not");
        await WalkAsync(last, batches);
        await Eventually.BeAsync("the partition is sealed", TimeSpan.FromSeconds(20), () => Task.FromResult(SealedFiles(home).SetEquals(["000001.db", "000001.idx"])),
            () => string.Join(' ', SealedFiles(home)));
        await HoldsAsync(last, batches);
        last.Process.Err.ShouldNotContain(" ERROR ", Case.Sensitive);
        Figures.Print($"{Kills} x kill -9 around the sealing of a partition of {PartitionRows}: {batches * BatchSize} events once each; resident {last.Process.ResidentBytes >> 20} MiB");
    }

    private static HashSet<string> SealedFiles(ServerHome home) =>
        [.. Directory.EnumerateFiles(Path.Combine(home.Data, "segments")).Select(path => Path.GetFileName(path))];

    /// <summary>Pushes the batch, and kills the service at some moment while it does that or while it seals after.</summary>
    private static async Task KillInAsync(ServerProcess server, Func<Task> push)
    {
        var pushing = push();
        await Task.Delay(TimeSpan.FromMilliseconds(Random.Shared.Next(20, 1_500)), TimeProvider.System);
        await server.KillAsync();
        await pushing;
    }

    /// <summary>All batches that were acknowledged are there by every filter, and the last that was tried is there as a whole or not at all; gives how many there are.</summary>
    private static async Task<int> HoldsAsync(ServerProcess server, int acknowledged)
    {
        var total = (await CountsAsync(server, "by=type")).Values.Sum();
        (total % BatchSize).ShouldBe(0, "half a batch");
        var batches = total / BatchSize;
        batches.ShouldBeInRange(acknowledged, acknowledged + 1);
        var users = await CountsAsync(server, "by=user_id");
        var priorities = await CountsAsync(server, "by=priority&user_id=u3");
        for (var user = 0; user < Users; user++)
            users[$"u{user}"].ShouldBe(Enumerable.Range(0, total).Count(n => n % Users == user));
        for (var priority = 0; priority < Priorities.Length; priority++)
            priorities[Priorities[priority]].ShouldBe(Enumerable.Range(0, total).Count(n => n % Users == 3 && n % Priorities.Length == priority));
        foreach (var n in new[] { 0, 1, PartitionRows - 2, PartitionRows - 1, total - 1, Random.Shared.Next(total), Random.Shared.Next(total) })
        {
            var found = await server.JsonAsync($"/events?external_id=e{n}&source=admin");
            found.GetArrayLength().ShouldBe(1, $"e{n}");
            found[0].GetProperty("user_id").GetString().ShouldBe($"u{n % Users}");
            var page = await server.JsonAsync($"/events?user_id=u{n % Users}&priority={Priorities[n % Priorities.Length]}&type={Type}&time={found[0].GetProperty("time").GetString()}");
            page.EnumerateArray().Select(e => e.GetProperty("external_id").GetString()).ShouldContain($"e{n}");
        }
        return batches;
    }

    private static async Task<Dictionary<string, int>> CountsAsync(ServerProcess server, string by) =>
        (await server.JsonAsync($"/stats?{by}&type={Type}")).GetProperty("values").EnumerateArray()
            .ToDictionary(total => total.GetProperty("value").GetString()!, total => total.GetProperty("count").GetInt32());

    /// <summary>By sequence, page by page, while the sealing goes on: each event once, in the order of the batches.</summary>
    private static async Task WalkAsync(ServerProcess server, int batches)
    {
        var (next, last) = (0, 0L);
        await foreach (var e in EventWalk.AllAsync(server, $"type={Type}&order_by=sequence&order=asc"))
        {
            e.GetProperty("external_id").GetString().ShouldBe($"e{next}");
            e.GetProperty("sequence").GetInt64().ShouldBeGreaterThan(last);
            last = e.GetProperty("sequence").GetInt64();
            next++;
        }
        next.ShouldBe(batches * BatchSize);
    }

    /// <summary>False when it was not answered.</summary>
    private static async Task<bool> PushAsync(HttpClient http, int batch, bool repeat = false)
    {
        var lines = new StringBuilder();
        for (var n = batch * BatchSize; n < (batch + 1) * BatchSize; n++)
            lines.Append($$"""{"type":"{{Type}}","external_id":"e{{n}}","user_id":"u{{n % Users}}","priority":"{{Priorities[n % Priorities.Length]}}","time":{{1_790_000_000 + n}},"data":[{{n}}]}""").Append('\n');
        using var content = new StringContent(lines.ToString(), Encoding.UTF8, new MediaTypeHeaderValue("application/x-ndjson"));
        try
        {
            using var answer = await http.PostAsync("/events", content);
            var body = await answer.Content.ReadAsStringAsync();
            answer.StatusCode.ShouldBe(HttpStatusCode.OK, body);
            JsonElement.Parse(body).GetProperty(repeat ? "duplicates" : "created").GetInt32().ShouldBe(BatchSize, body[..Math.Min(500, body.Length)]);
            return true;
        }
        catch (Exception error) when (error is HttpRequestException or SocketException)
        {
            return false;
        }
    }
}
