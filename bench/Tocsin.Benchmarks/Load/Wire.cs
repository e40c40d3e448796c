using System.Buffers.Text;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Text;

namespace Tocsin.Benchmarks.Load;

/// <summary>
/// One keep-alive connection, one request at a time. It reads of an answer only what is needed to find its end: the load generator runs on the
/// machine it measures.
/// </summary>
internal sealed class Wire : IDisposable
{
    private readonly Socket _socket;
    private byte[] _buffer = new byte[64 * 1024];

    private Wire(Socket socket) => _socket = socket;

    public static async Task<Wire> ConnectAsync(Target target) => new(await target.ConnectAsync());

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<Reply> AskAsync(ReadOnlyMemory<byte> request)
    {
        while (request.Length > 0)
            request = request[await _socket.SendAsync(request, SocketFlags.None)..];
        int filled = 0, headEnd;
        while ((headEnd = _buffer.AsSpan(0, filled).IndexOf("\r\n\r\n"u8)) < 0)
            filled += await ReceiveAsync(filled);
        var body = headEnd + 4;
        var status = Status(_buffer);
        var length = ContentLength(_buffer.AsSpan(0, headEnd + 2));
        var end = length < 0 ? await ReceiveChunksAsync(body, filled) : body + length;
        for (; length >= 0 && filled < end;)
            filled += await ReceiveAsync(filled);
        return new Reply(status, _buffer.AsMemory(0, headEnd), _buffer.AsMemory(body, end - body));
    }

    /// <summary>The status of an answer that begins with HTTP/1.1.</summary>
    public static int Status(ReadOnlySpan<byte> head) => Utf8Parser.TryParse(head[9..12], out int status, out _) ? status : throw new IOException("An answer without a status.");

    public void Dispose() => _socket.Dispose();

    private async ValueTask<int> ReceiveChunksAsync(int body, int filled)
    {
        var chunks = default(Chunks);
        int from = body, at = body;
        while (true)
        {
            chunks.Decode(_buffer, ref from, filled, ref at);
            if (chunks.Ended)
                return at;
            if (from == filled)
                from = filled = at;
            filled += await ReceiveAsync(filled);
        }
    }

    private async ValueTask<int> ReceiveAsync(int filled)
    {
        if (filled == _buffer.Length)
            Array.Resize(ref _buffer, _buffer.Length * 2);
        var read = await _socket.ReceiveAsync(_buffer.AsMemory(filled), SocketFlags.None);
        return read > 0 ? read : throw new IOException($"The server closed the connection: {Encoding.UTF8.GetString(_buffer.AsSpan(0, Math.Min(filled, 300)))}");
    }

    /// <summary>-1: chunked.</summary>
    private static int ContentLength(ReadOnlySpan<byte> head)
    {
        var name = "\r\nContent-Length: "u8;
        var at = head.IndexOf(name);
        return at >= 0 && Utf8Parser.TryParse(head[(at + name.Length)..], out int length, out _) ? length
            : head.IndexOf("\r\nTransfer-Encoding: chunked"u8) >= 0 ? -1 : 0;
    }
}
