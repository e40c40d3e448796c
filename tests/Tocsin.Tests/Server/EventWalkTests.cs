using System.Buffers.Text;
using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using Tocsin.Journal;
using Tocsin.Server.Api;

namespace Tocsin.Tests.Server;

/// <summary>Walks from page to page while the journal grows.</summary>
public sealed class EventWalkTests
{
    /// <summary>Many share an instant, some differ by nanoseconds only.</summary>
    private static readonly string[] Times = ["100.5", "100.5", "100.500000001", "100.500000099", "100.5000001", "99", "101", "100.50", "-5.25", "100.500000001"];

    [Theory]
    [InlineData("")]
    [InlineData("order=asc")]
    [InlineData("order_by=sequence")]
    [InlineData("order_by=sequence&order=asc")]
    [InlineData("type=a&order=asc")]
    public async Task A_walk_gives_every_event_that_was_there_once_and_in_order_whatever_is_written_meanwhile(string query)
    {
        foreach (var limits in new[] { [1], [3], new[] { 2, 5, 1 } })
        {
            await using var host = await EventsHost.StartAsync([.. Enumerable.Range(0, 40).Select(i => Event(i))]);
            await host.AddAsync(Some.Amendment(3, "before"));
            var asked = EventsHost.Sequences((await host.PageAsync($"/events?{query}&limit=1000")).Events);
            asked.Length.ShouldBe(query.StartsWith("type", StringComparison.Ordinal) ? 20 : 40);

            var seen = new List<JsonElement>();
            var path = $"/events?{query}&limit={limits[0]}";
            for (var page = 1; path is not null; page++)
            {
                var (events, next) = await host.PageAsync(path);
                seen.AddRange(events);
                await host.AddAsync(Event(40 + page), Some.Amendment(1 + (page % 40), $"during-{page}", Priority.Low));
                path = next?.Replace($"limit={limits[(page - 1) % limits.Length]}", $"limit={limits[page % limits.Length]}", StringComparison.Ordinal);
            }
            EventsHost.Sequences(seen).ShouldBe(asked);
            seen.Select(e => e.GetProperty("user_id").GetString()).Distinct().Order(StringComparer.Ordinal).ShouldBe(["4506", "before"]);
        }
    }

    [Fact]
    public async Task Every_page_says_the_sequence_that_the_walk_sees()
    {
        await using var host = await EventsHost.StartAsync(Event(1), Event(2), Event(3));
        var id = 10;
        for (var path = "/events?limit=1"; path is not null;)
        {
            using var response = await host.GetAsync(path);
            response.Headers.GetValues("Tocsin-Sequence").Single().ShouldBe("3");
            response.Headers.Contains("Tocsin-Partial").ShouldBeFalse();
            await host.AddAsync(Event(id++));
            path = EventsHost.Next(response);
        }
    }

    [Theory]
    [InlineData("since=-1h")]
    [InlineData("hours=1")]
    [InlineData("since=-1h&until=1970-01-01T00:00:00Z")]
    public async Task A_span_before_now_means_on_every_page_what_it_meant_on_the_first(string query)
    {
        await using var host = await EventsHost.StartAsync();
        var from = host.Time.GetUtcNow().ToUnixTimeSeconds() - 3600;
        await host.AddAsync([.. Enumerable.Range(0, 5).Select(i => Event(i, (from + i).ToString(CultureInfo.InvariantCulture)))]);
        query = query.Replace("1970-01-01T00:00:00Z", (from + 1800).ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal);
        var seen = new List<long>();
        for (var path = $"/events?{query}&limit=1"; path is not null;)
        {
            var (events, next) = await host.PageAsync(path);
            seen.AddRange(EventsHost.Sequences(events));
            path = next;
            host.Time.Advance(TimeSpan.FromHours(1));
        }
        seen.ShouldBe([5, 4, 3, 2, 1]);
    }

    [Fact]
    public async Task A_cursor_keeps_to_its_question()
    {
        await using var host = await EventsHost.StartAsync(Event(1), Event(2), Event(3));
        var cursor = (await host.PageAsync("/events?type=a&data.A=1&limit=1")).Next;
        cursor.ShouldBeNull();
        cursor = Cursor((await host.PageAsync("/events?kind=incident&limit=1")).Next!);
        (await host.GetAsync($"/events?kind=incident&limit=7&cursor={cursor}")).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await host.GetAsync($"/events?kind=incident&cursor={cursor}")).StatusCode.ShouldBe(HttpStatusCode.OK);
        foreach (var path in new[]
        {
            $"/events?cursor={cursor}", $"/events?kind=alert&cursor={cursor}", $"/events?kind=incident&order=asc&cursor={cursor}", $"/events?kind=incident&order_by=sequence&cursor={cursor}",
            $"/events?kind=incident&kind=alert&cursor={cursor}", $"/events?kind=incident&data.a=1&cursor={cursor}", $"/alerts?kind=incident&cursor={cursor}",
        })
            (await RunningServer.ProblemAsync(await host.GetAsync(path), 400)).GetProperty("errors")[0].GetProperty("detail").GetString().ShouldNotBeNull().ShouldContain("another filter");
    }

    [Fact]
    public async Task A_damaged_cursor_is_400_wherever_it_is_damaged()
    {
        await using var host = await EventsHost.StartAsync(Event(1), Event(2));
        var cursor = Cursor((await host.PageAsync("/events?limit=1")).Next!);
        for (var i = 0; i < cursor.Length; i++)
        {
            var damaged = $"{cursor[..i]}{(cursor[i] == 'A' ? 'B' : 'A')}{cursor[(i + 1)..]}";
            // The last character may hold bits that mean nothing: then it is the same cursor.
            if (Base64Url.DecodeFromChars(damaged).AsSpan().SequenceEqual(Base64Url.DecodeFromChars(cursor)))
                continue;
            await RunningServer.ProblemAsync(await host.GetAsync($"/events?cursor={damaged}"), 400);
            await RunningServer.ProblemAsync(await host.GetAsync($"/events?cursor={cursor[..i]}"), 400);
        }
        await RunningServer.ProblemAsync(await host.GetAsync($"/events?cursor={cursor}{cursor}"), 400);
        await RunningServer.ProblemAsync(await host.GetAsync($"/events?cursor={new string('A', 4000)}"), 400);
    }

    [Theory]
    [InlineData("")]
    [InlineData("1")]
    [InlineData("1970-01-01T00:00:00Z 1 1 2026-01-01T00:00:00Z")]
    [InlineData("1970-01-01T00:00:00Z -1 1 2026-01-01T00:00:00Z 00000000")]
    [InlineData("1970-01-01T00:00:00Z 1 1 0001-01-01T00:00:00Z 00000000")]
    public void A_made_up_cursor_is_refused(string text) =>
        EventCursor.Read(PageCursor.Write("f", text + " "), "f", 10, out var reason).ShouldBeNull(reason);

    [Fact]
    public void A_cursor_comes_back_to_the_nanosecond_and_not_in_a_shorter_journal()
    {
        var cursor = new EventCursor(new EventPosition(Some.Time("-5.123456789"), 7), 9, new DateTimeOffset(2026, 3, 4, 12, 0, 0, TimeSpan.Zero).AddTicks(1));
        var text = cursor.Write("f");
        EventCursor.Read(text, "f", 9, out _).ShouldBe(cursor);
        EventCursor.Read(text, "f", 8, out var reason).ShouldBeNull();
        reason.ShouldNotBeNull().ShouldContain("longer");
        Encoding.ASCII.GetByteCount(text).ShouldBeLessThan(200);
    }

    [Fact]
    public async Task A_page_cut_by_the_deadline_says_so_and_where_to_go_on_even_when_it_is_empty()
    {
        await using var host = await EventsHost.StartAsync(Event(1), Event(2));
        EventQuery? asked = null;
        host.Store.Page = query =>
        {
            asked = query;
            return query.After is null ? new EventPage([], new EventPosition(Some.Time("100.5"), 2), true) : null;
        };
        using var response = await host.GetAsync("/events?q=a");
        asked.ShouldNotBeNull().Deadline.ShouldBe(EventsApi.Deadline);
        (response.StatusCode, await response.Content.ReadAsStringAsync(), response.Headers.GetValues("Tocsin-Partial").Single()).ShouldBe((HttpStatusCode.OK, "[]", "deadline"));
        (await host.PageAsync(EventsHost.Next(response).ShouldNotBeNull())).Next.ShouldBeNull();
    }

    [Fact]
    public async Task HEAD_says_what_GET_would()
    {
        await using var host = await EventsHost.StartAsync(Event(1), Event(2));
        foreach (var accept in new[] { "application/json", "text/csv", "application/x-ndjson" })
        {
            using var get = await host.GetAsync("/events?limit=1", accept);
            using var head = await host.GetAsync("/events?limit=1", accept, HttpMethod.Head);
            (head.StatusCode, head.Content.Headers.ContentType, EventsHost.Next(head)).ShouldBe((get.StatusCode, get.Content.Headers.ContentType, EventsHost.Next(get)));
            head.Content.Headers.ContentDisposition.ShouldBe(get.Content.Headers.ContentDisposition);
        }
    }

    private static string Cursor(string path) => path.Split("cursor=")[1];

    private static SecurityEvent Event(int i, string? time = null) => Some.Event(type: i % 2 == 0 ? "a" : "b", time: time ?? Times[i % Times.Length], data: """{"b":1}""", id: i + 1);
}
