using System.Net;
using System.Net.Sockets;
using Tocsin.Enrich;

namespace Tocsin.Collect;

/// <summary>The address of an upstream is not public, and its source does not allow that.</summary>
internal sealed class AddressRefusedException(string message) : IOException(message);

/// <summary>
/// Resolves a name, checks every address, and connects to an address it has checked: a name that answers differently the second time
/// (DNS rebinding) gains nothing.
/// </summary>
internal sealed class AddressGuard(SourceDefinition source)
{
    public async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellation)
    {
        var (host, port) = (context.DnsEndPoint.Host, context.DnsEndPoint.Port);
        var addresses = IPAddress.TryParse(host, out var literal) ? [literal] : await Dns.GetHostAddressesAsync(host, cancellation);
        if (!source.AllowPrivate)
        {
            var allowed = Array.FindAll(addresses, AddressRules.IsPublic);
            if (allowed.Length == 0)
                throw new AddressRefusedException(
                    $"{host} is the address {string.Join(", ", addresses.Take(3).Select(address => address.ToString()))}, which is not public: if that is meant, add the line \"allow_private: true\" to {Path.GetFileName(source.File)}");
            addresses = allowed;
        }
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(addresses, port, cancellation);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
