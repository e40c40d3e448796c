using System.Text.RegularExpressions;
using Microsoft.Playwright;

namespace Tocsin.SystemTests.Dashboard;

/// <summary>Nothing but keys.</summary>
public sealed class BrowserKeyboardTests(Dashboards dashboards) : BrowserTest(dashboards)
{
    [Fact]
    public async Task Keys_search_help_and_lead_to_every_page()
    {
        var visit = await HouseAsync();
        await visit.GoAsync();
        await Expect(visit.Part("Events by priority")).ToBeVisibleAsync();
        await PressAsync(visit, "?");
        await Expect(visit.Page.GetByRole(AriaRole.Dialog, new PageGetByRoleOptions { Name = "Keys" })).ToBeVisibleAsync();
        await PressAsync(visit, "Escape");
        await Expect(visit.Page.GetByRole(AriaRole.Dialog)).ToHaveCountAsync(0);
        foreach (var (key, page) in new[] { ("p", "people"), ("a", "alerts"), ("e", "events"), ("s", "sources"), ("t", "settings"), ("o", "overview") })
        {
            await PressAsync(visit, "g", key);
            await Assertions.Expect(visit.Page).ToHaveURLAsync($"{visit.Origin}/#/{page}");
        }
        // A page without a search field leads to the one of the events.
        await PressAsync(visit, "/");
        await Expect(visit.Page.GetByRole(AriaRole.Searchbox)).ToBeFocusedAsync();
        await PressAsync(visit, "g", "a", "?");
        await Expect(visit.Page.GetByRole(AriaRole.Searchbox)).ToHaveValueAsync("ga?");
        await PressAsync(visit, "Enter");
        await Assertions.Expect(visit.Page).ToHaveURLAsync($"{visit.Origin}/#/events?q=ga%3F");
    }

    [Fact]
    public async Task Rows_are_walked_opened_and_closed()
    {
        var visit = await HouseAsync();
        await visit.GoAsync("#/alerts");
        var rows = visit.Openers("Alerts");
        await Expect(rows.First).ToBeVisibleAsync();
        await PressAsync(visit, "j");
        await Expect(rows.Nth(0)).ToBeFocusedAsync();
        await PressAsync(visit, "j", "j");
        await Expect(rows.Nth(2)).ToBeFocusedAsync();
        await PressAsync(visit, "k");
        await Expect(rows.Nth(1)).ToBeFocusedAsync();
        await PressAsync(visit, "Enter");
        await Expect(visit.Detail).ToBeFocusedAsync();
        await Expect(visit.Detail.GetByText("External id")).ToBeVisibleAsync();
        await PressAsync(visit, "Escape");
        await Expect(visit.Detail).ToHaveCountAsync(0);
        await Expect(rows.Nth(1)).ToBeFocusedAsync();
        await PressAsync(visit, "/");
        await Expect(visit.Page.GetByRole(AriaRole.Searchbox)).ToBeFocusedAsync();
        await PressAsync(visit, "Escape");
        await Expect(visit.Page.GetByRole(AriaRole.Searchbox)).Not.ToBeFocusedAsync();
        await PressAsync(visit, "g", "p");
        await Expect(visit.Rows("Incidents by person and priority").First).ToBeVisibleAsync();
        await PressAsync(visit, "j", "Enter");
        await Expect(visit.Page.GetByRole(AriaRole.Heading, new PageGetByRoleOptions { Name = "What concerns " })).ToBeVisibleAsync();
    }

    [Fact]
    public async Task An_open_event_takes_the_focus_once_and_gives_it_back_when_it_is_closed()
    {
        var visit = await HouseAsync();
        await visit.GoAsync("#/alerts?q=scan");
        var opener = visit.Openers("Alerts").First;
        await opener.FocusAsync();
        await PressAsync(visit, "Enter");
        await Expect(visit.Detail).ToBeFocusedAsync();
        await visit.Button("Priority").FocusAsync();
        await PressAsync(visit, "Enter");
        var critical = visit.Page.GetByRole(AriaRole.Checkbox).First;
        await critical.FocusAsync();
        await PressAsync(visit, "Space");
        await Assertions.Expect(visit.Page).ToHaveURLAsync(new Regex("priority=critical", RegexOptions.None, TimeSpan.FromSeconds(1)));
        await SettledAsync(visit);
        await Expect(critical).ToBeFocusedAsync();
        await PressAsync(visit, "Space", "Escape");
        await Expect(visit.Button("Priority")).ToBeFocusedAsync();
        // Emptied, the field searches for nothing; what is typed then is text, not keys.
        var search = visit.Page.GetByRole(AriaRole.Searchbox);
        await search.FillAsync("");
        await Assertions.Expect(visit.Page).Not.ToHaveURLAsync(new Regex("q=scan", RegexOptions.None, TimeSpan.FromSeconds(1)));
        await SettledAsync(visit);
        await PressAsync(visit, "g", "a");
        await Expect(search).ToHaveValueAsync("ga");

        await visit.GoAsync("#/alerts");
        // The rows of the search that was emptied may still stand there, and go: with them the place that the focus would come back to.
        await Expect(visit.Page.Locator(".stale")).ToHaveCountAsync(0);
        await opener.FocusAsync();
        await PressAsync(visit, "Enter");
        await Expect(visit.Detail).ToBeFocusedAsync();
        await visit.ClickAsync(visit.Link("Close the event"));
        await Expect(visit.Detail).ToHaveCountAsync(0);
        await Expect(opener).ToBeFocusedAsync();
    }

    [Fact]
    public async Task A_filter_is_set_and_taken_away()
    {
        var visit = await HouseAsync();
        await visit.GoAsync("#/alerts");
        await visit.Button("Priority").FocusAsync();
        await PressAsync(visit, "Enter");
        await Expect(visit.Field("Priority: a value")).ToBeFocusedAsync();
        await Expect(visit.Page.GetByRole(AriaRole.Checkbox)).ToHaveCountAsync(4);
        await PressAsync(visit, "Tab", "Tab", "Space");
        await Assertions.Expect(visit.Page).ToHaveURLAsync($"{visit.Origin}/#/alerts?priority=critical");
        await PressAsync(visit, "Escape");
        await Expect(visit.Button("Priority")).ToBeFocusedAsync();
        await Expect(visit.Page.GetByRole(AriaRole.Checkbox)).ToHaveCountAsync(0);
        await visit.Page.GetByTitle("Take this filter away").FocusAsync();
        await PressAsync(visit, "Enter");
        await Assertions.Expect(visit.Page).ToHaveURLAsync($"{visit.Origin}/#/alerts");
    }

    [Fact]
    public async Task Tab_goes_through_the_page_in_its_order_and_the_focus_is_always_seen()
    {
        var visit = await HouseAsync();
        await visit.GoAsync("#/alerts");
        await Expect(visit.Openers("Alerts").First).ToBeVisibleAsync();
        var stops = new List<string>();
        for (var i = 0; i < 32; i++)
        {
            await PressAsync(visit, "Tab");
            var stop = await visit.Page.EvaluateAsync<string[]>("""
                () => {
                  const at = document.activeElement, look = getComputedStyle(at), box = at.getBoundingClientRect();
                  const isSeen = (look.outlineStyle !== "none" && parseFloat(look.outlineWidth) > 0) || look.boxShadow !== "none";
                  return [at.getAttribute("aria-label") ?? at.textContent.trim(), String(isSeen), String(box.width > 0 && box.height > 0 && box.top >= 0 && box.bottom <= innerHeight)];
                }
                """);
            stop[1].ShouldBe("true", $"the focus is seen on {stop[0]}");
            stop[2].ShouldBe("true", $"{stop[0]} is in sight");
            stops.Add(stop[0]);
        }
        stops.Take(8).ShouldBe(["Skip to the content", "Tocsin", "Overview", "People", "Alerts", "Events", "Sources", "Settings"]);
        stops.FindIndex(stop => stop.StartsWith("Search ", StringComparison.Ordinal)).ShouldBeInRange(9, 15);
        stops.IndexOf("Live off").ShouldBeGreaterThan(stops.IndexOf("7 d"));
        stops.IndexOf("Priority ▾").ShouldBeGreaterThan(stops.IndexOf("Live off"));

        await visit.Page.ReloadAsync();
        await Expect(visit.Openers("Alerts").First).ToBeVisibleAsync();
        await PressAsync(visit, "Tab", "Enter");
        await Expect(visit.Page.GetByRole(AriaRole.Main)).ToBeFocusedAsync();
        await Assertions.Expect(visit.Page).ToHaveURLAsync($"{visit.Origin}/#/alerts");
    }

    /// <summary>What follows a change of the address runs after the next picture.</summary>
    private static async Task SettledAsync(Visit visit) => await visit.Page.EvaluateAsync("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))))");

    private static async Task PressAsync(Visit visit, params string[] keys)
    {
        foreach (var key in keys)
            await visit.Page.Keyboard.PressAsync(key);
    }
}
