using System.Text.Json;
using Tocsin.MockUpstream;

namespace Tocsin.Tests.MockUpstream;

public sealed class LedgerTests
{
    [Fact]
    public async Task Ids_come_page_by_page_with_their_newest_version()
    {
        await using var mock = await RunningMock.StartAsync();
        await mock.PostAsync("/revise?n=7");
        var newest = (await mock.AlertsAsync()).GroupBy(a => Alerts.Id(a)!).ToDictionary(g => g.Key, g => g.Max(a => a.GetProperty("version").GetInt32()));
        var listed = new Dictionary<string, int>();
        int? after = 0;
        while (after is not null)
        {
            var page = await mock.JsonAsync($"/ledger?feed=alerts&ids=true&limit=6&after={after}");
            page.GetProperty("distinct").GetInt32().ShouldBe(20);
            page.GetProperty("records").GetInt32().ShouldBe(27);
            foreach (var id in page.GetProperty("ids").EnumerateObject())
                listed.Add(id.Name, id.Value.GetInt32());
            after = page.GetProperty("next_after").ValueKind == JsonValueKind.Null ? null : page.GetProperty("next_after").GetInt32();
        }

        listed.ShouldBe(newest, ignoreOrder: true);
        (await mock.JsonAsync("/ledger?feed=alerts")).TryGetProperty("ids", out _).ShouldBeFalse();
        (await mock.JsonAsync("/ledger")).GetProperty("alerts").GetInt32().ShouldBe(20, "a revision is no new alert");
        (await mock.JsonAsync("/ledger?full=true")).GetProperty("records").GetProperty("alerts").GetArrayLength().ShouldBe(27);
    }

    [Fact]
    public async Task Calls_for_alerts_are_counted_also_those_that_fail()
    {
        await using var mock = await RunningMock.StartAsync();
        await mock.AlertsAsync();
        await mock.SetAsync("""{"http_500":1}""");
        using var alerts = await mock.GetAsync("/alerts/link");
        using var identities = await mock.GetAsync("/identities/");
        ((int)alerts.StatusCode, (int)identities.StatusCode).ShouldBe((500, 500));
        (await mock.JsonAsync("/ledger?feed=alerts")).GetProperty("calls").GetInt32().ShouldBe(2);
    }

    [Fact]
    public async Task A_page_of_ids_is_bounded_and_ends_where_the_ids_end()
    {
        await using var mock = await RunningMock.StartAsync(o => o with { Alerts = Ledger.MaxIds + 1 });
        var page = await mock.JsonAsync("/ledger?feed=alerts&ids=true");
        page.GetProperty("ids").EnumerateObject().Count().ShouldBe(Ledger.MaxIds);
        page.GetProperty("next_after").GetInt32().ShouldBe(Ledger.MaxIds);
        var last = await mock.JsonAsync($"/ledger?feed=alerts&ids=true&after={Ledger.MaxIds}");
        last.GetProperty("ids").EnumerateObject().Count().ShouldBe(1);
        last.GetProperty("next_after").ValueKind.ShouldBe(JsonValueKind.Null);
    }

    [Theory]
    [InlineData("feed=denial")]
    [InlineData("feed=alerts&after=-1")]
    [InlineData("feed=alerts&limit=10001")]
    public async Task A_question_that_makes_no_sense_is_400(string query)
    {
        await using var mock = await RunningMock.StartAsync();
        using var response = await mock.GetAsync("/ledger?" + query);
        ((int)response.StatusCode).ShouldBe(400);
    }
}
