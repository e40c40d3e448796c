using System.Globalization;
using System.Net;
using System.Text.Json;
using Tocsin.Journal;

namespace Tocsin.Tests.Server;

public sealed class EventFilterFixture : IAsyncLifetime
{
    /// <summary>The clock of the service stands at 2026-03-04T12:00:00Z.</summary>
    internal const long Now = 1_772_625_600;

    internal RunningServer Server { get; private set; } = null!;

    public async ValueTask InitializeAsync() => Server = await RunningServer.StartAsync(journal:
    [
        new Append { Entries =
        [
            Some.Event(id: 1) with { SrcIp = "10.1.2.3", DstIp = "8.8.8.8", Country = "US", Device = "fw-1", ExternalId = "ext-1", Description = "Door forced" },
            Some.Event(null, Priority.Low, "auth.login", "alerts", At(-3600), EventKind.Alert, """{"user":{"name":"Eve","Name":"Adam"},"n":1.50,"flag":true,"list":[{"x":"a"},{"x":null}],"empty":""}""", 2)
                with { SrcIp = "2001:db8::1", DstIp = "10.9.9.9", Device = "waf", Country = "DE" },
            Some.Event("é 7", Priority.None, "auth.logout", "app", At(-1), EventKind.Audit, "null", 3),
            Some.Event("admin", Priority.None, "tocsin.export", "tocsin", At(-10800), EventKind.Audit, "{}", 4),
            Some.Event(null, Priority.Medium, "other", "elevate", At(-7200), EventKind.Incident, "{}", 5) with { Attribution = new Attribution(AttributionRule.Unresolved, null, "17.0.0.9") },
        ] },
        new Append { Entries = [Some.Amendment(5, "900", Priority.Critical) with { Attribution = new Attribution(AttributionRule.Identity, "elevate", "17.0.0.9") }] },
    ]);

    public async ValueTask DisposeAsync() => await Server.DisposeAsync();

    private static string At(long seconds) => (Now + seconds).ToString(CultureInfo.InvariantCulture);
}

/// <summary>What each filter takes and refuses, through the whole service.</summary>
public sealed class EventFilterTests(EventFilterFixture fixture) : IClassFixture<EventFilterFixture>
{
    private readonly RunningServer _server = fixture.Server;

    [Theory]
    [InlineData("", "3,2,5,1")]
    [InlineData("kind=incident", "5,1")]
    [InlineData("kind=alert&kind=audit", "3,2")]
    [InlineData("type=intrusion", "1")]
    [InlineData("event_type=intrusion&type=other", "5,1")]
    [InlineData("type=auth.*", "3,2")]
    [InlineData("type=auth", "")]
    [InlineData("type=Intrusion", "")]
    [InlineData("source=app", "3")]
    [InlineData("source=none", "")]
    [InlineData("source=tocsin", "4")]
    [InlineData("type=tocsin.*", "4")]
    [InlineData("type=tocsin.export&source=app", "")]
    [InlineData("kind=audit", "3")]
    [InlineData("user_id=admin", "")]
    [InlineData("device=waf", "2")]
    [InlineData("device=fw-1&device=waf", "2,1")]
    [InlineData("priority=critical", "5")]
    [InlineData("severity=HIGH&criticality=low", "2,1")]
    [InlineData("priority=medium", "")]
    [InlineData("user_id=4506", "1")]
    [InlineData("employee_id=900&user=4506", "5,1")]
    [InlineData("user_id=unknown", "2")]
    [InlineData("user=%C3%A9%207", "3")]
    [InlineData("country=us", "1")]
    [InlineData("country=US&country=dE", "2,1")]
    [InlineData("country=FR", "")]
    [InlineData("ip=10.0.0.0/8", "2,1")]
    [InlineData("src_ip=10.0.0.0/8", "1")]
    [InlineData("dst_ip=10.9.9.9", "2")]
    [InlineData("ip=2001:db8::/32", "2")]
    [InlineData("ip=::ffff:8.8.8.8", "1")]
    [InlineData("src_ip=8.8.8.8", "")]
    [InlineData("external_id=ext-1", "1")]
    [InlineData("external_id=ext", "")]
    [InlineData("id=00000002-0000-7000-8000-000000000001", "2")]
    [InlineData("id=00000009-0000-7000-8000-000000000001", "")]
    [InlineData("time=1629254311.8207245", "1")]
    [InlineData("time=2021-08-18T04:38:31.820724500%2B02:00", "1")]
    [InlineData("time=1629254311", "")]
    [InlineData("time=2026-03-04T11:00:00Z&time=2026-03-04T10:00:00Z", "2,5")]
    [InlineData("since=-90m", "3,2")]
    [InlineData("since=2026-03-04T11:00:00Z", "3,2")]
    [InlineData("until=2026-03-04T11:00:00Z", "5,1")]
    [InlineData("since=-2h&until=-1h", "5")]
    [InlineData("hours=1", "3,2")]
    [InlineData("hours=1&until=-1s", "2")]
    [InlineData("hours=87600", "3,2,5,1")]
    [InlineData("q=FORCED", "1")]
    [InlineData("q=auth.LOG", "3,2")]
    [InlineData("q=eve", "2")]
    [InlineData("q=eve&q=forced", "2,1")]
    [InlineData("q=nowhere", "")]
    [InlineData("data.user.name=Eve", "2")]
    [InlineData("data.user.name=Adam", "")]
    [InlineData("data.user.Name=Adam", "2")]
    [InlineData("data.user.name=Eve&data.user.Name=Adam", "2")]
    [InlineData("data.user.name=Adam&data.user.name=Eve", "2")]
    [InlineData("data.user.name=Eve&data.flag=false", "")]
    [InlineData("data.n=1.50", "2")]
    [InlineData("data.n=1.5", "")]
    [InlineData("data.flag=true", "2")]
    [InlineData("data.list[1].x=null", "2")]
    [InlineData("data.list%5B0%5D.x=a", "2")]
    [InlineData("data.empty=", "2")]
    [InlineData("data.user=Eve", "")]
    [InlineData("kind=incident&priority=critical", "5")]
    [InlineData("type=auth.*&ip=10.0.0.0/8", "2")]
    [InlineData("type=auth.*&country=us", "")]
    [InlineData("source=elevate&source=app&since=-3h", "3,5")]
    [InlineData("order=asc", "1,5,2,3")]
    [InlineData("order=desc", "3,2,5,1")]
    [InlineData("order_by=sequence", "5,3,2,1")]
    [InlineData("order_by=sequence&order=asc", "1,2,3,5")]
    [InlineData("order_by=time&limit=2", "3,2")]
    public async Task A_filter_takes_what_it_says(string query, string sequences) => (await FoundAsync("/events?" + query)).ShouldBe(sequences);

    [Theory]
    [InlineData("/alerts", "2")]
    [InlineData("/alerts?kind=alert&criticality=low&country=de&hours=24&limit=5", "2")]
    [InlineData("/alerts?user=unknown", "2")]
    [InlineData("/alerts?user=4506", "")]
    [InlineData("/alerts?data.n=1.50&type=auth.*", "2")]
    public async Task Alerts_are_the_events_of_that_kind(string path, string sequences) => (await FoundAsync(path)).ShouldBe(sequences);

    [Theory]
    [InlineData("kind=Alert", "kind")]
    [InlineData("kind=", "kind")]
    [InlineData("type=", "type")]
    [InlineData("priority=urgent", "priority")]
    [InlineData("severity=3", "priority")]
    [InlineData("criticality=none", "priority")]
    [InlineData("user=", "user_id")]
    [InlineData("country=USA", "country")]
    [InlineData("country=%C3%84%C3%96", "country")]
    [InlineData("country=1A", "country")]
    [InlineData("ip=10.0.0", "ip")]
    [InlineData("ip=010.0.0.1", "ip")]
    [InlineData("src_ip=10.0.0.0/33", "src_ip")]
    [InlineData("dst_ip=host", "dst_ip")]
    [InlineData("id=7", "id")]
    [InlineData("id=%7B00000002-0000-7000-8000-000000000001%7D", "id")]
    [InlineData("time=-24h", "time")]
    [InlineData("time=2026-03-04", "time")]
    [InlineData("since=yesterday", "since")]
    [InlineData("until=2026-03-04T12:00:00", "until")]
    [InlineData("since=-1h&until=-1h", "until")]
    [InlineData("since=-1h&until=-2h", "until")]
    [InlineData("hours=0", "hours")]
    [InlineData("hours=87601", "hours")]
    [InlineData("hours=x", "hours")]
    [InlineData("hours=-1", "hours")]
    [InlineData("hours=1&hours=2", "hours")]
    [InlineData("hours=1&since=-24h", "hours")]
    [InlineData("q=", "q")]
    [InlineData("data.=1", "data.")]
    [InlineData("data.a..b=1", "data.a..b")]
    [InlineData("data.a[x]=1", "data.a[x]")]
    [InlineData("data=1", "data")]
    [InlineData("order=up", "order")]
    [InlineData("order_by=priority", "order_by")]
    [InlineData("limit=0", "limit")]
    [InlineData("limit=1001", "limit")]
    [InlineData("limit=-1", "limit")]
    [InlineData("limit=ten", "limit")]
    [InlineData("limit=1&limit=2", "limit")]
    [InlineData("cursor=", "cursor")]
    [InlineData("cursor=x", "cursor")]
    [InlineData("offset=5", "offset")]
    [InlineData("user_id%00=5", "user_id\0")]
    public async Task What_cannot_be_used_is_400_and_names_the_parameter(string query, string name)
    {
        foreach (var path in new[] { "/events?", "/alerts?" })
            (await RunningServer.ProblemAsync(await _server.GetAsync(path + query), 400)).GetProperty("errors")[0].GetProperty("pointer").GetString().ShouldBe(name);
    }

    [Fact]
    public async Task Too_many_values_at_one_path_of_data_are_400() =>
        await RunningServer.ProblemAsync(await _server.GetAsync("/events?" + string.Join('&', Enumerable.Range(0, 101).Select(i => $"data.a={i}"))), 400);

    [Fact]
    public async Task Other_kinds_are_not_among_alerts()
    {
        var problem = await RunningServer.ProblemAsync(await _server.GetAsync("/alerts?kind=incident"), 400);
        problem.GetProperty("errors")[0].GetProperty("detail").GetString().ShouldNotBeNull().ShouldContain("/events");
    }

    [Fact]
    public async Task An_event_is_found_by_its_id_as_it_reads_now_own_ones_too()
    {
        var found = JsonElement.Parse(await _server.Client.GetStringAsync("/events/00000005-0000-7000-8000-000000000001"));
        (found.GetProperty("user_id").GetString(), found.GetProperty("priority").GetString(), found.GetProperty("sequence").GetInt64(), found.GetProperty("attribution").GetProperty("rule").GetString())
            .ShouldBe(("900", "critical", 5, "identity"));
        JsonElement.Parse(await _server.Client.GetStringAsync("/events/00000004-0000-7000-8000-000000000001")).GetProperty("source").GetString().ShouldBe("tocsin");
        await RunningServer.ProblemAsync(await _server.GetAsync("/events/00000009-0000-7000-8000-000000000001"), 404);
        await RunningServer.ProblemAsync(await _server.GetAsync("/events/7"), 400);
        await RunningServer.ProblemAsync(await _server.GetAsync("/events/00000005-0000-7000-8000-000000000001?a=1"), 400);
    }

    [Fact]
    public async Task An_event_out_has_all_its_fields_and_says_how_far_it_has_read()
    {
        using var response = await _server.GetAsync("/events?external_id=ext-1");
        (response.StatusCode, response.Content.Headers.ContentType!.ToString(), response.Headers.GetValues("Tocsin-Sequence").Single(), response.Headers.CacheControl!.NoCache)
            .ShouldBe((HttpStatusCode.OK, "application/json", "6", true));
        var e = JsonElement.Parse(await response.Content.ReadAsStringAsync()).EnumerateArray().ShouldHaveSingleItem();
        e.EnumerateObject().Select(field => field.Name).ShouldBe(
            ["id", "external_id", "sequence", "kind", "type", "source", "device", "priority", "time", "received_at", "user_id", "description", "src_ip", "dst_ip", "country", "attribution", "data"]);
        e.GetProperty("time").GetString().ShouldBe("2021-08-18T02:38:31.8207245Z");
        response.Headers.Contains("Link").ShouldBeFalse();
    }

    [Fact]
    public async Task The_description_of_the_API_names_the_fields_of_an_event()
    {
        var document = JsonElement.Parse(await _server.Client.GetStringAsync("/openapi/v1.json"));
        var e = JsonElement.Parse(await _server.Client.GetStringAsync("/events?limit=1"))[0];
        document.GetProperty("components").GetProperty("schemas").GetProperty("Event").GetProperty("properties").EnumerateObject().Select(field => field.Name)
            .ShouldBe(e.EnumerateObject().Select(field => field.Name));
        document.GetProperty("paths").GetProperty("/events").GetProperty("get").GetProperty("responses").GetProperty("200").GetProperty("content").EnumerateObject()
            .Select(content => content.Name).ShouldBe(["application/json", "application/x-ndjson", "text/csv"]);
    }

    private async Task<string> FoundAsync(string path)
    {
        using var response = await _server.GetAsync(path);
        var text = await response.Content.ReadAsStringAsync();
        response.StatusCode.ShouldBe(HttpStatusCode.OK, text);
        return string.Join(',', EventsHost.Sequences(JsonElement.Parse(text).EnumerateArray()));
    }
}
