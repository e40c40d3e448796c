using System.Text.Json;
using Tocsin.Journal;
using Tocsin.Tests.Enrich.Geo;

namespace Tocsin.Tests.Server;

public sealed class EnrichmentTests
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    [Fact]
    public async Task The_shipped_countries_serve_at_once_and_name_who_made_them()
    {
        await using var server = await RunningServer.StartAsync();

        var geoip = (await HealthAsync(server)).GetProperty("geoip");
        (geoip.GetProperty("status").GetString(), geoip.GetProperty("database").GetString(), geoip.GetProperty("error").GetString()).ShouldBe(("ok", "shipped", null));
        geoip.GetProperty("attribution").GetString().ShouldBe("IP Geolocation by DB-IP, https://db-ip.com");
        geoip.GetProperty("built").GetDateTimeOffset().Year.ShouldBe(2026);
        geoip.GetProperty("loaded_at").GetDateTimeOffset().ShouldBe(server.Time.GetUtcNow());
    }

    [Fact]
    public async Task A_pushed_event_has_the_country_of_the_remote_party_and_cannot_name_its_own()
    {
        await using var server = await RunningServer.StartAsync();
        await server.PostAsync("/event", """{"type":"out","src_ip":"10.0.0.1","dst_ip":"8.8.8.8"}""");
        await server.PostAsync("/event", """{"type":"in","src_ip":"1.1.1.1","dst_ip":"192.168.0.1"}""");
        await server.PostAsync("/event", """{"type":"inside","src_ip":"10.0.0.1","country":"FR"}""");

        var events = (await server.EventsAsync()).Where(e => e.Source != "tocsin").ToDictionary(e => e.Type, e => e.Country);
        events.ShouldBe(new Dictionary<string, string?> { ["out"] = "US", ["in"] = "AU", ["inside"] = null }, ignoreOrder: true);
    }

    [Fact]
    public async Task A_database_of_ones_own_is_read_again_when_it_changes_and_a_bad_one_refused()
    {
        using var folder = new TempFolder();
        var path = folder.File("geo.mmdb");
        File.WriteAllBytes(path, MmdbCorpus.Bytes("test-data/GeoLite2-Country-Test.mmdb"));
        await using var server = await RunningServer.StartAsync(options => options with { GeoDatabase = path });
        (await CountryAsync(server, "81.2.69.142")).ShouldBe("GB");
        var good = (await HealthAsync(server)).GetProperty("geoip");
        (good.GetProperty("database").GetString(), good.GetProperty("type").GetString(), good.GetProperty("attribution").GetString()).ShouldBe(("geo.mmdb", "GeoLite2-Country", null));

        File.WriteAllBytes(path, new byte[2_000]);
        await GeoAsync(server, "error");
        var bad = await HealthAsync(server);
        bad.GetProperty("status").GetString().ShouldBe("degraded");
        bad.GetProperty("geoip").GetProperty("error").GetString().ShouldBe("geo.mmdb: it is no MaxMind DB file: the marker of its metadata is missing");
        bad.GetProperty("geoip").GetProperty("type").GetString().ShouldBe("GeoLite2-Country");
        (await CountryAsync(server, "81.2.69.142")).ShouldBe("GB");

        File.WriteAllBytes(path, MmdbCorpus.Bytes("test-data/GeoLite2-City-Test.mmdb"));
        await GeoAsync(server, "ok");
        (await HealthAsync(server)).GetProperty("geoip").GetProperty("type").GetString().ShouldBe("GeoLite2-City");
    }

    [Fact]
    public async Task With_a_bad_database_at_the_start_the_shipped_one_serves_and_the_error_shows()
    {
        using var folder = new TempFolder();
        File.WriteAllText(folder.File("geo.mmdb"), "no database");
        await using var server = await RunningServer.StartAsync(options => options with { GeoDatabase = folder.File("geo.mmdb") });

        var health = await HealthAsync(server);
        (health.GetProperty("status").GetString(), health.GetProperty("geoip").GetProperty("status").GetString(), health.GetProperty("geoip").GetProperty("database").GetString())
            .ShouldBe(("degraded", "error", "shipped"));
        (await CountryAsync(server, "8.8.8.8")).ShouldBe("US");
    }

    [Fact]
    public async Task Owners_are_read_again_when_they_change_and_a_bad_file_changes_nothing()
    {
        using var folder = new TempFolder();
        var path = folder.File("owners.csv");
        File.WriteAllText(path, "match,user_id,from,to\n10.0.0.0/8,a,,\n");
        await using var server = await RunningServer.StartAsync(options => options with { Owners = path }, journal:
        [
            new Append { Entries = [Some.Event(userId: null, id: 1) with { Attribution = new Attribution(AttributionRule.Unresolved, null, "17.0.0.9") }] },
        ]);
        var owners = (await HealthAsync(server)).GetProperty("owners");
        (owners.GetProperty("status").GetString(), owners.GetProperty("rows").GetInt32(), owners.GetProperty("file").GetString()).ShouldBe(("ok", 1, "owners.csv"));

        (await server.Client.GetStringAsync("/identities?ip=10.1.2.3")).ShouldBe("""[{"ip":"10.1.2.3","user_id":"a","from":null,"to":null,"source":"owners:10.0.0.0/8"}]""");
        (await server.Client.GetStringAsync("/identities?ip=11.1.2.3")).ShouldBe("[]");

        File.WriteAllText(path, "match,user_id,from,to\n17.0.0.0/8,b,,\n17.0.0.0/99,c,,\n");
        await LookedAsync(server, "owners", "error");
        var bad = await HealthAsync(server);
        (bad.GetProperty("status").GetString(), bad.GetProperty("owners").GetProperty("rows").GetInt32()).ShouldBe(("degraded", 1));
        bad.GetProperty("owners").GetProperty("error").GetString()!.ShouldStartWith("line 3: match: \"17.0.0.0/99\" is neither an address nor a network");

        File.WriteAllText(path, "match,user_id,from,to\n17.0.0.0/8,b,,\n10.0.0.0/8,a,,\n");
        await LookedAsync(server, "owners", "ok");
        JsonElement found;
        do
            found = JsonElement.Parse(await server.Client.GetByteArrayAsync("/events?user_id=b"));
        while (found.GetArrayLength() == 0);
        var attribution = found[0].GetProperty("attribution");
        (attribution.GetProperty("rule").GetString(), attribution.GetProperty("source").GetString(), attribution.GetProperty("address").GetString())
            .ShouldBe(("owner", "owners:17.0.0.0/8", "17.0.0.9"));
    }

    [Fact]
    public async Task People_are_shown_by_id_with_a_tag_that_holds_while_the_file_does()
    {
        using var folder = new TempFolder();
        var path = folder.File("people.csv");
        File.WriteAllText(path, "user_id,name,email,team,manager\n1,Ann,ann@example.com,SOC,2\n2,Bo,,,\n3,Cy,,,\n");
        await using var server = await RunningServer.StartAsync(options => options with { People = path });
        var first = await server.GetAsync("/people?limit=2");
        (await first.Content.ReadAsStringAsync()).ShouldBe(
            """[{"user_id":"1","name":"Ann","email":"ann@example.com","team":"SOC","manager":"2"},{"user_id":"2","name":"Bo","email":null,"team":null,"manager":null}]""");
        var next = first.Headers.GetValues("Link").Single();
        (await server.Client.GetStringAsync(next[1..next.IndexOf('>', StringComparison.Ordinal)])).ShouldStartWith("""[{"user_id":"3",""");
        (await server.Client.GetStringAsync("/people?user_id=2&user_id=9")).ShouldStartWith("""[{"user_id":"2",""");
        (await server.Client.GetStringAsync("/people?employee_id=2&user=9")).ShouldStartWith("""[{"user_id":"2",""");
        (await server.Client.GetStringAsync("/people?q=ANN")).ShouldStartWith("""[{"user_id":"1",""");
        await RunningServer.ProblemAsync(await server.GetAsync("/people?team=SOC"), 400);
        var tag = first.Headers.ETag!.ToString();
        (await server.GetAsync("/people?limit=2", ("If-None-Match", tag))).StatusCode.ShouldBe(System.Net.HttpStatusCode.NotModified);

        File.WriteAllText(path, "user_id,name\n1,Anna\n");
        await Until.TrueAsync(async () =>
        {
            server.Time.Advance(Interval);
            return (await HealthAsync(server)).GetProperty("people").GetProperty("rows").GetInt32() == 1;
        });
        (await (await server.GetAsync("/people?limit=2", ("If-None-Match", tag))).Content.ReadAsStringAsync()).ShouldContain("Anna");
    }

    private static Task GeoAsync(RunningServer server, string status) => LookedAsync(server, "geoip", status);

    /// <summary>Lets the service look until a file stands as said.</summary>
    private static Task LookedAsync(RunningServer server, string file, string status) => Until.TrueAsync(
        async () =>
        {
            server.Time.Advance(Interval);
            return (await HealthAsync(server)).GetProperty(file).GetProperty("status").GetString() == status;
        },
        $"{file} is {status}");

    private static async Task<JsonElement> HealthAsync(RunningServer server) => JsonElement.Parse(await server.Client.GetByteArrayAsync("/health"));

    private static async Task<string?> CountryAsync(RunningServer server, string address)
    {
        var type = Guid.NewGuid().ToString();
        await server.PostAsync("/event", $$"""{"type":"{{type}}","src_ip":"{{address}}"}""");
        return (await server.EventsAsync()).Single(e => e.Type == type).Country;
    }
}
