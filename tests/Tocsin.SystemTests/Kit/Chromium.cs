using Microsoft.Playwright;

namespace Tocsin.SystemTests.Kit;

/// <summary>The one Chromium of the system that all tests of pages share. It is started by the first that wants it.</summary>
internal sealed class Chromium : IAsyncDisposable
{
    private static readonly string[] Names = ["chromium", "chromium-browser", "google-chrome"];
    private IPlaywright? _driver;
    private IBrowser? _browser;

    /// <summary>The browser. Where there is none the test is skipped, but fails where CI says that nothing may be left out.</summary>
    public async Task<IBrowser> BrowserAsync()
    {
        if (_browser is { IsConnected: true })
            return _browser;
        if (Names.Select(Tool.Find).FirstOrDefault(path => path is not null) is not { } program)
        {
            const string Reason = "No chromium on the PATH: ./test installs it where it may, else install the package chromium.";
            LeaveOut(Reason);
            throw new InvalidOperationException(Reason);
        }
        _driver ??= await Playwright.CreateAsync();
        Assertions.SetDefaultExpectTimeout(Visit.PatienceMilliseconds);
        _browser = await _driver.Chromium.LaunchAsync(new BrowserTypeLaunchOptions
        {
            ExecutablePath = program,
            Headless = true,
            // Its sandbox refuses root.
            Args = Environment.IsPrivilegedProcess ? ["--no-sandbox"] : [],
        });
        return _browser;
    }

    /// <summary>Skips the test with a reason; fails it when CI is true.</summary>
    public static void LeaveOut(string reason)
    {
        Environment.GetEnvironmentVariable("CI").ShouldNotBe("true", reason);
        Assert.Skip(reason);
    }

    public async ValueTask DisposeAsync()
    {
        if (_browser is not null)
            await _browser.DisposeAsync();
        _driver?.Dispose();
    }
}
