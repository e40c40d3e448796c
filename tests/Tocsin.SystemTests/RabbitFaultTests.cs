using System.Net;
using System.Text;
using System.Text.Json;
using RabbitMQ.Client;

namespace Tocsin.SystemTests;

/// <summary>A broker that cannot be used, goes away, is blocked or full; and requests that cannot be stored.</summary>
public sealed class RabbitFaultTests(OneBroker one) : IClassFixture<OneBroker>
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task A_broker_that_cannot_be_used_is_said_at_the_start_and_nothing_is_made()
    {
        (await one.HomeAsync()).Dispose();
        await one.Broker.ControlAsync(0, "add_user", "nobody", "secret");
        await one.Broker.ControlAsync(0, "set_permissions", "nobody", "", "", "");
        var at = new Uri(one.Broker.Url).Authority;
        at = at[(at.IndexOf('@', StringComparison.Ordinal) + 1)..];
        await RefusedAsync($"amqp://guest:wrong-pw@{at}", "refuses the user", "queue.url");
        await RefusedAsync($"amqp://guest:guest@{at}/nowhere", "no virtual host", "nowhere", "add_vhost");
        await RefusedAsync($"amqp://nobody:secret@{at}", "does not let the user", "nobody", "set_permissions");
        await RefusedAsync($"amqp://guest:guest@127.0.0.1:{Ports.Free()}", "cannot be reached", "queue.url");
        await one.WithChannelAsync(channel => channel.QueueDeclareAsync(OneBroker.Push, durable: true, exclusive: false, autoDelete: false));
        await RefusedAsync(one.Broker.Url, "no quorum queue", OneBroker.Push, "delete");
    }

    [Fact]
    public async Task A_user_who_may_use_queues_of_its_names_only_is_enough()
    {
        (await one.HomeAsync()).Dispose();
        await one.Broker.ControlAsync(0, "add_user", "narrow", "secret");
        await one.Broker.ControlAsync(0, "set_permissions", "narrow", @"^tocsin\.", @"^(tocsin\..*|amq\.default)$", @"^tocsin\.");
        using var home = OneBroker.HomeOf(one.Broker.Url.Replace("guest:guest", "narrow:secret", StringComparison.Ordinal), OneBroker.LongWait);
        await using var server = await ServerProcess.StartAsync(home);
        (await server.PostAsync("/event", """{"type":"a"}""")).Status.ShouldBe(HttpStatusCode.Created);
        (await server.JsonAsync("/health")).GetProperty("status").GetString().ShouldBe("healthy");
    }

    [Fact]
    public async Task What_cannot_be_read_is_set_aside_and_listed_and_given_back()
    {
        using var home = await one.HomeAsync(("TOCSIN__QUEUE__WAIT", "0s"));
        byte[] good;
        await using var held = await HeldQueue.TakeAsync(one.Broker);
        await using var server = await ServerProcess.StartAsync(home);
        (await server.PostAsync("/event", """{"type":"was.dead"}""")).Status.ShouldBe(HttpStatusCode.Accepted);
        await Eventually.BeAsync("it is in the queue", Patience, () => Task.FromResult(!held.Bodies.IsEmpty));
        held.Bodies.TryPeek(out good!).ShouldBeTrue();
        await PublishAsync(OneBroker.Push, "nonsense"u8.ToArray());
        await PublishAsync(OneBroker.Push, []);
        await held.DisposeAsync();
        await Eventually.BeAsync("health shows them", Patience, async () => await DeadAsync(server) == 2);
        (await server.JsonAsync("/health")).GetProperty("status").GetString().ShouldBe("degraded");
        // What comes behind them is stored.
        (await server.PostAsync("/event", """{"type":"behind"}""")).Status.ShouldBeOneOf(HttpStatusCode.Accepted, HttpStatusCode.Created);
        await Eventually.BeAsync("it is stored", Patience, async () => await StoredAsync(server, "behind") == 1);

        var letters = JsonElement.Parse((await CommandAsync(home, "list", "-o", "json")).Out);
        letters.GetArrayLength().ShouldBe(2);
        letters[0].GetProperty("reason").GetString()!.ShouldContain("no request of Tocsin's");
        letters[0].GetProperty("bytes").GetInt32().ShouldBe(8);
        (await CommandAsync(home, "drop", letters[0].GetProperty("id").GetString()!)).Code.ShouldBe(0);
        (await CommandAsync(home, "replay", "--all")).Err.ShouldContain("1 requests");
        await Eventually.BeAsync("it cannot be stored this time either", Patience, async () => await one.CountAsync(OneBroker.Dead) == 1);
        (await CommandAsync(home, "replay", "no-such-id")).Code.ShouldBe(1);
        (await CommandAsync(home, "drop")).Code.ShouldBe(2);

        // A good request among them is stored when it is given back; and it is known that it was stored before.
        await PublishAsync(OneBroker.Dead, good);
        (await CommandAsync(home, "list")).Out.ShouldContain("\tadmin\t1\t");
        (await CommandAsync(home, "drop", letters[1].GetProperty("id").GetString()!)).Code.ShouldBe(0);
        (await CommandAsync(home, "replay", "--all")).Err.ShouldContain("1 requests");
        await Eventually.BeAsync("health is well again", Patience, async () => (await server.JsonAsync("/health")).GetProperty("status").GetString() == "healthy" && await one.CountAsync(OneBroker.Push) == 0);
        (await StoredAsync(server, "was.dead")).ShouldBe(1);
    }

    [Fact]
    public async Task A_full_queue_and_a_blocked_broker_are_503_and_end_by_themselves()
    {
        using var home = await one.HomeAsync(("TOCSIN__QUEUE__CAPACITY", "50"));
        await using var held = await HeldQueue.TakeAsync(one.Broker);
        await using var server = await ServerProcess.StartAsync(home);
        await one.Broker.ControlAsync(0, "set_policy", "small", "^tocsin.push$", """{"max-length":5}""");
        var accepted = await FillAsync(server);
        accepted.ShouldBeInRange(5, 20, "the broker's own bound");
        await one.Broker.ControlAsync(0, "clear_policy", "small");
        accepted += await FillAsync(server);
        accepted.ShouldBeGreaterThan(40, "the bound of the configuration");
        await held.DisposeAsync();
        await Eventually.BeAsync("all that was accepted is stored", Patience, async () => await StoredAsync(server, "full") >= accepted);
        await Eventually.BeAsync("it takes pushes again", Patience, async () => await PushAsync(server, "again") == HttpStatusCode.Accepted);
        (await StoredAsync(server, "full")).ShouldBe(accepted, "what was refused is not there");

        await one.Broker.ControlAsync(0, "set_disk_free_limit", "100000GB");
        // The broker blocks a connection when it publishes.
        await Eventually.BeAsync("pushes are refused", Patience, async () => await PushAsync(server, "blocked") == HttpStatusCode.ServiceUnavailable);
        var health = await server.JsonAsync("/health");
        health.GetProperty("status").GetString().ShouldBe("degraded");
        health.GetProperty("queue").GetProperty("error").GetString()!.ShouldContain("takes nothing now");
        await one.Broker.ControlAsync(0, "set_disk_free_limit", "50MB");
        await Eventually.BeAsync("it takes pushes again", Patience, async () => await PushAsync(server, "again") == HttpStatusCode.Accepted);
        await Eventually.BeAsync("health is well", Patience, async () => (await server.JsonAsync("/health")).GetProperty("status").GetString() == "healthy");
    }

    [Fact]
    public async Task While_the_broker_takes_nothing_what_other_nodes_were_given_is_stored_nevertheless()
    {
        // Who hears nothing for so long answers 202, before its sender gives up.
        using var first = await one.HomeAsync(("TOCSIN__QUEUE__WAIT", "10s"));
        using var second = await OneBroker.TwinOfAsync(first);
        await using var held = await HeldQueue.TakeAsync(one.Broker);
        await using var server = await ServerProcess.StartAsync(first);
        await using var other = await ServerProcess.StartAsync(second);
        // Whichever commits, some are the other's, whose senders wait to hear of it.
        Task[] pushes = [.. Enumerable.Range(0, 20).Select(n => (n % 2 == 0 ? server : other).PostAsync("/event", """{"type":"waits"}"""))];
        await Eventually.BeAsync("they are in the queue", Patience, async () => await UnstoredAsync() == pushes.Length);
        await one.Broker.ControlAsync(0, "set_disk_free_limit", "100000GB");
        try
        {
            await held.DisposeAsync();
            await Eventually.BeAsync("all are stored and acknowledged", Patience, async () => await UnstoredAsync() == 0, () => $"{server.Process.Shown()}\n{other.Process.Shown()}");
        }
        finally
        {
            await one.Broker.ControlAsync(0, "set_disk_free_limit", "50MB");
        }
        await Task.WhenAll(pushes);
        (await StoredAsync(server, "waits") + await StoredAsync(other, "waits")).ShouldBe(pushes.Length);
    }

    /// <summary>What the queue holds, in hand of a consumer or not; null where the broker does not know in time.</summary>
    private async Task<int?> UnstoredAsync()
    {
        var list = await one.Broker.AskAsync(0, "-q", "list_queues", "name", "messages");
        return list.Split('\n').SingleOrDefault(line => line.StartsWith(OneBroker.Push + "\t", StringComparison.Ordinal)) is { } line
            ? int.Parse(line.Split('\t')[1], System.Globalization.CultureInfo.InvariantCulture)
            : null;
    }

    private async Task RefusedAsync(string url, params string[] parts)
    {
        using var folder = new TempFolder();
        var end = await TocsinProcess.RunAsync(folder.Path, new Dictionary<string, string> { ["TOCSIN__QUEUE__ENGINE"] = "rabbitmq", ["TOCSIN__QUEUE__URL"] = url }, "serve", "--data", "data", "--port", Ports.Free().ToString());
        end.Code.ShouldBe(1, end.ToString());
        foreach (var part in parts)
            end.Err.ShouldContain(part, Case.Sensitive);
        end.Err.TrimEnd('\n').ShouldNotContain('\n', "one sentence, no stack");
        end.Err.ShouldNotContain("wrong-pw");
        Directory.EnumerateFileSystemEntries(folder.Path).ShouldBeEmpty();
    }

    private static Task<Finished> CommandAsync(ServerHome home, params string[] args) => TocsinProcess.RunAsync(home.Folder, home.Environment, ["queue", "dead", .. args]);

    /// <summary>Pushes until no more is taken; gives how many were.</summary>
    private static async Task<int> FillAsync(ServerProcess server)
    {
        var accepted = 0;
        await Eventually.BeAsync("no more is taken", Patience, async () =>
        {
            var status = await PushAsync(server, "full");
            accepted += status == HttpStatusCode.Accepted ? 1 : 0;
            return status == HttpStatusCode.ServiceUnavailable;
        });
        return accepted;
    }

    private Task<int> PublishAsync(string queue, byte[] body) => one.WithChannelAsync(async channel =>
    {
        await channel.BasicPublishAsync("", queue, mandatory: true, new BasicProperties { DeliveryMode = DeliveryModes.Persistent }, body);
        return 0;
    });

    private static async Task<HttpStatusCode> PushAsync(ServerProcess server, string type)
    {
        using var content = new StringContent($$"""{"type":"{{type}}"}""", Encoding.UTF8, "application/json");
        using var request = new HttpRequestMessage(HttpMethod.Post, "/event") { Content = content };
        request.Headers.Add("Prefer", "respond-async");
        using var answer = await server.Http.SendAsync(request);
        if (answer.StatusCode == HttpStatusCode.ServiceUnavailable)
            answer.Headers.RetryAfter.ShouldNotBeNull();
        return answer.StatusCode;
    }

    private static async Task<int> DeadAsync(ServerProcess server) => (await server.JsonAsync("/health")).GetProperty("queue").GetProperty("dead_letters").GetInt32();

    private static async Task<int> StoredAsync(ServerProcess server, string type)
    {
        var count = 0;
        await foreach (var _ in EventWalk.AllAsync(server, $"type={type}"))
            count++;
        return count;
    }
}
