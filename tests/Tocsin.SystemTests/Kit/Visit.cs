using System.Diagnostics;
using Microsoft.Playwright;

namespace Tocsin.SystemTests.Kit;

/// <summary>
/// One page in a browser of its own that remembers nothing of others. Whatever a page must not do is gathered: errors on the console, reports of
/// the content security policy, what a script threw, dialogs, requests to another origin.
/// </summary>
internal sealed class Visit : IAsyncDisposable
{
    private const float PatienceMilliseconds = 10_000;

    /// <summary>Says on the console what the browser reports of the policy, with what was blocked.</summary>
    private const string ReportViolations = """
        addEventListener("securitypolicyviolation", (event) => console.error(`content security policy: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`));
        """;

    private readonly List<string> _faults = [];
    private readonly List<string> _allowed = [];
    private readonly long _opened = Stopwatch.GetTimestamp();

    private Visit(IBrowserContext context, IPage page, string origin)
    {
        (Context, Page, Origin) = (context, page, origin);
        context.Request += (_, request) =>
        {
            if (!request.Url.StartsWith($"{origin}/", StringComparison.Ordinal) && !request.Url.StartsWith("data:", StringComparison.Ordinal)
                && !request.Url.StartsWith($"blob:{origin}/", StringComparison.Ordinal))
                Fault($"a request to another origin: {request.Url}");
        };
        page.Console += (_, message) =>
        {
            if (message.Type == "error")
                Fault($"console: {message.Text} ({message.Location})");
        };
        page.PageError += (_, error) => Fault($"page error: {error}");
        page.Dialog += async (_, dialog) =>
        {
            Fault($"dialog: {dialog.Message}");
            await dialog.DismissAsync();
        };
    }

    public IBrowserContext Context { get; }

    public IPage Page { get; }

    /// <summary>Where the page comes from, without a slash at the end.</summary>
    public string Origin { get; }

    /// <summary>How many clicks there were.</summary>
    public int Clicks { get; private set; }

    /// <summary>How long ago the browser was opened.</summary>
    public TimeSpan Age => Stopwatch.GetElapsedTime(_opened);

    /// <summary>Opens a browser, signed in when there is a token. No page is loaded yet.</summary>
    public static async Task<Visit> OpenAsync(IBrowser browser, string origin, string? token = null, BrowserNewContextOptions? options = null)
    {
        var context = await browser.NewContextAsync(options ?? new BrowserNewContextOptions { ViewportSize = new ViewportSize { Width = 1366, Height = 900 } });
        context.SetDefaultTimeout(PatienceMilliseconds);
        await context.AddInitScriptAsync(ReportViolations);
        var visit = new Visit(context, await context.NewPageAsync(), origin);
        if (token is not null)
            await visit.SignInAsync(token);
        return visit;
    }

    /// <summary>Gives the browser the cookie of a session.</summary>
    public async Task SignInAsync(string token)
    {
        var answer = await Context.APIRequest.PostAsync($"{Origin}/session", new APIRequestContextOptions { DataObject = new Dictionary<string, string> { ["token"] = token } });
        answer.Status.ShouldBe(200, await answer.TextAsync());
    }

    /// <summary>Loads the dashboard at an address like <c>#/alerts</c>.</summary>
    public async Task GoAsync(string hash = "")
    {
        await Page.GotoAsync($"{Origin}/{hash}", new PageGotoOptions { WaitUntil = WaitUntilState.DOMContentLoaded });
        await Assertions.Expect(Page.GetByRole(AriaRole.Navigation, new PageGetByRoleOptions { Name = "Pages" })).ToBeVisibleAsync();
    }

    /// <summary>A click that counts.</summary>
    public async Task ClickAsync(ILocator what)
    {
        Clicks++;
        await what.ClickAsync();
    }

    /// <summary>A fault with this text in it is expected: the browser itself reports each refused request as an error.</summary>
    public void Allow(string text) => _allowed.Add(text);

    /// <summary>What the page did that it must not do.</summary>
    public string[] Faults()
    {
        lock (_faults)
            return [.. _faults.Where(fault => !_allowed.Any(text => fault.Contains(text, StringComparison.Ordinal)))];
    }

    public async ValueTask DisposeAsync() => await Context.DisposeAsync();

    private void Fault(string fault)
    {
        lock (_faults)
            _faults.Add(fault);
    }
}
