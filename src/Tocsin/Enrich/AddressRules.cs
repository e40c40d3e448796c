using System.Buffers.Binary;
using System.Net;

namespace Tocsin.Enrich;

/// <summary>
/// Which addresses are out in the internet, and which lead into a private network, to this machine or to a cloud's metadata
/// service, where a source may only go when its file says that it is meant.
/// </summary>
public static class AddressRules
{
    private static readonly (uint First, uint Last)[] NotPublicV4 =
    [
        V4("0.0.0.0/8"),
        V4("10.0.0.0/8"),
        V4("100.64.0.0/10"),
        V4("127.0.0.0/8"),
        V4("168.63.129.16/32"),     // Azure's own service for its machines, though the address is a public one
        V4("169.254.0.0/16"),
        V4("172.16.0.0/12"),
        V4("192.0.0.0/24"),
        V4("192.0.2.0/24"),
        V4("192.168.0.0/16"),
        V4("198.18.0.0/15"),
        V4("198.51.100.0/24"),
        V4("203.0.113.0/24"),
        V4("224.0.0.0/3"),          // multicast, and what is kept for later
    ];

    /// <summary>Global unicast. What lies outside (loopback, fc00::/7, fe80::/10, ff00::/8, IPv4-compatible ...) is not public.</summary>
    private static readonly IpRange GlobalV6 = Range("2000::/3");

    private static readonly IpRange[] NotPublicV6 =
    [
        Range("2001::/23"),       // protocol assignments, Teredo among them
        Range("2001:db8::/32"),   // documentation
        Range("3fff::/20"),       // documentation
    ];

    private static readonly IpRange Mapped = Range("::ffff:0:0/96");
    private static readonly IpRange Nat64 = Range("64:ff9b::/96");
    private static readonly IpRange SixToFour = Range("2002::/16");

    /// <summary>True when the address is public. An IPv6 address that embeds an IPv4 address is as public as that one.</summary>
    public static bool IsPublic(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        return address.TryWriteBytes(bytes, out var length)
            && IsPublic(length == 4 ? Mapped.First | BinaryPrimitives.ReadUInt32BigEndian(bytes) : BinaryPrimitives.ReadUInt128BigEndian(bytes));
    }

    /// <summary>As above, for an address as <see cref="IpRange"/> has it.</summary>
    public static bool IsPublic(UInt128 address)
    {
        address = Reached(address);
        if (!Mapped.Contains(address))
            return GlobalV6.Contains(address) && !Any(NotPublicV6, address);
        var v4 = (uint)address;
        foreach (var (first, last) in NotPublicV4)
            if (v4 >= first && v4 <= last)
                return false;
        return true;
    }

    /// <summary>The IPv4 address that an address of NAT64 or 6to4 leads to; any other address as it is.</summary>
    public static UInt128 Reached(UInt128 address) =>
        Nat64.Contains(address) ? Mapped.First | (uint)address
        : SixToFour.Contains(address) ? Mapped.First | (uint)(address >> 80)
        : address;

    /// <summary>
    /// True when a URL's host is written as an address that is not public, or is a name of this machine. Other names are known
    /// only once they are resolved: the connection checks them again.
    /// </summary>
    internal static bool IsPrivateLiteral(Uri url)
    {
        var host = url.IdnHost.TrimEnd('.');
        return IPAddress.TryParse(host, out var address)
            ? !IsPublic(address)
            : string.Equals(host, "localhost", StringComparison.OrdinalIgnoreCase) || host.EndsWith(".localhost", StringComparison.OrdinalIgnoreCase);
    }

    private static bool Any(IpRange[] ranges, UInt128 address)
    {
        foreach (var range in ranges)
            if (range.Contains(address))
                return true;
        return false;
    }

    private static IpRange Range(string text) => IpRange.TryParse(text, out var range) ? range : throw new FormatException(text);

    private static (uint First, uint Last) V4(string text) => Range(text) is var range ? ((uint)range.First, (uint)range.Last) : default;
}
