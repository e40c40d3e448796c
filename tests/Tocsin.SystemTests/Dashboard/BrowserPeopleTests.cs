using System.Text.Json;
using Microsoft.Playwright;

namespace Tocsin.SystemTests.Dashboard;

/// <summary>People: the board, one person's line of time, and addresses that are nobody's yet.</summary>
public sealed class BrowserPeopleTests(Dashboards dashboards) : BrowserTest(dashboards)
{
    private const string Heat = "Incidents by person and priority";

    [Fact]
    public async Task The_board_is_the_services_and_is_sorted_searched_and_filtered()
    {
        var service = await ServiceAsync();
        var board = (await service.Server.JsonAsync("/incidents?since=-7d&per_priority=0")).EnumerateObject().Where(person => person.Name != Board.Unknown).ToArray();
        var visit = await HouseAsync();
        await visit.GoAsync("#/people");
        await Expect(visit.Rows(Heat)).ToHaveCountAsync(board.Length);
        foreach (var person in board.Take(3))
        {
            var row = visit.Rows(Heat).Filter(new LocatorFilterOptions { Has = visit.Page.GetByTitle(person.Name, new PageGetByTitleOptions { Exact = true }) });
            // Names come after the board, and their column with them.
            await Expect(row).ToContainTextAsync("Team ");
            var counts = ((string[])["critical", "high", "medium", "low"]).Select(name => person.Value.GetProperty(name).GetProperty("count").GetInt32()).ToArray();
            (await row.GetByRole(AriaRole.Cell).AllInnerTextsAsync()).Skip(1).Take(5).ShouldBe(counts.Append(counts.Sum()).Select(count => count.ToString()));
        }
        await visit.ClickAsync(visit.Page.GetByRole(AriaRole.Columnheader, new PageGetByRoleOptions { Name = "Person" }).GetByRole(AriaRole.Link));
        await Assertions.Expect(visit.Page).ToHaveURLAsync($"{visit.Origin}/#/people?sort=person");
        await visit.Field("Search people").FillAsync("Person 7");
        await visit.Page.Keyboard.PressAsync("Enter");
        await Expect(visit.Rows(Heat)).ToHaveCountAsync(1);
        await Expect(visit.Rows(Heat)).ToContainTextAsync("Person 7");
    }

    [Fact]
    public async Task The_links_of_a_filtered_board_lead_to_what_they_count_and_back_to_its_window()
    {
        var visit = await HouseAsync();
        await visit.GoAsync("#/people?window=24h&priority=critical");
        await visit.ClickAsync(visit.Rows(Heat).First.GetByRole(AriaRole.Cell).Nth(5).GetByRole(AriaRole.Link));
        await Expect(visit.Rows("Events").First).ToBeVisibleAsync();
        foreach (var part in (string[])["priority=critical", "kind=incident", "window=24h"])
            visit.Page.Url.ShouldContain(part);
        (await visit.Page.GetByRole(AriaRole.Main).GetByRole(AriaRole.Link, new LocatorGetByRoleOptions { Name = "People", Exact = true }).GetAttributeAsync("href"))!.ShouldContain("window=24h");
    }

    [Fact]
    public async Task A_person_opens_with_all_that_concerns_them_and_says_which_rule_found_them()
    {
        var service = await ServiceAsync();
        var visit = await HouseAsync();
        await visit.GoAsync("#/people");
        var link = visit.Rows(Heat).First.GetByRole(AriaRole.Rowheader).GetByRole(AriaRole.Link);
        await Expect(link).ToContainTextAsync("Person ");
        var (id, name) = (await link.GetAttributeAsync("title"), await link.InnerTextAsync());
        await visit.ClickAsync(link);
        await Expect(visit.Page.GetByRole(AriaRole.Heading, new PageGetByRoleOptions { Name = $"What concerns {name}", Exact = true })).ToBeVisibleAsync();
        var events = await service.Server.JsonAsync($"/events?user_id={id}&since=-7d&limit=100");
        await Expect(visit.Rows("Events")).ToHaveCountAsync(events.GetArrayLength());
        var kinds = await visit.Rows("Events").Locator("td:nth-child(3)").AllInnerTextsAsync();
        kinds.Distinct().Order().ShouldBe(["alert", "incident"]);
        var rules = await visit.Rows("Events").Locator("td:nth-child(7)").AllInnerTextsAsync();
        rules.ShouldBe(events.EnumerateArray().Select(e => RuleOf(e.GetProperty("attribution"))));

        await visit.ClickAsync(visit.Openers("Events").First);
        var raw = JsonElement.Parse(await visit.Detail.GetByLabel("The event as JSON").InnerTextAsync());
        JsonElement.DeepEquals(raw.GetProperty("data"), (await service.Server.JsonAsync($"/events/{events[0].GetProperty("id")}")).GetProperty("data")).ShouldBeTrue();
        await Expect(visit.Detail).ToContainTextAsync(RuleOf(events[0].GetProperty("attribution")));
    }

    [Fact]
    public async Task An_address_that_is_nobodys_is_given_to_a_person_and_its_events_move()
    {
        var service = await ServiceAsync();
        var visit = await HouseAsync();
        await visit.GoAsync("#/people");
        var unknown = visit.Part("unknown: addresses that wait for a person");
        var address = await unknown.GetByRole(AriaRole.Rowheader).First.InnerTextAsync();
        var count = int.Parse((await unknown.GetByRole(AriaRole.Row).Filter(new LocatorFilterOptions { HasText = address }).GetByRole(AriaRole.Cell).First.InnerTextAsync()).Trim());
        await unknown.GetByLabel($"Person for {address}").FillAsync("4711");
        await visit.Page.Keyboard.PressAsync("Enter");
        await Expect(visit.Page.GetByText($"{address} is 4711's now; its events move.")).ToBeVisibleAsync();
        await Expect(unknown.GetByText(address, new LocatorGetByTextOptions { Exact = true })).ToHaveCountAsync(0);
        await visit.GoAsync("#/people/4711?window=all");
        await Expect(visit.Rows("Events")).ToHaveCountAsync(count);
        await Expect(visit.Rows("Events").First).ToContainTextAsync(address);
        (await service.Server.JsonAsync("/events?user_id=4711")).GetArrayLength().ShouldBe(count);
    }

    private static string RuleOf(JsonElement attribution) => attribution.GetProperty("rule").GetString() switch
    {
        "identity" => $"the identities of {attribution.GetProperty("source").GetString()}",
        "record" => "the record itself",
        var other => throw new ShouldAssertException($"a rule that no source of this house has: {other}"),
    };
}
