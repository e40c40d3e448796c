using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Tocsin.Journal;
using Tocsin.Server.Api;

namespace Tocsin.Tests.Server;

/// <summary>Exports: the same events as a walk, as lines and rows, and never a short file that looks whole.</summary>
public sealed class EventExportTests
{
    private const string Lines = "{\n  \"a\": [1,\r\n 2.50],\n  \"text\": \"one\\ntwo, \\\"three\\\"\"\n}";

    [Theory]
    [InlineData("")]
    [InlineData("order=asc&type=b")]
    [InlineData("order_by=sequence&limit=1203")]
    [InlineData("limit=5")]
    [InlineData("q=nowhere")]
    public async Task An_export_is_the_walk_whole(string query)
    {
        await using var host = await EventsHost.StartAsync([.. Enumerable.Range(0, 2_500).Select(Event)]);
        await host.AddAsync(Some.Amendment(2_499, "later, \"quoted\"", Priority.Critical));
        var walked = new List<JsonElement>();
        for (var path = $"/events?{query.Split("limit=")[0]}&limit=1000"; path is not null;)
        {
            var (events, next) = await host.PageAsync(path);
            walked.AddRange(events);
            path = next;
        }
        if (query.Contains("limit=", StringComparison.Ordinal))
            walked = [.. walked.Take(int.Parse(query.Split("limit=")[1]))];

        using var ndjson = await host.GetAsync($"/events?{query}", "application/x-ndjson");
        (ndjson.Content.Headers.ContentType!.ToString(), ndjson.Content.Headers.ContentDisposition!.ToString(), ndjson.Headers.GetValues("Tocsin-Sequence").Single())
            .ShouldBe(("application/x-ndjson", "attachment; filename=\"events.ndjson\"", "2501"));
        var lines = await ndjson.Content.ReadAsStringAsync();
        lines.Split('\n', StringSplitOptions.RemoveEmptyEntries).ShouldBe(walked.Select(e => e.GetRawText()));

        using var csv = await host.GetAsync($"/events?{query}", "text/csv");
        (csv.Content.Headers.ContentType!.ToString(), csv.Content.Headers.ContentDisposition!.ToString()).ShouldBe(("text/csv; charset=utf-8", "attachment; filename=\"events.csv\""));
        var rows = Csv(await csv.Content.ReadAsStringAsync());
        rows.Count.ShouldBe(walked.Count + 1);
        foreach (var (row, e) in rows.Skip(1).Zip(walked))
            ShouldHold(rows[0], row, e);
    }

    [Fact]
    public async Task An_export_goes_on_from_a_cursor_and_over_pages_cut_by_their_deadline()
    {
        await using var host = await EventsHost.StartAsync([.. Enumerable.Range(0, 20).Select(Event)]);
        var (first, next) = await host.PageAsync("/events?limit=5&order=asc");
        host.Store.Page = query => query.After is null ? new EventPage([], new EventPosition(Some.Time("-1e9"), 0), true) : null;
        using var rest = await host.GetAsync(next!.Replace("limit=5&", "", StringComparison.Ordinal), "application/x-ndjson");
        EventsHost.Sequences(first).Concat(await SequencesAsync(rest)).ShouldBe(Enumerable.Range(1, 20).Select(i => (long)i));
        using var whole = await host.GetAsync("/events?order=asc", "application/x-ndjson");
        (await SequencesAsync(whole)).ShouldBe(Enumerable.Range(1, 20).Select(i => (long)i));
    }

    [Fact]
    public async Task What_is_added_while_an_export_runs_is_not_in_it()
    {
        await using var host = await EventsHost.StartAsync([.. Enumerable.Range(0, 300).Select(Event)]);
        var pages = 0;
        host.Store.Page = _ =>
        {
            if (pages++ == 1)
                host.AddAsync(Event(900), Some.Amendment(1, "late")).Wait();
            return null;
        };
        using var response = await host.GetAsync("/events?order=asc&order_by=sequence", "application/x-ndjson");
        (await SequencesAsync(response)).ShouldBe(Enumerable.Range(1, 300).Select(i => (long)i));
        pages.ShouldBeGreaterThan(1);
    }

    [Fact]
    public async Task Alerts_are_exported_under_their_name()
    {
        await using var host = await EventsHost.StartAsync(Some.Event(id: 1), Some.Event(kind: EventKind.Alert, id: 2));
        using var response = await host.GetAsync("/alerts", "text/csv");
        response.Content.Headers.ContentDisposition!.FileName!.Trim('"').ShouldBe("alerts.csv");
        Csv(await response.Content.ReadAsStringAsync()).Count.ShouldBe(2);
    }

    [Theory]
    [InlineData("=1+1", "'=1+1")]
    [InlineData("+1", "'+1")]
    [InlineData("-1", "'-1")]
    [InlineData("@SUM(A1)", "'@SUM(A1)")]
    [InlineData("\tx", "'\tx")]
    [InlineData("\rx", "\"'\rx\"")]
    [InlineData("=1,\"2\"", "\"'=1,\"\"2\"\"\"")]
    [InlineData("a=1", "a=1")]
    [InlineData("\"", "\"\"\"\"")]
    [InlineData("a\nb", "\"a\nb\"")]
    [InlineData("", "")]
    [InlineData(null, "")]
    [InlineData("é 漢字 😀", "é 漢字 😀")]
    public void A_cell_is_quoted_where_needed_and_never_a_formula(string? cell, string written)
    {
        var output = new System.Buffers.ArrayBufferWriter<byte>();
        CsvExport.Next(cell, output);
        Encoding.UTF8.GetString(output.WrittenSpan).ShouldBe("," + written);
    }

    [Fact]
    public void A_long_cell_is_written_whole()
    {
        var output = new System.Buffers.ArrayBufferWriter<byte>();
        var cell = string.Concat(Enumerable.Repeat("é,", 50_000));
        CsvExport.Next(cell, output);
        Csv(Encoding.UTF8.GetString(output.WrittenSpan) + "\r\n").ShouldHaveSingleItem().ShouldBe(["", cell]);
    }

    [Fact]
    public void Data_that_begins_like_a_formula_is_made_harmless_too()
    {
        var output = new System.Buffers.ArrayBufferWriter<byte>();
        CsvExport.Write(1, Some.Event(data: "-5"), output);
        Encoding.UTF8.GetString(output.WrittenSpan).ShouldEndWith(",'-5\r\n");
    }

    [Theory]
    [InlineData(null, "application/json")]
    [InlineData("*/*", "application/json")]
    [InlineData("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "application/json")]
    [InlineData("application/*", "application/json")]
    [InlineData("application/x-ndjson", "application/x-ndjson")]
    [InlineData("APPLICATION/X-NDJSON;q=0.5", "application/x-ndjson")]
    [InlineData("text/csv, */*", "text/csv")]
    [InlineData("text/*", "text/csv")]
    [InlineData("text/csv;q=0.5, application/json;q=0.4", "text/csv")]
    [InlineData("text/csv, application/json", "application/json")]
    [InlineData("*/*, application/json;q=0", "application/x-ndjson")]
    [InlineData(",,,", "application/json")]
    [InlineData("text/html", null)]
    [InlineData("application/json;q=0", null)]
    [InlineData("*/*;q=0", null)]
    [InlineData("image/*, text/plain", null)]
    public async Task The_format_is_the_one_wanted_most(string? accept, string? type)
    {
        EventFormats.Choose(accept)?.MediaType().ShouldBe(type);
        if (type is not null)
            return;
        await using var host = await EventsHost.StartAsync();
        await RunningServer.ProblemAsync(await host.GetAsync("/events", accept), 406);
    }

    [Fact]
    public async Task An_export_that_breaks_off_does_not_look_whole()
    {
        await using var host = await EventsHost.StartAsync([.. Enumerable.Range(0, 300).Select(Event)]);
        host.Store.Page = query => query.After is null ? null : throw new JournalUnavailableException("gone");
        foreach (var accept in new[] { "application/x-ndjson", "text/csv" })
            await Should.ThrowAsync<HttpRequestException>(async () =>
            {
                using var response = await host.GetAsync("/events", accept);
                await response.Content.ReadAsStringAsync();
            });
    }

    [Fact]
    public async Task A_store_that_does_not_answer_at_all_is_503_and_not_an_empty_file()
    {
        await using var host = await EventsHost.StartAsync();
        host.Store.RefuseRead = () => new JournalUnavailableException("gone");
        foreach (var accept in new[] { "application/json", "application/x-ndjson", "text/csv" })
        {
            using var response = await host.GetAsync("/events", accept);
            await RunningServer.ProblemAsync(response, 503);
            response.Content.Headers.ContentDisposition.ShouldBeNull();
        }
    }

    [Fact]
    public async Task Exports_are_recorded_before_they_leave_and_only_so_many_run_at_once()
    {
        await using var host = await EventsHost.StartAsync(Event(1));
        var recorded = new List<string>();
        var let = new TaskCompletionSource();
        var running = new TaskCompletionSource();
        host.RecordExport = what =>
        {
            lock (recorded)
                recorded.Add(what);
            if (recorded.Count == EventExport.MaxAtOnce)
                running.SetResult();
            return let.Task;
        };
        var exports = Enumerable.Range(0, EventExport.MaxAtOnce).Select(_ => host.GetAsync("/events?type=b", "text/csv")).ToArray();
        await running.Task;
        using (var refused = await host.GetAsync("/events", "text/csv"))
        {
            await RunningServer.ProblemAsync(refused, 503);
            refused.Headers.RetryAfter.ShouldNotBeNull();
        }
        (await host.GetAsync("/events")).StatusCode.ShouldBe(HttpStatusCode.OK);
        let.SetResult();
        foreach (var export in exports)
            (await export).StatusCode.ShouldBe(HttpStatusCode.OK);
        recorded.ShouldAllBe(what => what == "Export of /events?type=b as text/csv up to sequence 1");
        (await host.GetAsync("/events?type=b", "text/csv", HttpMethod.Head)).StatusCode.ShouldBe(HttpStatusCode.OK);
        recorded.Count.ShouldBe(EventExport.MaxAtOnce);
    }

    [Fact]
    public async Task An_export_goes_no_faster_than_its_client_and_ends_when_that_goes()
    {
        await using var host = await EventsHost.StartAsync();
        StoredEvent[] events = [.. Enumerable.Range(0, 100).Select(i => new StoredEvent(i + 1, Event(i)))];
        // Without an end: only a client that goes can end it.
        host.Store.Page = _ => new EventPage(events, new EventPosition(events[^1].Event.Time, 100), false);
        for (var i = 0; i < EventExport.MaxAtOnce; i++)
            using (var gone = await host.GetAsync("/events", "application/x-ndjson"))
                gone.StatusCode.ShouldBe(HttpStatusCode.OK);
        for (var attempt = 0; ; attempt++)
        {
            using var response = await host.GetAsync("/events", "text/csv");
            if (response.StatusCode == HttpStatusCode.OK)
                break;
            attempt.ShouldBeLessThan(10_000);
        }
    }

    /// <summary>What is still to be written for it stands in memory, and its place is another's: a client that stays and takes nothing is cut.</summary>
    [Theory]
    [InlineData("application/json")]
    [InlineData("text/csv")]
    public async Task A_client_that_takes_nothing_is_cut(string accept)
    {
        await using var host = await EventsHost.StartAsync();
        StoredEvent[] events = [.. Enumerable.Range(0, 100).Select(i => new StoredEvent(i + 1, Some.Event(id: i + 1, data: $"\"{new string('x', 200_000)}\"")))];
        host.Store.Page = _ => new EventPage(events, new EventPosition(events[^1].Event.Time, 100), false);
        var waits = host.Time.UntilTimerAsync(AnswerFlush.Max);
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = 4_096 };
        await socket.ConnectAsync(host.Client.BaseAddress!.Host, host.Client.BaseAddress.Port);
        await socket.SendAsync(Encoding.ASCII.GetBytes($"GET /events?limit=100 HTTP/1.1\r\nHost: x\r\nAccept: {accept}\r\n\r\n"));
        await Until.DoneAsync(waits);
        await Until.TrueAsync(() =>
        {
            host.Time.Advance(AnswerFlush.Max);
            try
            {
                // A connection that was aborted is reset: reading comes to that after what was under way.
                socket.Poll(TimeSpan.FromMilliseconds(10), SelectMode.SelectRead);
                return socket.Receive(new byte[1 << 20]) == 0;
            }
            catch (SocketException)
            {
                return true;
            }
        });
    }

    private static void ShouldHold(string[] header, string[] row, JsonElement e)
    {
        row.Length.ShouldBe(header.Length);
        foreach (var (name, cell) in header.Zip(row))
        {
            var value = !name.StartsWith("attribution_", StringComparison.Ordinal) ? e.GetProperty(name)
                : e.GetProperty("attribution") is { ValueKind: JsonValueKind.Object } attribution ? attribution.GetProperty(name["attribution_".Length..])
                : e.GetProperty("attribution");
            if (name == "data")
                JsonElement.DeepEquals(JsonElement.Parse(cell), value).ShouldBeTrue(cell);
            else
                cell.ShouldBe(value.ValueKind == JsonValueKind.String && value.GetString() is ['=', ..] formula ? "'" + formula : value.ToString(), name);
        }
    }

    private static async Task<long[]> SequencesAsync(HttpResponseMessage ndjson) => EventsHost.Sequences(
        (await ndjson.Content.ReadAsStringAsync()).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonElement.Parse(line)));

    /// <summary>Rows of RFC 4180, read by its grammar.</summary>
    private static List<string[]> Csv(string text)
    {
        var (rows, row, cell, quoted) = (new List<string[]>(), new List<string>(), new StringBuilder(), false);
        for (var i = 0; i < text.Length; i++)
            if (quoted && text[i] == '"' && i + 1 < text.Length && text[i + 1] == '"')
                cell.Append(text[i++]);
            else if (text[i] == '"')
                quoted = !quoted;
            else if (quoted || text[i] is not (',' or '\r' or '\n'))
                cell.Append(text[i]);
            else if (text[i] != '\r')
            {
                row.Add(cell.ToString());
                cell.Clear();
                if (text[i] != '\n')
                    continue;
                rows.Add([.. row]);
                row.Clear();
            }
        quoted.ShouldBeFalse();
        (row.Count, cell.Length).ShouldBe((0, 0));
        return rows;
    }

    private static SecurityEvent Event(int i) => Some.Event(type: i % 3 == 0 ? "a" : "b", time: $"{i / 7}.5", data: Lines, id: i + 1) with
    {
        Description = (i % 4) switch { 0 => null, 1 => "=cmd|' /C calc'!A0", 2 => "two\r\nlines, \"quoted\"", _ => "plain" },
        Attribution = i % 5 == 0 ? new Attribution(AttributionRule.Identity, "elevate", "17.0.0.1") : Attribution.Nobody,
    };
}
