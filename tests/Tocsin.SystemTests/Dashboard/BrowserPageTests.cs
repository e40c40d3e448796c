using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.Playwright;

namespace Tocsin.SystemTests.Dashboard;

/// <summary>Every page opens under its name, and shows what the service has.</summary>
public sealed class BrowserPageTests(Dashboards dashboards) : BrowserTest(dashboards)
{
    [Theory]
    [InlineData("", "Overview")]
    [InlineData("#/people", "People")]
    [InlineData("#/alerts", "Alerts")]
    [InlineData("#/events", "Events")]
    [InlineData("#/sources", "Sources")]
    [InlineData("#/settings", "Settings")]
    public async Task A_page_opens_under_its_name(string hash, string title)
    {
        var visit = await DemoAsync();
        await visit.GoAsync(hash);
        await Assertions.Expect(visit.Page).ToHaveTitleAsync($"{title} · Tocsin");
        await Expect(visit.Page.GetByRole(AriaRole.Heading, new PageGetByRoleOptions { Name = title, Exact = true, Level = 1 })).ToBeAttachedAsync();
        await Expect(visit.Nav(title)).ToHaveAttributeAsync("aria-current", "page");
        await Expect(visit.Page.GetByLabel("loading")).ToHaveCountAsync(0);
        await Expect(visit.Page.GetByRole(AriaRole.Alert)).ToHaveCountAsync(0);
    }

    [Fact]
    public async Task The_overview_counts_what_the_service_counts_and_each_number_leads_there()
    {
        var service = await ServiceAsync();
        // No record comes by itself here; what other tests push has no priority that is counted below.
        var counts = (await service.Server.JsonAsync("/stats?by=priority&since=-7d")).GetProperty("values").EnumerateArray()
            .Where(row => row.GetProperty("value").ValueKind == JsonValueKind.String).ToDictionary(row => row.GetProperty("value").GetString()!, row => row.GetProperty("count").GetInt32());
        var devices = (await service.Server.JsonAsync("/stats?by=device&kind=alert&since=-7d")).GetProperty("values");
        var visit = await HouseAsync();
        await visit.GoAsync();
        foreach (var (priority, count) in counts)
            await Expect(visit.Part("Events by priority").GetByRole(AriaRole.Link).Filter(new LocatorFilterOptions { HasText = $"{count}{priority}" })).ToBeVisibleAsync();
        foreach (var source in new[] { "alerts", "elevate", DashboardHouse.Strangers })
            await Expect(visit.Page.GetByRole(AriaRole.List, new PageGetByRoleOptions { Name = "Sources" }).GetByRole(AriaRole.Listitem).Filter(new LocatorFilterOptions { HasText = source })).ToBeVisibleAsync();
        await Expect(visit.Part("Alerts by device").GetByRole(AriaRole.Row).Filter(new LocatorFilterOptions { HasText = devices[0].GetProperty("value").GetString() })).ToContainTextAsync(devices[0].GetProperty("count").ToString());
        await Expect(visit.Part("People, by weighted priority")).ToContainTextAsync(new Regex(@"Person \d", RegexOptions.None, TimeSpan.FromSeconds(1)));
        await Expect(visit.Part("Events per minute, by priority").Locator("canvas")).ToBeVisibleAsync();
        await visit.ClickAsync(visit.Count("critical"));
        await Assertions.Expect(visit.Page).ToHaveURLAsync($"{visit.Origin}/#/events?priority=critical");
        await Expect(visit.Rows("Events", "critical")).ToHaveCountAsync(100);
    }

    [Fact]
    public async Task The_overview_moves_by_itself_and_says_what_is_new_since_this_browser_looked()
    {
        var service = await ServiceAsync();
        var visit = await HouseAsync();
        await visit.GoAsync();
        var all = visit.Count("all");
        await Expect(all).ToBeVisibleAsync();
        await Expect(visit.Page.GetByText("Nothing new since you last looked")).ToBeVisibleAsync();
        var before = (await all.TextContentAsync())!;
        await service.Server.PostAsync("/events", """[{"type":"news.one"},{"type":"news.two"}]""");
        await Expect(all).Not.ToHaveTextAsync(before);
        await visit.GoAsync("#/settings");
        await visit.Page.ReloadAsync();
        await visit.GoAsync("#/overview");
        await Expect(visit.Page.GetByRole(AriaRole.Link, new PageGetByRoleOptions { NameRegex = new Regex(@"^[1-9]\d* new$", RegexOptions.None, TimeSpan.FromSeconds(1)) })).ToBeVisibleAsync();
    }

    [Fact]
    public async Task Times_are_local_with_utc_on_hover_and_a_page_that_is_not_there_says_so()
    {
        var service = await ServiceAsync();
        await service.Server.PostAsync("/event", """{"type":"time.zones","time":"2026-01-15T12:34:56Z"}""");
        var visit = await HouseAsync(options: new BrowserNewContextOptions { TimezoneId = "Asia/Tokyo", Locale = "en-GB" });
        await visit.GoAsync("#/events?window=all&type=time.zones");
        var time = visit.Rows("Events").First.Locator("time").First;
        await Expect(time).ToContainTextAsync("21:34:56");
        await Expect(time).ToHaveAttributeAsync("title", "2026-01-15 12:34:56 UTC");
        await visit.GoAsync("#/nowhere");
        await visit.ClickAsync(visit.Link("Go to the overview"));
        await Expect(visit.Part("Events by priority")).ToBeVisibleAsync();
        await visit.GoAsync("#/events?event=not-an-id");
        visit.Allow("the server responded with a status of 4");
        await Expect(visit.Detail.GetByRole(AriaRole.Alert)).ToBeVisibleAsync();
    }
}
