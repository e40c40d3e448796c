using System.Text.Json;
using Tocsin.MockUpstream;

namespace Tocsin.Tests.MockUpstream;

public sealed class ControlApiTests
{
    [Fact]
    public async Task Config_changes_what_is_named_and_keeps_the_rest()
    {
        await using var mock = await RunningMock.StartAsync();
        await mock.SetAsync("""{"failure_rate":0.25,"faults":{"truncate":0.5}}""");
        await mock.SetAsync("""{"timeout":0.125,"drip_per_second":2}""");
        var config = await mock.JsonAsync("/config");
        config.GetProperty("failure_rate").GetDouble().ShouldBe(0.25);
        config.GetProperty("drip_per_second").GetDouble().ShouldBe(2);
        config.GetProperty("faults").GetProperty("truncate").GetDouble().ShouldBe(0.5);
        config.GetProperty("faults").GetProperty("timeout").GetDouble().ShouldBe(0.125);
        await mock.SetAsync(config.GetRawText());
        (await mock.JsonAsync("/config")).GetRawText().ShouldBe(config.GetRawText());
    }

    [Theory]
    [InlineData("""{"failure_rate":1.5}""", "/failure_rate")]
    [InlineData("""{"failure_rate":-0.1}""", "/failure_rate")]
    [InlineData("""{"failure_rate":"1"}""", "/failure_rate")]
    [InlineData("""{"latency_ms":60001}""", "/latency_ms")]
    [InlineData("""{"drip_per_second":1e400}""", "/drip_per_second")]
    [InlineData("""{"timeout":null}""", "/timeout")]
    [InlineData("""{"faults":{"truncate":2}}""", "/faults/truncate")]
    [InlineData("""{"faults":{"latency_ms":2}}""", "/faults/latency_ms")]
    [InlineData("""{"faults":[]}""", "/faults")]
    [InlineData("""{"redirect_to":"/here"}""", "/redirect_to")]
    [InlineData("""{"redirect_to":"http://b\u00fccher.example/"}""", "/redirect_to")]
    [InlineData("""{"http_501":0}""", "/http_501")]
    [InlineData("""[]""", "")]
    public async Task A_mistake_is_named_and_nothing_is_changed(string body, string pointer)
    {
        await using var mock = await RunningMock.StartAsync();
        var before = (await mock.JsonAsync("/config")).GetRawText();
        var (status, problem) = await mock.PostAsync("/config", body.Replace("{\"", "{\"http_500\":1,\"", StringComparison.Ordinal));
        status.ShouldBe(400);
        problem.GetProperty("errors").EnumerateArray().Select(e => e.GetProperty("pointer").GetString()).ShouldContain(pointer);
        (await mock.JsonAsync("/config")).GetRawText().ShouldBe(before);
    }

    [Fact]
    public async Task A_body_that_is_no_JSON_or_too_big_is_answered()
    {
        await using var mock = await RunningMock.StartAsync();
        (await mock.PostAsync("/config", "{")).Status.ShouldBe(400);
        (await mock.PostAsync("/config", "")).Status.ShouldBe(400);
        (await mock.PostAsync("/config", new string(' ', 100_000))).Status.ShouldBe(413);
    }

    [Fact]
    public async Task Add_makes_records_dated_now_over_the_seven_types()
    {
        await using var mock = await RunningMock.StartAsync();
        mock.Time.Advance(TimeSpan.FromMinutes(5));
        var (status, body) = await mock.PostAsync("/add?n=16");
        status.ShouldBe(200);
        body.GetRawText().ShouldBe("""{"added":16,"total":176}""");
        var now = mock.Time.GetUtcNow().ToUnixTimeSeconds();
        var sizes = new List<int>();
        foreach (var type in RunningMock.Types)
        {
            var results = (await mock.JsonAsync($"/incidents/{type}/")).GetProperty("results");
            sizes.Add(results.GetArrayLength());
            results[results.GetArrayLength() - 1].GetProperty("timestamp").GetDouble().ShouldBe(now, 0.001);
        }

        sizes.ShouldBe([23, 23, 22, 22, 22, 22, 22]);
        await mock.PostAsync("/add?n=1");
        (await mock.RecordsAsync("/incidents/executable/")).Length.ShouldBe(23, "the turn goes on where it stopped");
    }

    [Fact]
    public async Task Add_can_name_one_feed()
    {
        await using var mock = await RunningMock.StartAsync();
        await mock.PostAsync("/add?n=4&type=probing");
        await mock.PostAsync("/add?n=3&type=alerts");
        var ledger = await mock.JsonAsync("/ledger");
        ledger.GetRawText().ShouldBe(
            """{"incidents":{"denial":20,"intrusion":20,"executable":20,"misuse":20,"unauthorized":20,"probing":24,"other":20},"identities":50,"alerts":23}""");
    }

    [Theory]
    [InlineData("n=0", "n")]
    [InlineData("n=-1", "n")]
    [InlineData("n=many", "n")]
    [InlineData("n=1&type=nonsense", "type")]
    [InlineData("count=1", "count")]
    public async Task A_mistake_in_add_is_named(string query, string field)
    {
        await using var mock = await RunningMock.StartAsync();
        var (status, problem) = await mock.PostAsync("/add?" + query);
        status.ShouldBe(400);
        problem.GetProperty("errors")[0].GetProperty("pointer").GetString().ShouldBe(field);
    }

    [Fact]
    public async Task A_feed_that_has_no_room_refuses_all_of_it()
    {
        await using var mock = await RunningMock.StartAsync();
        (await mock.PostAsync("/add?n=999981&type=misuse")).Status.ShouldBe(409);
        (await mock.PostAsync("/add?n=7000000")).Status.ShouldBe(409);
        (await mock.JsonAsync("/ledger")).GetProperty("incidents").GetProperty("misuse").GetInt32().ShouldBe(20);
    }

    [Fact]
    public async Task Drip_makes_records_at_its_rate_in_all_feeds()
    {
        await using var mock = await RunningMock.StartAsync(o => o with { DripPerSecond = 2 });
        mock.Time.Advance(TimeSpan.FromSeconds(8));
        var ledger = await mock.JsonAsync("/ledger");
        ledger.GetProperty("incidents").EnumerateObject().ShouldAllBe(t => t.Value.GetInt32() == 22);
        ledger.GetProperty("alerts").GetInt32().ShouldBe(22);

        await mock.SetAsync("""{"drip_per_second":100}""");
        mock.Time.Advance(TimeSpan.FromSeconds(8));
        (await mock.JsonAsync("/ledger")).GetProperty("alerts").GetInt32().ShouldBe(122);

        await mock.SetAsync("""{"drip_per_second":0}""");
        mock.Time.Advance(TimeSpan.FromSeconds(8));
        (await mock.JsonAsync("/ledger")).GetProperty("alerts").GetInt32().ShouldBe(122);
        mock.Time.TimerCount.ShouldBe(0);
    }

    [Fact]
    public async Task The_full_ledger_has_the_records_as_they_stand_on_the_wire()
    {
        await using var mock = await RunningMock.StartAsync();
        await mock.PostAsync("/add?n=14");
        var ledger = await mock.JsonAsync("/ledger?full=true");
        ledger.GetProperty("incidents").GetProperty("denial").GetInt32().ShouldBe(22);
        var records = ledger.GetProperty("records");
        foreach (var type in RunningMock.Types)
            Raw(records.GetProperty(type)).ShouldBe(await mock.RecordsAsync($"/incidents/{type}/"));
        Raw(records.GetProperty("alerts")).ShouldBe(await mock.RecordsAsync("/alerts"));

        static IEnumerable<string> Raw(JsonElement array) => array.EnumerateArray().Select(r => r.GetRawText());
    }

    [Fact]
    public async Task The_index_names_every_route_and_fault()
    {
        await using var mock = await RunningMock.StartAsync();
        var page = await mock.TextAsync("/");
        foreach (var route in RunningMock.Types.Select(t => $"/incidents/{t}/").Concat(["/identities/", "/alerts", "/config", "/add", "/ledger",
            "/alerts/cursor", "/alerts/next_url", "/alerts/link", "/revise", "/ledger?feed=alerts&ids=true"]))
            page.ShouldContain(mock.Server.BaseAddress.ToString().TrimEnd('/') + route);
        foreach (var (name, _) in Fault.All)
            page.ShouldContain(name);
    }
}
