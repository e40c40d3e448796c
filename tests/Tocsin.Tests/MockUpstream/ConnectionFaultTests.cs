using System.Net.Sockets;

namespace Tocsin.Tests.MockUpstream;

public sealed class ConnectionFaultTests
{
    private const string Feed = "/incidents/denial/";

    [Fact]
    public async Task Slow_body_sends_a_byte_a_second_and_closes_after_a_minute()
    {
        await using var mock = await RunningMock.StartAsync();
        var whole = await mock.TextAsync(Feed);
        await mock.SetAsync("""{"slow_body":1}""");
        using var response = await mock.GetAsync(Feed, HttpCompletionOption.ResponseHeadersRead);
        response.Content.Headers.ContentLength.ShouldBe(whole.Length);
        using var body = await response.Content.ReadAsStreamAsync();
        var one = new byte[1];
        for (var second = 0; second < 60; second++)
        {
            await mock.Time.UntilTimerAsync(TimeSpan.FromSeconds(1));
            await body.ReadExactlyAsync(one);
            ((char)one[0]).ShouldBe(whole[second]);
            mock.Time.Advance(TimeSpan.FromSeconds(1));
        }

        await Should.ThrowAsync<IOException>(async () => await body.ReadExactlyAsync(one));
    }

    [Fact]
    public async Task Slow_body_of_a_short_answer_ends_with_the_answer()
    {
        await using var mock = await RunningMock.StartAsync(o => o with { Alerts = 0 });
        await mock.SetAsync("""{"slow_body":1}""");
        var call = mock.TextAsync("/alerts");
        for (var second = 0; second < 2; second++)
        {
            await mock.Time.UntilTimerAsync(TimeSpan.FromSeconds(1));
            mock.Time.Advance(TimeSpan.FromSeconds(1));
        }

        (await call).ShouldBe("[]");
    }

    [Fact]
    public async Task Wrong_length_sends_all_and_promised_more()
    {
        await using var mock = await RunningMock.StartAsync();
        var whole = await mock.TextAsync(Feed);
        await mock.SetAsync("""{"wrong_length":1}""");
        using var response = await mock.GetAsync(Feed, HttpCompletionOption.ResponseHeadersRead);
        response.Content.Headers.ContentLength.ShouldBe(whole.Length + 1_000);
        using var body = await response.Content.ReadAsStreamAsync();
        var bytes = new byte[whole.Length];
        await body.ReadExactlyAsync(bytes);
        System.Text.Encoding.UTF8.GetString(bytes).ShouldBe(whole);
        await Should.ThrowAsync<HttpIOException>(async () => await body.ReadExactlyAsync(new byte[1]));
    }

    [Fact]
    public async Task Reset_resets_the_connection_before_or_after_some_bytes()
    {
        // more than the server buffers: of a small answer a reset may take back what was written
        await using var mock = await RunningMock.StartAsync(o => o with { Alerts = 5_000 });
        await mock.SetAsync("""{"reset":1}""");
        var answered = new HashSet<bool>();
        for (var call = 0; call < 40; call++)
            answered.Add(await ReadRawAsync(mock.Server.BaseAddress.Port) > 0);
        answered.ShouldContain(false);
        answered.ShouldContain(true);
    }

    /// <summary>Bytes of the answer until the reset. A client of its own: others try again where a connection was reset.</summary>
    private static async Task<int> ReadRawAsync(int port)
    {
        using var client = new TcpClient();
        await client.ConnectAsync("127.0.0.1", port, TestContext.Current.CancellationToken);
        var stream = client.GetStream();
        await stream.WriteAsync("GET /alerts HTTP/1.1\r\nHost: mock\r\nAuthorization: Bearer tocsin\r\n\r\n"u8.ToArray());
        var (buffer, read) = (new byte[16 * 1024], 0);
        try
        {
            while (await stream.ReadAsync(buffer, TestContext.Current.CancellationToken) is > 0 and var some)
                read += some;
            throw new InvalidOperationException("the connection was closed, not reset");
        }
        catch (IOException error) when (error.InnerException is SocketException { SocketErrorCode: SocketError.ConnectionReset })
        {
            return read;
        }
    }
}
