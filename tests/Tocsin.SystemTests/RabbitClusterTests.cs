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
    public async Task A_node_that_commits_for_another_tells_it_and_the_next_takes_over()
    {
        await using var broker = await RabbitBroker.StartOrSkipAsync();
        // Each with a store of its own, to see which of them commits.
        using var first = OneBroker.HomeOf(broker.Url);
        using var second = OneBroker.HomeOf(broker.Url);
        await using var committer = await ServerProcess.StartAsync(first);
        await using var other = await ServerProcess.StartAsync(second);

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
        var list = await broker.ControlAsync(0, "-q", "list_queues", "name", "leader");
        var leader = Regex.Match(list, @"tocsin\.push\s+tocsin(?<n>\d)@", RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(1)).Groups["n"].Value;
        return int.Parse(leader, System.Globalization.CultureInfo.InvariantCulture) - 1;
    }
}
