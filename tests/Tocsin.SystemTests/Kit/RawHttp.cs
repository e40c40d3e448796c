using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;

namespace Tocsin.SystemTests.Kit;

/// <summary>HTTP as bytes on a socket, right or wrong. Texts are Latin-1: a character is a byte.</summary>
internal static partial class RawHttp
{
    public static async Task<Socket> ConnectAsync(int port)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(IPAddress.Loopback, port);
        return socket;
    }

    /// <summary>Sends all of it, says that no more will come, and gives all that is answered until the other side closes. What is broken off is answered with what came.</summary>
    public static async Task<string> ExchangeAsync(int port, string request, TimeSpan deadline)
    {
        using var socket = await ConnectAsync(port);
        using var patience = new CancellationTokenSource(deadline);
        var (answer, buffer) = (new StringBuilder(), new byte[8192]);
        try
        {
            await socket.SendAsync(Encoding.Latin1.GetBytes(request), patience.Token);
            socket.Shutdown(SocketShutdown.Send);
            while (await socket.ReceiveAsync(buffer, patience.Token) is > 0 and var read)
                answer.Append(Encoding.Latin1.GetString(buffer, 0, read));
        }
        catch (SocketException)
        {
            // Closed with bytes unread: a reset.
        }
        catch (OperationCanceledException)
        {
            answer.Append("(still open)");
        }
        return answer.ToString();
    }

    /// <summary>The statuses of the answers in it.</summary>
    public static int[] Statuses(string answer) => [.. StatusLine().Matches(answer).Select(match => int.Parse(match.Groups["status"].Value))];

    [GeneratedRegex(@"HTTP/1\.[01] (?<status>\d{3}) ", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex StatusLine();
}
