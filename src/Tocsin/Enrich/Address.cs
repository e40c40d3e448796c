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
        // Brackets belong to URLs, where a port may follow that the parser would drop.
        if (text.Length > 45 || text.StartsWith('[') || !(text.Contains(':') || IsDottedQuad(text)) || !IPAddress.TryParse(text, out var address))
            return null;
        if (address.IsIPv4MappedToIPv6)
            address = address.MapToIPv4();
        if (address.AddressFamily == AddressFamily.InterNetworkV6)
            address.ScopeId = 0;
        return address.ToString();
    }

    private static bool IsDottedQuad(string text)
    {
        var dots = 0;
        var digits = 0;
        foreach (var c in text)
        {
            if (char.IsAsciiDigit(c) && ++digits <= 3)
                continue;
            if (c != '.' || digits == 0)
                return false;
            dots++;
            digits = 0;
        }
        // Octets with leading zeros read as octal in some programs and as decimal in others: such a text is no address here.
        return dots == 3 && digits > 0 && !text.Split('.').Any(part => part.Length > 1 && part[0] == '0');
    }
}
