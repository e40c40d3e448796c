using System.Net;
using System.Net.Sockets;

namespace Tocsin.SystemTests.Kit;

/// <summary>Free ports, from below the range out of which the kernel gives ports to outgoing connections, so that none takes one meanwhile.</summary>
internal static class Ports
{
    private const int First = 20_000;
    private const int Last = 31_000;
    private static readonly HashSet<int> Given = [];

    /// <summary>A port that nobody listens on, and that was not given before; with <paramref name="run"/>, that many in a row.</summary>
    public static int Free(int run = 1)
    {
        lock (Given)
        {
            while (true)
            {
                var port = Random.Shared.Next(First, Last);
                var ports = Enumerable.Range(port, run).ToArray();
                if (!ports.All(candidate => !Given.Contains(candidate) && IsFree(candidate)))
                    continue;
                Given.UnionWith(ports);
                return port;
            }
        }
    }

    private static bool IsFree(int port)
    {
        using var listener = new TcpListener(IPAddress.Loopback, port);
        try
        {
            listener.Start();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
