using System.Globalization;

namespace Tocsin.SystemTests;

/// <summary>Ends of the process, sudden and asked for, while it polls an upstream in trouble.</summary>
public sealed class CrashTests
{
    private const string Trouble = """{"http_500":0.1,"truncate":0.1,"malformed":0.1,"drip_per_second":40}""";
    private static readonly TimeSpan Recovery = TimeSpan.FromSeconds(30);

    private static int Kills => int.Parse(Environment.GetEnvironmentVariable("TOCSIN_KILLS") ?? "10", CultureInfo.InvariantCulture);

    [Fact]
    public async Task After_kills_while_polling_every_record_is_there_once()
    {
        await using var mock = await MockProcess.StartAsync();
        await mock.SetAsync(Trouble);
        using var home = new ServerHome(new SourceYaml(mock.Url) { Every = "200ms" });
        var slowest = TimeSpan.Zero;
        for (var kill = 0; kill < Kills; kill++)
        {
            await using var server = await ServerProcess.StartAsync(home);
            var ready = TimeProvider.System.GetElapsedTime(server.Process.StartedAt);
            slowest = ready > slowest ? ready : slowest;
            // At any moment of its work: in the first poll, in the middle of one, between two.
            await Eventually.DuringAsync(TimeSpan.FromMilliseconds(Random.Shared.Next(1_000)), () => server.BoardAsync());
            await server.KillAsync();
        }
        await using var last = await EndsWellAsync(mock, home);
        Figures.Print($"{Kills} x kill -9 during polling with faults at 30 %: every record of the ledger ({(await mock.LedgerAsync()).Count}) once; ready again after {slowest.TotalMilliseconds:F0} ms at the latest");
    }

    [Fact]
    public async Task Told_to_stop_while_polling_it_ends_in_time_and_loses_nothing()
    {
        await using var mock = await MockProcess.StartAsync("--latency", "50ms");
        await mock.SetAsync(Trouble);
        using var home = new ServerHome(new SourceYaml(mock.Url) { Every = "200ms" });
        var slowest = TimeSpan.Zero;
        for (var stop = 0; stop < 5; stop++)
        {
            await using var server = await ServerProcess.StartAsync(home);
            await Eventually.DuringAsync(TimeSpan.FromMilliseconds(Random.Shared.Next(1_000)), () => server.BoardAsync());
            var (end, took) = await server.Process.TerminateAsync();
            end.Code.ShouldBe(0, end.ToString());
            slowest = took > slowest ? took : slowest;
        }
        await using var last = await EndsWellAsync(mock, home);
        slowest.ShouldBeLessThan(TimeSpan.FromSeconds(10));
        Figures.Print($"SIGTERM under polling: out after {slowest.TotalMilliseconds:F0} ms at the latest of 5, nothing lost");
    }

    [Fact]
    public async Task Told_to_stop_while_an_upstream_is_silent_it_ends_in_time()
    {
        await using var mock = await MockProcess.StartAsync();
        await mock.SetAsync("""{"timeout":1}""");
        using var home = new ServerHome(new SourceYaml(mock.Url) { Timeout = "60s" });
        await using var server = await ServerProcess.StartAsync(home);
        await Eventually.BeAsync("it waits for answers", TimeSpan.FromSeconds(5), async () => (await server.SourceAsync()).GetProperty("status").GetString() == "syncing");

        var (end, took) = await server.Process.TerminateAsync();

        end.Code.ShouldBe(0, end.ToString());
        took.ShouldBeLessThan(TimeSpan.FromSeconds(10));
        Figures.Print($"SIGTERM with eight calls that never end: out after {took.TotalMilliseconds:F0} ms");
    }

    /// <summary>Ends the trouble; a last process must then show the ledger, record by record, none lost and none doubled.</summary>
    private static async Task<ServerProcess> EndsWellAsync(MockProcess mock, ServerHome home)
    {
        await mock.CalmAsync();
        var server = await ServerProcess.StartAsync(home);
        try
        {
            var board = await server.ShowsAsync(await mock.BoardAsync(), Recovery);
            board.Sequence.ShouldBeGreaterThanOrEqualTo(board.Incidents().Count);
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }
}
