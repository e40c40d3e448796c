using System.Net;
using System.Text.RegularExpressions;

namespace Tocsin.SystemTests;

/// <summary>Three nodes of RabbitMQ, of which one dies; two nodes of Tocsin, of which one commits for both.</summary>
public sealed class RabbitClusterTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(40);

    [Fact]
    public async Task A_leader_or_a_follower_that_is_killed_under_load_loses_nothing()
    {
        var kills = int.TryParse(Environment.GetEnvironmentVariable("TOCSIN_BROKER_KILLS"), out var asked) ? asked : 1;
        await using var broker = await RabbitBroker.StartOrSkipAsync(nodes: 3);
        using var home = OneBroker.HomeOf(broker.Url);
        await using var server = await ServerProcess.StartAsync(home);
        await using var load = new PushLoad(home);
        var slowest = TimeSpan.Zero;
        for (var kill = 0; kill < kills; kill++)
        {
            var before = load.Acknowledged;
            await Eventually.BeAsync("pushes are acknowledged", Patience, () => Task.FromResult(load.Acknowledged > before + 200), server.Process.Shown);
            var leader = await LeaderAsync(broker);
            var victim = kill % 2 == 0 ? leader : (leader + 1) % broker.Count;
            await broker.KillAsync(victim);
            var killed = TimeProvider.System.GetTimestamp();
            before = load.Acknowledged;
            await Eventually.BeAsync("pushes are acknowledged again, with two of three nodes", Patience, () => Task.FromResult(load.Acknowledged > before + 100), () => Shown(server, broker, load));
            var took = TimeProvider.System.GetElapsedTime(killed);
            slowest = took > slowest ? took : slowest;
            await broker.RestartAsync(victim);
            await Eventually.BeAsync("health is well", Patience, async () => (await server.JsonAsync("/health")).GetProperty("status").GetString() == "healthy", server.Process.Shown);
        }
        slowest.ShouldBeLessThan(TimeSpan.FromSeconds(30));
        await WithoutMajorityAsync(broker, server, load);
        await load.StopAsync();
        await load.DrainedAsync(server);
        await load.VerifyAsync(server);
        Figures.Print($"{kills} x kill -9 of a node of three under load, leader and follower in turn: {load.Acknowledged} acknowledged, 0 lost, 0 doubled ({load.Beside}); 100 more acknowledged {slowest.TotalSeconds:F1} s after the kill at the latest");
    }

    [Fact]
    public async Task A_node_that_stands_still_under_load_is_left_for_the_others()
    {
        var freezes = int.TryParse(Environment.GetEnvironmentVariable("TOCSIN_BROKER_FREEZES"), out var asked) ? asked : 1;
        await using var broker = await RabbitBroker.StartOrSkipAsync(nodes: 3);
        using var home = OneBroker.HomeOf(broker.Url);
        await using var server = await ServerProcess.StartAsync(home);
        await using var load = new PushLoad(home);
        var slowest = TimeSpan.Zero;
        for (var freeze = 0; freeze < freezes; freeze++)
        {
            var before = load.Acknowledged;
            await Eventually.BeAsync("pushes are acknowledged", Patience, () => Task.FromResult(load.Acknowledged > before + 200), () => Shown(server, broker, load));
            // The leader of the queue, and then the others: the one that pushes go to, and the one that gives them back, are among them.
            var victim = (await LeaderAsync(broker) + (freeze % broker.Count)) % broker.Count;
            broker.Freeze(victim);
            var frozen = TimeProvider.System.GetTimestamp();
            // What was under way when it froze may be acknowledged a moment later: that it goes on is seen by more, later.
            await Eventually.BeAsync("nothing is under way any more", Patience, () => Task.FromResult(TimeProvider.System.GetElapsedTime(frozen) > TimeSpan.FromSeconds(2)));
            before = load.Acknowledged;
            await Eventually.BeAsync("pushes are acknowledged again, through the others", Patience, () => Task.FromResult(load.Acknowledged > before + 100), () => Shown(server, broker, load));
            var took = TimeProvider.System.GetElapsedTime(frozen);
            slowest = took > slowest ? took : slowest;
            await load.StoredAsync(server, load.Acknowledged);
            var stored = TimeProvider.System.GetElapsedTime(frozen);
            Figures.Print($"a node of three stands still: acknowledged again {took.TotalSeconds:F1} s, all stored {stored.TotalSeconds:F1} s after");
            broker.Thaw(victim);
            await Eventually.BeAsync("health is well", Patience, async () => (await server.JsonAsync("/health")).GetProperty("status").GetString() == "healthy", () => Shown(server, broker, load));
            if (freeze + 1 == freezes)
                break;
            // The others have gone on without it, and it may not find back by itself.
            await broker.KillAsync(victim);
            await broker.RestartAsync(victim);
        }
        slowest.ShouldBeLessThan(TimeSpan.FromSeconds(30));
        await load.StopAsync();
        await load.DrainedAsync(server);
        await load.VerifyAsync(server);
        Figures.Print($"{freezes} x a node of three stands still under load: {load.Acknowledged} acknowledged, 0 lost, 0 doubled ({load.Beside})");
    }

    [Fact]
    public async Task A_lone_broker_that_stands_still_is_503_until_it_goes_on()
    {
        await using var broker = await RabbitBroker.StartOrSkipAsync();
        using var home = OneBroker.HomeOf(broker.Url);
        await using var server = await ServerProcess.StartAsync(home);
        await using var load = new PushLoad(home, writers: 16);
        await Eventually.BeAsync("pushes are acknowledged", Patience, () => Task.FromResult(load.Acknowledged > 200), () => Shown(server, broker, load));
        broker.Freeze(0);
        await Eventually.BeAsync("pushes are 503 with when to come again, at once", Patience, async () =>
        {
            var asked = TimeProvider.System.GetTimestamp();
            using var content = new StringContent("""{"type":"away"}""", System.Text.Encoding.UTF8, "application/json");
            using var answer = await server.Http.PostAsync("/event", content);
            return answer.StatusCode == HttpStatusCode.ServiceUnavailable && answer.Headers.RetryAfter is not null && TimeProvider.System.GetElapsedTime(asked) < TimeSpan.FromSeconds(1);
        }, () => Shown(server, broker, load));
        (await server.JsonAsync("/health")).GetProperty("status").GetString().ShouldBe("degraded");
        // Long enough that every connection was given up and made anew in vain.
        var frozen = TimeProvider.System.GetTimestamp();
        await Eventually.BeAsync("it stands still for long", Patience, () => Task.FromResult(TimeProvider.System.GetElapsedTime(frozen) > TimeSpan.FromSeconds(15)));
        broker.Thaw(0);
        var thawed = TimeProvider.System.GetTimestamp();
        var before = load.Acknowledged;
        await Eventually.BeAsync("pushes are acknowledged again", Patience, () => Task.FromResult(load.Acknowledged > before + 100), () => Shown(server, broker, load));
        var took = TimeProvider.System.GetElapsedTime(thawed);
        took.ShouldBeLessThan(TimeSpan.FromSeconds(30));
        await Eventually.BeAsync("health is well", Patience, async () => (await server.JsonAsync("/health")).GetProperty("status").GetString() == "healthy", () => Shown(server, broker, load));
        await load.StopAsync();
        await load.DrainedAsync(server);
        await load.VerifyAsync(server);
        Figures.Print($"a lone broker stands still under load: {load.Acknowledged} acknowledged, 0 lost, 0 doubled ({load.Beside}); acknowledged again {took.TotalSeconds:F1} s after it goes on");
    }

    [Fact]
    public async Task A_node_that_commits_for_another_tells_it_and_the_next_takes_over()
    {
        await using var broker = await RabbitBroker.StartOrSkipAsync();
        // Each with a store of its own, to see which of them commits.
        using var first = OneBroker.HomeOf(broker.Url, OneBroker.LongWait);
        using var second = await OneBroker.TwinOfAsync(first);
        await using var committer = await ServerProcess.StartAsync(first);
        await using var other = await ServerProcess.StartAsync(second);
        // Ready is who can publish; healthy, who can be told as well.
        foreach (var node in new[] { committer, other })
            await Eventually.BeAsync("it is healthy", Patience, async () => (await node.JsonAsync("/health")).GetProperty("status").GetString() == "healthy", node.Process.Shown);

        (await committer.PostAsync("/event", """{"type":"a"}""")).Status.ShouldBe(HttpStatusCode.Created);
        var (status, answer) = await other.PostAsync("/events", """[{"type":"b","external_id":"1"},{"type":"c"}]""");
        status.ShouldBe(HttpStatusCode.OK);
        answer.GetProperty("created").GetInt32().ShouldBe(2);
        (await committer.JsonAsync("/events")).GetArrayLength().ShouldBe(3, "both are in the store of the one that commits");
        (await other.JsonAsync("/events")).GetArrayLength().ShouldBe(0);

        await committer.KillAsync();
        await Eventually.BeAsync("the next commits", Patience, async () => (await other.PostAsync("/event", """{"type":"d"}""")).Status == HttpStatusCode.Created, other.Process.Shown);
        (await other.JsonAsync("/events?type=d")).GetArrayLength().ShouldBeGreaterThan(0);
    }

    /// <summary>One node of three cannot promise anything: pushes are refused, health says so, and it ends when another node is back.</summary>
    private static async Task WithoutMajorityAsync(RabbitBroker broker, ServerProcess server, PushLoad load)
    {
        var leader = await LeaderAsync(broker);
        int[] others = [.. Enumerable.Range(0, broker.Count).Where(node => node != leader)];
        foreach (var other in others)
            await broker.KillAsync(other);
        await Eventually.BeAsync("health says so", Patience, async () => (await server.JsonAsync("/health")).GetProperty("status").GetString() == "degraded", server.Process.Shown);
        (await server.PostAsync("/event", """{"type":"no.majority"}""")).Status.ShouldBe(HttpStatusCode.ServiceUnavailable);
        foreach (var other in others)
            await broker.RestartAsync(other);
        var before = load.Acknowledged;
        await Eventually.BeAsync("pushes are acknowledged again", Patience, () => Task.FromResult(load.Acknowledged > before + 100), server.Process.Shown);
        await Eventually.BeAsync("health is well", Patience, async () => (await server.JsonAsync("/health")).GetProperty("status").GetString() == "healthy", server.Process.Shown);
    }

    private static string Shown(ServerProcess server, RabbitBroker broker, PushLoad load)
    {
        var health = server.Http.GetStringAsync("/health").GetAwaiter().GetResult();
        return $"{load.Shown}\n{health}\n{string.Join('\n', Enumerable.Range(0, broker.Count).Select(broker.Log))}\n{server.Process.Shown()}";
    }

    private static async Task<int> LeaderAsync(RabbitBroker broker)
    {
        // Whoever is asked may not know in time, under load or while one is chosen, and says nothing.
        var leader = await Eventually.SeeAsync("the queue has a leader", Patience, async () =>
            Regex.Match(await broker.AskAsync(0, "-q", "list_queues", "name", "leader"), @"tocsin\.push\s+tocsin(?<n>\d)@", RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(1)) is { Success: true } match ? match : null);
        return int.Parse(leader.Groups["n"].Value, System.Globalization.CultureInfo.InvariantCulture) - 1;
    }
}
