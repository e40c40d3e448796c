using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;

namespace Tocsin.SystemTests.Kit;

/// <summary>HTTP as bytes on a socket, right or wrong. Texts are Latin-1: a character is a byte.</summary>
internal static partial class RawHttp
{
    private static readonly TimeSpan Quiet = TimeSpan.FromMilliseconds(600);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    public static async Task<Socket> ConnectAsync(int port)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(IPAddress.Loopback, port);
        return socket;
    }

    /// <summary>
    /// Sends all of it and gives what is answered until the other side closes, or has said nothing for a while: it may rightly wait for more. The sending side stays
    /// open meanwhile, as who ends it is not answered. Where so many <paramref name="answers"/> are expected, they are waited for, and for longer.
    /// </summary>
    public static async Task<string> ExchangeAsync(int port, string request, int answers = 0)
    {
        using var socket = await ConnectAsync(port);
        var (answer, buffer) = (new StringBuilder(), new byte[8192]);
        try
        {
            await socket.SendAsync(Encoding.Latin1.GetBytes(request));
            while (answers == 0 || Statuses(answer.ToString()).Length < answers)
            {
                using var quiet = new CancellationTokenSource(answers == 0 ? Quiet : Patience);
                if (await socket.ReceiveAsync(buffer, quiet.Token) is not (> 0 and var read))
                    break;
                answer.Append(Encoding.Latin1.GetString(buffer, 0, read));
            }
        }
        catch (Exception error) when (error is SocketException or OperationCanceledException)
        {
            // Closed with bytes unread, which is a reset; or quiet.
        }
        return answer.ToString();
    }

    /// <summary>The statuses of the answers in it; "100 Continue" is none.</summary>
    public static int[] Statuses(string answer) => [.. StatusLine().Matches(answer).Select(match => int.Parse(match.Groups["status"].Value)).Where(status => status != 100)];

    [GeneratedRegex(@"HTTP/1\.[01] (?<status>\d{3}) ", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex StatusLine();
}
