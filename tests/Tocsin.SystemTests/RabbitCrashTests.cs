using System.Net;

namespace Tocsin.SystemTests;

/// <summary>
/// A broker that is killed. It is one of its own: a quorum queue that was deleted and made anew under the same name, and whose broker is killed in the same second, is
/// not recovered by RabbitMQ 3.10, and says so for ever.
/// </summary>
public sealed class RabbitCrashTests(OneBroker one) : IClassFixture<OneBroker>
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task A_broker_that_is_killed_under_load_loses_nothing_and_is_used_again()
    {
        var kills = int.TryParse(Environment.GetEnvironmentVariable("TOCSIN_BROKER_KILLS"), out var asked) ? asked : 1;
        using var home = await one.HomeAsync();
        await using var server = await ServerProcess.StartAsync(home);
        await using var load = new PushLoad(home);
        var slowest = TimeSpan.Zero;
        for (var kill = 0; kill < kills; kill++)
        {
            var before = load.Acknowledged;
            await Eventually.BeAsync("pushes are acknowledged", Patience, () => Task.FromResult(load.Acknowledged > before + 500), server.Process.Shown);
            await one.Broker.KillAsync(0);
            await Eventually.BeAsync("health says so", Patience, async () => (await server.JsonAsync("/health")).GetProperty("status").GetString() == "degraded");
            await Eventually.BeAsync("pushes are 503 with when to come again", Patience, async () => (await server.PostAsync("/event", """{"type":"away"}""")).Status == HttpStatusCode.ServiceUnavailable);
            await one.Broker.RestartAsync(0);
            var back = TimeProvider.System.GetTimestamp();
            before = load.Acknowledged;
            await Eventually.BeAsync("pushes are acknowledged again", Patience, () => Task.FromResult(load.Acknowledged > before), () => $"{load.Shown}\n{one.Broker.Log(0)}\n{server.Process.Shown()}");
            var took = TimeProvider.System.GetElapsedTime(back);
            slowest = took > slowest ? took : slowest;
        }
        await load.StopAsync();
        await load.DrainedAsync(server);
        await load.VerifyAsync(server);
        Figures.Print($"{kills} x kill -9 of the broker under load: {load.Acknowledged} acknowledged, 0 lost, 0 doubled ({load.Beside}); acknowledged again {slowest.TotalSeconds:F1} s after it listens at the latest");
    }
}
