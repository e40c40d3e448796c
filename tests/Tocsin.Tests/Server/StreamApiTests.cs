using System.Net;
using System.Net.ServerSentEvents;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Tocsin.Journal;
using Tocsin.Projections;
using Tocsin.Server.Api;

namespace Tocsin.Tests.Server;

public sealed class StreamApiTests : IAsyncLifetime
{
    private RunningServer _server = null!;

    public async ValueTask InitializeAsync() => _server = await RunningServer.StartAsync(journal: [new Append { Entries = [.. Enumerable.Range(1, 3).Select(n => Some.Event(id: n))] }]);

    public async ValueTask DisposeAsync() => await _server.DisposeAsync();

    [Fact]
    public async Task A_stream_begins_at_once_with_its_place_and_tells_proxies_to_let_it_through()
    {
        using var stream = await OpenAsync("/events/stream");

        stream.Response.StatusCode.ShouldBe(HttpStatusCode.OK);
        stream.Response.Content.Headers.ContentType!.ToString().ShouldBe("text/event-stream");
        stream.Response.Headers.CacheControl!.NoStore.ShouldBeTrue();
        stream.Response.Headers.GetValues("X-Accel-Buffering").ShouldBe(["no"]);
        (await stream.BlockAsync()).ShouldBe(["retry: 2000", ": tocsin", "id: 3"]);
    }

    [Fact]
    public async Task What_is_committed_is_a_message_with_its_sequence_and_the_event_on_one_line()
    {
        using var stream = await OpenAsync("/events/stream");
        await stream.BlockAsync();
        await _server.AppendAsync(Some.Event(id: 4, data: "{\n\"a\": 1}"));

        var block = await stream.BlockAsync();
        block.Length.ShouldBe(2);
        block[0].ShouldBe("id: 4");
        var e = JsonElement.Parse(block[1]["data: ".Length..]);
        e.GetProperty("sequence").GetInt64().ShouldBe(4);
        e.GetProperty("data").GetProperty("a").GetInt32().ShouldBe(1);
    }

    [Fact]
    public async Task The_frameworks_own_reader_understands_it()
    {
        using var response = await _server.Client.GetAsync("/events/stream?last_event_id=0", HttpCompletionOption.ResponseHeadersRead);
        await using var body = await response.Content.ReadAsStreamAsync();
        var parser = SseParser.Create(body);
        await _server.AppendAsync(Some.Amendment(1, userId: "7"));
        var items = new List<(string Type, string? Id)>();
        await foreach (var item in parser.EnumerateAsync())
        {
            items.Add((item.EventType, item.EventId));
            if (items.Count == 4)
                break;
        }

        items.ShouldBe([("message", "1"), ("message", "2"), ("message", "3"), ("amended", "4")]);
        parser.ReconnectionInterval.ShouldBe(TimeSpan.FromSeconds(2));
        parser.LastEventId.ShouldBe("4");
    }

    [Theory]
    [InlineData("user_id=7&user_id=8", new[] { 4L, 5 })]
    [InlineData("priority=low", new[] { 5L })]
    [InlineData("type=auth.*", new[] { 6L })]
    [InlineData("data.n=2", new[] { 5L })]
    [InlineData("q=SECOND", new[] { 5L })]
    [InlineData("source=tocsin", new[] { 7L })]
    [InlineData("", new[] { 4L, 5, 6 })]
    public async Task Filters_are_those_of_events_and_own_actions_show_when_asked_for(string query, long[] expected)
    {
        using var stream = await OpenAsync("/events/stream?" + query);
        await stream.BlockAsync();
        await _server.AppendAsync(
            Some.Event(id: 4, userId: "7"),
            Some.Event(id: 5, userId: "8", priority: Priority.Low, data: """{"n":2,"t":"the second"}"""),
            Some.Event(id: 6, userId: "9", type: "auth.login"),
            Some.Event(id: 7, source: EventFilter.OwnSource, type: "tocsin.token"));

        foreach (var sequence in expected)
            (await stream.BlockAsync())[0].ShouldBe($"id: {sequence}");
        _server.Time.Advance(LiveTail.Heartbeat);
        (await stream.BlockAsync()).ShouldBe([": heartbeat", "id: 7"]);
    }

    [Fact]
    public async Task An_amended_event_is_shown_to_whom_it_concerns_now()
    {
        using var stream = await OpenAsync("/events/stream?user_id=77");
        await stream.BlockAsync();
        await _server.AppendAsync(Some.Amendment(2, userId: "77"));

        var block = await stream.BlockAsync();
        block[..2].ShouldBe(["id: 4", "event: amended"]);
        JsonElement.Parse(block[2]["data: ".Length..]).GetProperty("id").GetString().ShouldBe(Some.Id(2).ToString());
    }

    [Fact]
    public async Task Last_Event_ID_resumes_behind_it_and_the_header_wins()
    {
        using var stream = await OpenAsync("/events/stream?last_event_id=3", ("Last-Event-ID", "1"));
        (await stream.BlockAsync()).ShouldContain("id: 1");
        (await stream.BlockAsync())[0].ShouldBe("id: 2");
        (await stream.BlockAsync())[0].ShouldBe("id: 3");
        await _server.AppendAsync(Some.Event(id: 4));
        (await stream.BlockAsync())[0].ShouldBe("id: 4");
    }

    [Fact]
    public async Task A_place_beyond_the_head_is_said_and_the_stream_goes_on_from_the_head()
    {
        using var stream = await OpenAsync("/events/stream?last_event_id=99");
        var block = await stream.BlockAsync();
        block[2].ShouldStartWith(": the journal does not reach as far");
        block[^1].ShouldBe("id: 3");
    }

    [Theory]
    [InlineData("?last_event_id=x", "last_event_id")]
    [InlineData("?last_event_id=-1", "last_event_id")]
    [InlineData("?last_event_id=", "last_event_id")]
    [InlineData("?limit=3", "limit")]
    [InlineData("?cursor=x", "cursor")]
    [InlineData("?order=asc", "order")]
    [InlineData("?priority=huge", "priority")]
    public async Task A_query_that_cannot_be_used_is_refused_and_named(string query, string name)
    {
        var problem = await RunningServer.ProblemAsync(await _server.GetAsync("/events/stream" + query), 400);
        problem.GetProperty("errors")[0].GetProperty("pointer").GetString().ShouldBe(name);
    }

    [Fact]
    public async Task A_header_that_is_no_sequence_is_refused() =>
        (await RunningServer.ProblemAsync(await _server.GetAsync("/events/stream", ("Last-Event-ID", "abc")), 400))
            .GetProperty("detail").GetString().ShouldNotBeNull().ShouldContain("Last-Event-ID");

    [Fact]
    public async Task HEAD_does_not_stream()
    {
        using var response = await Until.DoneAsync(_server.SendAsync(HttpMethod.Head, "/events/stream"));
        response.StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Without_a_token_there_is_no_stream()
    {
        using var stranger = _server.Open(null);
        await RunningServer.ProblemAsync(await stranger.GetAsync("/events/stream"), 401);
    }

    [Fact]
    public async Task When_the_service_stops_the_stream_ends_as_it_should()
    {
        var server = await RunningServer.StartAsync();
        using var response = await server.Client.GetAsync("/events/stream", HttpCompletionOption.ResponseHeadersRead);
        await using var body = await response.Content.ReadAsStreamAsync();
        var rest = new StreamReader(body).ReadToEndAsync();
        await Until.DoneAsync(server.DisposeAsync().AsTask());

        (await Until.DoneAsync(rest)).ShouldEndWith("id: 0\n\n");
    }

    [Fact]
    public async Task A_client_that_takes_nothing_for_ten_seconds_is_cut_and_counted_and_others_are_not()
    {
        using var stream = await OpenAsync("/events/stream");
        await stream.BlockAsync();
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = 4_096 };
        await socket.ConnectAsync(_server.Url.Host, _server.Url.Port);
        await socket.SendAsync(Encoding.ASCII.GetBytes($"GET /events/stream?last_event_id=0 HTTP/1.1\r\nHost: x\r\nAuthorization: {RunningServer.Token}\r\n\r\n"));
        var large = $"\"{new string('x', 1_000_000)}\"";
        var flushes = _server.Time.UntilTimerAsync(AnswerFlush.Max);
        var read = Task.Run(async () =>
        {
            for (var n = 0; n < 20; n++)
                await stream.BlockAsync();
        });
        for (var n = 0; n < 20; n++)
            await _server.AppendAsync(Some.Event(id: 10 + n, data: large));
        await Until.DoneAsync(flushes);
        await Until.DoneAsync(read);
        // The good one's last flush may not have ended when its block was read.
        await Until.TrueAsync(() => _server.Time.TimersOf(AnswerFlush.Max) == 1);
        await Until.TrueAsync(() =>
        {
            _server.Time.Advance(AnswerFlush.Max);
            return MetricAsync("tocsin_stream_readers").Result == 1;
        });

        (await MetricAsync("tocsin_stream_dropped_total")).ShouldBe(1);
        await _server.AppendAsync(Some.Event(id: 100));
        string[] block;
        do
            block = await stream.BlockAsync();
        while (block[0] == ": heartbeat");
        block[0].ShouldBe("id: 24");
    }

    [Fact]
    public async Task One_token_takes_half_of_the_places_and_gives_them_back()
    {
        var streams = new List<OpenStream>();
        for (var n = 0; n < CallerStreams.MaxOfOne; n++)
            streams.Add(await OpenAsync("/events/stream"));
        using (var refused = await _server.GetAsync("/events/stream"))
        {
            refused.StatusCode.ShouldBe(HttpStatusCode.TooManyRequests);
            refused.Headers.RetryAfter.ShouldNotBeNull().Delta.ShouldBe(TimeSpan.FromSeconds(10));
            (await refused.Content.ReadAsStringAsync()).ShouldContain("too_many_streams");
        }
        using var made = await _server.PostAsync("/tokens", """{"name":"other","scopes":["read"]}""");
        using (var client = _server.Open(JsonElement.Parse(await made.Content.ReadAsStringAsync()).GetProperty("token").GetString()))
        using (var served = await client.GetAsync("/events/stream", HttpCompletionOption.ResponseHeadersRead))
            served.StatusCode.ShouldBe(HttpStatusCode.OK);

        streams[0].Dispose();
        await Until.TrueAsync(() =>
        {
            using var again = _server.Client.Send(new HttpRequestMessage(HttpMethod.Get, "/events/stream"), HttpCompletionOption.ResponseHeadersRead);
            return again.StatusCode == HttpStatusCode.OK;
        });
        streams.ForEach(static stream => stream.Dispose());
    }

    private async Task<double> MetricAsync(string name) => (await MetricsText.ScrapeAsync(_server.Client)).Value(name);

    private async Task<OpenStream> OpenAsync(string path, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        foreach (var (name, value) in headers)
            request.Headers.TryAddWithoutValidation(name, value);
        var response = await Until.DoneAsync(_server.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead));
        return new OpenStream(response, new StreamReader(await response.Content.ReadAsStreamAsync()));
    }

    private sealed record OpenStream(HttpResponseMessage Response, StreamReader Reader) : IDisposable
    {
        /// <summary>The lines up to the next blank one.</summary>
        public async Task<string[]> BlockAsync()
        {
            var lines = new List<string>();
            while (await Until.DoneAsync(Reader.ReadLineAsync()) is { Length: > 0 } line)
                lines.Add(line);
            return [.. lines];
        }

        public void Dispose() => Response.Dispose();
    }
}
