namespace Tocsin.SystemTests.Dashboard;

/// <summary>Live tables: what comes to match late, and pages that nobody looks at.</summary>
public sealed class BrowserLiveTests(Dashboards dashboards) : BrowserTest(dashboards)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    [Fact]
    public async Task An_event_whose_person_is_found_late_arrives_in_the_live_table_of_that_person()
    {
        var service = await ServiceAsync();
        var waiting = await service.Server.JsonAsync("/identities?unresolved=true");
        var last = waiting[waiting.GetArrayLength() - 1];
        var (address, count) = (last.GetProperty("ip").GetString(), last.GetProperty("count").GetInt32());
        var visit = await HouseAsync();
        await visit.GoAsync("#/people/found-late?window=all&live=1");
        await Expect(visit.Page.GetByText("Live: 0 new events")).ToBeVisibleAsync();
        var (status, body) = await service.Server.PostAsync("/identities", $$"""{"ip":"{{address}}","user_id":"found-late"}""");
        ((int)status).ShouldBe(201, body.ToString());
        await Expect(visit.Rows("Events")).ToHaveCountAsync(count);
        await Expect(visit.Rows("Events").First).ToContainTextAsync(address!);
        await Expect(visit.Page.GetByText($"Live: {count} new event")).ToBeVisibleAsync();
    }

    [Fact]
    public async Task A_page_out_of_sight_gives_its_connection_back_and_misses_nothing()
    {
        var service = await ServiceAsync();
        var visit = await HouseAsync();
        await visit.GoAsync("#/events?type=sight.*&live=1");
        await Expect(visit.Page.GetByText("Live: 0 new events")).ToBeVisibleAsync();
        await PushAsync(service, 0, 3);
        await Expect(visit.Rows("Events")).ToHaveCountAsync(3);

        var closed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        visit.Page.RequestFailed += (_, request) =>
        {
            if (request.Url.Contains("/events/stream", StringComparison.Ordinal))
                closed.TrySetResult();
        };
        await LookAsync(visit, isHidden: true);
        await closed.Task.WaitAsync(Patience, TimeProvider.System);
        await PushAsync(service, 3, 4);
        await LookAsync(visit, isHidden: false);
        await Expect(visit.Page.GetByText("Live: 7 new events")).ToBeVisibleAsync();
        (await visit.Rows("Events").Locator("td:nth-child(4)").AllInnerTextsAsync()).ShouldBe(["sight.6", "sight.5", "sight.4", "sight.3", "sight.2", "sight.1", "sight.0"]);
        await PushAsync(service, 7, 1);
        await Expect(visit.Rows("Events")).ToHaveCountAsync(8);
    }

    private static async Task PushAsync(DashboardHouse service, int first, int count)
    {
        for (var i = first; i < first + count; i++)
            ((int)(await service.Server.PostAsync("/event", $$"""{"type":"sight.{{i}}"}""")).Status).ShouldBe(201);
    }

    /// <summary>As a browser says it when another tab comes before this one.</summary>
    private static async Task LookAsync(Visit visit, bool isHidden) => await visit.Page.EvaluateAsync("""
        (isHidden) => {
          Object.defineProperty(document, "hidden", { configurable: true, get: () => isHidden });
          document.dispatchEvent(new Event("visibilitychange"));
        }
        """, isHidden);
}
