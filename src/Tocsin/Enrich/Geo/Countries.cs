namespace Tocsin.Enrich.Geo;

/// <summary>The country of an event, by the database that is in use now. Any thread may ask, and replace the database meanwhile.</summary>
public sealed class Countries
{
    private volatile CountryDatabase? _database;

    /// <summary>Null: nobody knows, and no event has a country.</summary>
    public CountryDatabase? Database
    {
        get => _database;
        set => _database = value;
    }

    /// <summary>The country of the remote party: of a public destination, else of a public origin. Null when the database does not say.</summary>
    public string? Of(string? srcIp, string? dstIp)
    {
        if (_database is not { } database)
            return null;
        return TryPublic(dstIp, out var address) || TryPublic(srcIp, out address) ? database.CountryOf(AddressRules.Reached(address)) : null;
    }

    private static bool TryPublic(string? text, out UInt128 address)
    {
        address = default;
        return text is not null && IpRange.TryAddress(text, out address) && AddressRules.IsPublic(address);
    }
}
