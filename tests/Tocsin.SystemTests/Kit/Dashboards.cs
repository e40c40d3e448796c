using System.Text.Json;

namespace Tocsin.SystemTests.Kit;

/// <summary>What all tests of pages share: a browser, a demo, and a service beside a mock. Each is started by the first that wants it.</summary>
public sealed class Dashboards : IAsyncLifetime
{
    /// <summary>The tests that share it.</summary>
    public const string Name = "dashboards";

    private RunningDemo? _demo;
    private DashboardHouse? _house;

    internal Chromium Chromium { get; } = new();

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        await Chromium.DisposeAsync();
        if (_demo is not null)
            await _demo.DisposeAsync();
        if (_house is not null)
            await _house.DisposeAsync();
    }

    /// <summary>A demo: what it reads is open, its mock has chaos.</summary>
    internal async Task<RunningDemo> DemoAsync()
    {
        if (_demo is null)
        {
            var demo = new RunningDemo();
            await demo.InitializeAsync();
            _demo = demo;
        }
        return _demo;
    }

    /// <summary>A service that shows nothing without a token, with incidents, alerts and people, and no record that comes by itself.</summary>
    internal async Task<DashboardHouse> HouseAsync() => _house ??= await DashboardHouse.StartAsync();
}

/// <summary>A service with mocks behind it: one whose addresses are known, and one whose are nobody's.</summary>
internal sealed class DashboardHouse : IAsyncDisposable
{
    /// <summary>The source whose addresses nobody was found for.</summary>
    public const string Strangers = "strangers";

    /// <summary>Pages have a hundred: enough for a walk of several.</summary>
    private const int Alerts = 350;

    private readonly ServerHome _home;
    private readonly TempFolder _people;
    private readonly MockProcess _strangers;

    private DashboardHouse(ServerHome home, TempFolder people, ServerProcess server, MockProcess mock, MockProcess strangers) =>
        (_home, _people, Server, Mock, _strangers) = (home, people, server, mock, strangers);

    public MockProcess Mock { get; }

    public ServerProcess Server { get; private set; }

    public string Url => _home.Url;

    public static async Task<DashboardHouse> StartAsync()
    {
        var mock = await MockProcess.StartAsync("--alerts", Alerts.ToString(), "--per-type", "40", "--employees", "60");
        var strangers = await MockProcess.StartAsync("--alerts", "12", "--per-type", "1", "--seed", "7", "--employees", "3");
        var people = new TempFolder();
        var names = (await mock.IdentitiesAsync()).Values.Distinct().Select((id, i) => $"{id},Person {i},person{i}@example.com,Team {i % 3},");
        var file = people.Write("people.csv", $"user_id,name,email,team,manager\n{string.Join('\n', names)}\n");
        var home = new ServerHome(new SourceYaml(mock.Url)) { More = new Dictionary<string, string> { ["TOCSIN__PEOPLE"] = file } }
            .With(new AlertYaml(mock.Url)).With(new AlertYaml(strangers.Url) { Name = Strangers });
        var server = await ServerProcess.StartAsync(home);
        await server.CompleteAsync();
        return new DashboardHouse(home, people, server, mock, strangers);
    }

    /// <summary>Kills the service, does something, and starts it again on its folder.</summary>
    public async Task RestartAsync(Func<Task> meanwhile)
    {
        await Server.KillAsync();
        await Server.DisposeAsync();
        await meanwhile();
        Server = await ServerProcess.StartAsync(_home);
    }

    /// <summary>Makes a token; gives its secret.</summary>
    public async Task<string> TokenAsync(string name, params string[] scopes)
    {
        var (status, body) = await Server.PostAsync("/tokens", JsonSerializer.Serialize(new { name, scopes }));
        ((int)status).ShouldBe(201, body.ToString());
        return body.GetProperty("token").GetString()!;
    }

    public async ValueTask DisposeAsync()
    {
        await Server.DisposeAsync();
        await Mock.DisposeAsync();
        await _strangers.DisposeAsync();
        _home.Dispose();
        _people.Dispose();
    }
}
