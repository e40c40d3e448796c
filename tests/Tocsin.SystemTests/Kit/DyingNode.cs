using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;

namespace Tocsin.SystemTests.Kit;

/// <summary>A node that takes every request whole and dies before it answers: nobody can say what became of it.</summary>
internal sealed partial class DyingNode : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, Ports.Free());
    private readonly Task _serving;
    private int _taken;

    public DyingNode()
    {
        _listener.Start();
        _serving = ServeAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>How many requests it took.</summary>
    public int Taken => Volatile.Read(ref _taken);

    public async ValueTask DisposeAsync()
    {
        _listener.Dispose();
        await _serving;
    }

    private async Task ServeAsync()
    {
        var buffer = new byte[65_536];
        while (true)
            try
            {
                using var socket = await _listener.AcceptSocketAsync();
                var text = "";
                while (!IsWhole(text) && await socket.ReceiveAsync(buffer) is > 0 and var read)
                    text += Encoding.Latin1.GetString(buffer, 0, read);
                Interlocked.Increment(ref _taken);
            }
            catch (Exception error) when (error is SocketException or ObjectDisposedException)
            {
                return;
            }
    }

    private static bool IsWhole(string text)
    {
        var end = text.IndexOf("\r\n\r\n", StringComparison.Ordinal);
        return end >= 0 && text.Length - end - 4 >= (Length().Match(text) is { Success: true } length ? int.Parse(length.Groups["bytes"].Value) : 0);
    }

    [GeneratedRegex(@"^Content-Length: (?<bytes>\d+)", RegexOptions.ExplicitCapture | RegexOptions.IgnoreCase | RegexOptions.Multiline, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Length();
}
