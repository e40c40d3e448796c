using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Tocsin.MockUpstream;

/// <summary>
/// A running mock of the incident API and the alert API, with the controls that make it misbehave. It reads no
/// configuration file, no environment and no signals, and logs nothing: all of that is the caller's.
/// Safe for use from any thread.
/// </summary>
public sealed class MockServer : IAsyncDisposable
{
    private const int MaxRequestBodyBytes = 64 * 1024;
    private static readonly TimeSpan ShutdownTimeout = TimeSpan.FromSeconds(5);

    private readonly WebApplication _app;
    private readonly Drip _drip;

    private MockServer(WebApplication app, Drip drip)
    {
        _app = app;
        _drip = drip;
        BaseAddress = Reachable(app.Urls.First());
    }

    /// <summary>The first address it listens on, with the real port for port 0, and loopback for all addresses.</summary>
    public Uri BaseAddress { get; }

    /// <summary>Makes the records and starts to listen.</summary>
    /// <exception cref="IOException">The port is taken, or the folder to replay cannot be read.</exception>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range; the message names it.</exception>
    public static async Task<MockServer> StartAsync(MockOptions options, TimeProvider time, CancellationToken ct)
    {
        options.Validate();
        var replay = options.ReplayDirectory is { } directory ? Replay.Read(directory) : null;
        var feeds = replay is null ? Feeds.Make(options, time.GetUtcNow()) : Feeds.None(options);
        var app = Build(options);
        var drip = new Drip(feeds, time);
        try
        {
            var config = new MockConfig { Latency = options.Latency, DripPerSecond = options.DripPerSecond };
            var state = new MockState(config, app.Lifetime.ApplicationStopping);
            Route(app, feeds, replay, state, drip, new FaultDice(options.Seed), time);
            await app.StartAsync(ct);
            drip.Set(config.DripPerSecond);
            return new MockServer(app, drip);
        }
        catch
        {
            drip.Dispose();
            await app.DisposeAsync();
            throw;
        }
    }

    /// <summary>Ends the drip and the calls under way, those that wait at once. Calling it again does nothing.</summary>
    public async Task StopAsync()
    {
        _drip.Dispose();
        await _app.StopAsync();
    }

    /// <summary>Returns after <see cref="StopAsync"/>, or when <paramref name="ct"/> is cancelled; the server has stopped then.</summary>
    public Task WaitForShutdownAsync(CancellationToken ct) => _app.WaitForShutdownAsync(ct);

    /// <summary>Stops it, if it still runs, and lets go of everything.</summary>
    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        await _app.DisposeAsync();
    }

    private static WebApplication Build(MockOptions options)
    {
        // The empty builder, not the slim one: that reads appsettings.json and ASPNETCORE_*, which belong to the server
        // this may run in one process with.
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = MaxRequestBodyBytes;
        });
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = ShutdownTimeout);
        builder.Services.AddSingleton<IHostLifetime, NoSignals>();
        var app = builder.Build();
        foreach (var url in options.Urls.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
            app.Urls.Add(url);
        return app;
    }

    private static void Route(
        WebApplication app, Feeds feeds, Replay? replay, MockState state, Drip drip, FaultDice dice, TimeProvider time)
    {
        var upstream = new Upstream(replay is null ? feeds.Find : replay.Find, state, dice, new Misbehaviour(time), time);
        var control = new ControlApi(feeds, replay is not null, state, drip, time);
        var ledger = new Ledger(feeds, replay, state);
        var index = new IndexPage(replay);
        app.Run(context => context.Request.Path.Value switch
        {
            "/" => index.HandleAsync(context),
            "/config" => control.ConfigAsync(context),
            "/add" => control.AddAsync(context),
            "/revise" => control.ReviseAsync(context),
            "/ledger" => ledger.HandleAsync(context),
            _ => upstream.HandleAsync(context),
        });
    }

    /// <summary>All addresses at once is nothing one can connect to.</summary>
    private static Uri Reachable(string url)
    {
        var address = new UriBuilder(url);
        if (address.Host is "0.0.0.0" or "[::]" or "::" or "*" or "+")
            address.Host = "127.0.0.1";
        return address.Uri;
    }

    /// <summary>The default takes Ctrl+C and SIGTERM, and would stop the mock under a server that still drains.</summary>
    private sealed class NoSignals : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
