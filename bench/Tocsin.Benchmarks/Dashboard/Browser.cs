using Microsoft.Playwright;

namespace Tocsin.Benchmarks.Dashboard;

/// <summary>A headless Chromium, and pages in it that remember nothing of others and are signed in as the admin.</summary>
internal sealed class Browser : IAsyncDisposable
{
    private const float PatienceMs = 30_000;
    private readonly IPlaywright _driver;
    private readonly IBrowser _browser;
    private readonly string _token;

    private Browser(IPlaywright driver, IBrowser browser, string origin, string token) => (_driver, _browser, Origin, _token) = (driver, browser, origin, token);

    public string Origin { get; }

    /// <summary><c>--url</c>, <c>--token</c> (or TOCSIN_ADMIN_TOKEN) and <c>--chromium</c>: the program.</summary>
    public static async Task<Browser> StartAsync(Options options)
    {
        var origin = options.Text("url", "http://127.0.0.1:9000");
        var token = options.Text("token") ?? Environment.GetEnvironmentVariable("TOCSIN_ADMIN_TOKEN") ?? throw new ArgumentException("--token or TOCSIN_ADMIN_TOKEN is needed");
        var program = options.Text("chromium", "/usr/bin/chromium");
        options.EnsureAllKnown();
        var driver = await Playwright.CreateAsync();
        var browser = await driver.Chromium.LaunchAsync(new BrowserTypeLaunchOptions
        {
            ExecutablePath = program,
            Headless = true,
            // Its sandbox refuses root.
            Args = Environment.IsPrivilegedProcess ? ["--no-sandbox"] : [],
        });
        return new Browser(driver, browser, origin, token);
    }

    /// <summary>A page where nothing is loaded yet; the probe comes with whatever is.</summary>
    public async Task<IPage> PageAsync()
    {
        var context = await _browser.NewContextAsync(new BrowserNewContextOptions { ViewportSize = new ViewportSize { Width = 1366, Height = 900 } });
        context.SetDefaultTimeout(PatienceMs);
        var answer = await context.APIRequest.PostAsync($"{Origin}/session", new APIRequestContextOptions { DataObject = new Dictionary<string, string>(StringComparer.Ordinal) { ["token"] = _token } });
        if (answer.Status != 200)
            throw new IOException($"Signing in was answered {answer.Status}: {await answer.TextAsync()}");
        await context.AddInitScriptAsync(Probe.Script);
        return await context.NewPageAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _browser.DisposeAsync();
        _driver.Dispose();
    }
}
