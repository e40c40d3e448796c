using System.Net;
using System.Net.Sockets;

namespace Tocsin.Enrich;

/// <summary>Tells an IP address from an id, and writes it in one form.</summary>
public static class Address
{
    /// <summary>
    /// The canonical text of an address (RFC 5952; IPv4-mapped as IPv4); null when the text is no address. "386255" and "1.2" are ids: only
    /// four dotted decimals or colons make an address, whatever the classic parsers accept.
    /// </summary>
    public static string? Normalise(string text)
    {
        // Four decimals are canonical as they stand.
        if (!text.Contains(':', StringComparison.Ordinal))
            return IpRange.TryAddress(text, out _) ? text : null;
        // Brackets belong to URLs, where a port may follow that the parser would drop.
        if (text.Length > 45 || text.StartsWith('[') || !IPAddress.TryParse(text, out var address))
            return null;
        if (address.IsIPv4MappedToIPv6)
            address = address.MapToIPv4();
        if (address.AddressFamily == AddressFamily.InterNetworkV6)
            address.ScopeId = 0;
        return address.ToString();
    }
}
