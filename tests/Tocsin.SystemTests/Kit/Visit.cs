using System.Diagnostics;
using Microsoft.Playwright;

namespace Tocsin.SystemTests.Kit;

/// <summary>
/// One page in a browser of its own that remembers nothing of others. Whatever a page must not do is gathered: errors on the console, reports of
/// the content security policy, what a script threw, dialogs, requests to another origin.
/// </summary>
internal sealed class Visit : IAsyncDisposable
{
    /// <summary>How long is waited for what is to appear.</summary>
    public const float PatienceMilliseconds = 10_000;

    /// <summary>Says on the console what the browser reports of the policy, with what was blocked.</summary>
    private const string ReportViolations = """
        addEventListener("securitypolicyviolation", (event) => console.error(`content security policy: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`));
        """;

    private readonly List<string> _faults = [];
    private readonly List<string> _allowed = [];
    private long _began;

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

    /// <summary>How long ago the first page was asked for.</summary>
    public TimeSpan Took => Stopwatch.GetElapsedTime(_began);

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
        if (_began == 0)
            _began = Stopwatch.GetTimestamp();
        await Page.GotoAsync($"{Origin}/{hash}", new PageGotoOptions { WaitUntil = WaitUntilState.DOMContentLoaded });
        await Assertions.Expect(Nav("Overview")).ToBeVisibleAsync();
    }

    /// <summary>A page's link at the top.</summary>
    public ILocator Nav(string name) => Page.GetByRole(AriaRole.Navigation, new PageGetByRoleOptions { Name = "Pages", Exact = true })
        .GetByRole(AriaRole.Link, new LocatorGetByRoleOptions { Name = name, Exact = true });

    public ILocator Link(string name) => Page.GetByRole(AriaRole.Link, new PageGetByRoleOptions { Name = name, Exact = true });

    public ILocator Button(string name) => Page.GetByRole(AriaRole.Button, new PageGetByRoleOptions { Name = name, Exact = true });

    public ILocator Field(string label) => Page.GetByLabel(label, new PageGetByLabelOptions { Exact = true });

    /// <summary>The number of a priority on the overview, or of <c>all</c>: a link to what it counts.</summary>
    public ILocator Count(string name) => Part("Events by priority").GetByRole(AriaRole.Link).Filter(new LocatorFilterOptions { HasText = name }).First;

    /// <summary>A part of a page that has a title.</summary>
    public ILocator Part(string title) => Page.GetByRole(AriaRole.Region, new PageGetByRoleOptions { Name = title, Exact = true });

    /// <summary>The rows of a table that have this text.</summary>
    public ILocator Rows(string table, string? text = null) => Page.GetByRole(AriaRole.Table, new PageGetByRoleOptions { Name = table, Exact = true })
        .Locator("tbody").GetByRole(AriaRole.Row).Filter(new LocatorFilterOptions { HasText = text });

    /// <summary>A link that opens a row of a table of events.</summary>
    public ILocator Openers(string table) => Rows(table).Locator("a[data-open]");

    /// <summary>The event that is open beside the table.</summary>
    public ILocator Detail => Page.GetByRole(AriaRole.Complementary, new PageGetByRoleOptions { Name = "The event", Exact = true });

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
