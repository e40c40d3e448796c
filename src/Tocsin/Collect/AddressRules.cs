using System.Net;
using System.Net.Sockets;

namespace Tocsin.Collect;

/// <summary>
/// Which addresses are out in the internet, and which lead into a private network, to this machine or to a cloud's metadata
/// service, where a source may only go when its file says that it is meant.
/// </summary>
public static class AddressRules
{
    private static readonly IPNetwork[] NotPublicV4 =
    [
        IPNetwork.Parse("0.0.0.0/8"),
        IPNetwork.Parse("10.0.0.0/8"),
        IPNetwork.Parse("100.64.0.0/10"),
        IPNetwork.Parse("127.0.0.0/8"),
        IPNetwork.Parse("169.254.0.0/16"),
        IPNetwork.Parse("172.16.0.0/12"),
        IPNetwork.Parse("192.0.0.0/24"),
        IPNetwork.Parse("192.0.2.0/24"),
        IPNetwork.Parse("192.168.0.0/16"),
        IPNetwork.Parse("198.18.0.0/15"),
        IPNetwork.Parse("198.51.100.0/24"),
        IPNetwork.Parse("203.0.113.0/24"),
        IPNetwork.Parse("224.0.0.0/4"),
        IPNetwork.Parse("240.0.0.0/4"),
    ];

    /// <summary>Global unicast. What lies outside (loopback, fc00::/7, fe80::/10, ff00::/8, IPv4-compatible ...) is not public.</summary>
    private static readonly IPNetwork GlobalV6 = IPNetwork.Parse("2000::/3");

    private static readonly IPNetwork[] NotPublicV6 =
    [
        IPNetwork.Parse("2001::/23"),       // protocol assignments, Teredo among them
        IPNetwork.Parse("2001:db8::/32"),   // documentation
        IPNetwork.Parse("3fff::/20"),       // documentation
    ];

    private static readonly IPNetwork Nat64 = IPNetwork.Parse("64:ff9b::/96");
    private static readonly IPNetwork SixToFour = IPNetwork.Parse("2002::/16");

    /// <summary>True when the address is public. An IPv6 address that embeds an IPv4 address is as public as that one.</summary>
    public static bool IsPublic(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6)
            return IsPublic(address.MapToIPv4());
        if (address.AddressFamily == AddressFamily.InterNetwork)
            return !Array.Exists(NotPublicV4, network => network.Contains(address));
        if (address.AddressFamily != AddressFamily.InterNetworkV6)
            return false;
        if (Nat64.Contains(address))
            return IsPublic(new IPAddress(address.GetAddressBytes().AsSpan(12, 4)));
        if (SixToFour.Contains(address))
            return IsPublic(new IPAddress(address.GetAddressBytes().AsSpan(2, 4)));
        return GlobalV6.Contains(address) && !Array.Exists(NotPublicV6, network => network.Contains(address));
    }

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
}
