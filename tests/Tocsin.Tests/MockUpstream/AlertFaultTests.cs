using System.Text.Json;

namespace Tocsin.Tests.MockUpstream;

/// <summary>Faults that are about records: what is real stays, and what is new and real is in the ledger.</summary>
public sealed class AlertFaultTests
{
    [Theory]
    [InlineData("missing_fields", 5)]
    [InlineData("unknown_severity", 2)]
    [InlineData("clock_ahead", 2)]
    [InlineData("clock_behind", 2)]
    public async Task Extra_items_stand_among_the_real_ones_and_are_in_no_ledger(string fault, int extras)
    {
        await using var mock = await RunningMock.StartAsync();
        var real = await mock.RecordsAsync("/alerts");
        await mock.SetAsync($$"""{"{{fault}}":1}""");
        foreach (var path in new[] { "/alerts", "/alerts/link?limit=1000", "/alerts?since=2020-01-01T00:00:00Z" })
        {
            var mixed = await mock.RecordsAsync(path);
            mixed.Where(real.Contains).ShouldBe(real);
            mixed.Length.ShouldBe(real.Length + extras);
        }

        var ids = (await mock.AlertsAsync()).Select(Alerts.Id).OfType<string>().Where(id => id.StartsWith("extra-", StringComparison.Ordinal)).ToList();
        ids.Count.ShouldBe(2, "one of each format has an id");
        ids.Distinct().Count().ShouldBe(2);
        (await mock.JsonAsync("/ledger?feed=alerts")).GetProperty("distinct").GetInt32().ShouldBe(20);
    }

    [Fact]
    public async Task Extra_items_are_the_same_each_time_so_that_they_can_be_kept_once()
    {
        await using var mock = await RunningMock.StartAsync();
        var real = await mock.RecordsAsync("/alerts");
        await mock.SetAsync("""{"clock_ahead":1}""");
        var first = (await mock.RecordsAsync("/alerts")).Except(real);
        mock.Time.Advance(TimeSpan.FromHours(1));
        (await mock.RecordsAsync("/alerts")).Except(real).ShouldBe(first, ignoreOrder: true);
    }

    [Fact]
    public async Task Each_extra_item_is_wrong_in_what_its_fault_says()
    {
        await using var mock = await RunningMock.StartAsync();
        async Task<List<JsonElement>> Extras(string fault)
        {
            await mock.SetAsync($$"""{"missing_fields":0,"unknown_severity":0,"clock_ahead":0,"clock_behind":0,"{{fault}}":1}""");
            return [.. (await mock.AlertsAsync()).Where(a => Alerts.Id(a)?.StartsWith("extra-", StringComparison.Ordinal) ?? true)];
        }

        (await Extras("clock_ahead")).ShouldAllBe(a => Alerts.Created(a).StartsWith("9999-12-31", StringComparison.Ordinal));
        (await Extras("clock_behind")).ShouldAllBe(a => Alerts.Created(a).StartsWith("1970-01-01", StringComparison.Ordinal));
        var unknown = await Extras("unknown_severity");
        unknown.Single(Alerts.IsStandard).GetProperty("severity").GetString().ShouldBe("apocalyptic");
        unknown.Single(a => !Alerts.IsStandard(a)).GetProperty("criticality").GetInt32().ShouldBe(99);
        var missing = await Extras("missing_fields");
        missing.Count(a => Alerts.Id(a) is null).ShouldBe(3);
        missing.Count(a => a.TryGetProperty("timestamp", out _) || a.TryGetProperty("created_at", out _)).ShouldBe(2);
    }

    [Fact]
    public async Task Missing_fields_gives_incidents_without_a_time_so_that_none_passes_for_real()
    {
        await using var mock = await RunningMock.StartAsync();
        foreach (var type in RunningMock.Types)
        {
            await mock.SetAsync("""{"missing_fields":0}""");
            var real = await mock.RecordsAsync($"/incidents/{type}/");
            await mock.SetAsync("""{"missing_fields":1}""");
            var mixed = await mock.RecordsAsync($"/incidents/{type}/");
            mixed.Where(real.Contains).ShouldBe(real);
            mixed.Except(real).Count().ShouldBe(3);
            mixed.Except(real).ShouldAllBe(r => !r.Contains("timestamp"));
        }
    }

    [Theory]
    [InlineData("page=1&limit=4", 5)]
    [InlineData("", 21)]
    [InlineData("page=1&limit=10000", 1001)]
    public async Task Same_time_makes_more_alerts_of_the_newest_time_than_fit_on_a_page_and_then_stops(string query, int sharing)
    {
        await using var mock = await RunningMock.StartAsync();
        await mock.SetAsync("""{"same_time":1}""");
        for (var call = 0; call < 3; call++)
            await mock.AlertsAsync("?" + query);
        await mock.SetAsync("""{"same_time":0}""");
        var alerts = await mock.AlertsAsync();
        alerts.Count(a => Alerts.Created(a) == Alerts.Created(alerts[^1])).ShouldBe(sharing);
        alerts.Count.ShouldBe(19 + sharing);
        (await mock.JsonAsync("/ledger")).GetProperty("alerts").GetInt32().ShouldBe(alerts.Count, "they are real");
    }

    [Fact]
    public async Task Late_records_adds_a_real_one_dated_two_minutes_before_the_newest_with_each_call()
    {
        await using var mock = await RunningMock.StartAsync();
        var newest = DateTimeOffset.Parse(Alerts.Created((await mock.AlertsAsync())[^1]), null);
        await mock.SetAsync("""{"late_records":1}""");
        await mock.AlertsAsync("?page=1&limit=5");
        await mock.JsonAsync("/alerts/cursor?limit=5");
        await mock.SetAsync("""{"late_records":0}""");
        var alerts = await mock.AlertsAsync();
        alerts.Skip(20).Select(a => DateTimeOffset.Parse(Alerts.Created(a), null)).ShouldBe([newest.AddMinutes(-2), newest.AddMinutes(-2)]);
        alerts.Select(Alerts.Id).Distinct().Count().ShouldBe(22);
        var ids = (await mock.JsonAsync("/ledger?feed=alerts&ids=true")).GetProperty("ids");
        alerts.ShouldAllBe(a => ids.GetProperty(Alerts.Id(a)!).GetInt32() == 1);
        (await mock.PostAsync("/revise?n=22")).Status.ShouldBe(200);
    }

    [Fact]
    public async Task A_feed_without_alerts_has_none_to_be_late_or_alike()
    {
        await using var mock = await RunningMock.StartAsync(o => o with { Alerts = 0 });
        await mock.SetAsync("""{"late_records":0.5,"same_time":0.5}""");
        for (var call = 0; call < 10; call++)
            (await mock.AlertsAsync()).ShouldBeEmpty();
    }
}
