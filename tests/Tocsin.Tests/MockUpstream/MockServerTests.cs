using Tocsin.MockUpstream;

namespace Tocsin.Tests.MockUpstream;

public sealed class MockServerTests
{
    [Fact]
    public async Task A_taken_port_is_an_IOException()
    {
        await using var mock = await RunningMock.StartAsync();
        mock.Server.BaseAddress.Port.ShouldBeGreaterThan(0);
        var options = new MockOptions { Urls = mock.Server.BaseAddress.ToString(), PerType = 1, Alerts = 1 };
        await Should.ThrowAsync<IOException>(() => MockServer.StartAsync(options, TimeProvider.System, default));
    }

    [Fact]
    public async Task Waiting_ends_when_it_is_stopped()
    {
        await using var mock = await RunningMock.StartAsync();
        var waiting = mock.Server.WaitForShutdownAsync(default);
        waiting.IsCompleted.ShouldBeFalse();
        await mock.Server.StopAsync();
        await waiting;
        await mock.Server.StopAsync();
    }

    [Fact]
    public async Task Waiting_ends_when_it_is_cancelled_and_the_server_has_stopped_then()
    {
        await using var mock = await RunningMock.StartAsync();
        using var cancel = new CancellationTokenSource();
        var waiting = mock.Server.WaitForShutdownAsync(cancel.Token);
        await cancel.CancelAsync();
        await waiting;
        await Should.ThrowAsync<HttpRequestException>(() => mock.GetAsync("/config"));
    }

    [Fact]
    public async Task An_option_out_of_its_range_is_named()
    {
        async Task Refused(string name, MockOptions options) =>
            (await Should.ThrowAsync<ArgumentOutOfRangeException>(() => MockServer.StartAsync(options, TimeProvider.System, default))).ParamName.ShouldBe(name);
        await Refused("PerType", new MockOptions { PerType = -1 });
        await Refused("Employees", new MockOptions { Employees = 0 });
        await Refused("Alerts", new MockOptions { Alerts = 1_000_001 });
        await Refused("Latency", new MockOptions { Latency = TimeSpan.FromMinutes(2) });
        await Refused("DripPerSecond", new MockOptions { DripPerSecond = double.NaN });
    }
}
