using System.Net;
using System.Net.Sockets;

namespace Tocsin;

/// <summary>
/// A run of IP addresses, first to last, as 128-bit numbers: an address, or a network in CIDR notation (RFC 4632, RFC 4291). IPv4 stands as
/// IPv4-mapped (::ffff:0:0/96), so that both families compare as one.
/// </summary>
public readonly record struct IpRange(UInt128 First, UInt128 Last)
{
    private const int MaxTextLength = 49;
    private const int MappedPrefixBits = 96;
    private static readonly UInt128 Mapped = new(0, 0xFFFF_0000_0000);

    /// <summary>Reads <c>10.1.2.3</c>, <c>10.0.0.0/8</c>, <c>2001:db8::/32</c>. Bits behind the prefix need not be zero.</summary>
    public static bool TryParse(string text, out IpRange range)
    {
        range = default;
        var slash = text.IndexOf('/', StringComparison.Ordinal);
        var address = slash < 0 ? text : text[..slash];
        if (!TryAddress(address, out var first))
            return false;
        var bits = 128;
        if (slash >= 0)
        {
            var most = address.Contains(':', StringComparison.Ordinal) ? 128 : 32;
            if (!int.TryParse(text.AsSpan(slash + 1), System.Globalization.NumberStyles.None, null, out bits) || bits > most)
                return false;
            bits += most == 32 ? MappedPrefixBits : 0;
        }
        var host = bits == 0 ? UInt128.MaxValue : (UInt128.One << (128 - bits)) - 1;
        range = new IpRange(first & ~host, first | host);
        return true;
    }

    /// <summary>
    /// Reads one address in any of its usual forms, without a scope or a port; false for what is none. IPv4 must be four decimals without leading
    /// zeros, whatever the classic parsers accept.
    /// </summary>
    public static bool TryAddress(ReadOnlySpan<char> text, out UInt128 address)
    {
        if (TryDottedQuad(text, out address))
            return true;
        address = default;
        if (text.Length > MaxTextLength || !text.Contains(':') || text[0] == '[' || text.Contains('%') || !IPAddress.TryParse(text, out var parsed) || parsed.AddressFamily != AddressFamily.InterNetworkV6)
            return false;
        Span<byte> bytes = stackalloc byte[16];
        parsed.TryWriteBytes(bytes, out _);
        address = System.Buffers.Binary.BinaryPrimitives.ReadUInt128BigEndian(bytes);
        return true;
    }

    /// <summary>True when the text is an address of this range.</summary>
    public bool Contains(string? text) => text is not null && TryAddress(text, out var address) && Contains(address);

    public bool Contains(UInt128 address) => address >= First && address <= Last;

    private static bool TryDottedQuad(ReadOnlySpan<char> text, out UInt128 address)
    {
        address = default;
        uint value = 0, octet = 0;
        int digits = 0, dots = 0;
        foreach (var c in text)
        {
            if (char.IsAsciiDigit(c))
            {
                if (digits > 0 && octet == 0)
                    return false;
                octet = (octet * 10) + (uint)(c - '0');
                if (++digits > 3 || octet > 255)
                    return false;
                continue;
            }
            if (c != '.' || digits == 0 || ++dots > 3)
                return false;
            (value, octet, digits) = ((value << 8) | octet, 0, 0);
        }
        if (dots != 3 || digits == 0)
            return false;
        address = Mapped | ((value << 8) | octet);
        return true;
    }
}
