using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Tocsin.Benchmarks.Load;

/// <summary>The service under test: where it listens, and the token for it. Makes requests as bytes.</summary>
internal sealed class Target
{
    private readonly IPEndPoint _address;
    private readonly string _common;

    private Target(Uri url, string token, bool isAsync)
    {
        _address = new IPEndPoint(Dns.GetHostAddresses(url.Host)[0], url.Port);
        IsAsync = isAsync;
        _common = $"Host: {url.Authority}\r\nAuthorization: Bearer {token}\r\n{(isAsync ? "Prefer: respond-async\r\n" : "")}";
    }

    /// <summary>Requests ask not to wait for the commit: being accepted is enough.</summary>
    public bool IsAsync { get; }

    /// <summary>
    /// <c>--url</c> and <c>--token</c>; the token of the environment's <c>TOCSIN_ADMIN_TOKEN</c> else. <c>--async</c>: with Prefer: respond-async.
    /// </summary>
    public static Target From(Options options) => new(
        new Uri(options.Text("url", "http://127.0.0.1:9000")),
        options.Text("token") ?? Environment.GetEnvironmentVariable("TOCSIN_ADMIN_TOKEN") ?? throw new ArgumentException("--token or TOCSIN_ADMIN_TOKEN is needed"),
        options.Flag("async"));

    public byte[] Get(string pathAndQuery, string accept = "application/json") => Encoding.ASCII.GetBytes($"GET {pathAndQuery} HTTP/1.1\r\n{_common}Accept: {accept}\r\n\r\n");

    /// <summary>A POST; the body's place in it is its end.</summary>
    public byte[] Post(string path, string contentType, ReadOnlySpan<byte> body) =>
        [.. Encoding.ASCII.GetBytes($"POST {path} HTTP/1.1\r\n{_common}Content-Type: {contentType}\r\nContent-Length: {body.Length}\r\n\r\n"), .. body];

    public async Task<Socket> ConnectAsync()
    {
        var socket = new Socket(_address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(_address);
        return socket;
    }
}
