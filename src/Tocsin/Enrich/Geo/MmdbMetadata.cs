using System.Text;

namespace Tocsin.Enrich.Geo;

/// <summary>What a MaxMind DB file says of itself, as far as it matters here.</summary>
internal sealed record MmdbMetadata(uint NodeCount, int RecordBits, int IpVersion, string Type, DateTimeOffset Built)
{
    /// <summary>The metadata with its marker is within so many bytes at the end of the file.</summary>
    public const int MaxBytes = 128 << 10;

    private const int MajorVersion = 2;
    private const int MaxTypeCharacters = 200;

    /// <summary>Behind this stands the metadata.</summary>
    public static ReadOnlySpan<byte> Marker => [0xAB, 0xCD, 0xEF, (byte)'M', (byte)'a', (byte)'x', (byte)'M', (byte)'i', (byte)'n', (byte)'d', (byte)'.', (byte)'c', (byte)'o', (byte)'m'];

    /// <summary>Reads it, or says what is wrong with it.</summary>
    public static (MmdbMetadata? Metadata, string? Error) Read(MmdbSection section)
    {
        var (at, budget) = (section.Start, MmdbSection.MaxValues);
        if (!section.Check(ref at, 0, ref budget) || !section.TryRead(section.Start, out var map) || map.Type != MmdbType.Map)
            return (null, "its metadata cannot be read");
        if (Number(section, map, "binary_format_major_version"u8) is not MajorVersion and var version)
            return (null, $"it is of format version {version?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "unknown"}, expected {MajorVersion}");
        if (Number(section, map, "record_size"u8) is not (24 or 28 or 32) and var bits)
            return (null, $"its records have {bits} bits, expected 24, 28 or 32");
        if (Number(section, map, "ip_version"u8) is not (4 or 6) and var ip)
            return (null, $"its addresses are of version {ip}, expected 4 or 6");
        if (Number(section, map, "node_count"u8) is not (> 0 and <= int.MaxValue))
            return (null, "its metadata has no number of nodes");
        if (Number(section, map, "build_epoch"u8) is not { } epoch || epoch > (ulong)DateTimeOffset.MaxValue.ToUnixTimeSeconds())
            return (null, "its metadata does not say when it was built");
        return (new MmdbMetadata((uint)Number(section, map, "node_count"u8)!, (int)Number(section, map, "record_size"u8)!, (int)Number(section, map, "ip_version"u8)!,
            TypeOf(section, map), DateTimeOffset.FromUnixTimeSeconds((long)epoch)), null);
    }

    private static ulong? Number(MmdbSection section, MmdbItem map, ReadOnlySpan<byte> name)
    {
        var budget = MmdbSection.MaxValues;
        if (!section.TryMember(map, name, ref budget, out var at) || !section.TryRead(at, out var item) || item.Type is not (MmdbType.UInt16 or MmdbType.UInt32 or MmdbType.UInt64))
            return null;
        ulong value = 0;
        foreach (var part in section.Payload(item))
            value = (value << 8) | part;
        return value;
    }

    private static string TypeOf(MmdbSection section, MmdbItem map)
    {
        var budget = MmdbSection.MaxValues;
        var type = Encoding.UTF8.GetString(section.Text(map, "database_type"u8, ref budget));
        return type.Length <= MaxTypeCharacters ? type : type[..MaxTypeCharacters];
    }
}
