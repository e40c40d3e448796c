using System.Net;
using System.Net.Sockets;
using System.Text.Json;

namespace Tocsin.SystemTests;

/// <summary>A service with the ready-made source of alerts, asked quickly.</summary>
public sealed class AlertHouse : IAsyncLifetime
{
    private ServerHome _home = null!;

    internal MockProcess Mock { get; private set; } = null!;

    internal ServerProcess Server { get; private set; } = null!;

    /// <summary>Where the redirect fault points: nobody may come.</summary>
    internal TcpListener Canary { get; } = new(IPAddress.Loopback, 0);

    public async ValueTask InitializeAsync()
    {
        Canary.Start();
        Mock = await MockProcess.StartAsync("--alerts", "300", "--per-type", "1");
        await Mock.SetAsync($$"""{"redirect_to":"http://127.0.0.1:{{((IPEndPoint)Canary.LocalEndpoint).Port}}/lured"}""");
        _home = new ServerHome().With(new AlertYaml(Mock.Url));
        Server = await ServerProcess.StartAsync(_home);
        await Server.ShowsAsync(Mock, TimeSpan.FromSeconds(20));
    }

    public async ValueTask DisposeAsync()
    {
        await Server.DisposeAsync();
        await Mock.DisposeAsync();
        _home.Dispose();
        Canary.Dispose();
    }
}

/// <summary>Every fault of the upstream against the feed of alerts: none is lost, none is doubled, and each is shown in its newest version.</summary>
public sealed class AlertFaultTests(AlertHouse house) : IClassFixture<AlertHouse>
{
    /// <summary>In a trial of a second or so, with the walks of two syncs in it.</summary>
    private const int MaxCallsOfTrial = 20;
    private const int MaxCallsInFourSeconds = 60;
    private const long MaxResidentBytes = 600_000_000;
    private static readonly TimeSpan Lasting = TimeSpan.FromSeconds(0.6);
    private static readonly TimeSpan Shows = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Cleared = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Recovery = TimeSpan.FromSeconds(20);

    /// <summary>The faults, and whether a call that has it fails.</summary>
    public static TheoryData<string, bool> Faults { get; } = new()
    {
        { "http_500", true }, { "http_429", true }, { "timeout", true }, { "truncate", true }, { "malformed", true }, { "repeat", false }, { "out_of_order", false },
        { "wrong_type", false }, { "redirect", true }, { "big_body", true }, { "gzip_bomb", true }, { "slow_body", true }, { "empty_body", true }, { "no_content", true },
        { "html_200", true }, { "wrong_root", true }, { "missing_fields", false }, { "unknown_severity", false }, { "same_time", false }, { "late_records", false },
        { "clock_ahead", false }, { "clock_behind", false }, { "nan", true }, { "bad_utf8", false }, { "bom", false }, { "deep_json", true }, { "reset", true },
        { "wrong_length", true }, { "bad_gzip", true }, { "identity_gap", false },
    };

    [Fact]
    public async Task Every_fault_of_the_mock_is_tried() =>
        (await house.Mock.FaultsAsync()).Order().ShouldBe(Faults.Select(fault => fault.Data.Item1).Order());

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task After_a_fault_every_alert_is_there_once_in_its_newest_version(string fault, bool fails)
    {
        var (mock, server) = (house.Mock, house.Server);
        var before = await mock.AlertCallsAsync();
        var peak = 0L;
        await mock.SetAsync($$"""{"{{fault}}":1}""");
        await mock.AddAsync(9, "alerts");
        await mock.ReviseAsync(3);
        await server.SyncAsync();
        await Eventually.DuringAsync(Lasting, async () =>
        {
            peak = Math.Max(peak, server.Process.ResidentBytes);
            (await server.JsonAsync("/health")).GetProperty("status").GetString().ShouldNotBe("unhealthy");
        });
        await mock.AddAsync(5, "alerts");
        await server.SyncAsync();
        if (fails)
            await Eventually.BeAsync("the failure shows", Shows, async () => await server.LastErrorAsync() is not null, server.Process.Shown);
        else
            // A call that the machine held up for a second has failed, and the next has not.
            await Eventually.BeAsync("it goes well", Shows, async () => await server.LastErrorAsync() is null, server.Process.Shown);
        var calls = await mock.AlertCallsAsync() - before;

        await mock.CalmAsync();
        var mended = TimeProvider.System.GetTimestamp();
        await server.SyncAsync();
        await Eventually.BeAsync("the error is gone", Cleared, async () => await server.LastErrorAsync() is null, server.Process.Shown);
        var cleared = TimeProvider.System.GetElapsedTime(mended);
        var alerts = await server.ShowsAsync(mock, Recovery);

        calls.ShouldBeLessThan(MaxCallsOfTrial);
        peak.ShouldBeLessThan(MaxResidentBytes);
        house.Canary.Pending().ShouldBeFalse("nobody follows to another origin");
        Figures.Print($"alerts, fault {fault}: {calls} calls, resident {peak >> 20} MiB at most, error gone {cleared.TotalMilliseconds:F0} ms after it ended, all {alerts} once after {TimeProvider.System.GetElapsedTime(mended).TotalMilliseconds:F0} ms");
    }

    [Fact]
    public async Task All_faults_mixed_for_four_seconds_lose_nothing_and_the_upstream_is_not_stormed()
    {
        var (mock, server) = (house.Mock, house.Server);
        var before = await mock.AlertCallsAsync();
        await mock.SetAsync($$"""{"drip_per_second":80,{{string.Join(',', Faults.Select(fault => $"\"{fault.Data.Item1}\":0.03"))}}}""");
        await Eventually.DuringAsync(TimeSpan.FromSeconds(4), () => mock.ReviseAsync(1));
        var calls = await mock.AlertCallsAsync() - before;
        await mock.CalmAsync();
        await server.SyncAsync();
        var alerts = await server.ShowsAsync(mock, Recovery);
        calls.ShouldBeLessThan(MaxCallsInFourSeconds);
        Figures.Print($"alerts, all faults mixed, nine calls of ten, 4 s: {calls} calls, all {alerts} once");
    }

    [Fact]
    public async Task With_eight_calls_of_ten_failing_nothing_is_lost_in_the_end()
    {
        var (mock, server) = (house.Mock, house.Server);
        await mock.SetAsync("""{"failure_rate":0.8,"drip_per_second":60}""");
        await Eventually.DuringAsync(TimeSpan.FromSeconds(3), async () =>
        {
            await server.SyncAsync();
            await mock.ReviseAsync(1);
        });
        await mock.CalmAsync();
        await server.SyncAsync();
        await server.ShowsAsync(mock, Recovery);
    }

    [Fact]
    public async Task A_failure_shows_in_health_and_sources_and_is_gone_soon_after_it_ends_also_when_polls_are_rare()
    {
        await using var mock = await MockProcess.StartAsync("--alerts", "50", "--per-type", "1");
        using var home = new ServerHome().With(new AlertYaml(mock.Url) { Every = "30s", Timeout = "10s", Retry = "{ attempts: 5, min_wait: 1s, max_wait: 30s }" });
        await using var server = await ServerProcess.StartAsync(home);
        await server.ShowsAsync(mock, Recovery);

        await mock.SetAsync("""{"failure_rate":1}""");
        // The first poll may be about to end still.
        await Eventually.BeAsync("a sync begins", Shows, server.SyncAsync);
        var began = TimeProvider.System.GetTimestamp();
        await Eventually.BeAsync("the failure shows", Shows, async () =>
        {
            var (health, source) = (await server.JsonAsync("/health"), await server.SourceAsync("alerts"));
            return health.GetProperty("status").GetString() == "degraded" && IsInTrouble(source) && IsInTrouble(health.GetProperty("sources").EnumerateArray().Single());
        });
        var shown = TimeProvider.System.GetElapsedTime(began);
        await mock.AddAsync(10, "alerts");
        await mock.SetAsync("""{"failure_rate":0}""");
        began = TimeProvider.System.GetTimestamp();
        // It may be in the middle of a call.
        await Eventually.BeAsync("a sync begins", Shows, server.SyncAsync);
        await Eventually.BeAsync("the failure is gone", Cleared, async () => await server.LastErrorAsync() is null);
        var cleared = TimeProvider.System.GetElapsedTime(began);
        await server.ShowsAsync(mock, Recovery);
        (await server.JsonAsync("/health")).GetProperty("status").GetString().ShouldBe("healthy");
        Figures.Print($"alerts, failure_rate 1.0 and a sync: shows after {shown.TotalMilliseconds:F0} ms; 0.0 and a sync: gone after {cleared.TotalMilliseconds:F0} ms");
    }

    private static bool IsInTrouble(JsonElement source) =>
        source.GetProperty("last_error").ValueKind == JsonValueKind.String && source.GetProperty("status").GetString() is "retrying" or "failed";
}
