using System.Net;
using System.Net.Sockets;
using Tocsin.Enrich;

namespace Tocsin.Collect;

/// <summary>The address of an upstream is not public, and its source does not allow that.</summary>
internal sealed class AddressRefusedException(string message) : IOException(message);

/// <summary>
/// Resolves the name of one host, checks every address, and connects to an address it has checked: a name that answers differently the second
/// time (DNS rebinding) gains nothing.
/// </summary>
/// <param name="url">The only host that is connected to.</param>
/// <param name="allowPrivate">True when that host may be at an address that is not public.</param>
/// <param name="file">The source's file, where such consent would stand.</param>
/// <param name="resolve">Gives a name's addresses; the system's when null.</param>
internal sealed class AddressGuard(Uri url, bool allowPrivate, string file, Func<string, CancellationToken, Task<IPAddress[]>>? resolve = null)
{
    public async ValueTask<Stream> ConnectAsync(DnsEndPoint host, CancellationToken cancellation)
    {
        var addresses = await AddressesAsync(host.Host, cancellation);
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(addresses, host.Port, cancellation);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private async Task<IPAddress[]> AddressesAsync(string host, CancellationToken cancellation)
    {
        // Consent was given for this host; whatever leads to another one is a mistake that must not get through.
        host = host.Trim('[', ']');
        if (!string.Equals(host, url.IdnHost, StringComparison.OrdinalIgnoreCase) && !string.Equals(host, url.Host.Trim('[', ']'), StringComparison.OrdinalIgnoreCase))
            throw new AddressRefusedException($"{host} is not the host that the source names");
        var addresses = IPAddress.TryParse(host, out var literal) ? [literal]
            : resolve is null ? await Dns.GetHostAddressesAsync(host, cancellation)
            : await resolve(host, cancellation);
        if (allowPrivate)
            return addresses;
        var allowed = Array.FindAll(addresses, AddressRules.IsPublic);
        return allowed.Length > 0 ? allowed : throw new AddressRefusedException(
            $"{host} is the address {string.Join(", ", addresses.Take(3).Select(address => address.ToString()))}, which is not public: if that is meant, add the line \"allow_private: true\" to {Path.GetFileName(file)}");
    }
}
