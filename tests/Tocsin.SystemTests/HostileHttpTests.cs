using System.Net.Sockets;
using System.Text;

namespace Tocsin.SystemTests;

/// <summary>Requests that no honest client sends, and clients that take their time.</summary>
public sealed class HostileHttpTests(BareHouse house) : IClassFixture<BareHouse>
{
    private const string Auth = $"Authorization: Bearer {ServerHome.Token}\r\n";
    private const string Post = "POST /events HTTP/1.1\r\nHost: x\r\n" + Auth + "Content-Type: application/json\r\n";
    private const string Smuggled = "{\"type\":\"smuggled\"}";
    private static readonly ParallelOptions Many = new() { MaxDegreeOfParallelism = 24 };
    private static readonly TimeSpan HealthDeadline = TimeSpan.FromSeconds(2);

    private int Port => house.Server.Home.Port;

    [Fact]
    public async Task Malformed_requests_are_refused_or_cut_off()
    {
        var requests = Malformed().ToArray();
        requests.Length.ShouldBeGreaterThanOrEqualTo(137);
        var wrong = new List<string>();
        await Parallel.ForEachAsync(requests, Many, async (request, _) =>
        {
            var answer = await RawHttp.ExchangeAsync(Port, request);
            var statuses = RawHttp.Statuses(answer);
            // 505 is said to those who speak another version of HTTP, and is no failure here.
            if (statuses.Length > 1 || statuses.Any(status => status is not (>= 400 and < 500 or 505)))
                lock (wrong)
                    wrong.Add($"{Shown(request)} -> {Shown(answer)}");
        });
        wrong.ShouldBeEmpty();
        (await HealthAsync()).ShouldBeLessThan(HealthDeadline);
        (await StoredAsync("hostile")).ShouldBe(0);
        Figures.Print($"{requests.Length} malformed requests: each is refused with 4xx or cut off, none is taken");
    }

    [Fact]
    public async Task No_request_is_hidden_in_another()
    {
        var forms = Smuggling().ToArray();
        forms.Length.ShouldBeGreaterThanOrEqualTo(18);
        var open = Post + $"Content-Length: 17\r\n\r\n{{\"type\":\"openly\"}}";
        RawHttp.Statuses(await RawHttp.ExchangeAsync(Port, open + open, answers: 2)).ShouldBe([201, 201], "a second request that is not hidden is served");
        var wrong = new List<string>();
        await Parallel.ForEachAsync(forms, Many, async (form, _) =>
        {
            var answer = await RawHttp.ExchangeAsync(Port, form);
            if (RawHttp.Statuses(answer) is not ([] or [>= 200 and < 500]))
                lock (wrong)
                    wrong.Add($"{Shown(form)} -> {Shown(answer)}");
        });
        wrong.ShouldBeEmpty();
        (await StoredAsync("smuggled")).ShouldBe(0);
        Figures.Print($"{forms.Length} smuggling forms: never two answers, nothing smuggled is stored");
    }

    [Fact]
    public async Task Slow_clients_and_idle_connections_hold_up_nobody()
    {
        const int Slow = 300;
        const int Idle = 1_500;
        var sockets = new List<Socket>();
        try
        {
            for (var i = 0; i < Slow + Idle; i++)
                sockets.Add(await RawHttp.ConnectAsync(Port));
            var dripping = Encoding.Latin1.GetBytes(Post + "Content-Length: 1000\r\nX-Slow: " + new string('s', 200));
            var sent = 0;
            var looks = new List<TimeSpan>();
            await Eventually.DuringAsync(TimeSpan.FromSeconds(3), async () =>
            {
                // A third of them is past its headers, and drips its body.
                for (var i = 0; i < Slow; i++)
                    if (i % 3 > 0)
                        await sockets[i].SendAsync(dripping.AsMemory(sent % dripping.Length, 1));
                    else
                        await sockets[i].SendAsync(sent == 0 ? Encoding.Latin1.GetBytes(Post + "Content-Length: 1000\r\n\r\n") : " "u8.ToArray());
                sent++;
                looks.Add(await HealthAsync());
                (await house.Server.PostAsync("/event", """{"type":"meanwhile"}""")).Status.ShouldBe(System.Net.HttpStatusCode.Created);
            });
            sent.ShouldBeGreaterThan(3);
            // One may be held up by the machine; were it by the others, all would be.
            looks.OrderDescending().ElementAt(1).ShouldBeLessThan(HealthDeadline);
            Figures.Print($"{Slow} dripping and {Idle} idle connections: /health within {looks.Max().TotalMilliseconds:F0} ms, events are taken; resident {house.Server.Process.ResidentBytes >> 20} MiB");
        }
        finally
        {
            foreach (var socket in sockets)
                socket.Dispose();
        }
    }

    private async Task<TimeSpan> HealthAsync()
    {
        var start = TimeProvider.System.GetTimestamp();
        await house.Server.JsonAsync("/health");
        return TimeProvider.System.GetElapsedTime(start);
    }

    private async Task<int> StoredAsync(string type) => (await house.Server.JsonAsync($"/events?type={type}")).GetArrayLength();

    private static string Shown(string text) =>
        (text.Length <= 300 ? text : $"{text[..150]} ... {text[^100..]}").Replace("\r", "\\r", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal).Replace("\0", "\\0", StringComparison.Ordinal);

    private static IEnumerable<string> Malformed()
    {
        const string Body = "{\"type\":\"hostile\"}";
        var length = $"Content-Length: {Body.Length}\r\n";
        // Request lines.
        foreach (var line in new[]
        {
            "", " ", "\0", "GET", "GET ", "GET  ", "GET /", "GET / ", "GET / HTTP", "GET / HTTP/", "GET / HTTP/1", "GET / HTTP/1.", "GET / HTTP/1.x", "GET / HTTP/x.1", "GET / http/1.1",
            "GET / HTTP/0.9", "GET / HTTP/1.2", "GET / HTTP/2.0", "GET / HTTP/3.0", "GET / HTTP/11", "GET / HTTP/1.1 x", "GET / HTTP/1.1\0", "GET / HTTPS/1.1", "GET\t/ HTTP/1.1", "GET / HTTP/1.1\v",
            "G\0T / HTTP/1.1", "G@T / HTTP/1.1", "GET( / HTTP/1.1", "G\u00c9T / HTTP/1.1", " GET / HTTP/1.1", ": / HTTP/1.1", "GET \0 HTTP/1.1", "GET /\0 HTTP/1.1", "GET /%00 HTTP/1.1", "GET /a b HTTP/1.1", "GET // / HTTP/1.1",
            "GET nowhere HTTP/1.1", "GET * HTTP/1.1", "GET x:80 HTTP/1.1", "CONNECT / HTTP/1.1", "CONNECT x:80 HTTP/1.1", "GET /\u00e9 HTTP/1.1", "GET /\u0080\u00ff HTTP/1.1", "GET /%zz%0 HTTP/1.1",
            "GET /events/../../etc/passwd HTTP/1.1", "GET /%2e%2e/%2e%2e/etc/passwd HTTP/1.1", "GET /..%5c..%5cwindows HTTP/1.1", "PRI * HTTP/2.0", "\u0016\u0003\u0001\u0002\0\u0001\0\u0001", "OPTIONS /nowhere HTTP/1.1",
            "GET http:///x HTTP/1.1", "GET http://x:99999999/x HTTP/1.1", "GET ftp://x/nowhere HTTP/1.1", "TRACE /health HTTP/1.1", "BREW /event HTTP/1.1", new string('A', 9_000), "GET /" + new string('a', 9_000) + " HTTP/1.1",
        })
            yield return $"{line}\r\nHost: x\r\nConnection: close\r\n\r\n";
        // Hosts.
        foreach (var host in new[] { "", "Host: a\r\nHost: b\r\n", "Host: a b\r\n", "Host: a/b\r\n", "Host: a@b\r\n", "Host: x\0y\r\n", "Host: x:port\r\n", "Host: [::1\r\n", "Host: x,y\r\n", "Host: \u00e9\r\n", "Host: x:1:2\r\n", "Host: <x>\r\n" })
            yield return $"POST /event HTTP/1.1\r\n{host}{Auth}Content-Type: application/json\r\n{length}\r\n{Body}";
        // Headers.
        foreach (var header in new[]
        {
            "X", "X\0: y", ": y", " X: y", "X : y", "X\t: y", "X y: z", "X(: y", "X@y: z", "X\u00e9: y", "X: a\0b", "X: a\rb", "\0", "X: y\0", "X\n: y", "\"X\": y", "X[]: y", "X{: y", "X<: y", "X=: y", "X/y: z", "X,y: z", "X;y: z", "X?: y",
            "Content-Length: 1x", "Content-Length: -1", "Content-Length: 0x12", "Content-Length: 18, 18", "Content-Length: 18 18", "Content-Length: 1.8", "Content-Length: ", "Content-Length: 99999999999999999999", "Content-Length: 1e1",
            "Content-Length: 17\r\nContent-Length: 18", "Content-Length: 18\r\nContent-Length: 18", "Content-Length: 18\r\nContent-Length: 0", "Content-Length: \u0661\u0668".Replace("\u0661\u0668", "\u00b9\u00b8", StringComparison.Ordinal),
            "Content-Length: 10000000000", "Content-Length: 50",
            "Transfer-Encoding: identity", "Transfer-Encoding: gzip", "Transfer-Encoding: chunked, gzip", "Transfer-Encoding: chunked, chunked", "Transfer-Encoding: xchunked", "Transfer-Encoding: \u000bchunked", "Transfer-Encoding: chunked\0", "Transfer-Encoding:",
            "X: " + new string('y', 40_000), "X" + new string('y', 40_000) + ": z", string.Join("\r\n", Enumerable.Range(0, 150).Select(i => $"X-{i}: y")), string.Join("\r\n", Enumerable.Range(0, 40).Select(i => $"X-{i}: {new string('y', 1_000)}")),
        })
            yield return $"{Post}{header}\r\n\r\n{Body}";
        // Chunks.
        foreach (var chunks in new[]
        {
            "", "x\r\n", "-1\r\n", "+12\r\n", "0x12\r\n", " 12\r\n", "12 \0\r\n", "\r\n", "12", "12\r", "12\n", "FFFFFFFFFFFFFFFFF\r\n", "7FFFFFFFFFFFFFFF\r\n", "80000000\r\n", $"12\r\n{Body}", $"12\r\n{Body}X\r\n0\r\n\r\n", $"12\r\n{Body}\r\n", $"12\r\n{Body}\r\n0",
            $"12\r\n{Body}\r\n0\r\n", $"12\r\n{Body}\r\n0\r\nX\r\n\r\n", $"12\r\n{Body}\r\n0\r\nX: a\0b\r\n\r\n", $"1\r\n{Body}\r\n0\r\n\r\n", $"12;{new string('e', 20_000)}\r\n{Body}\r\n0\r\n", $"\u00b9\u00b2\r\n{Body}\r\n0\r\n\r\n", "g\r\n\r\n", "1_2\r\n", "1,2\r\n",
        })
            yield return $"{Post}Transfer-Encoding: chunked\r\n\r\n{chunks}";
        // Cut off.
        foreach (var cut in new[] { 1, 5, 20, 40, 60, 120, Post.Length - 1, Post.Length })
            yield return (Post + length + "\r\n" + Body)[..cut];
    }

    /// <summary>
    /// What one reads as the body of a request another could read as a second one: it must not be served, whichever of two lengths is believed.
    /// </summary>
    private static IEnumerable<string> Smuggling()
    {
        var hidden = Post + $"Content-Length: {Smuggled.Length}\r\n\r\n{Smuggled}";
        var chunk = $"{hidden.Length:x}\r\n{hidden}\r\n0\r\n\r\n";
        var ended = "0\r\n\r\n" + hidden;
        string Whole(string headers, string body) => $"{Post}{headers}\r\n\r\n{body}";

        // By Content-Length all of it is one body; by the chunks it ends early.
        yield return Whole($"Content-Length: {ended.Length}\r\nTransfer-Encoding: chunked", ended);
        yield return Whole($"Transfer-Encoding: chunked\r\nContent-Length: {ended.Length}", ended);
        // By the chunks all of it is one body; by Content-Length it ends early.
        yield return Whole("Content-Length: 4\r\nTransfer-Encoding: chunked", chunk);
        yield return Whole("Transfer-Encoding: chunked\r\nContent-Length: 4", chunk);
        foreach (var coding in new[]
        {
            "Transfer-Encoding: xchunked", "Transfer-Encoding : chunked", "Transfer-Encoding: chunked\r\nTransfer-Encoding: x", "Transfer-Encoding: x\r\nTransfer-Encoding: chunked", "Transfer-Encoding:\tchunked", "Transfer-Encoding:\u000bchunked",
            " Transfer-Encoding: chunked", "X: y\r\n Transfer-Encoding: chunked", "X: y\nTransfer-Encoding: chunked", "Transfer-Encoding\r\n: chunked", "Transfer-Encoding: \"chunked\"", "Transfer-Encoding: chunked, identity",
            "Transfer-Encoding: identity, chunked", "Transfer-Encoding: CHUNKED", "Transfer_Encoding: chunked", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", "Transfer-Encoding: ,chunked",
        })
            yield return Whole($"Content-Length: {ended.Length}\r\n{coding}", ended);
        yield return Whole($"Content-Length: 0\r\nContent-Length: {hidden.Length}", hidden);
        yield return Whole($"Content-Length: {hidden.Length}\r\nContent-Length: 0", hidden);
        yield return Whole($"Content-Length: 0, {hidden.Length}", hidden);
        yield return Whole($"Content-Length: {hidden.Length}\r\n , 0", hidden);
        yield return Whole($"Content-Length: +{hidden.Length}", hidden);
        yield return Whole($"Content_Length: 0\r\nContent-Length: {hidden.Length}", hidden);
        // Chunk lines that two could read differently.
        yield return Whole("Transfer-Encoding: chunked", $"0\n\n{hidden}");
        yield return Whole("Transfer-Encoding: chunked", $"1;\nx\r\n0\r\n\r\n{hidden}");
        yield return Whole("Transfer-Encoding: chunked", $"100000000{hidden.Length:x}\r\n{hidden}\r\n0\r\n\r\n");
        // A body where one would expect none.
        yield return $"GET /livez HTTP/1.1\r\nHost: x\r\nContent-Length: {hidden.Length}\r\n\r\n{hidden}";
        yield return $"GET /nowhere HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n{chunk}";
        yield return $"HEAD /livez HTTP/1.1\r\nHost: x\r\nContent-Length: {hidden.Length}\r\n\r\n{hidden}";
        yield return $"GET /livez HTTP/1.0\r\nTransfer-Encoding: chunked\r\nContent-Length: {ended.Length}\r\n\r\n{ended}";
        // Refused before its body was read.
        yield return $"POST /events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer nobody\r\nContent-Length: {hidden.Length}\r\n\r\n{hidden}";
        yield return $"POST /events HTTP/1.1\r\nHost: x\r\n{Auth}Content-Type: text/plain\r\nContent-Length: {hidden.Length}\r\n\r\n{hidden}";
        yield return $"POST /events HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: {hidden.Length}\r\n\r\n{hidden}";
    }
}
