using Tocsin.Collect;
using Tocsin.Journal;

namespace Tocsin.Tests.Collect;

/// <summary>Sources with a bookmark, against a real server and a real store.</summary>
public sealed partial class IncrementalFeedTests : IAsyncLifetime
{
    private const string Cursor = "cursor: { param: since, start: -24h, overlap: 5m }";
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);
    private readonly TempFolder _folder = new();
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero));
    private readonly PagedAlerts _alerts = new();
    private StubUpstream _stub = null!;
    private CollectorRig _rig = null!;

    private DateTimeOffset Now => _time.GetUtcNow();

    public async ValueTask InitializeAsync() => _stub = await StubUpstream.StartAsync(_alerts.AnswerAsync);

    public async ValueTask DisposeAsync()
    {
        if (_rig is not null)
            await _rig.DisposeAsync();
        await _stub.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task The_first_poll_asks_from_its_start_and_the_next_from_the_newest_less_the_overlap()
    {
        _alerts.Add("a", Now.AddHours(-2));
        _alerts.Add("b", Now.AddHours(-1));
        await StartAsync(Yaml());
        Asked().ShouldBe("2026-02-28T12:00:00Z");
        View().Cursor.ShouldBe("2026-03-01T11:00:00.000Z");
        await NextAsync();
        Asked().ShouldBe("2026-03-01T10:55:00Z");
        (await EventsAsync()).ShouldBe(["a", "b"]);
    }

    [Fact]
    public async Task The_bookmark_outlives_a_restart()
    {
        _alerts.Add("a", Now.AddHours(-1));
        await StartAsync(Yaml());
        await RestartAsync(Yaml());
        Asked().ShouldBe("2026-03-01T10:55:00Z");
        View().Counts.Events.ShouldBe(1);
        View().Counts.Duplicates.ShouldBe(1, "the bookmark's own record lies in the overlap, and is known");
    }

    [Fact]
    public async Task What_shares_the_bookmarks_instant_or_comes_late_within_the_overlap_is_taken_once()
    {
        var at = Now.AddMinutes(-10);
        _alerts.Add("a", at);
        await StartAsync(Yaml());
        _alerts.Add("b", at);
        _alerts.Add("late", at.AddMinutes(-4));
        await NextAsync();
        await NextAsync();
        (await EventsAsync()).ShouldBe(["a", "b", "late"]);
        View().Counts.Changed.ShouldBe(0);
    }

    [Fact]
    public async Task A_record_dated_after_now_is_kept_and_does_not_move_the_bookmark()
    {
        _alerts.Add("a", Now.AddMinutes(-30));
        _alerts.AddRaw(Now, """{"id":"ahead","at":"9999-12-31T23:59:59Z"}""");
        await StartAsync(Yaml());
        View().Cursor.ShouldBe("2026-03-01T11:30:00.000Z");
        _alerts.Add("b", Now);
        await NextAsync();
        (await EventsAsync()).ShouldBe(["a", "ahead", "b"]);
    }

    [Fact]
    public async Task A_feed_that_has_nothing_is_asked_from_the_same_instant_until_it_has()
    {
        await StartAsync(Yaml());
        await NextAsync();
        await NextAsync();
        Asked().ShouldBe("2026-02-28T11:55:00Z", "the first poll's start less the overlap, not a later one");
    }

    [Fact]
    public async Task The_bookmark_goes_past_what_is_kept_aside_and_stays_where_there_is_no_room_for_it()
    {
        _alerts.Add("a", Now.AddMinutes(-30));
        _alerts.AddRaw(Now, """{"id":"no-time"}""");
        await StartAsync(Yaml());
        View().Counts.Rejected.ShouldBe(1);
        View().Cursor.ShouldBe("2026-03-01T11:30:00.000Z");
        for (var i = 0; i < RejectStore.MaxKept; i++)
            _alerts.AddRaw(Now, $$"""{"id":"bad-{{i}}"}""");
        _alerts.Add("b", Now);
        await NextAsync();
        View().LastError.ShouldNotBeNull().ShouldContain("neither be mapped nor kept aside");
        View().Cursor.ShouldBe("2026-03-01T11:30:00.000Z");
        (await EventsAsync()).ShouldBe(["a", "b"], "what can be kept is kept");
    }

    [Theory]
    [InlineData("page", "paging: { style: page, size_param: limit, size: 10 }", 5)]
    [InlineData("offset", "paging: { style: offset, size_param: limit, size: 10 }", 5)]
    [InlineData("cursor", "paging: { style: cursor, param: after, from: next, size_param: limit, size: 10 }\nrecords: items", 4)]
    [InlineData("next_url", "paging: { style: next_url, from: next, size_param: limit, size: 10 }\nrecords: items", 4)]
    [InlineData("link", "paging: { style: link, size_param: limit, size: 10 }", 4)]
    public async Task Every_style_of_paging_brings_every_record_once_and_goes_on_at_the_page_that_failed(string path, string paging, int pages)
    {
        for (var i = 0; i < 35; i++)
            _alerts.Add($"a{i:D2}", Now.AddMinutes(-60 + i));
        var failures = 1;
        _alerts.Before = context =>
        {
            if (_stub.Calls.Count != 3 || failures-- == 0)
                return Task.FromResult(false);
            context.Response.StatusCode = 503;
            return Task.FromResult(true);
        };
        await StartAsync(Yaml(path, $"{paging}\nretry: {{ attempts: 2, min_wait: 1ms, max_wait: 1ms }}"), finished: false);
        await RetriedAsync(1);
        (await EventsAsync()).Count.ShouldBe(35);
        View().Counts.Duplicates.ShouldBe(0);
        View().Counts.Failed.ShouldBe(1);
        var targets = _stub.Calls.Select(call => call.Target).ToList();
        targets[2].ShouldBe(targets[3], "the page that failed, not the first one");
        targets.Distinct().Count().ShouldBe(pages, "where pages have numbers an empty one is the end");
        View().Feeds[0].Records.ShouldBe(35);
        View().LastSuccess.ShouldNotBeNull();
    }

    [Fact]
    public async Task An_upstream_that_gives_fewer_than_asked_for_is_read_to_its_end()
    {
        var alerts = new PagedAlerts { MaxPage = 7 };
        await using var stub = await StubUpstream.StartAsync(alerts.AnswerAsync);
        for (var i = 0; i < 21; i++)
            alerts.Add($"a{i:D2}", Now.AddMinutes(-60 + i));
        await StartAsync(Yaml("page", "paging: { style: page, size_param: limit, size: 10 }", stub.Url));
        (await EventsAsync()).Count.ShouldBe(21);
    }

    [Fact]
    public async Task An_upstream_that_knows_no_pages_is_asked_twice_and_no_more()
    {
        var alerts = new PagedAlerts { KnowsPages = false };
        await using var stub = await StubUpstream.StartAsync(alerts.AnswerAsync);
        alerts.Add("a", Now.AddHours(-1));
        alerts.Add("b", Now.AddHours(-1));
        await StartAsync(Yaml("page", "paging: { style: page }", stub.Url));
        stub.Calls.Count.ShouldBe(2);
        (await EventsAsync()).ShouldBe(["a", "b"]);
        View().LastError.ShouldBeNull();
    }

    [Fact]
    public async Task Pages_that_go_round_in_circles_fail_visibly_and_the_next_poll_begins_anew()
    {
        _alerts.Before = async context =>
        {
            var next = context.Request.Query["after"].ToString() switch { "" => "x", "x" => "y", _ => "x" };
            await StubUpstream.JsonAsync(context, $$"""{"items":[{"id":"{{Guid.NewGuid()}}","at":"2026-03-01T11:00:00Z"}],"next":"{{next}}"}""");
            return true;
        };
        await StartAsync(Yaml("cursor", "paging: { style: cursor, param: after, from: next }\nrecords: items"));
        _stub.Calls.Count.ShouldBe(3);
        (await EventsAsync()).Count.ShouldBe(3, "the last answer was whole, too");
        View().LastError.ShouldNotBeNull().ShouldContain("round in circles");
        View().Cursor.ShouldBeNull("the walk did not come to its end");
        await NextAsync();
        _stub.Calls.ElementAt(3).Target.ShouldNotContain("after=");
    }

    [Theory]
    [InlineData("http://192.0.2.1/alerts")]
    [InlineData("file:///etc/passwd")]
    [InlineData("//evil.example/alerts")]
    public async Task A_next_page_at_another_origin_is_not_asked_for(string next)
    {
        await StartWithNextAsync(next);
        _stub.Calls.Count.ShouldBe(1);
        View().LastError.ShouldNotBeNull();
        (await EventsAsync()).ShouldBe(["a"]);
    }

    [Fact]
    public async Task More_pages_than_one_poll_may_take_are_gone_on_with_at_the_next_also_after_a_restart()
    {
        for (var i = 0; i < 50; i++)
            _alerts.Add($"a{i:D2}", Now.AddMinutes(-60 + i));
        const string Paging = "paging: { style: page, size_param: limit, size: 10, max_pages: 2 }";
        await StartAsync(Yaml("page", Paging));
        (await EventsAsync()).Count.ShouldBe(20);
        View().LastSuccess.ShouldBeNull("it is not at the end");
        await NextAsync();
        (await EventsAsync()).Count.ShouldBe(40);
        await RestartAsync(Yaml("page", Paging));
        (await EventsAsync()).Count.ShouldBe(50);
        View().LastSuccess.ShouldBe(Now);
        View().Counts.Duplicates.ShouldBe(0);
        View().Cursor.ShouldBe("2026-03-01T11:49:00.000Z");
    }

    [Fact]
    public async Task An_opaque_bookmark_follows_a_field_of_the_last_record()
    {
        _alerts.Add("a", Now.AddHours(-1), ""","n":41""");
        _alerts.Add("b", Now.AddHours(-2), ""","n":42""");
        await StartAsync(Yaml("all", cursor: "cursor: { param: from, format: opaque, field: n, prefix: \"id:\" }"));
        _stub.Calls.Last().Target.ShouldBe("/all");
        View().Cursor.ShouldBe("42");
        await NextAsync();
        _stub.Calls.Last().Target.ShouldBe("/all?from=id%3A42");
    }

    [Fact]
    public async Task An_opaque_bookmark_goes_on_where_the_last_cursor_led()
    {
        for (var i = 0; i < 15; i++)
            _alerts.Add($"a{i:D2}", Now.AddMinutes(-60 + i));
        await StartAsync(Yaml("cursor", "paging: { style: cursor, param: after, from: next, size_param: limit, size: 10 }\nrecords: items", cursor: "cursor: { param: after, format: opaque }"));
        View().Cursor.ShouldBe("10", "the last page has none of its own");
        for (var i = 15; i < 25; i++)
            _alerts.Add($"a{i:D2}", Now.AddMinutes(-60 + i));
        await NextAsync();
        (await EventsAsync()).Count.ShouldBe(25);
        View().Counts.Duplicates.ShouldBe(5);
    }

    [Fact]
    public async Task A_newer_version_supersedes_what_is_stored_and_an_older_one_does_not()
    {
        const string Map = "{ external_id: id, version: v, time: at, priority: severity, description: text, type: { set: alert } }";
        _alerts.Add("a", Now.AddHours(-1), ""","v":9,"severity":"low","text":"first" """);
        await StartAsync(Yaml(map: Map));
        _alerts.Replace("a", ""","v":10,"severity":"critical","text":"second" """);
        await NextAsync();
        var e = await EventAsync("a");
        (e.Priority, e.Description, Encode(e)).ShouldBe((Priority.Critical, "second", """{"id":"a","at":"2026-03-01T11:00:00.000Z","v":10,"severity":"critical","text":"second" }"""));
        (View().Counts.Superseded, View().Counts.Changed).ShouldBe((1, 0));
        await NextAsync();
        (View().Counts.Superseded, View().Counts.Changed, View().Counts.Duplicates).ShouldBe((1, 0, 1), "the same version again");
        _alerts.Replace("a", ""","v":2,"severity":"low","text":"old" """);
        await NextAsync();
        (await EventAsync("a")).Description.ShouldBe("second");
        (View().Counts.Superseded, View().Counts.Changed).ShouldBe((1, 1));
        (await EventsAsync()).ShouldBe(["a"]);
    }

    [Fact]
    public async Task Of_several_versions_in_one_answer_the_newest_counts()
    {
        const string Map = "{ external_id: id, version: v, time: at, description: text }";
        _alerts.Add("a", Now.AddHours(-1), ""","v":1,"text":"one" """);
        _alerts.Add("a", Now.AddHours(-1), ""","v":3,"text":"three" """);
        _alerts.Add("a", Now.AddHours(-1), ""","v":2,"text":"two" """);
        await StartAsync(Yaml(map: Map));
        (await EventAsync("a")).Description.ShouldBe("three");
        View().Counts.Superseded.ShouldBe(1);
    }

    [Fact]
    public async Task Without_a_version_other_content_under_a_known_id_is_counted_as_changed()
    {
        _alerts.Add("a", Now.AddHours(-1), ""","text":"one" """);
        await StartAsync(Yaml());
        _alerts.Replace("a", ""","text":"two" """);
        await NextAsync();
        View().Counts.Changed.ShouldBe(1);
        Encode(await EventAsync("a")).ShouldContain("one");
    }

    [Fact]
    public async Task What_was_kept_aside_is_mapped_when_the_map_is_mended_though_it_is_not_sent_again()
    {
        _alerts.AddRaw(Now, """{"id":"a","when":"2026-03-01T11:00:00Z"}""");
        _alerts.AddRaw(Now, """{"id":"b"}""");
        await StartAsync(Yaml());
        (await EventsAsync()).ShouldBeEmpty();
        _alerts.Before = async context => { await StubUpstream.JsonAsync(context, "[]"); return true; };
        await RestartAsync(Yaml(map: "{ external_id: id, time: [at, when] }"));
        (await EventsAsync()).ShouldBe(["a"]);
        (await _rig.Collector.RejectsAsync("example", null, 10, default)).Rows.Count.ShouldBe(1, "what still has no time stays");
        await RestartAsync(Yaml(map: "{ external_id: id, time: [at, when] }"));
        (await EventsAsync()).ShouldBe(["a"]);
    }

    [Fact]
    public async Task A_record_as_large_as_an_event_may_be_is_mapped_when_the_map_is_mended_and_a_larger_one_never()
    {
        var text = new string('x', RecordReader.MaxRecordBytes - 100);
        _alerts.AddRaw(Now, $$"""{"id":"a","when":"2026-03-01T11:00:00Z","text":"{{text}}"}""");
        _alerts.AddRaw(Now, $$"""{"id":"b","when":"2026-03-01T11:00:00Z","text":"{{text}}{{text}}"}""");
        await StartAsync(Yaml());
        _alerts.Before = async context => { await StubUpstream.JsonAsync(context, "[]"); return true; };
        await RestartAsync(Yaml(map: "{ external_id: id, time: [at, when] }"));
        (await EventsAsync()).ShouldBe(["a"]);
        Encode(await EventAsync("a")).ShouldContain(text);
        var row = (await _rig.Collector.RejectsAsync("example", null, 10, default)).Rows.ShouldHaveSingleItem();
        System.Text.Encoding.UTF8.GetString(row.Value).ShouldContain("\"truncated\":true");
    }

    [Fact]
    public async Task When_another_node_moved_the_bookmark_nothing_is_written_and_the_poll_begins_there()
    {
        _alerts.Add("a", Now.AddHours(-3));
        await StartAsync(Yaml("all", "retry: { attempts: 2, min_wait: 1ms, max_wait: 1ms }"));
        _alerts.Add("b", Now.AddMinutes(-1));
        var other = new Bookmark { Position = "2026-03-01T11:00:00Z" };
        await _rig.Journal.AppendAsync(new Append { State = [new StateWrite(Bookmark.StateName("example"), "/all", other.ToBytes())] }, default);
        await Until.DoneAsync(_time.UntilTimerAsync(Minute));
        _time.Advance(Minute);
        await RetriedAsync(2);
        Asked().ShouldBe("2026-03-01T10:55:00Z");
        (await EventsAsync()).ShouldBe(["a", "b"]);
        View().LastError.ShouldBeNull();
    }

    private static string Encode(SecurityEvent e) => System.Text.Encoding.UTF8.GetString(e.Data.Utf8.Span);

    private string Yaml(string path = "all", string more = "", string? url = null, string map = "{ external_id: id, time: at }", string cursor = Cursor) =>
        SomeSource.Yaml($"every: 60s\n{cursor}\n{more}", map)
            .Replace("https://incidents.example.com", url ?? _stub.Url, StringComparison.Ordinal)
            .Replace("/incidents/", $"/{path}", StringComparison.Ordinal);

    private string Asked()
    {
        var target = _stub.Calls.Last().Target;
        return Uri.UnescapeDataString(target[(target.IndexOf("since=", StringComparison.Ordinal) + 6)..].Split('&')[0]);
    }

    private SourceView View() => _rig.Collector.View("example").ShouldNotBeNull();

    private async Task<List<string?>> EventsAsync()
    {
        var page = await _rig.Journal.Store.QueryAsync(new EventQuery { Limit = 1000 }, default);
        return [.. page.Events.Select(stored => stored.Event.ExternalId).Order(StringComparer.Ordinal)];
    }

    private async Task<SecurityEvent> EventAsync(string externalId)
    {
        var page = await _rig.Journal.Store.QueryAsync(new EventQuery { Filter = new EventFilter { ExternalIds = [externalId] } }, default);
        return page.Events.Single().Event;
    }

    private async Task StartAsync(string yaml, bool finished = true)
    {
        _rig = new CollectorRig(_folder.Path, [SomeSource.Valid(yaml)], _time);
        await _rig.StartAsync();
        if (finished)
            await FinishedAsync(1);
    }

    /// <summary>Every answer has one record, and names this as the next page.</summary>
    private Task StartWithNextAsync(string next)
    {
        _alerts.Before = async context =>
        {
            await StubUpstream.JsonAsync(context, $$"""{"items":[{"id":"a","at":"2026-03-01T11:00:00Z"}],"next":"{{next}}"}""");
            return true;
        };
        return StartAsync(Yaml("next_url", "paging: { style: next_url, from: next }\nrecords: items"));
    }

    private async Task RestartAsync(string yaml)
    {
        var runs = _rig.Store.Runs("example");
        await _rig.DisposeAsync();
        _rig = new CollectorRig(_folder.Path, [SomeSource.Valid(yaml)], _time);
        await _rig.StartAsync();
        await FinishedAsync(runs + 1);
    }

    /// <summary>Waits for the poll's end, and moves the clock a little where it waits to ask again.</summary>
    private Task RetriedAsync(int runs) => Until.TrueAsync(() =>
    {
        _time.Advance(TimeSpan.FromMilliseconds(1));
        return _rig.Store.Runs("example") >= runs && View().Status is not (SourcePhase.Syncing or SourcePhase.Retrying);
    });

    private Task FinishedAsync(int runs) => Until.TrueAsync(() => _rig.Store.Runs("example") >= runs && View().Status is not (SourcePhase.Syncing or SourcePhase.Retrying));

    private async Task NextAsync()
    {
        var before = _rig.Store.Runs("example");
        await Until.DoneAsync(_time.UntilTimerAsync(Minute));
        _time.Advance(Minute);
        await FinishedAsync(before + 1);
    }
}
