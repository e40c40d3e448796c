using System.Net;
using System.Net.Sockets;

namespace Tocsin.Server;

/// <summary>Looks whether the addresses are free before anything is opened: a start that cannot listen must change nothing.</summary>
internal static class ListenCheck
{
    /// <summary>Throws an <see cref="IOException"/> with one sentence that says what to do.</summary>
    public static void Run(IEnumerable<string> urls)
    {
        foreach (var url in urls)
            if (!IsFree(url))
                throw new IOException($"{url} is taken by another program: stop that one, or choose another with --port or --urls.");
    }

    public static bool IsFree(string url)
    {
        var uri = new Uri(url.Replace("://+", "://0.0.0.0").Replace("://*", "://0.0.0.0"));
        if (uri.Port == 0)
            return true;
        var address = IPAddress.TryParse(uri.Host.Trim('[', ']'), out var literal) ? literal : IPAddress.Loopback;
        using var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            // As Kestrel binds: a port in TIME_WAIT is free.
            if (!OperatingSystem.IsWindows())
                socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
            socket.Bind(new IPEndPoint(address, uri.Port));
            socket.Listen();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    /// <summary>Why a URL is none to listen at; null when it is one.</summary>
    public static string? Defect(string url)
    {
        const string None = "is not where a service can listen";
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
}
