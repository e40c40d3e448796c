using System.Text.Json;

namespace Tocsin.Tests.MockUpstream;

public sealed class AlertFeedTests
{
    private static readonly string[] Standard = ["id", "source", "severity", "description", "src_ip", "dst_ip", "created_at", "version"];
    private static readonly string[] Legacy = ["alertId", "source", "criticality", "summary", "sourceAddress", "destinationAddress", "timestamp", "version"];

    [Fact]
    public async Task Alerts_come_in_two_mixed_formats_ascending_and_with_ids_of_their_own()
    {
        await using var mock = await RunningMock.StartAsync(o => o with { Alerts = 200 });
        var alerts = (await mock.JsonAsync("/alerts")).EnumerateArray().ToList();
        alerts.Count.ShouldBe(200);
        alerts.ShouldAllBe(a => a.EnumerateObject().Select(p => p.Name).SequenceEqual(IsStandard(a) ? Standard : Legacy));
        alerts.Count(IsStandard).ShouldBeInRange(60, 140);
        alerts.ConvertAll(Id).Distinct().Count().ShouldBe(200);
        var times = alerts.ConvertAll(Time);
        times.ShouldBe(times.Order());
        times[0].ShouldBeGreaterThan(mock.Time.GetUtcNow().AddHours(-24).AddSeconds(-1));
        times[^1].ShouldBeLessThanOrEqualTo(mock.Time.GetUtcNow());
        alerts.Where(a => !IsStandard(a)).Select(a => a.GetProperty("criticality").GetInt32()).ShouldAllBe(c => c >= 1 && c <= 4);
    }

    [Fact]
    public async Task Since_leaves_out_what_is_earlier_and_keeps_what_is_equal()
    {
        await using var mock = await RunningMock.StartAsync();
        await mock.PostAsync("/add?n=5&type=alerts");
        var alerts = (await mock.JsonAsync("/alerts")).EnumerateArray().ToList();
        var last = Text(alerts[^1]);
        (await mock.RecordsAsync($"/alerts?since={last}")).Length.ShouldBe(alerts.Count(a => Text(a) == last));
        (await mock.RecordsAsync($"/alerts?since={Text(alerts[3])}")).Length.ShouldBe(alerts.Count - 3);
        (await mock.RecordsAsync("/alerts?since=2030-01-01T00:00:00+01:00")).ShouldBeEmpty();
    }

    private static string Id(JsonElement alert) => Alerts.Id(alert)!;

    private static string Text(JsonElement alert) => Alerts.Created(alert);

    private static bool IsStandard(JsonElement alert) => Alerts.IsStandard(alert);

    private static DateTimeOffset Time(JsonElement alert) => DateTimeOffset.Parse(Text(alert), null);
}
