using System.Net;
using System.Net.Sockets;

namespace Tocsin.Server;

/// <summary>Looks whether the addresses are free before anything is opened: a start that cannot listen must change nothing.</summary>
internal static class ListenCheck
{
    /// <summary>Where an address to listen at is said.</summary>
    public const string Options = "--port or --urls";

    private const string None = "is not where a service can listen";

    /// <summary>Throws an <see cref="IOException"/> with one sentence that says what to do; <paramref name="where"/> is what says the addresses.</summary>
    public static void Run(IEnumerable<string> urls, string where)
    {
        foreach (var url in urls)
            if (Try(url) is { } error)
                throw new IOException(Sentence(url, error, where));
    }

    public static bool IsFree(string url) => Try(url) is null;

    /// <summary>The URLs of a text, several with ;, or why it is none to listen at.</summary>
    public static (string[] Urls, string? Defect) Read(string text)
    {
        var urls = text.Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        return (urls, urls.Length == 0 ? None : urls.Select(Defect).FirstOrDefault(static defect => defect is not null));
    }

    /// <summary>Why a URL is none to listen at; null when it is one.</summary>
    public static string? Defect(string url)
    {
        try
        {
            // Kestrel's own parser also takes * and + for every address; a path would be dropped in silence.
            var address = BindingAddress.Parse(url);
            // There is no certificate to listen with.
            return address.Scheme.Equals("https", StringComparison.OrdinalIgnoreCase) ? "asks for TLS, which ends at a proxy in front of this service"
                : address.Scheme == "http" && address.PathBase.Length == 0 && address.Host.Length > 0 && address.Port is >= 0 and <= 65535 ? null
                : None;
        }
        catch (FormatException)
        {
            return None;
        }
    }

    /// <summary>True when two URLs cannot both be listened at: one port, and one address or every address.</summary>
    public static bool Overlap(string one, string other)
    {
        var (a, b) = (BindingAddress.Parse(one), BindingAddress.Parse(other));
        return a.Port == b.Port && a.Port != 0 && (IsAny(a.Host) || IsAny(b.Host) || Loopback(a.Host).Equals(Loopback(b.Host), StringComparison.OrdinalIgnoreCase));

        static bool IsAny(string host) => host is "*" or "+" or "0.0.0.0" or "[::]";
        static string Loopback(string host) => host is "127.0.0.1" or "[::1]" ? "localhost" : host;
    }

    /// <summary>What is wrong, and how to mend it.</summary>
    internal static string Sentence(string url, SocketException error, string where) => error.SocketErrorCode switch
    {
        SocketError.AddressAlreadyInUse => $"{url} is taken by another program: stop that one, or choose another with {where}.",
        SocketError.AccessDenied => $"{url} is not open to this process: a port below 1024 needs a privilege (CAP_NET_BIND_SERVICE), grant it or choose another port with {where}.",
        SocketError.AddressNotAvailable => $"{url} is at an address that this machine does not have: choose one of its own with {where}.",
        SocketError.AddressFamilyNotSupported or SocketError.ProtocolFamilyNotSupported or SocketError.ProtocolNotSupported =>
            $"{url} needs IPv6, which is off on this machine: choose an IPv4 address with {where}.",
        _ => $"{url} cannot be listened at ({error.Message}): choose another with {where}.",
    };

    private static SocketException? Try(string url)
    {
        var at = BindingAddress.Parse(url);
        if (at.Port == 0)
            return null;
        var address = at.Host is "+" or "*" ? IPAddress.Any : IPAddress.TryParse(at.Host.Trim('[', ']'), out var literal) ? literal : IPAddress.Loopback;
        try
        {
            using var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            // As Kestrel binds: a port in TIME_WAIT is free.
            if (!OperatingSystem.IsWindows())
                socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
            socket.Bind(new IPEndPoint(address, at.Port));
            socket.Listen();
            return null;
        }
        catch (SocketException error)
        {
            return error;
        }
    }
}
