using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.Playwright;

namespace Tocsin.SystemTests.Dashboard;

/// <summary>How pages look: in both themes, on a narrow screen, to whoever does not see them, and how soon.</summary>
public sealed class BrowserLookTests(Dashboards dashboards) : BrowserTest(dashboards)
{
    private const int NarrowWidth = 360;
    private const int MostBytes = 300_000;

    /// <summary>Every page, and what shows that its records are there. PERSON and EVENT stand for one of each.</summary>
    private static readonly (string Name, string Hash, Func<Visit, ILocator> Sign)[] Pages =
    [
        ("overview", "#/overview", visit => visit.Part("Alerts by country").GetByRole(AriaRole.Link).First),
        ("people", "#/people", visit => visit.Rows("Incidents by person and priority").First),
        ("person", "#/people/PERSON?kind=incident", visit => visit.Openers("Events").First),
        ("alerts", "#/alerts?window=2h", visit => visit.Openers("Alerts").First),
        ("events", "#/events?window=1h", visit => visit.Openers("Events").First),
        ("groups", "#/events?group=type", visit => visit.Rows("Events by group").First),
        ("event", "#/events?window=1h&event=EVENT", visit => visit.Detail.GetByText("Sequence", new LocatorGetByTextOptions { Exact = true })),
        ("sources", "#/sources", visit => visit.Link("elevate")),
        ("source", "#/sources/elevate", visit => visit.Part("Last polls").GetByText("ok").First),
        ("try", "#/sources/try", visit => visit.Button("Try it")),
        ("settings", "#/settings", visit => visit.Part("The service").GetByText("Version")),
    ];

    [Theory]
    [InlineData(ColorScheme.Light)]
    [InlineData(ColorScheme.Dark)]
    public async Task The_theme_is_the_systems_until_another_is_chosen_and_that_is_remembered(ColorScheme system)
    {
        var visit = await HouseAsync(options: new BrowserNewContextOptions { ColorScheme = system });
        await visit.GoAsync();
        await Expect(visit.Part("Events by priority")).ToBeVisibleAsync();
        var isDark = system == ColorScheme.Dark;
        (await IsDarkAsync(visit)).ShouldBe(isDark);
        await visit.Page.EmulateMediaAsync(new PageEmulateMediaOptions { ColorScheme = isDark ? ColorScheme.Light : ColorScheme.Dark });
        (await IsDarkAsync(visit)).ShouldBe(!isDark, "it follows the system at once");
        await visit.ClickAsync(visit.Button("Theme: system. Change it"));
        (await IsDarkAsync(visit)).ShouldBeFalse();
        await visit.ClickAsync(visit.Button("Theme: light. Change it"));
        (await IsDarkAsync(visit)).ShouldBeTrue();
        await visit.Page.ReloadAsync();
        await Expect(visit.Button("Theme: dark. Change it")).ToBeVisibleAsync();
        await Expect(visit.Part("Events by priority")).ToBeVisibleAsync();
        (await IsDarkAsync(visit)).ShouldBeTrue();
        await visit.ClickAsync(visit.Button("Theme: dark. Change it"));
        (await IsDarkAsync(visit)).ShouldBe(!isDark);
    }

    [Fact]
    public async Task On_a_narrow_screen_no_page_is_wider_than_the_screen()
    {
        var visit = await HouseAsync(options: Narrow());
        foreach (var (name, hash, sign) in Pages)
        {
            await OpenAsync(visit, hash, sign);
            (await TooWideAsync(visit)).ShouldBeEmpty(name);
        }
        await OpenAsync(visit, "#/alerts", Pages[3].Sign);
        foreach (var menu in new[] { "Priority", "Type", "Source", "Device", "Country", "Person", "Address" })
        {
            await visit.ClickAsync(visit.Button(menu));
            var field = visit.Field($"{menu}: a value");
            await Expect(field).ToBeInViewportAsync(new LocatorAssertionsToBeInViewportOptions { Ratio = 1 });
            (await TooWideAsync(visit)).ShouldBeEmpty(menu);
            await visit.Page.Keyboard.PressAsync("Escape");
        }
    }

    [Fact]
    public async Task No_page_has_a_serious_fault_of_accessibility_in_either_theme()
    {
        var axe = Path.Combine(Artifacts, "axe-core", "axe.min.js");
        if (!File.Exists(axe))
            Chromium.LeaveOut("No axe-core: ./test fetches it where there is npm.");
        var rules = await File.ReadAllTextAsync(axe);
        var visit = await HouseAsync(options: Desktop(ColorScheme.Light));
        var found = new List<string>();
        foreach (var (name, hash, sign) in Pages)
        {
            await visit.Page.EmulateMediaAsync(new PageEmulateMediaOptions { ColorScheme = ColorScheme.Light });
            await OpenAsync(visit, hash, sign);
            // By the debugger's protocol: the page's own policy would not let a script in.
            await visit.Page.EvaluateAsync($"() => {{ if (!window.axe) {{ {rules} }} }}");
            var ran = await AxeAsync("light", "{}");
            ran.ShouldBeGreaterThan(10, name);
            // The theme changes colours, and nothing else.
            await visit.Page.EmulateMediaAsync(new PageEmulateMediaOptions { ColorScheme = ColorScheme.Dark });
            await AxeAsync("dark", "{ runOnly: ['color-contrast', 'link-in-text-block'] }");

            async Task<int> AxeAsync(string theme, string options)
            {
                var result = JsonElement.Parse(await visit.Page.EvaluateAsync<string>($"async () => JSON.stringify(await axe.run(document, {options}))"));
                found.AddRange(result.GetProperty("violations").EnumerateArray().Where(violation => violation.GetProperty("impact").GetString() is "serious" or "critical")
                    .Select(violation => $"{name}, {theme}: {violation.GetProperty("id")}: {string.Join(" | ", violation.GetProperty("nodes").EnumerateArray().Take(3).Select(node => $"{node.GetProperty("html")} {node.GetProperty("failureSummary")}"))}"));
                return result.GetProperty("passes").GetArrayLength();
            }
        }
        found.ShouldBeEmpty();
    }

    [Fact]
    public async Task The_first_page_is_small_and_soon_there()
    {
        var visit = await HouseAsync();
        var finished = new List<IRequest>();
        visit.Page.RequestFinished += (_, request) =>
        {
            lock (finished)
                finished.Add(request);
        };
        await visit.GoAsync();
        await Expect(visit.Part("People, by weighted priority").GetByRole(AriaRole.Row).Nth(3)).ToBeVisibleAsync();
        await visit.Page.WaitForFunctionAsync("performance.getEntriesByName('first-contentful-paint').length > 0");
        var paint = await visit.Page.EvaluateAsync<double>("performance.getEntriesByName('first-contentful-paint')[0].startTime");
        var useful = await visit.Page.EvaluateAsync<double>("performance.now()");
        IRequest[] requests;
        lock (finished)
            requests = [.. finished];
        var (bytes, charts) = (0, 0);
        foreach (var request in requests)
        {
            var size = await request.SizesAsync();
            if (request.Url.Contains("/lib/uPlot", StringComparison.Ordinal))
                charts += size.ResponseBodySize + size.ResponseHeadersSize;
            else
                bytes += size.ResponseBodySize + size.ResponseHeadersSize;
        }
        Figures.Print($"overview: first paint {paint:F0} ms, the board drawn before {useful:F0} ms, {bytes / 1000} kB in {requests.Length} answers before charts, {charts / 1000} kB of charts");
        bytes.ShouldBeInRange(20_000, MostBytes);
    }

    [Fact]
    public async Task Pictures_of_every_page_are_kept()
    {
        foreach (var isNarrow in new[] { false, true })
        {
            var options = isNarrow ? Narrow() : Desktop(ColorScheme.Light);
            var visit = await HouseAsync(options: options);
            foreach (var (name, hash, sign) in Pages)
            {
                await OpenAsync(visit, hash, sign);
                await KeepAsync(visit, name, isNarrow);
            }
            var demo = await DemoAsync(isSignedIn: true, options);
            await demo.GoAsync("#/settings");
            await demo.Part("Chaos").ScrollIntoViewIfNeededAsync();
            await KeepAsync(demo, "chaos", isNarrow);
        }
        Directory.GetFiles(Path.Combine(Artifacts, "screenshots"), "*.png").Length.ShouldBeGreaterThanOrEqualTo(3 * (Pages.Length + 1));
    }

    [Fact]
    public async Task A_long_id_makes_no_page_wider_than_the_screen()
    {
        var visit = await HouseAsync(options: Narrow());
        await visit.GoAsync("#/people/firstname.lastname.contractor@subsidiary.example.com");
        await Expect(visit.Page.GetByRole(AriaRole.Heading, new PageGetByRoleOptions { NameRegex = new Regex("^What concerns", RegexOptions.None, TimeSpan.FromSeconds(1)) })).ToBeVisibleAsync();
        (await TooWideAsync(visit)).ShouldBeEmpty();
    }

    /// <summary>When the page scrolls sideways: what reaches beyond it.</summary>
    private static Task<string[]> TooWideAsync(Visit visit) => visit.Page.EvaluateAsync<string[]>("""
        () => document.documentElement.scrollWidth <= innerWidth && innerWidth <= screen.width ? []
          : [`${document.documentElement.scrollWidth} px`, ...[...document.querySelectorAll("body *")].filter((one) => one.getBoundingClientRect().right > screen.width).map((one) => one.outerHTML.slice(0, 120)).slice(0, 8)]
        """);

    private static async Task KeepAsync(Visit visit, string name, bool isNarrow)
    {
        foreach (var look in (string[])(isNarrow ? ["narrow"] : ["light", "dark"]))
        {
            await visit.Page.EmulateMediaAsync(new PageEmulateMediaOptions { ColorScheme = look == "dark" ? ColorScheme.Dark : ColorScheme.Light });
            var path = Path.Combine(Artifacts, "screenshots", $"{name}-{look}.png");
            await visit.Page.ScreenshotAsync(new PageScreenshotOptions { Path = path });
            new FileInfo(path).Length.ShouldBeGreaterThan(5_000, path);
        }
    }

    private static BrowserNewContextOptions Desktop(ColorScheme theme) => new() { ColorScheme = theme, ViewportSize = new ViewportSize { Width = 1366, Height = 900 } };

    private static BrowserNewContextOptions Narrow() => new() { ViewportSize = new ViewportSize { Width = NarrowWidth, Height = 740 }, HasTouch = true, IsMobile = true };

    private static async Task<bool> IsDarkAsync(Visit visit) => await visit.Page.EvaluateAsync<bool>("""
        () => {
          const light = (text) => text.match(/[0-9.]+/g).slice(0, 3).reduce((sum, part) => sum + Number(part), 0);
          return light(getComputedStyle(document.querySelector("section")).color) > light(getComputedStyle(document.querySelector("section")).backgroundColor);
        }
        """);

    private async Task OpenAsync(Visit visit, string hash, Func<Visit, ILocator> sign)
    {
        var server = (await ServiceAsync()).Server;
        if (hash.Contains("PERSON", StringComparison.Ordinal))
            hash = hash.Replace("PERSON", (await server.JsonAsync("/incidents?since=-7d&per_priority=0&limit=1")).EnumerateObject().First().Name, StringComparison.Ordinal);
        if (hash.Contains("EVENT", StringComparison.Ordinal))
            hash = hash.Replace("EVENT", (await server.JsonAsync("/events?kind=incident&limit=1"))[0].GetProperty("id").GetString(), StringComparison.Ordinal);
        await visit.GoAsync(hash);
        await Expect(sign(visit)).ToBeVisibleAsync();
    }
}
