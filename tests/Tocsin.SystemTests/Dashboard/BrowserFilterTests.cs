using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.Playwright;

namespace Tocsin.SystemTests.Dashboard;

/// <summary>The address holds what is seen: filters, groups, pages and the open event.</summary>
public sealed class BrowserFilterTests(Dashboards dashboards) : BrowserTest(dashboards)
{
    [Fact]
    public async Task Filters_stand_in_the_address_survive_a_reload_and_back_takes_them_away()
    {
        var service = await ServiceAsync();
        var visit = await HouseAsync();
        await visit.GoAsync("#/alerts");
        await Expect(visit.Openers("Alerts").First).ToBeVisibleAsync();
        await ChooseAsync(visit, "Priority", "critical");
        await AtAsync(visit, "#/alerts?priority=critical");
        await AddAsync(visit, "Country", "us");
        await AtAsync(visit, "#/alerts?priority=critical&country=US");
        await SearchAsync(visit, "Port scan");
        await AtAsync(visit, "#/alerts?priority=critical&country=US&q=Port+scan");
        var expected = await service.Server.JsonAsync("/alerts?priority=critical&country=US&q=Port%20scan&since=-7d&limit=100");
        expected.GetArrayLength().ShouldBeGreaterThan(0);
        await Expect(visit.Rows("Alerts")).ToHaveCountAsync(expected.GetArrayLength());

        await visit.Page.ReloadAsync();
        await Expect(visit.Rows("Alerts")).ToHaveCountAsync(expected.GetArrayLength());
        await Expect(Chip(visit, "Priority critical")).ToBeVisibleAsync();
        await Expect(Chip(visit, "Country United States (US)")).ToBeVisibleAsync();
        await Expect(visit.Page.GetByRole(AriaRole.Searchbox)).ToHaveValueAsync("Port scan");

        await visit.Page.GoBackAsync();
        await AtAsync(visit, "#/alerts?priority=critical&country=US");
        await Expect(visit.Page.GetByRole(AriaRole.Searchbox)).ToHaveValueAsync("");
        await visit.Page.GoBackAsync();
        await AtAsync(visit, "#/alerts?priority=critical");
        await visit.ClickAsync(Chip(visit, "Priority critical"));
        await AtAsync(visit, "#/alerts");
        await Expect(visit.Rows("Alerts")).ToHaveCountAsync(100);
    }

    [Theory]
    [InlineData("type", "Type")]
    [InlineData("device", "Device")]
    [InlineData("source", "Source")]
    [InlineData("user_id", "Person")]
    public async Task Each_menu_names_what_there_is_and_how_often(string field, string menu)
    {
        var service = await ServiceAsync();
        var row = (await service.Server.JsonAsync($"/stats?by={field}&kind=alert&since=-7d&limit=50")).GetProperty("values").EnumerateArray()
            .First(row => row.GetProperty("value").ValueKind == JsonValueKind.String);
        var (value, count) = (row.GetProperty("value").GetString()!, row.GetProperty("count").GetInt32());
        var visit = await HouseAsync();
        await visit.GoAsync("#/alerts");
        await visit.ClickAsync(visit.Button(menu));
        var choice = visit.Page.GetByRole(AriaRole.Group, new PageGetByRoleOptions { Name = $"{menu}: values", Exact = true })
            .Locator("label").Filter(new LocatorFilterOptions { Has = visit.Page.GetByTitle(value, new PageGetByTitleOptions { Exact = true }) });
        await Expect(choice).ToContainTextAsync(count.ToString());
        await visit.ClickAsync(choice);
        await AtAsync(visit, $"#/alerts?{field}={value}");
        await visit.Page.Keyboard.PressAsync("Escape");
        await Expect(visit.Rows("Alerts")).ToHaveCountAsync(Math.Min(100, count));
    }

    [Fact]
    public async Task Groups_count_and_lead_to_what_they_count()
    {
        var service = await ServiceAsync();
        var groups = (await service.Server.JsonAsync("/stats?by=device&kind=alert&since=-7d")).GetProperty("values");
        var (device, count) = (groups[0].GetProperty("value").GetString()!, groups[0].GetProperty("count").GetInt32());
        var visit = await HouseAsync();
        await visit.GoAsync("#/alerts");
        await visit.Page.GetByRole(AriaRole.Combobox).SelectOptionAsync("device");
        await AtAsync(visit, "#/alerts?group=device");
        await Expect(visit.Rows("Events by group")).ToHaveCountAsync(groups.GetArrayLength());
        await Expect(visit.Rows("Events by group").First).ToContainTextAsync(count.ToString());
        await visit.ClickAsync(visit.Rows("Events by group").First.GetByRole(AriaRole.Link));
        await AtAsync(visit, $"#/alerts?device={device}");
        await Expect(visit.Rows("Alerts")).ToHaveCountAsync(Math.Min(100, count));
        foreach (var (group, least) in new[] { ("type", 1), ("user_id", 5), ("country", 3), ("source", 2), ("ip", 50) })
        {
            await visit.GoAsync($"#/alerts?group={group}");
            await Expect(visit.Rows("Events by group").Nth(least - 1)).ToBeVisibleAsync();
        }
    }

    [Fact]
    public async Task A_window_of_ones_own_and_all_of_time()
    {
        var service = await ServiceAsync();
        await service.Server.PostAsync("/event", """{"type":"window.old","time":"2001-02-03T04:05:06Z"}""");
        var visit = await HouseAsync();
        await visit.GoAsync("#/events?type=window.old");
        await Expect(visit.Page.GetByText("Nothing matches")).ToBeVisibleAsync();
        await visit.ClickAsync(visit.Link("all"));
        await Expect(visit.Rows("Events")).ToHaveCountAsync(1);
        await Expect(visit.Rows("Events").GetByTitle("2001-02-03 04:05:06")).ToBeVisibleAsync();
        await visit.ClickAsync(visit.Button("from … to"));
        await visit.Field("From (local)").FillAsync("2001-02-03T00:00");
        await visit.Field("To (local)").FillAsync("2001-02-05T00:00");
        await visit.ClickAsync(visit.Button("Show"));
        await Expect(visit.Rows("Events")).ToHaveCountAsync(1);
        visit.Page.Url.ShouldContain("since=2001-02-0");
    }

    [Fact]
    public async Task What_is_new_is_no_file_and_a_grouping_says_by_its_address_that_it_counts_the_rest_too()
    {
        var visit = await HouseAsync();
        await visit.GoAsync("#/events?window=all&newer=5");
        await Expect(visit.Openers("Events").First).ToBeVisibleAsync();
        foreach (var button in new[] { "CSV", "NDJSON" })
            await Expect(visit.Button(button)).ToBeDisabledAsync();
        await Expect(visit.Page.GetByTitle("A file has everything that matches, not only what is new")).ToBeVisibleAsync();
        await visit.Page.GetByRole(AriaRole.Combobox).SelectOptionAsync("type");
        await AtAsync(visit, "#/events?window=all&group=type");
        await Expect(visit.Button("CSV")).ToBeEnabledAsync();
    }

    /// <summary>No test can have so many events that counting them takes longer than the service's deadline: the header is put on what it answers.</summary>
    [Fact]
    public async Task A_count_that_was_given_up_is_said_to_be_a_least()
    {
        var visit = await HouseAsync();
        await visit.Page.RouteAsync(new Regex("/(?:stats|alerts)[?]", RegexOptions.None, TimeSpan.FromSeconds(1)), async route =>
        {
            var answer = await route.FetchAsync();
            await route.FulfillAsync(new RouteFulfillOptions { Response = answer, Headers = [.. answer.Headers, new("Tocsin-Partial", "deadline")] });
        });
        var least = visit.Page.GetByText("the service stopped counting after its deadline");
        await visit.GoAsync("#/alerts?group=device");
        await Expect(visit.Page.GetByText(new Regex(@"^At least [0-9,.]+ alerts in \d+ groups: the service stopped counting after its deadline\.", RegexOptions.None, TimeSpan.FromSeconds(1)))).ToBeVisibleAsync();
        foreach (var group in new[] { "device", "ip" })
        {
            await visit.GoAsync($"#/alerts?group={group}&q=nothing.has.this");
            await Expect(visit.Page.GetByText("At least 0 alerts")).ToBeVisibleAsync();
            await Expect(visit.Page.GetByText("Nothing matches")).ToHaveCountAsync(0);
        }
        await visit.ClickAsync(visit.Button("Type"));
        await Expect(visit.Page.Locator(".popover").Filter(new LocatorFilterOptions { Has = least })).ToBeVisibleAsync();
        await Expect(visit.Page.GetByText("in this window.")).ToHaveCountAsync(0);
        await visit.GoAsync();
        foreach (var title in new[] { "Events by priority", "Alerts by device", "Alerts by country", "Events per minute, by priority" })
            await Expect(visit.Part(title).GetByText("the service stopped counting after its deadline")).ToBeVisibleAsync();
        var service = await ServiceAsync();
        var person = (await service.Server.JsonAsync("/stats?by=user_id&limit=5")).GetProperty("values").EnumerateArray()
            .Select(row => row.GetProperty("value").GetString()).First(id => id is not null);
        await visit.GoAsync($"#/people/{person}");
        await Expect(least).ToHaveCountAsync(2);
    }

    [Fact]
    public async Task What_was_asked_for_otherwise_neither_stands_under_a_refused_filter_nor_leads_by_another_field()
    {
        var visit = await HouseAsync();
        visit.Allow("400 (Bad Request)");
        await visit.GoAsync("#/alerts");
        await Expect(visit.Openers("Alerts").First).ToBeVisibleAsync();
        await AddAsync(visit, "Address", "nowhere");
        await AtAsync(visit, "#/alerts?ip=nowhere");
        await Expect(visit.Page.GetByRole(AriaRole.Main).GetByRole(AriaRole.Alert)).ToBeVisibleAsync();
        await Expect(visit.Openers("Alerts")).ToHaveCountAsync(0);
        await Expect(visit.Link("Older")).ToHaveCountAsync(0);
        await visit.ClickAsync(Chip(visit, "Address nowhere"));
        await Expect(visit.Rows("Alerts")).ToHaveCountAsync(100);

        await visit.GoAsync("#/alerts?group=device");
        var first = visit.Rows("Events by group").First.GetByRole(AriaRole.Link);
        await Expect(first).ToHaveAttributeAsync("href", new Regex("[?]device=", RegexOptions.None, TimeSpan.FromSeconds(1)));
        // The next answer is still on its way.
        await visit.Page.RouteAsync(new Regex("/stats[?].*by=type", RegexOptions.None, TimeSpan.FromSeconds(1)), _ => Task.CompletedTask);
        await visit.Page.GetByRole(AriaRole.Combobox).SelectOptionAsync("type");
        await Expect(visit.Page.Locator(".stale")).ToHaveCountAsync(1);
        await Expect(first).ToHaveAttributeAsync("href", new Regex("[?]device=", RegexOptions.None, TimeSpan.FromSeconds(1)));
    }

    private static ILocator Chip(Visit visit, string text) => visit.Page.GetByTitle("Take this filter away").Filter(new LocatorFilterOptions { HasText = text });

    private static Task AtAsync(Visit visit, string hash) => Assertions.Expect(visit.Page).ToHaveURLAsync($"{visit.Origin}/{hash}");

    private static async Task ChooseAsync(Visit visit, string menu, string value)
    {
        await visit.ClickAsync(visit.Button(menu));
        await visit.Page.GetByRole(AriaRole.Group, new PageGetByRoleOptions { Name = $"{menu}: values" }).GetByLabel(value).CheckAsync();
        await visit.Page.Keyboard.PressAsync("Escape");
    }

    private static async Task AddAsync(Visit visit, string menu, string value)
    {
        await visit.ClickAsync(visit.Button(menu));
        await Expect(visit.Field($"{menu}: a value")).ToBeFocusedAsync();
        await visit.Page.Keyboard.TypeAsync(value);
        await visit.Page.Keyboard.PressAsync("Enter");
        await visit.Page.Keyboard.PressAsync("Escape");
    }

    private static async Task SearchAsync(Visit visit, string text)
    {
        await visit.Page.GetByRole(AriaRole.Searchbox).FillAsync(text);
        await visit.Page.Keyboard.PressAsync("Enter");
    }
}
