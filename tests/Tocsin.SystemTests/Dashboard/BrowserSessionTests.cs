using System.Text.RegularExpressions;
using Microsoft.Playwright;

namespace Tocsin.SystemTests.Dashboard;

/// <summary>Who may what: a page offers what the token may, and says kindly why it does not offer the rest.</summary>
public sealed class BrowserSessionTests(Dashboards dashboards) : BrowserTest(dashboards)
{
    /// <summary>The browser reports each refused request of its own accord.</summary>
    private const string RefusedByStatus = "the server responded with a status of 401";

    [Fact]
    public async Task The_token_of_the_admin_opens_everything_and_signing_out_closes_it()
    {
        var visit = await HouseAsync(null);
        await visit.GoAsync();
        await Expect(visit.Field("Your token")).ToBeFocusedAsync();
        await visit.Page.Keyboard.TypeAsync(ServerHome.Token);
        await visit.Page.Keyboard.PressAsync("Enter");
        await Expect(visit.Part("Events by priority")).ToBeVisibleAsync();
        await Expect(visit.Part("Refused pushes, by code")).ToBeVisibleAsync();
        await visit.GoAsync("#/settings");
        await Expect(visit.Part("Tokens")).ToBeVisibleAsync();
        await Expect(visit.Part("Sync interval").GetByRole(AriaRole.Button, new LocatorGetByRoleOptions { Name = "Set" })).ToBeVisibleAsync();
        (await visit.Page.EvaluateAsync<string>("document.cookie + JSON.stringify(localStorage)")).ShouldNotContain(ServerHome.Token);
        await visit.ClickAsync(visit.Button("Sign out"));
        await Expect(visit.Field("Your token")).ToBeVisibleAsync();
        await Expect(visit.Part("Tokens")).ToHaveCountAsync(0);
    }

    [Fact]
    public async Task A_wrong_token_is_refused_in_words()
    {
        var visit = await HouseAsync(null);
        visit.Allow(RefusedByStatus);
        await visit.GoAsync();
        await visit.Field("Your token").FillAsync("tocsin_wrongwrongwrongwrongwrongwrongwrongwrong");
        await visit.ClickAsync(visit.Page.GetByRole(AriaRole.Main).GetByRole(AriaRole.Button, new LocatorGetByRoleOptions { Name = "Sign in" }));
        await Expect(visit.Page.GetByRole(AriaRole.Alert)).ToHaveTextAsync("That token is not known, was revoked, or has expired.");
    }

    [Theory]
    [InlineData("read", false, false, false)]
    [InlineData("read,metrics", false, true, false)]
    [InlineData("read,operate", true, false, false)]
    [InlineData("read,operate,metrics,ingest", true, true, false)]
    [InlineData("admin", true, true, true)]
    public async Task What_the_token_may_not_do_is_not_offered(string scopes, bool operates, bool hasMetrics, bool makesTokens)
    {
        var service = await ServiceAsync();
        var visit = await HouseAsync(await service.TokenAsync($"may-{scopes.Replace(',', '-')}", scopes.Split(',')));
        await visit.GoAsync();
        await Expect(visit.Part("Events by priority").GetByRole(AriaRole.Link).First).ToBeVisibleAsync();
        await Expect(visit.Part("Refused pushes, by code")).ToHaveCountAsync(1);
        await visit.ClickAsync(visit.Nav("Sources"));
        await Expect(visit.Link("elevate")).ToBeVisibleAsync();
        await Expect(visit.Button("Sync now")).ToHaveCountAsync(operates ? 3 : 0);
        await Expect(visit.Link("Try a source file")).ToHaveCountAsync(operates ? 1 : 0);
        await visit.ClickAsync(visit.Link("elevate"));
        await Expect(visit.Part("Counts")).ToBeVisibleAsync();
        await Expect(visit.Field("Every")).ToHaveCountAsync(operates ? 1 : 0);
        await visit.ClickAsync(visit.Nav("People"));
        await Expect(visit.Part("unknown: addresses that wait for a person").GetByRole(AriaRole.Rowheader).First).ToBeVisibleAsync();
        await Expect(visit.Button("Assign").First).ToBeVisibleAsync(new LocatorAssertionsToBeVisibleOptions { Visible = operates });
        await visit.ClickAsync(visit.Nav("Settings"));
        await Expect(visit.Part("Sync interval").GetByText("Sources are polled every")).ToBeVisibleAsync();
        await Expect(visit.Field("Minutes, 1 to 1440")).ToHaveCountAsync(operates ? 1 : 0);
        await Expect(visit.Part("Tokens")).ToHaveCountAsync(makesTokens ? 1 : 0);
        await Expect(visit.Link("Metrics")).ToHaveCountAsync(hasMetrics ? 1 : 0);
        await Expect(visit.Part("Chaos")).ToHaveCountAsync(0);
    }

    [Theory]
    [InlineData("ingest")]
    [InlineData("operate")]
    [InlineData("metrics")]
    public async Task A_token_that_may_not_read_is_told_so(string scope)
    {
        var service = await ServiceAsync();
        var visit = await HouseAsync(await service.TokenAsync($"only-{scope}", scope));
        await visit.GoAsync("#/alerts");
        await Expect(visit.Page.GetByRole(AriaRole.Main)).ToContainTextAsync($"only-{scope} may: {scope}");
        await Expect(visit.Page.GetByRole(AriaRole.Table)).ToHaveCountAsync(0);
        await visit.Field("Your token").FillAsync(ServerHome.Token);
        await visit.Page.Keyboard.PressAsync("Enter");
        await Expect(visit.Openers("Alerts").First).ToBeVisibleAsync();
    }

    [Fact]
    public async Task Where_reading_is_open_a_token_that_may_not_read_is_told_so_as_well()
    {
        var demo = await RunningDemoAsync();
        var admin = await DemoAsync(isSignedIn: true);
        await admin.GoAsync();
        var token = await admin.Page.EvaluateAsync<string>("""
            async () => (await (await fetch("tokens", { method: "POST", headers: { "Content-Type": "application/json", "X-Tocsin-Session": "1" }, body: JSON.stringify({ name: "operator", scopes: ["operate"] }) })).json()).token
            """);
        var visit = await OpenAsync(demo);
        await visit.SignInAsync(token);
        await visit.GoAsync("#/alerts");
        await Expect(visit.Page.GetByRole(AriaRole.Main)).ToContainTextAsync("operator may: operate");
        await Expect(visit.Page.GetByText("lacks the scope")).ToHaveCountAsync(0);
    }

    [Fact]
    public async Task Signing_out_that_fails_is_said()
    {
        var visit = await HouseAsync();
        visit.Allow("the server responded with a status of 503");
        await visit.GoAsync("#/sources");
        await visit.Page.RouteAsync(new Regex("/session$", RegexOptions.None, TimeSpan.FromSeconds(1)), route => route.FulfillAsync(new RouteFulfillOptions
        {
            Status = 503, ContentType = "application/problem+json", Body = """{"status":503,"code":"store_unavailable","detail":"The store cannot answer now; it may soon."}""",
        }), new PageRouteOptions { Times = 1 });
        await visit.ClickAsync(visit.Button("Sign out"));
        await Expect(visit.Page.GetByText("You are still signed in: The store cannot answer now")).ToBeVisibleAsync();
        await visit.ClickAsync(visit.Button("Sign out"));
        await Expect(visit.Field("Your token")).ToBeVisibleAsync();
    }

    /// <summary>Over plain http from another machine a page has no clipboard.</summary>
    [Fact]
    public async Task A_secret_that_cannot_be_copied_is_said()
    {
        var visit = await HouseAsync();
        await visit.Page.AddInitScriptAsync("Object.defineProperty(navigator, 'clipboard', { value: undefined })");
        await visit.GoAsync("#/settings");
        await visit.Field("Name").FillAsync("no-clipboard");
        await visit.ClickAsync(visit.Button("Make token"));
        await visit.ClickAsync(visit.Button("Copy"));
        await Expect(visit.Page.GetByText("The browser did not let this page copy; select it instead.")).ToBeVisibleAsync();
    }

    [Fact]
    public async Task A_session_that_ends_says_so_and_signing_in_again_leads_back()
    {
        var service = await ServiceAsync();
        var visit = await HouseAsync(await service.TokenAsync("short-lived", "read"));
        visit.Allow(RefusedByStatus);
        await visit.GoAsync("#/alerts?priority=critical");
        await visit.ClickAsync(visit.Link("24 h"));
        await Expect(visit.Openers("Alerts").First).ToBeVisibleAsync();
        using (var answer = await service.Server.Http.DeleteAsync("/tokens/short-lived"))
            answer.IsSuccessStatusCode.ShouldBeTrue();
        // Noticed without a click: the page asks from time to time, and when it comes into sight again.
        await visit.Page.EvaluateAsync("document.dispatchEvent(new Event('visibilitychange'))");
        await Expect(visit.Page.GetByRole(AriaRole.Main)).ToContainTextAsync("Your session has ended. Sign in again, and you are back where you were.");
        await visit.Field("Your token").FillAsync(ServerHome.Token);
        await visit.Page.Keyboard.PressAsync("Enter");
        await Expect(visit.Openers("Alerts").First).ToBeVisibleAsync();
        await Assertions.Expect(visit.Page).ToHaveURLAsync($"{visit.Origin}/#/alerts?priority=critical&window=24h");
    }

    [Fact]
    public async Task A_page_notices_that_another_one_signed_in_as_somebody_else()
    {
        var service = await ServiceAsync();
        var visit = await HouseAsync(await service.TokenAsync("first-there", "read"));
        // What is under way when the cookie changes is refused.
        visit.Allow(RefusedByStatus);
        await visit.GoAsync("#/sources");
        var who = visit.Page.GetByRole(AriaRole.Banner).GetByTitle("may: ");
        await Expect(who).ToHaveTextAsync("first-there");
        await Expect(visit.Button("Sync now")).ToHaveCountAsync(0);
        // All pages of a browser share its cookie.
        await visit.SignInAsync(ServerHome.Token);
        await visit.Page.EvaluateAsync("document.dispatchEvent(new Event('visibilitychange'))");
        await Expect(who).ToHaveTextAsync("admin");
        await Expect(visit.Button("Sync now")).ToHaveCountAsync(3);
        // The refusal of a request with the cookie of before may come later still: the page asks who it is before it says that the session has ended.
        var asked = visit.Page.WaitForResponseAsync($"{visit.Origin}/session");
        await visit.Page.RouteAsync(new Regex("/sources$", RegexOptions.None, TimeSpan.FromSeconds(1)), route => route.FulfillAsync(new RouteFulfillOptions { Status = 401 }), new PageRouteOptions { Times = 1 });
        await asked;
        await Expect(visit.Field("Your token")).ToHaveCountAsync(0);
        await Expect(visit.Button("Sync now")).ToHaveCountAsync(3);
    }

    [Fact]
    public async Task The_link_that_the_demo_prints_signs_in_once()
    {
        // One of its own: the link is good for ten minutes.
        var demo = await OwnDemoAsync();
        var link = demo.Process.Out.Trim().Split('\n')[0].Split(' ', StringSplitOptions.RemoveEmptyEntries)[^1].Trim();
        var first = await OpenAsync(demo);
        await first.Page.GotoAsync(link);
        await Expect(first.Button("Sign out")).ToBeVisibleAsync();
        await Assertions.Expect(first.Page).ToHaveURLAsync($"{first.Origin}/");
        await Expect(first.Part("Events by priority")).ToBeVisibleAsync();

        // Into a page that is open already, where only the hash changes.
        var second = await OpenAsync(demo);
        second.Allow(RefusedByStatus);
        await second.GoAsync("#/alerts");
        await second.Page.GotoAsync(link);
        await Expect(second.Page.GetByRole(AriaRole.Main)).ToContainTextAsync("That sign-in link was used already, or is too old.");
        await Assertions.Expect(second.Page).Not.ToHaveURLAsync(new Regex("signin", RegexOptions.None, TimeSpan.FromSeconds(1)));
        // Reads are open in the demo: one may go on without.
        await second.ClickAsync(second.Button("Not now"));
        await Expect(second.Part("Events by priority")).ToBeVisibleAsync();
    }
}
