namespace Tocsin.SystemTests.Dashboard;

/// <summary>Live tables: what comes to match late.</summary>
public sealed class BrowserLiveTests(Dashboards dashboards) : BrowserTest(dashboards)
{
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
}
