using System.Text.Json;
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
        (good.GetProperty("database").GetString(), good.GetProperty("type").GetString(), good.GetProperty("attribution").GetString()).ShouldBe((path, "GeoLite2-Country", null));

        File.WriteAllBytes(path, new byte[2_000]);
        await GeoAsync(server, "error");
        var bad = await HealthAsync(server);
        bad.GetProperty("status").GetString().ShouldBe("degraded");
        bad.GetProperty("geoip").GetProperty("error").GetString().ShouldBe($"{path}: it is no MaxMind DB file: the marker of its metadata is missing");
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

    private static Task GeoAsync(RunningServer server, string status) => LookedAsync(server, "geoip", status);

    /// <summary>Lets the service look until a file stands as said.</summary>
    private static async Task LookedAsync(RunningServer server, string file, string status)
    {
        for (var i = 0; i < 200; i++)
        {
            server.Time.Advance(Interval);
            if ((await HealthAsync(server)).GetProperty(file).GetProperty("status").GetString() == status)
                return;
        }
        Assert.Fail($"{file} is never {status}");
    }

    private static async Task<JsonElement> HealthAsync(RunningServer server) => JsonElement.Parse(await server.Client.GetByteArrayAsync("/health"));

    private static async Task<string?> CountryAsync(RunningServer server, string address)
    {
        var type = Guid.NewGuid().ToString();
        await server.PostAsync("/event", $$"""{"type":"{{type}}","src_ip":"{{address}}"}""");
        return (await server.EventsAsync()).Single(e => e.Type == type).Country;
    }
}
