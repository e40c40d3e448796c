using System.Text.RegularExpressions;
using Microsoft.Playwright;

namespace Tocsin.SystemTests.Dashboard;

/// <summary>Answers that do not come, or come late: a page neither waits for ever nor gives up too soon.</summary>
public sealed class BrowserSilenceTests(Dashboards dashboards) : BrowserTest(dashboards)
{
    /// <summary>The page waits 15 s for an answer.</summary>
    private const float Silence = 25_000;

    [Fact]
    public async Task A_service_that_takes_requests_and_answers_none_is_noticed_and_its_return_as_well()
    {
        var service = await ServiceAsync();
        var visit = await HouseAsync();
        await visit.GoAsync();
        var all = visit.Count("all");
        await Expect(all).ToBeVisibleAsync();
        var before = (await all.TextContentAsync())!;
        var lost = visit.Page.GetByText("The service does not answer. What is shown may be old");
        var noAnswer = visit.Page.GetByRole(AriaRole.Banner).GetByText("no answer");
        // Neither an answer nor an error: a process that stands still, or a packet that was lost on the way.
        await visit.Page.RouteAsync(Anything(), _ => Task.CompletedTask);
        await Expect(lost).ToBeVisibleAsync(new LocatorAssertionsToBeVisibleOptions { Timeout = Silence });
        await Expect(noAnswer).ToBeVisibleAsync();

        await service.Server.PostAsync("/event", """{"type":"silence.over"}""");
        await visit.Page.UnrouteAsync(Anything());
        await Expect(lost).ToBeHiddenAsync();
        await Expect(noAnswer).ToHaveCountAsync(0);
        await Expect(all).Not.ToHaveTextAsync(before);
    }

    /// <summary>What a proxy says for a service that it does not reach, as a page and as the one of deploy/cluster says it.</summary>
    [Theory]
    [InlineData(502, "text/html", "<html><h1>502 Bad Gateway</h1></html>")]
    [InlineData(503, "application/problem+json", """{"title":"Service Unavailable","status":503,"code":"no_node"}""")]
    public async Task A_proxy_that_reaches_nobody_is_no_answer_of_the_service(int status, string type, string body)
    {
        var service = await ServiceAsync();
        var visit = await HouseAsync();
        visit.Allow("Failed to load resource");
        // A page that asks once, and follows a stream.
        await visit.GoAsync("#/events?type=proxy.*&window=all&live=1");
        await Expect(visit.Page.GetByText("Live: 0 new events")).ToBeVisibleAsync();
        var lost = visit.Page.GetByText("The service does not answer. What is shown may be old");
        var pill = visit.Page.Locator(".pill");
        await visit.Page.RouteAsync(Anything(), route => route.FulfillAsync(new RouteFulfillOptions { Status = status, ContentType = type, Body = body }));
        await Expect(lost).ToBeVisibleAsync();
        await Expect(pill).ToHaveTextAsync("no answer");
        var external = $"proxy-{status}";
        await service.Server.PostAsync("/event", $$"""{"type":"proxy.{{status}}","external_id":"{{external}}"}""");
        await visit.Page.UnrouteAsync(Anything());
        await Expect(lost).ToBeHiddenAsync();
        await Expect(pill).ToHaveTextAsync(new Regex("healthy|degraded", RegexOptions.None, TimeSpan.FromSeconds(1)));
        await Expect(visit.Rows("Events", external.Replace('-', '.'))).ToHaveCountAsync(1);
    }

    [Fact]
    public async Task A_refusal_of_the_services_own_is_no_lost_connection()
    {
        var visit = await HouseAsync();
        visit.Allow("Failed to load resource");
        await visit.Page.RouteAsync(new Regex("/alerts[?]", RegexOptions.None, TimeSpan.FromSeconds(1)), route => route.FulfillAsync(new RouteFulfillOptions
        {
            Status = 503, ContentType = "application/problem+json", Body = """{"status":503,"code":"store_unavailable","detail":"The store cannot answer now; it may soon."}""",
        }));
        await visit.Page.RouteAsync(new Regex("/health$", RegexOptions.None, TimeSpan.FromSeconds(1)), route => route.FulfillAsync(new RouteFulfillOptions { Status = 503, ContentType = "application/json", Body = """{"status":"unhealthy"}""" }));
        await visit.GoAsync("#/alerts");
        await Expect(visit.Page.GetByText("The store cannot answer now; it may soon.")).ToBeVisibleAsync();
        await Expect(visit.Page.Locator(".pill")).ToHaveTextAsync("unhealthy");
        await Expect(visit.Page.GetByText("The service does not answer. What is shown may be old")).ToBeHiddenAsync();
    }

    [Fact]
    public async Task An_answer_that_takes_longer_than_the_time_between_two_is_shown()
    {
        var visit = await HouseAsync();
        // Sources are asked for every 2 s.
        await visit.Page.RouteAsync(new Regex("/sources$", RegexOptions.None, TimeSpan.FromSeconds(1)), async route =>
        {
            await Task.Delay(TimeSpan.FromSeconds(3), TimeProvider.System);
            await route.ContinueAsync();
        });
        await visit.GoAsync("#/sources");
        await Expect(visit.Link("elevate")).ToBeVisibleAsync();
    }

    [Fact]
    public async Task Names_that_could_not_be_fetched_are_asked_for_again()
    {
        var visit = await HouseAsync();
        visit.Allow("Failed to load resource: net::ERR_");
        var people = new Regex(@"/people\?", RegexOptions.None, TimeSpan.FromSeconds(1));
        await visit.Page.RouteAsync(people, route => route.AbortAsync());
        await visit.GoAsync("#/people");
        await Expect(visit.Page.GetByText("The service does not answer. What is shown may be old")).ToBeVisibleAsync();
        await visit.Page.UnrouteAsync(people);
        await Expect(visit.Rows("Incidents by person and priority").First.GetByRole(AriaRole.Rowheader)).ToContainTextAsync("Person ");
    }

    [Fact]
    public async Task A_page_whose_script_could_not_be_fetched_comes_when_it_is_asked_for_again()
    {
        var visit = await HouseAsync();
        visit.Allow("Failed to load resource");
        await visit.GoAsync();
        await visit.Page.RouteAsync(new Regex("/pages/sources\\.js$", RegexOptions.None, TimeSpan.FromSeconds(1)), route => route.AbortAsync(), new PageRouteOptions { Times = 1 });
        await visit.ClickAsync(visit.Nav("Sources"));
        await Expect(visit.Page.GetByRole(AriaRole.Alert)).ToContainTextAsync("This page could not be fetched.");
        await visit.ClickAsync(visit.Button("Try again"));
        await Expect(visit.Link("elevate")).ToBeVisibleAsync();
    }

    private static Regex Anything() => new(@"^[^#]*$", RegexOptions.None, TimeSpan.FromSeconds(1));
}
