using Tocsin.Enrich.Geo;

namespace Tocsin.Tests.Enrich.Geo;

public sealed class CountriesTests
{
    private static readonly string Shipped = Path.Combine(AppContext.BaseDirectory, "geo/country.mmdb");

    [Theory]
    [InlineData("8.8.8.8", "US")]
    [InlineData("1.1.1.1", "AU")]
    [InlineData("193.0.6.139", "NL")]             // ripe.net
    [InlineData("202.12.29.175", "AU")]           // apnic.net
    [InlineData("200.160.2.3", "BR")]             // nic.br
    [InlineData("141.1.1.1", "DE")]
    [InlineData("194.25.0.60", "DE")]             // Deutsche Telekom
    [InlineData("212.27.48.10", "FR")]            // free.fr
    [InlineData("133.11.0.1", "JP")]              // University of Tokyo
    [InlineData("114.114.114.114", "CN")]
    [InlineData("77.88.8.8", "RU")]               // Yandex
    [InlineData("130.59.31.80", "CH")]            // SWITCH
    [InlineData("2001:67c:2e8:22::c100:68b", "NL")]
    [InlineData("2a01:4f8::1", "DE")]             // Hetzner
    [InlineData("64:ff9b::808:808", "US")]
    public void The_shipped_database_knows_where_this_is(string address, string country) => Open(Shipped).Of(null, address).ShouldBe(country);

    [Fact]
    public void The_remote_party_is_a_public_destination_else_a_public_origin()
    {
        var countries = Open(Shipped);

        countries.Of("1.1.1.1", "8.8.8.8").ShouldBe("US");
        countries.Of("1.1.1.1", "10.0.0.1").ShouldBe("AU");
        countries.Of("1.1.1.1", null).ShouldBe("AU");
        countries.Of("10.0.0.1", "192.168.0.1").ShouldBeNull();
        countries.Of(null, null).ShouldBeNull();
        countries.Of("no address", "1.1.1").ShouldBeNull();
    }

    [Fact]
    public void Without_a_database_nothing_has_a_country() => new Countries().Of("1.1.1.1", "8.8.8.8").ShouldBeNull();

    [Fact]
    public void An_answer_allocates_nothing()
    {
        var countries = Open(Shipped);
        for (var i = 0; i < 1_000; i++)
            countries.Of("1.1.1.1", "2001:4860:4860::8888");
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1_000; i++)
            countries.Of("1.1.1.1", "8.8.8.8");
        (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBeLessThan(1_000);
    }

    [Theory]
    [InlineData("2.125.160.216", "GB")]           // country, not registered_country
    [InlineData("81.2.69.142", "GB")]
    [InlineData("2001:218::1", "JP")]
    public void The_country_of_maxminds_files_is_where_they_have_it(string address, string country)
    {
        var database = CountryDatabase.Read(MmdbCorpus.Bytes("test-data/GeoLite2-Country-Test.mmdb")).Database.ShouldNotBeNull();
        (new Countries { Database = database }.Of(null, address), database.Type, database.Broken).ShouldBe((country, "GeoLite2-Country", 0));
    }

    [Fact]
    public void A_database_without_any_country_is_refused() =>
        CountryDatabase.Read(MmdbCorpus.Bytes("test-data/GeoLite2-ASN-Test.mmdb")).Error.ShouldBe("no record in it names a country (it calls itself \"GeoLite2-ASN\")");

    private static Countries Open(string path) => new() { Database = CountryDatabase.Read(File.ReadAllBytes(path)) is { Database: { } database, Error: null } ? database : throw new InvalidDataException(path) };
}
