using Microsoft.Playwright;

namespace Tocsin.SystemTests.Dashboard;

/// <summary>All tests of pages share one browser, one demo and one service.</summary>
[CollectionDefinition(Dashboards.Name)]
public sealed class DashboardTests : ICollectionFixture<Dashboards>;

/// <summary>Opens pages for a test, and holds every one to this: nothing on the console, no report of the policy, no dialog, no request elsewhere.</summary>
[Collection(Dashboards.Name)]
public abstract class BrowserTest(Dashboards dashboards) : IAsyncLifetime
{
    /// <summary>Where pictures go; an ignored folder.</summary>
    private protected static readonly string Artifacts = Path.Combine(Shared.Repository, "artifacts");

    private readonly List<Visit> _visits = [];
    private RunningDemo? _demo;

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    /// <summary>Throws what the pages did that they must not do; of a failed test keeps a picture.</summary>
    public async ValueTask DisposeAsync()
    {
        var faults = _visits.SelectMany(visit => visit.Faults()).ToArray();
        foreach (var visit in _visits)
        {
            if (TestContext.Current.TestState?.Result == TestResult.Failed)
                await KeepAsync(visit);
            await visit.DisposeAsync();
        }
        if (_demo is not null)
            await _demo.DisposeAsync();
        GC.SuppressFinalize(this);
        faults.ShouldBeEmpty();
    }

    /// <summary>A browser at the demo, where reads are open; with the token of the admin when it is to be signed in.</summary>
    private protected async Task<Visit> DemoAsync(bool isSignedIn = false, BrowserNewContextOptions? options = null)
    {
        var browser = await dashboards.Chromium.BrowserAsync();
        var demo = await dashboards.DemoAsync();
        var token = demo.Process.Out.Split('\n').Single(line => line.Contains("Admin token", StringComparison.Ordinal)).Split(' ')[^1].Trim();
        return await OpenAsync(browser, demo.Url, isSignedIn ? token : null, options);
    }

    /// <summary>A browser at the service, signed in as the admin unless told otherwise.</summary>
    private protected async Task<Visit> HouseAsync(string? token = ServerHome.Token, BrowserNewContextOptions? options = null)
    {
        var browser = await dashboards.Chromium.BrowserAsync();
        return await OpenAsync(browser, (await dashboards.HouseAsync()).Url, token, options);
    }

    /// <summary>A browser at a service of a test's own, signed in as the admin.</summary>
    private protected async Task<Visit> OpenAsync(ServerProcess server) => await OpenAsync(await dashboards.Chromium.BrowserAsync(), server.Home.Url, ServerHome.Token, null);

    /// <summary>A demo of a test's own; it ends after the test's browsers.</summary>
    private protected async Task<RunningDemo> OwnDemoAsync()
    {
        _demo = new RunningDemo();
        await _demo.InitializeAsync();
        return _demo;
    }

    /// <summary>A browser at a demo of a test's own, not signed in.</summary>
    private protected async Task<Visit> OpenAsync(RunningDemo demo) => await OpenAsync(await dashboards.Chromium.BrowserAsync(), demo.Url, null, null);

    /// <summary>The service behind <see cref="HouseAsync"/>.</summary>
    private protected Task<DashboardHouse> ServiceAsync() => dashboards.HouseAsync();

    /// <summary>The demo behind <see cref="DemoAsync"/>.</summary>
    private protected Task<RunningDemo> RunningDemoAsync() => dashboards.DemoAsync();

    private protected static ILocatorAssertions Expect(ILocator locator) => Assertions.Expect(locator);

    private async Task<Visit> OpenAsync(IBrowser browser, string origin, string? token, BrowserNewContextOptions? options)
    {
        var visit = await Visit.OpenAsync(browser, origin, token, options);
        _visits.Add(visit);
        return visit;
    }

    private async Task KeepAsync(Visit visit)
    {
        var path = Path.Combine(Artifacts, "failed", $"{TestContext.Current.TestMethod?.MethodName ?? "test"}-{_visits.IndexOf(visit)}.png");
        await visit.Page.ScreenshotAsync(new PageScreenshotOptions { Path = path, FullPage = true });
        TestContext.Current.TestOutputHelper?.WriteLine($"{visit.Page.Url}\n{path}\n{await visit.Page.Locator("main").InnerTextAsync()}");
    }
}
