using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.Playwright;

namespace Tocsin.SystemTests.Dashboard;

/// <summary>Tables of events: every one is there once, page by page, live and as a file.</summary>
public sealed class BrowserListTests(Dashboards dashboards) : BrowserTest(dashboards)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    [Fact]
    public async Task Page_by_page_every_alert_is_there_once_and_new_ones_disturb_nothing()
    {
        var service = await ServiceAsync();
        var expected = new HashSet<string>(StringComparer.Ordinal);
        await foreach (var alert in EventWalk.AllAsync(service.Server, "source=alerts", "/alerts"))
            expected.Add(alert.GetProperty("id").GetString()!);
        expected.Count.ShouldBeGreaterThan(300);
        var visit = await HouseAsync();
        await visit.GoAsync("#/alerts?window=all&source=alerts");
        var seen = new List<string>();
        for (var page = 0; ; page++)
        {
            await Expect(visit.Openers("Alerts").First).ToBeVisibleAsync();
            seen.AddRange(await IdsAsync(visit, "Alerts"));
            if (await visit.Page.GetByText("That is all of it.").IsVisibleAsync())
                break;
            if (page == 0)
                await service.Mock.AddAsync(3, "alerts");
            var last = seen[^1];
            await visit.ClickAsync(visit.Link("Older"));
            await Expect(visit.Page.Locator($"a[data-open][href*='{last}']")).ToHaveCountAsync(0);
        }
        seen.Distinct().Count().ShouldBe(seen.Count);
        expected.Except(seen).ShouldBeEmpty();
        await visit.ClickAsync(visit.Link("Newest"));
        await Expect(visit.Link("Newest")).ToHaveCountAsync(0);
        // The service is shared: what was added has come before others count.
        await Eventually.BeAsync("the three are there", TimeSpan.FromSeconds(10), async () => await EventWalk.AllAsync(service.Server, "source=alerts", "/alerts").CountAsync() == expected.Count + 3);
    }

    [Fact]
    public async Task Across_a_restart_a_live_table_loses_nothing_and_doubles_nothing_and_the_page_says_when_nobody_answers()
    {
        var service = await ServiceAsync();
        var visit = await HouseAsync();
        visit.Allow("Failed to load resource: net::ERR_");
        await visit.GoAsync("#/events?type=tail.*&live=1");
        await Expect(visit.Page.GetByText("Live: 0 new events")).ToBeVisibleAsync();
        await PushAsync(service, 0, 10);
        await Expect(visit.Rows("Events")).ToHaveCountAsync(10);

        var lost = visit.Page.GetByText("The service does not answer. What is shown may be old");
        await Expect(lost).ToBeHiddenAsync();
        await service.RestartAsync(async () => await Expect(lost).ToBeVisibleAsync());
        // Before the page is back, and after.
        await PushAsync(service, 10, 10);
        await Expect(lost).ToBeHiddenAsync();
        await Expect(visit.Page.GetByText("Live: 20 new events")).ToBeVisibleAsync();
        await PushAsync(service, 20, 10);
        await Expect(visit.Rows("Events")).ToHaveCountAsync(30);
        var types = await visit.Rows("Events").Locator("td:nth-child(4)").AllInnerTextsAsync();
        types.ShouldBe(Enumerable.Range(0, 30).Reverse().Select(i => $"tail.{i:00}"));

        await visit.ClickAsync(visit.Button("Live on"));
        await Expect(visit.Button("Live off")).ToBeVisibleAsync();
        await Expect(visit.Rows("Events")).ToHaveCountAsync(30);
        // What arrives while it is off is there when it is on again.
        await PushAsync(service, 30, 1);
        await visit.ClickAsync(visit.Button("Live off"));
        await Expect(visit.Rows("Events")).ToHaveCountAsync(31);
    }

    [Theory]
    [InlineData("NDJSON", "ndjson")]
    [InlineData("CSV", "csv")]
    public async Task Everything_that_matches_becomes_a_file(string button, string ending)
    {
        var service = await ServiceAsync();
        var matches = (await service.Server.JsonAsync("/stats?by=priority&kind=alert&priority=high&since=-7d")).GetProperty("total").GetInt32();
        var visit = await HouseAsync();
        await visit.GoAsync("#/alerts?priority=high");
        var download = await visit.Page.RunAndWaitForDownloadAsync(() => visit.ClickAsync(visit.Button(button)));
        download.SuggestedFilename.ShouldMatch($@"^alerts-[0-9-]{{10}}T[0-9]{{6}}\.{ending}$");
        var lines = await File.ReadAllLinesAsync(await download.PathAsync());
        if (ending == "csv")
        {
            lines.Length.ShouldBe(matches + 1);
            lines[0].Split(',').ShouldContain("priority");
        }
        else
            lines.Select(line => JsonElement.Parse(line).GetProperty("priority").GetString()).ShouldBe(Enumerable.Repeat("high", matches));
        await Expect(visit.Page.GetByText("Exported ")).ToBeVisibleAsync();
    }

    [Fact]
    public async Task A_row_opens_the_whole_event_and_its_json_can_be_copied()
    {
        var visit = await HouseAsync();
        await visit.Context.GrantPermissionsAsync(["clipboard-read", "clipboard-write"]);
        await visit.GoAsync("#/alerts");
        // Anywhere on the row, not on its link only.
        await visit.ClickAsync(visit.Rows("Alerts").Nth(2).GetByRole(AriaRole.Cell).Nth(3));
        await Expect(visit.Detail.GetByText("External id")).ToBeVisibleAsync();
        var id = Regex.Match(visit.Page.Url, "event=(?<id>[0-9a-f-]+)", RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(1)).Groups["id"].Value;
        await visit.ClickAsync(visit.Button("Copy JSON"));
        await Expect(visit.Page.GetByText("Copied.")).ToBeVisibleAsync();
        var copied = JsonElement.Parse(await visit.Page.EvaluateAsync<string>("navigator.clipboard.readText()"));
        var there = await (await ServiceAsync()).Server.JsonAsync($"/events/{id}");
        JsonElement.DeepEquals(copied, there).ShouldBeTrue($"{copied}\n{there}");
        await visit.Page.Keyboard.PressAsync("Escape");
        await Expect(visit.Detail).ToHaveCountAsync(0);
        await visit.Page.GoBackAsync();
        await Expect(visit.Detail).ToBeVisibleAsync();
    }

    private static Task<string[]> IdsAsync(Visit visit, string table) =>
        visit.Openers(table).EvaluateAllAsync<string[]>("links => links.map(link => new URLSearchParams(link.hash.split('?')[1]).get('event'))");

    private static async Task PushAsync(DashboardHouse service, int first, int count)
    {
        for (var i = first; i < first + count; i++)
            await Eventually.BeAsync("it is pushed", Patience, async () => (int)(await service.Server.PostAsync("/event", $$"""{"type":"tail.{{i:00}}","external_id":"tail-{{i}}"}""")).Status is 200 or 201);
    }
}
