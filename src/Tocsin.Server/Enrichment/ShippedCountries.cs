using Tocsin.Enrich;
using Tocsin.Enrich.Geo;

namespace Tocsin.Server.Enrichment;

/// <summary>The country database that comes with the program.</summary>
internal static class ShippedCountries
{
    /// <summary>Who must be named where its answers are shown (CC BY 4.0).</summary>
    public const string Attribution = "IP Geolocation by DB-IP, https://db-ip.com";

    private static readonly Lazy<FileContent<CountryDatabase>?> Content = new(Read);

    /// <summary>Null when the file is not there: whoever took it away wants no countries. Read once.</summary>
    public static FileContent<CountryDatabase>? Get() => Content.Value;

    /// <summary>True when this is it.</summary>
    public static bool IsShipped(CountryDatabase? database) => database is not null && Content.IsValueCreated && Content.Value?.Value == database;

    /// <summary>As a watched file is read.</summary>
    public static FileContent<CountryDatabase> Parse(byte[] bytes)
    {
        var (database, error) = CountryDatabase.Read(bytes);
        return database is null ? FileContent<CountryDatabase>.Refused(error!) : new(database, []);
    }

    private static FileContent<CountryDatabase>? Read()
    {
        var path = Path.Combine(AppContext.BaseDirectory, "geo", "country.mmdb");
        try
        {
            return File.Exists(path) ? Parse(File.ReadAllBytes(path)) : null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return FileContent<CountryDatabase>.Refused(FaultText.Of(error));
        }
    }
}
