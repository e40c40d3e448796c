using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace Tocsin.SystemTests;

/// <summary>Pushes through a RabbitMQ of the tests' own: what is answered, and what comes again.</summary>
public sealed class RabbitQueueTests(OneBroker one) : IClassFixture<OneBroker>
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task A_push_that_is_committed_in_time_is_answered_as_always()
    {
        using var home = await one.HomeAsync(OneBroker.LongWait);
        await using var server = await ServerProcess.StartAsync(home);

        var (status, first) = await server.PostAsync("/event", """{"type":"a","external_id":"1"}""");
        status.ShouldBe(HttpStatusCode.Created);
        first.GetProperty("sequence").GetInt64().ShouldBe(1);
        first.GetProperty("status").GetString().ShouldBe("created");
        (status, var again) = await server.PostAsync("/event", """{"type":"a","external_id":"1"}""");
        status.ShouldBe(HttpStatusCode.OK);
        again.GetProperty("id").GetString().ShouldBe(first.GetProperty("id").GetString());
        (await server.PostAsync("/event", """{"type":"b","external_id":"1"}""")).Status.ShouldBe(HttpStatusCode.Conflict);
        (await server.PostAsync("/event", """{"no":"type"}""")).Status.ShouldBe(HttpStatusCode.UnprocessableEntity);
        (status, var batch) = await server.PostAsync("/events", """[{"type":"c"},{"type":5},{"type":"d","external_id":"1"}]""");
        status.ShouldBe(HttpStatusCode.OK);
        batch.GetProperty("created").GetInt32().ShouldBe(1);
        batch.GetProperty("rejected").GetInt32().ShouldBe(2);
        var queue = (await server.JsonAsync("/health")).GetProperty("queue");
        queue.GetProperty("engine").GetString().ShouldBe("rabbitmq");
        queue.GetProperty("capacity").GetInt32().ShouldBe(100_000);
        // The outcome may be told before the confirm is.
        await Eventually.BeAsync("four are confirmed", Patience, async () => (await server.Http.GetStringAsync("/metrics")).Contains("tocsin_broker_published_total{result=\"confirmed\"} 4", StringComparison.Ordinal));
        // The conflict that was answered is no reject that nobody has heard of.
        using var rejects = await server.Http.GetAsync("/sources/admin/rejects");
        rejects.StatusCode.ShouldBe(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task An_idempotency_key_holds_behind_the_broker()
    {
        using var home = await one.HomeAsync(OneBroker.LongWait);
        await using var server = await ServerProcess.StartAsync(home);

        // Events without an external_id hold their key themselves; those with one leave a row.
        foreach (var (key, body, other) in new[] { ("plain", """{"type":"a"}""", """{"type":"b"}"""), ("row", """{"type":"a","external_id":"r1"}""", """{"type":"a","external_id":"r2"}""") })
        {
            var (status, first) = await PostAsync(server, body, key);
            status.ShouldBe(HttpStatusCode.Created);
            (status, var again) = await PostAsync(server, body, key);
            status.ShouldBe(HttpStatusCode.OK);
            again.GetProperty("id").GetString().ShouldBe(first.GetProperty("id").GetString());
            (await PostAsync(server, other, key)).Status.ShouldBe(HttpStatusCode.Conflict);
        }
        // A request of the other sort under a key that is held.
        (await PostAsync(server, """{"type":"a","external_id":"r3"}""", "plain")).Status.ShouldBe(HttpStatusCode.Conflict);
        (await StoredAsync(server)).Count.ShouldBe(2);
    }

    [Fact]
    public async Task Who_does_not_want_to_wait_is_told_the_ids_and_conflicts_are_kept()
    {
        using var home = await one.HomeAsync();
        await using var server = await ServerProcess.StartAsync(home);

        var (status, one1) = await PostAsync(server, """{"type":"a","external_id":"1"}""", prefer: "respond-async, wait=10");
        status.ShouldBe(HttpStatusCode.Accepted);
        one1.GetRawText().ShouldMatch("""^\{"id":"[0-9a-f-]{36}","status":"accepted"\}$""");
        (status, var batch) = await PostAsync(server, """[{"type":"b"},{"type":7},{"type":"c"},{"type":"d","external_id":"1"}]""", prefer: "respond-async");
        status.ShouldBe(HttpStatusCode.Accepted);
        batch.GetProperty("accepted").GetInt32().ShouldBe(3);
        batch.GetProperty("rejected").GetInt32().ShouldBe(1);
        batch.GetProperty("results").EnumerateArray().Select(result => $"{result.GetProperty("index")} {result.GetProperty("status")}")
            .ShouldBe(["0 accepted", "1 rejected", "2 accepted", "3 accepted"]);
        await Eventually.BeAsync("all are stored", Patience, async () => (await StoredAsync(server)).Count == 3, server.Process.Shown);
        var stored = await StoredAsync(server);
        stored.Select(e => e.GetProperty("id").GetString()).ShouldBe(
            [one1.GetProperty("id").GetString(), batch.GetProperty("results")[0].GetProperty("id").GetString(), batch.GetProperty("results")[2].GetProperty("id").GetString()]);

        JsonElement rejects = default;
        await Eventually.BeAsync("the conflict is kept", Patience, async () =>
        {
            using var answer = await server.Http.GetAsync("/sources/admin/rejects");
            return answer.StatusCode == HttpStatusCode.OK && (rejects = JsonElement.Parse(await answer.Content.ReadAsByteArrayAsync())).GetArrayLength() == 1;
        });
        rejects[0].GetProperty("record").GetProperty("type").GetString().ShouldBe("d");
        rejects[0].GetProperty("reason").GetString()!.ShouldContain("other content");
        await Eventually.BeAsync("it is counted", Patience, async () => (await server.Http.GetStringAsync("/metrics")).Contains("tocsin_broker_conflicts_total 1", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_push_whose_commit_takes_longer_is_accepted_and_told_its_id()
    {
        using var home = await one.HomeAsync(("TOCSIN__QUEUE__WAIT", "0s"));
        await using var server = await ServerProcess.StartAsync(home);
        var accepted = new List<string>();
        for (var i = 0; i < 50; i++)
        {
            var (status, answer) = await server.PostAsync("/event", $$"""{"type":"a","data":{{i}}}""");
            status.ShouldBeOneOf(HttpStatusCode.Accepted, HttpStatusCode.Created);
            accepted.Add(answer.GetProperty("id").GetString()!);
        }
        await Eventually.BeAsync("all are stored", Patience, async () => (await StoredAsync(server)).Count == 50);
        (await StoredAsync(server)).Select(e => e.GetProperty("id").GetString()).ShouldBe(accepted);
    }

    [Fact]
    public async Task What_a_killed_service_had_in_hand_comes_again_in_its_order_and_is_stored_once()
    {
        using var home = await one.HomeAsync();
        var sent = 0;
        for (var round = 0; round < 4; round++)
        {
            await using var server = await ServerProcess.StartAsync(home);
            using var stop = new CancellationTokenSource();
            // One producer, one request after the other: their order must hold.
            var load = Task.Run(async () =>
            {
                while (!stop.IsCancellationRequested)
                {
                    try
                    {
                        var (status, _) = await PostAsync(server, string.Join('\n', Enumerable.Range(sent, 100).Select(n => $$"""{"type":"order","external_id":"{{n}}","data":{{n}}}""")), prefer: "respond-async", lines: true);
                        if (status == HttpStatusCode.Accepted)
                            sent += 100;
                    }
                    catch (Exception error) when (error is HttpRequestException or SocketException or OperationCanceledException)
                    {
                        return;
                    }
                }
            });
            await Eventually.BeAsync("some are sent", Patience, () => Task.FromResult(sent >= (round + 1) * 2_000));
            await server.KillAsync();
            await stop.CancelAsync();
            await load;
        }
        await using var last = await ServerProcess.StartAsync(home);
        await Eventually.BeAsync("the queue is empty", Patience, async () => (await last.JsonAsync("/health")).GetProperty("queue").GetProperty("depth").GetInt32() == 0 && (await StoredAsync(last)).Count >= sent);
        var order = (await StoredAsync(last)).Select(e => e.GetProperty("data").GetInt32()).ToArray();
        order.ShouldBe([.. Enumerable.Range(0, order.Length)], "each once, in its order");
        order.Length.ShouldBeInRange(sent, sent + 400, "nothing acknowledged is lost; of each killed service one request may be there unacknowledged");
    }

    [Fact]
    public async Task While_the_store_is_away_pushes_are_acknowledged_and_all_are_stored_after()
    {
        using var home = await one.HomeAsync(("TOCSIN__QUEUE__WAIT", "100ms"));
        await using var disk = await SmallDisk.MountOrSkipAsync(home.Data, 40);
        await disk.TakeAsync(12);
        await using var server = await ServerProcess.StartAsync(home);
        disk.Fill();
        var sent = 0;
        do
            (await server.PostAsync("/event", $$"""{"type":"n","data":[{{++sent}},"{{new string('x', 20_000)}}"]}""")).Status.ShouldBeOneOf(HttpStatusCode.Created, HttpStatusCode.Accepted);
        while (!await StoreIsAwayAsync() && sent < 1_000);
        for (var i = 0; i < 50; i++)
            (await server.PostAsync("/event", $$"""{"type":"n","data":[{{++sent}},"{{new string('x', 20_000)}}"]}""")).Status.ShouldBe(HttpStatusCode.Accepted);
        await Eventually.BeAsync("health says what waits, and why", Patience, async () =>
            (await HealthAsync(server)).GetProperty("queue").GetProperty("depth").GetInt32() >= 50 && await StoreIsAwayAsync());

        disk.Free();
        await Eventually.BeAsync("all are stored", Patience, async () => (await StoredAsync(server, "n")).Count == sent, server.Process.Shown);
        (await StoredAsync(server, "n")).Select(e => e.GetProperty("data")[0].GetInt32()).ShouldBe([.. Enumerable.Range(1, sent)], "in their order");
        await Eventually.BeAsync("health is well", Patience, async () => (await HealthAsync(server)).GetProperty("status").GetString() == "healthy");

        async Task<bool> StoreIsAwayAsync() =>
            (await HealthAsync(server)).GetProperty("queue").TryGetProperty("error", out var error) && error.ValueKind == JsonValueKind.String && error.GetString()!.Contains("store", StringComparison.Ordinal);
    }

    private static async Task<JsonElement> HealthAsync(ServerProcess server)
    {
        using var answer = await server.Http.GetAsync("/health");
        return JsonElement.Parse(await answer.Content.ReadAsByteArrayAsync());
    }

    private static async Task<List<JsonElement>> StoredAsync(ServerProcess server, string? type = null)
    {
        var events = new List<JsonElement>();
        await foreach (var e in EventWalk.AllAsync(server, $"order_by=sequence&order=asc{(type is null ? "" : $"&type={type}")}"))
            events.Add(e.Clone());
        return events;
    }

    private static async Task<(HttpStatusCode Status, JsonElement Body)> PostAsync(ServerProcess server, string body, string? key = null, string? prefer = null, bool lines = false)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/events") { Content = new StringContent(body, Encoding.UTF8, lines ? "application/x-ndjson" : "application/json") };
        if (key is not null)
            request.Headers.Add("Idempotency-Key", key);
        if (prefer is not null)
            request.Headers.Add("Prefer", prefer);
        using var answer = await server.Http.SendAsync(request);
        if (prefer is not null && answer.StatusCode == HttpStatusCode.Accepted)
            answer.Headers.GetValues("Preference-Applied").ShouldBe(["respond-async"]);
        return (answer.StatusCode, JsonElement.Parse(await answer.Content.ReadAsByteArrayAsync()));
    }
}
