using System.Text.Json;

namespace Tocsin.Tests.MockUpstream;

public sealed class AlertVersionTests
{
    [Fact]
    public async Task A_revision_is_a_newer_version_of_the_same_alert_with_another_severity_and_text()
    {
        await using var mock = await RunningMock.StartAsync();
        mock.Time.Advance(TimeSpan.FromHours(1));
        (await mock.PostAsync("/revise?n=20")).Body.GetRawText().ShouldBe("""{"revised":20,"total":160}""");
        var alerts = await mock.AlertsAsync();
        alerts.Count.ShouldBe(40, "both versions are there");
        var first = alerts.Take(20).ToDictionary(a => Alerts.Id(a)!);
        foreach (var revised in alerts.Skip(20))
        {
            var old = first[Alerts.Id(revised)!];
            old.GetProperty("version").GetInt32().ShouldBe(1);
            revised.GetProperty("version").GetInt32().ShouldBe(2);
            var grade = Alerts.IsStandard(old) ? "severity" : "criticality";
            var text = Alerts.IsStandard(old) ? "description" : "summary";
            Changed(old, revised).ShouldBe([grade, text, "version"]);
            DateTimeOffset.Parse(revised.GetProperty("updated_at").GetString()!, null).ShouldBe(mock.Time.GetUtcNow());
            old.TryGetProperty("updated_at", out _).ShouldBeFalse();
        }
    }

    [Fact]
    public async Task Since_takes_a_revision_by_the_time_of_its_revision()
    {
        await using var mock = await RunningMock.StartAsync();
        mock.Time.Advance(TimeSpan.FromHours(1));
        await mock.PostAsync("/revise?n=1");
        var revised = (await mock.AlertsAsync())[^1];
        var answer = await mock.AlertsAsync("?since=" + revised.GetProperty("updated_at").GetString());
        answer.Single().GetRawText().ShouldBe(revised.GetRawText());
    }

    [Fact]
    public async Task Revisions_are_spread_over_old_and_new_and_go_on_counting()
    {
        await using var mock = await RunningMock.StartAsync();
        var ids = (await mock.AlertsAsync()).ConvertAll(a => Alerts.Id(a)!);
        await mock.PostAsync("/revise?n=4");
        var revised = (await mock.AlertsAsync()).Skip(20).Select(a => ids.IndexOf(Alerts.Id(a)!)).ToList();
        revised.Select(i => i / 5).ShouldBe([0, 1, 2, 3]);
        await mock.PostAsync("/revise?n=20");
        await mock.PostAsync("/revise?n=20");
        var versions = (await mock.JsonAsync("/ledger?feed=alerts&ids=true")).GetProperty("ids").EnumerateObject().ToDictionary(p => p.Name, p => p.Value.GetInt32());
        versions.Count.ShouldBe(20);
        versions.ShouldAllBe(v => v.Value == (revised.Contains(ids.IndexOf(v.Key)) ? 4 : 3));
    }

    [Theory]
    [InlineData("n=0", 400)]
    [InlineData("n=x", 400)]
    [InlineData("n=1&type=alerts", 400)]
    [InlineData("n=21", 409)]
    public async Task A_revision_that_cannot_be_is_refused_whole(string query, int status)
    {
        await using var mock = await RunningMock.StartAsync();
        (await mock.PostAsync("/revise?" + query)).Status.ShouldBe(status);
        (await mock.AlertsAsync()).Count.ShouldBe(20);
    }

    [Fact]
    public async Task Revisions_need_room_too()
    {
        await using var mock = await RunningMock.StartAsync(o => o with { PerType = 1, Alerts = 999_999 });
        (await mock.PostAsync("/revise?n=2")).Status.ShouldBe(409);
        (await mock.PostAsync("/revise?n=1")).Status.ShouldBe(200);
        (await mock.PostAsync("/add?n=1&type=alerts")).Status.ShouldBe(409);
        await mock.SetAsync("""{"late_records":0.5,"same_time":0.5}""");
        (await mock.RecordsAsync("/alerts?page=1&limit=5")).Length.ShouldBe(5, "a full feed serves what it has");
        (await mock.RecordsAsync("/alerts?page=1&limit=5")).Length.ShouldBe(5);
    }

    private static IEnumerable<string> Changed(JsonElement old, JsonElement revised) =>
        old.EnumerateObject().Where(p => p.Value.GetRawText() != revised.GetProperty(p.Name).GetRawText()).Select(p => p.Name);
}
