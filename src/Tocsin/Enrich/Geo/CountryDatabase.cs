namespace Tocsin.Enrich.Geo;

/// <summary>The country of an address, from a MaxMind DB file. Never changes; any thread may ask.</summary>
public sealed class CountryDatabase
{
    /// <summary>The largest file that is read, in bytes: 1 GiB.</summary>
    public const int MaxBytes = MmdbFile.MaxBytes;

    private const int Letters = 26;

    /// <summary>Each code as one string, so that an answer allocates nothing.</summary>
    private static readonly string[] Codes = [.. Enumerable.Range(0, Letters * Letters).Select(i => $"{(char)('A' + (i / Letters))}{(char)('A' + (i % Letters))}")];

    private readonly MmdbFile _file;
    private long _broken;

    private CountryDatabase(MmdbFile file) => _file = file;

    /// <summary>What the file calls itself: <c>GeoLite2-Country</c>.</summary>
    public string Type => _file.Metadata.Type;

    /// <summary>When the file was built.</summary>
    public DateTimeOffset Built => _file.Metadata.Built;

    /// <summary>Look-ups that met a record which cannot be read, and so had no answer.</summary>
    public long Broken => Volatile.Read(ref _broken);

    /// <summary>Takes a file over; or says what is wrong with it, as the end of a sentence that begins with its name.</summary>
    public static (CountryDatabase? Database, string? Error) Read(byte[] bytes)
    {
        var (file, error) = MmdbFile.Read(bytes);
        if (file is null)
            return (null, error);
        var database = new CountryDatabase(file);
        return file.Places().Any(place => database.CountryAt(place) is not null)
            ? (database, null)
            : (null, $"no record in it names a country (it calls itself \"{file.Metadata.Type}\")");
    }

    /// <summary>ISO 3166-1 alpha-2, upper case; null when the file does not say.</summary>
    public string? CountryOf(UInt128 address) => _file.Find(address) is var place and not 0 ? CountryAt(place) : null;

    /// <summary>Where the usual files have it: MaxMind's in <c>country</c>, where it is now, else <c>registered_country</c>; others have a text.</summary>
    private string? CountryAt(int place)
    {
        var budget = MmdbSection.MaxValues;
        var country = _file.Data.TryRead(place, out var record)
            ? Inside(record, "country"u8, ref budget) ?? Inside(record, "registered_country"u8, ref budget)
                ?? Code(_file.Data.Text(record, "country_code"u8, ref budget)) ?? Code(_file.Data.Text(record, "country"u8, ref budget))
            : null;
        if (budget < 0)
            Interlocked.Increment(ref _broken);
        return country;
    }

    private string? Inside(MmdbItem record, ReadOnlySpan<byte> name, ref int budget) =>
        _file.Data.TryMember(record, name, ref budget, out var at) && _file.Data.TryRead(at, out var map) ? Code(_file.Data.Text(map, "iso_code"u8, ref budget)) : null;

    private static string? Code(ReadOnlySpan<byte> text) =>
        text.Length == 2 && char.IsAsciiLetter((char)text[0]) && char.IsAsciiLetter((char)text[1])
            ? Codes[(((text[0] & 0x1F) - 1) * Letters) + (text[1] & 0x1F) - 1]
            : null;
}
