using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace Tocsin.SystemTests;

/// <summary>What nginx in front of nodes may not change: deploy/cluster/nginx/nginx.conf, run.</summary>
public sealed class NginxTests
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(2);
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_stream_passes_event_by_event()
    {
        using var home = new ServerHome();
        await using var server = await ServerProcess.StartAsync(home);
        await using var nginx = await Nginx.StartAsync(home.Port);
        using var http = ServerProcess.Client(nginx.Url, ServerHome.Token);

        using var answer = await http.GetAsync("/events/stream", HttpCompletionOption.ResponseHeadersRead, Stop);
        answer.StatusCode.ShouldBe(HttpStatusCode.OK);
        using var lines = new StreamReader(await answer.Content.ReadAsStreamAsync(Stop));
        for (var n = 0; n < 3; n++)
        {
            (await server.PostAsync("/event", $$"""{"type":"nginx.{{n}}"}""")).Status.ShouldBe(HttpStatusCode.Created);
            using var deadline = new CancellationTokenSource(Soon);
            string? line;
            do
                line = await lines.ReadLineAsync(deadline.Token);
            while (line is not null && !line.Contains($"\"nginx.{n}\"", StringComparison.Ordinal));
            line.ShouldNotBeNull();
        }
    }

    [Fact]
    public async Task A_body_of_10_MiB_passes_and_what_is_too_large_is_said_in_Tocsins_words()
    {
        using var home = new ServerHome();
        await using var server = await ServerProcess.StartAsync(home);
        await using var nginx = await Nginx.StartAsync(home.Port);
        using var http = ServerProcess.Client(nginx.Url, ServerHome.Token);

        var (status, body) = await PushAsync(http, 10, (10 << 20) - 1000);
        status.ShouldBe(HttpStatusCode.OK, body.GetRawText());
        body.GetProperty("created").GetInt32().ShouldBe(10);
        foreach (var bytes in new[] { (10 << 20) + 1000, 12 << 20 })
        {
            (status, body) = await PushAsync(http, 13, bytes);
            status.ShouldBe(HttpStatusCode.RequestEntityTooLarge);
            body.GetProperty("code").GetString().ShouldBe("too_large");
        }
    }

    [Fact]
    public async Task A_browser_signs_in_through_it_as_the_page_is_its_own()
    {
        using var home = new ServerHome();
        await using var server = await ServerProcess.StartAsync(home);
        await using var nginx = await Nginx.StartAsync(home.Port);
        using var http = ServerProcess.Client(nginx.Url, null);
        foreach (var (origin, expected) in new[] { (nginx.Url, HttpStatusCode.OK), ("http://127.0.0.1:1", HttpStatusCode.Forbidden) })
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, "/session") { Content = new StringContent($$"""{"token":"{{ServerHome.Token}}"}""", Encoding.UTF8, "application/json") };
            request.Headers.Add("Origin", origin);
            using var answer = await http.SendAsync(request, Stop);
            answer.StatusCode.ShouldBe(expected, await answer.Content.ReadAsStringAsync(Stop));
        }
    }

    [Fact]
    public async Task A_node_that_is_killed_is_passed_over_and_without_any_the_answer_says_when_to_come_again()
    {
        using var home = new ServerHome();
        using var other = new ServerHome();
        await using var server = await ServerProcess.StartAsync(home);
        await using var killed = await ServerProcess.StartAsync(other);
        await using var nginx = await Nginx.StartAsync(home.Port, other.Port);
        using var http = ServerProcess.Client(nginx.Url, ServerHome.Token);
        await killed.KillAsync();

        for (var n = 0; n < 20; n++)
        {
            using var read = await http.GetAsync("/events", Stop);
            read.StatusCode.ShouldBe(HttpStatusCode.OK);
            using var pushed = await http.PostAsync("/event", Json(), Stop);
            pushed.StatusCode.ShouldBe(HttpStatusCode.Created);
        }

        await server.KillAsync();
        using var none = await http.GetAsync("/events", Stop);
        none.StatusCode.ShouldBe(HttpStatusCode.ServiceUnavailable);
        none.Headers.RetryAfter!.Delta!.Value.ShouldBeGreaterThan(TimeSpan.Zero);
        none.Content.Headers.ContentType!.MediaType.ShouldBe("application/problem+json");
        JsonElement.Parse(await none.Content.ReadAsStringAsync(Stop)).GetProperty("code").GetString().ShouldBe("no_node");
    }

    [Theory]
    [InlineData("GET", "/events", null, 3)]
    [InlineData("POST", "/event", "k-1", 3)]
    [InlineData("POST", "/events", "k-1", 3)]
    [InlineData("POST", "/event", null, 1)]
    [InlineData("POST", "/sync", "k-1", 1)]
    [InlineData("PATCH", "/sources/x", "k-1", 1)]
    public async Task What_a_node_took_and_did_not_answer_goes_to_the_next_only_where_that_is_safe(string method, string path, string? key, int taken)
    {
        await using var a = new DyingNode();
        await using var b = new DyingNode();
        await using var c = new DyingNode();
        await using var nginx = await Nginx.StartAsync(a.Port, b.Port, c.Port);
        using var http = ServerProcess.Client(nginx.Url, ServerHome.Token);
        using var request = new HttpRequestMessage(new HttpMethod(method), path) { Content = method == "GET" ? null : Json() };
        if (key is not null)
            request.Headers.Add("Idempotency-Key", key);

        using var answer = await http.SendAsync(request, Stop);

        answer.StatusCode.ShouldBe(HttpStatusCode.ServiceUnavailable);
        JsonElement.Parse(await answer.Content.ReadAsStringAsync(Stop)).GetProperty("code").GetString().ShouldBe("no_node");
        (a.Taken + b.Taken + c.Taken).ShouldBe(taken);
    }

    private static StringContent Json() => new("""{"type":"a"}""", Encoding.UTF8, "application/json");

    /// <summary>Pushes this many events in a body of this many bytes, and waits for the leave to send it.</summary>
    private static async Task<(HttpStatusCode Status, JsonElement Body)> PushAsync(HttpClient http, int events, int bytes)
    {
        var each = (bytes / events) - 1;
        var body = new StringBuilder(bytes);
        for (var n = 0; n < events; n++)
            body.Append("{\"type\":\"large\",\"data\":\"").Append('x', each - 25).Append("\"}\n");
        using var request = new HttpRequestMessage(HttpMethod.Post, "/events") { Content = new StringContent(body.ToString(), new MediaTypeHeaderValue("application/x-ndjson")) };
        request.Headers.ExpectContinue = true;
        using var answer = await http.SendAsync(request, Stop);
        return (answer.StatusCode, JsonElement.Parse(await answer.Content.ReadAsStringAsync(Stop)));
    }
}
