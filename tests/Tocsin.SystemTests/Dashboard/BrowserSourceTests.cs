using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.Playwright;

namespace Tocsin.SystemTests.Dashboard;

/// <summary>What an operator does: poll now, pause, change how often, try a file, and in the demo make the upstream misbehave.</summary>
public sealed class BrowserSourceTests(Dashboards dashboards) : BrowserTest(dashboards)
{
    [Fact]
    public async Task A_source_is_polled_now_paused_and_goes_on()
    {
        var service = await ServiceAsync();
        var visit = await HouseAsync();
        await visit.GoAsync("#/sources");
        var row = Row(visit, DashboardHouse.Strangers);
        await Expect(row.GetByText("1s", new LocatorGetByTextOptions { Exact = true })).ToBeVisibleAsync();
        await Expect(row).ToContainTextAsync("12");
        await visit.ClickAsync(row.GetByRole(AriaRole.Button, new LocatorGetByRoleOptions { Name = "Sync now" }));
        await Expect(visit.Page.GetByText(new Regex("^strangers (?:is being polled|was polling already)\\.$", RegexOptions.None, TimeSpan.FromSeconds(1)))).ToBeVisibleAsync();
        await visit.ClickAsync(row.GetByRole(AriaRole.Button, new LocatorGetByRoleOptions { Name = "Pause" }));
        await Expect(row.GetByText("paused")).ToBeVisibleAsync();
        await Expect(visit.Page.GetByText("strangers is paused, also after a restart.")).ToBeVisibleAsync();
        await Expect(row.GetByRole(AriaRole.Button, new LocatorGetByRoleOptions { Name = "Sync now" })).ToBeDisabledAsync();
        (await service.Server.SourceAsync(DashboardHouse.Strangers)).GetProperty("enabled").GetBoolean().ShouldBeFalse();
        await visit.ClickAsync(row.GetByRole(AriaRole.Button, new LocatorGetByRoleOptions { Name = "Resume" }));
        await Expect(row.GetByText("paused")).ToHaveCountAsync(0);
        (await service.Server.SourceAsync(DashboardHouse.Strangers)).GetProperty("enabled").GetBoolean().ShouldBeTrue();
    }

    [Fact]
    public async Task A_source_shows_its_polls_and_is_polled_as_often_as_is_said()
    {
        var service = await ServiceAsync();
        var visit = await HouseAsync();
        await visit.GoAsync("#/sources/strangers");
        await Expect(visit.Part("Last polls").GetByRole(AriaRole.Row).Nth(1)).ToContainTextAsync("ok");
        await Expect(visit.Part("Records kept aside")).ToContainTextAsync("None: every record could be mapped.");
        await Expect(visit.Part("Feeds").GetByRole(AriaRole.Row)).ToHaveCountAsync(2);
        await visit.Field("Every").FillAsync("7m");
        await visit.Page.Keyboard.PressAsync("Enter");
        await Expect(visit.Page.GetByText("strangers is polled every 7m from now on.")).ToBeVisibleAsync();
        (await service.Server.SourceAsync(DashboardHouse.Strangers)).GetProperty("every_seconds").GetInt32().ShouldBe(420);
        await visit.ClickAsync(visit.Button("As its file says"));
        await Expect(visit.Page.GetByText("strangers is polled every 1s from now on.")).ToBeVisibleAsync();
        await Expect(visit.Field("Every")).ToHaveValueAsync("1s");
    }

    [Fact]
    public async Task Of_a_long_record_that_was_kept_aside_the_beginning_is_shown()
    {
        using var answers = new TempFolder();
        answers.Write("denial.json", $$"""{"results":[{"timestamp":"no time","priority":"low","note":"{{new string('n', 5_000)}}"}]}""");
        answers.Write("identities.json", "{}");
        await using var mock = await MockProcess.StartAsync("--replay", answers.Path);
        using var home = new ServerHome(new SourceYaml(mock.Url) { Types = ["denial"] });
        await using var server = await ServerProcess.StartAsync(home);
        await server.CompleteAsync();
        var visit = await OpenAsync(server);
        await visit.GoAsync("#/sources/elevate");
        var row = visit.Part("Records kept aside").GetByRole(AriaRole.Row).Nth(1);
        await Expect(row).ToContainTextAsync("no time");
        await Expect(row).ToContainTextAsync("… (5,0");
        (await row.InnerTextAsync()).Length.ShouldBeInRange(2_000, 2_400);
    }

    [Fact]
    public async Task A_source_file_is_tried_and_its_mistakes_are_named()
    {
        var service = await ServiceAsync();
        var before = (await service.Server.JsonAsync("/sources")).GetArrayLength();
        var visit = await HouseAsync();
        visit.Allow("the server responded with a status of 422");
        await visit.GoAsync("#/sources");
        await visit.ClickAsync(visit.Link("Try a source file"));
        var file = visit.Page.GetByLabel("The text of a source file.");
        await file.FillAsync("name: wrong\nkind: nonsense\nbase_url: 7\n");
        await visit.ClickAsync(visit.Button("Try it"));
        await Expect(visit.Page.GetByRole(AriaRole.Alert)).ToContainTextAsync("kind");
        await Expect(visit.Page.GetByRole(AriaRole.Alert).GetByRole(AriaRole.Listitem).Nth(1)).ToBeVisibleAsync();
        await file.FillAsync(new AlertYaml(service.Mock.Url) { Name = "tried" }.ToString());
        await visit.ClickAsync(visit.Button("Try it"));
        await Expect(visit.Page.GetByText("All of it works.")).ToBeVisibleAsync();
        await Expect(visit.Page.GetByRole(AriaRole.Main).GetByRole(AriaRole.Table).GetByRole(AriaRole.Row)).ToHaveCountAsync(4);
        (await service.Server.JsonAsync("/sources")).GetArrayLength().ShouldBe(before);
    }

    [Fact]
    public async Task The_interval_of_all_is_changed_and_taken_back()
    {
        var service = await ServiceAsync();
        var visit = await HouseAsync();
        await visit.GoAsync("#/settings");
        await visit.Field("Minutes, 1 to 1440").FillAsync("15");
        await visit.Page.Keyboard.PressAsync("Enter");
        await Expect(visit.Part("Sync interval")).ToContainTextAsync("every 15 minutes, set here; last changed by admin");
        (await service.Server.JsonAsync("/config")).GetProperty("sync_interval_minutes").GetInt32().ShouldBe(15);
        await visit.ClickAsync(visit.Button("Take back"));
        await Expect(visit.Part("Sync interval")).ToContainTextAsync("every 30 minutes, by default");
    }

    [Fact]
    public async Task In_the_demo_new_records_are_made_and_nothing_is_lost()
    {
        var demo = await RunningDemoAsync();
        var visit = await DemoAsync(isSignedIn: true);
        await visit.GoAsync("#/settings");
        var chaos = visit.Part("Chaos");
        var before = await MadeAsync(demo);
        await visit.ClickAsync(visit.Button("100 new records now"));
        await Expect(visit.Page.GetByText("100 new records wait in the mock; the next polls bring them.")).ToBeVisibleAsync();
        (await MadeAsync(demo)).ShouldBeGreaterThanOrEqualTo(before + 100);
        var latency = chaos.GetByRole(AriaRole.Slider, new LocatorGetByRoleOptions { NameRegex = new Regex("^Latency", RegexOptions.None, TimeSpan.FromSeconds(1)) });
        await latency.FillAsync("50");
        await Eventually.BeAsync("the mock answers sooner", TimeSpan.FromSeconds(5), async () =>
            JsonElement.Parse(await demo.Http.GetStringAsync("/demo/mock/config")).GetProperty("latency_ms").GetInt32() == 50);
        await Expect(chaos.GetByText("events lost: 0")).ToBeVisibleAsync();
        // Sure only after each source finished a poll that began later than the ledger was read.
        await Expect(chaos.GetByText("(so far;")).ToHaveCountAsync(0, new LocatorAssertionsToHaveCountOptions { Timeout = 20_000 });
        await Expect(chaos.GetByText("events lost: 0")).ToBeVisibleAsync();
    }

    [Fact]
    public async Task Whoever_is_not_signed_in_sees_the_dials_and_may_not_turn_them()
    {
        var visit = await DemoAsync();
        await visit.GoAsync("#/settings");
        await Expect(visit.Part("Chaos").GetByRole(AriaRole.Slider).First).ToBeDisabledAsync();
        await Expect(visit.Button("All faults off")).ToHaveCountAsync(0);
        await Expect(visit.Part("Chaos")).ToContainTextAsync("sign in with a token of scope operate");
    }

    private static ILocator Row(Visit visit, string source) =>
        visit.Page.GetByRole(AriaRole.Row).Filter(new LocatorFilterOptions { Has = visit.Page.GetByRole(AriaRole.Rowheader, new PageGetByRoleOptions { Name = source, Exact = true }) });

    private static async Task<int> MadeAsync(RunningDemo demo)
    {
        var ledger = JsonElement.Parse(await demo.Http.GetStringAsync("/demo/mock/ledger"));
        return ledger.GetProperty("alerts").GetInt32() + ledger.GetProperty("incidents").EnumerateObject().Sum(feed => feed.Value.GetInt32());
    }
}
