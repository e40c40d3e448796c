using System.Globalization;
using System.Net;
using System.Text.Json;
using Tocsin.Journal;

namespace Tocsin.Tests.Server;

/// <summary>Counts and series. The clock stands at 2026-03-04T12:00:00Z.</summary>
public sealed class StatsApiTests
{
    private const long Now = 1_772_625_600;

    [Theory]
    [InlineData("", """{"by":"priority","total":6,"values":[{"value":"high","count":3},{"value":null,"count":2},{"value":"low","count":1}],"others":0,"sequence":8}""")]
    [InlineData("by=kind&limit=1", """{"by":"kind","total":6,"values":[{"value":"incident","count":4}],"others":2,"sequence":8}""")]
    [InlineData("by=type&type=b", """{"by":"type","total":2,"values":[{"value":"b","count":2}],"others":0,"sequence":8}""")]
    [InlineData("by=source", """{"by":"source","total":6,"values":[{"value":"elevate","count":6}],"others":0,"sequence":8}""")]
    [InlineData("by=source&source=tocsin", """{"by":"source","total":1,"values":[{"value":"tocsin","count":1}],"others":0,"sequence":8}""")]
    [InlineData("by=device", """{"by":"device","total":6,"values":[{"value":null,"count":5},{"value":"waf","count":1}],"others":0,"sequence":8}""")]
    [InlineData("by=country&country=de", """{"by":"country","total":1,"values":[{"value":"DE","count":1}],"others":0,"sequence":8}""")]
    [InlineData("by=user_id&user=moved", """{"by":"user_id","total":1,"values":[{"value":"moved","count":1}],"others":0,"sequence":8}""")]
    [InlineData("q=nowhere", """{"by":"priority","total":0,"values":[],"others":0,"sequence":8}""")]
    [InlineData("every=1m&since=-2m", """{"by":"priority","total":4,"values":[{"value":null,"count":2},{"value":"high","count":1},{"value":"low","count":1}],"others":0,"sequence":8,"every":"1m","series":[{"time":"2026-03-04T11:58:00.000Z","counts":{"high":1},"none":1},{"time":"2026-03-04T11:59:00.000Z","counts":{"low":1},"none":1}]}""")]
    [InlineData("every=60s&since=-2m&limit=1&by=type", """{"by":"type","total":4,"values":[{"value":"a","count":3}],"others":1,"sequence":8,"every":"1m","series":[{"time":"2026-03-04T11:58:00.000Z","counts":{"a":1},"others":1},{"time":"2026-03-04T11:59:00.000Z","counts":{"a":2}}]}""")]
    [InlineData("every=1m", """{"by":"priority","total":5,"values":[{"value":null,"count":2},{"value":"high","count":2},{"value":"low","count":1}],"others":0,"sequence":8,"every":"1m","series":[{"time":"2026-03-04T10:00:00.000Z","counts":{"high":1}},{"time":"2026-03-04T11:58:00.000Z","counts":{"high":1},"none":1},{"time":"2026-03-04T11:59:00.000Z","counts":{"low":1},"none":1}]}""")]
    public async Task Counts_are_by_the_field_asked_for(string query, string answer)
    {
        await using var host = await StartAsync();
        using var response = await host.GetAsync("/stats?" + query);
        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        (await response.Content.ReadAsStringAsync()).ShouldBe(answer);
        response.Headers.GetValues("Tocsin-Sequence").Single().ShouldBe("8");
        response.Headers.Contains("Tocsin-Partial").ShouldBeFalse();
    }

    [Theory]
    [InlineData("by=priorities", "by")]
    [InlineData("by=", "by")]
    [InlineData("every=1", "every")]
    [InlineData("every=999ms", "every")]
    [InlineData("every=367d", "every")]
    [InlineData("every=-1m", "every")]
    [InlineData("every=1m&since=-7d", "every")]
    [InlineData("every=1s&since=2026-03-04T11:00:00Z&until=2026-03-04T11:25:00.5Z", "every")]
    [InlineData("every=1m&since=2027-01-01T00:00:00Z", "since")]
    [InlineData("every=1m&since=-1h&until=-2h", "until")]
    [InlineData("limit=0", "limit")]
    [InlineData("limit=1001", "limit")]
    [InlineData("kind=x", "kind")]
    [InlineData("hours=1&since=-1h", "hours")]
    public async Task What_cannot_be_counted_is_400_and_names_the_parameter(string query, string name)
    {
        await using var host = await EventsHost.StartAsync();
        (await RunningServer.ProblemAsync(await host.GetAsync("/stats?" + query), 400)).GetProperty("errors")[0].GetProperty("pointer").GetString().ShouldBe(name);
    }

    [Theory]
    [InlineData("since=-7d", "404s")]
    [InlineData("since=0001-01-01T00:00:00Z&until=2200-01-01T00:00:00Z", "46293340s")]
    public async Task Too_many_steps_are_400_and_the_smallest_length_that_is_said_fits(string query, string smallest)
    {
        await using var host = await EventsHost.StartAsync();
        var problem = await RunningServer.ProblemAsync(await host.GetAsync($"/stats?every=1s&{query}"), 400);
        problem.GetProperty("detail").GetString().ShouldNotBeNull().ShouldContain($"{StatsQuery.MaxSteps}");
        problem.GetProperty("detail").GetString().ShouldNotBeNull().ShouldEndWith(smallest);
        if (!query.Contains("0001", StringComparison.Ordinal))
            (await host.GetAsync($"/stats?every={smallest}&{query}")).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Theory]
    [InlineData("every=1s&since=-1500s", 200)]
    [InlineData("every=1s&since=-1501s", 400)]
    [InlineData("every=1s&since=2026-03-04T11:35:00.5Z", 200)]
    [InlineData("every=366d&since=0600-01-01T00:00:00Z", 200)]
    [InlineData("every=366d&until=0001-01-02T00:00:00Z", 200)]
    public async Task The_bound_on_steps_is_exact(string query, int status)
    {
        await using var host = await EventsHost.StartAsync();
        using var response = await host.GetAsync("/stats?" + query);
        ((int)response.StatusCode).ShouldBe(status);
    }

    [Fact]
    public async Task The_values_of_a_step_never_add_up_to_more_than_the_whole()
    {
        await using var host = await StartAsync();
        var stats = JsonElement.Parse(await host.Client.GetStringAsync("/stats?every=1h&since=-1d&by=type&limit=1"));
        stats.GetProperty("series").EnumerateArray().Sum(step => step.GetProperty("counts").EnumerateObject().Sum(count => count.Value.GetInt64())
            + (step.TryGetProperty("others", out var others) ? others.GetInt64() : 0)).ShouldBe(stats.GetProperty("total").GetInt64());
    }

    [Fact]
    public async Task A_count_cut_by_the_deadline_says_so()
    {
        await using var host = await EventsHost.StartAsync();
        StatsQuery? asked = null;
        host.Store.Count = query =>
        {
            asked = query;
            return new EventStats(3, [new ValueCount("high", 3)], 0, [], 7, true);
        };
        using var response = await host.GetAsync("/stats?by=user_id&every=1h");
        response.Headers.GetValues("Tocsin-Partial").Single().ShouldBe("deadline");
        asked.ShouldNotBeNull().Deadline.ShouldBe(TimeSpan.FromSeconds(4.5));
        (asked.By, asked.Every, asked.Filter.Until).ShouldBe((StatsField.UserId, TimeSpan.FromHours(1), EventTime.From(host.Time.GetUtcNow())));
    }

    private static Task<EventsHost> StartAsync() => EventsHost.StartAsync(
        Event(1, -120, Priority.High), Event(2, -61.5, Priority.None, "b"), Event(3, -60, Priority.None) with { Device = "waf", Country = "DE" },
        Event(4, -0.1, Priority.Low) with { Kind = EventKind.Alert }, Event(5, -7200, Priority.High, "b"), Event(6, -864_000, Priority.High) with { Kind = EventKind.Audit },
        Event(7, -10, Priority.High) with { Source = "tocsin" }, Some.Amendment(6, "moved"));

    private static SecurityEvent Event(int id, double ago, Priority priority, string type = "a") =>
        Some.Event(id: id, priority: priority, type: type, time: ((decimal)ago + Now).ToString(CultureInfo.InvariantCulture), data: "{}");
}
