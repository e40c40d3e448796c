using System.Globalization;
using Tocsin.Collect;
using Tocsin.Journal;

namespace Tocsin.Tests.Collect;

/// <summary>Pages that are not as they should be, and ends of a walk in the middle.</summary>
public sealed partial class IncrementalFeedTests
{
    private const string Tens = "paging: { style: page, size_param: limit, size: 10 }";

    [Fact]
    public async Task An_upstream_that_knows_no_pages_and_has_news_at_each_call_is_asked_twice_and_no_more()
    {
        var alerts = new PagedAlerts { KnowsPages = false };
        alerts.Add("a", Now.AddHours(-1));
        alerts.Before = _ =>
        {
            alerts.Add($"at-call-{_stub.Calls.Count}", Now.AddHours(-1));
            return Task.FromResult(false);
        };
        _stub = await StubUpstream.StartAsync(alerts.AnswerAsync);
        await StartAsync(Yaml("page", "paging: { style: page }"));
        _stub.Calls.Count.ShouldBe(2);
        (await EventsAsync()).ShouldBe(["a", "at-call-1", "at-call-2"]);
    }

    [Fact]
    public async Task An_upstream_that_knows_no_pages_and_whose_answer_slides_on_at_each_call_is_asked_a_few_times()
    {
        var calls = 0;
        _alerts.Before = async context =>
        {
            calls++;
            var window = Enumerable.Range(calls, 20).Select(i => $$"""{"id":"a{{i:D4}}","at":"2026-03-01T11:00:00Z"}""");
            await StubUpstream.JsonAsync(context, $"[{string.Join(',', window)}]");
            return true;
        };
        await StartAsync(Yaml("page", "paging: { style: page }"));
        calls.ShouldBe(3);
        (await EventsAsync()).Count.ShouldBe(22);
        View().LastError.ShouldBeNull();
    }

    [Fact]
    public async Task Of_pages_with_the_newest_first_none_is_left_out_when_many_new_ones_push_the_others_on()
    {
        for (var i = 0; i < 45; i++)
            _alerts.Add($"a{i:D2}", Now.AddMinutes(-i));
        _alerts.Before = context =>
        {
            if (_stub.Calls.Count == 2)
                _alerts.Push([.. Enumerable.Range(0, 8).Select(i => $"new-{i}")], Now);
            return Task.FromResult(false);
        };
        await StartAsync(Yaml("page", Tens));
        await NextAsync();
        (await EventsAsync()).Count.ShouldBe(53);
    }

    [Fact]
    public async Task A_walk_from_a_time_when_the_clock_was_ahead_is_begun_anew()
    {
        for (var i = 0; i < 30; i++)
            _alerts.Add($"a{i:D2}", Now.AddMinutes(-60 + i));
        const string Paging = "paging: { style: page, size_param: limit, size: 10, max_pages: 1 }";
        await StartAsync(Yaml("page", Paging));
        var walk = Bookmark.Read((await _rig.Store.GetStateAsync(Bookmark.StateName("example"), "/page", default)).ShouldNotBeNull().Value).Walk.ShouldNotBeNull();
        var ahead = new Bookmark { Walk = walk with { At = Now.AddYears(1), Mark = "77" } };
        await _rig.Journal.AppendAsync(new Append { State = [new StateWrite(Bookmark.StateName("example"), "/page", ahead.ToBytes())] }, default);
        await RestartAsync(Yaml("page", Paging));
        _stub.Calls.Last().Target.ShouldContain("page=1");
    }

    [Theory]
    [InlineData("page", Tens)]
    [InlineData("offset", "paging: { style: offset, size_param: limit, size: 10 }")]
    public async Task Whole_pages_of_records_that_cannot_be_mapped_do_not_end_a_walk(string path, string paging)
    {
        for (var i = 0; i < 30; i++)
            _alerts.AddRaw(Now, $$"""{"id":"bad-{{i}}"}""");
        _alerts.Add("behind", Now.AddMinutes(-1));
        await StartAsync(Yaml(path, paging));
        (await EventsAsync()).ShouldBe(["behind"]);
        View().Counts.Rejected.ShouldBe(30);
        View().Cursor.ShouldBe("2026-03-01T11:59:00.000Z");
    }

    [Fact]
    public async Task A_page_of_newer_versions_of_the_page_before_does_not_end_a_walk()
    {
        for (var version = 1; version <= 3; version++)
            for (var i = 0; i < 10; i++)
                _alerts.Add($"a{i}", Now.AddMinutes(-30), $$""","v":{{version}}""");
        _alerts.Add("behind", Now.AddMinutes(-1));
        await StartAsync(Yaml("page", Tens, map: "{ external_id: id, time: at, version: v }"));
        (await EventsAsync()).Count.ShouldBe(11);
        Encode(await EventAsync("a4")).ShouldContain("\"v\":3");
    }

    [Theory]
    [InlineData("page", Tens, true)]
    [InlineData("offset", "paging: { style: offset, size_param: limit, size: 10 }", true)]
    [InlineData("link", "paging: { style: link, size_param: limit, size: 10 }", false)]
    public async Task Where_pages_are_numbered_a_404_behind_the_first_is_their_end_and_nowhere_else(string path, string paging, bool isEnd)
    {
        for (var i = 0; i < 20; i++)
            _alerts.Add($"a{i:D2}", Now.AddMinutes(-60 + i));
        if (!isEnd)
            _alerts.Add("behind", Now);
        _alerts.Before = context =>
        {
            if (_stub.Calls.Count != 3)
                return Task.FromResult(false);
            context.Response.StatusCode = 404;
            return Task.FromResult(true);
        };
        await StartAsync(Yaml(path, paging));
        (View().LastError is null, View().Cursor is not null, (await EventsAsync()).Count).ShouldBe((isEnd, isEnd, 20));
        _alerts.Before = context =>
        {
            context.Response.StatusCode = 404;
            return Task.FromResult(true);
        };
        await NextAsync();
        View().LastError.ShouldNotBeNull("the first page must be there");
    }

    [Fact]
    public async Task Of_pages_with_the_newest_first_a_short_one_is_not_the_end()
    {
        for (var i = 0; i < 35; i++)
            _alerts.Add($"a{i:D2}", Now.AddMinutes(-i));
        _alerts.Before = async context =>
        {
            if (context.Request.Query["page"] != "2")
                return false;
            await StubUpstream.JsonAsync(context, $$"""[{"id":"a10","at":"{{Now.AddMinutes(-10):O}}"}]""");
            return true;
        };
        await StartAsync(Yaml("page", Tens));
        (await EventsAsync()).Count.ShouldBe(26, "the bookmark is at the newest now: what is behind the short page would not be asked for again");
    }

    [Fact]
    public async Task Records_that_stand_twice_on_a_page_do_not_make_an_offset_leave_out_others()
    {
        for (var i = 0; i < 35; i++)
            _alerts.Add($"a{i:D2}", Now.AddMinutes(-60 + i));
        _alerts.Before = async context =>
        {
            if (_stub.Calls.Count > 1)
                return false;
            var twice = Enumerable.Range(0, 20).Select(i => $$"""{"id":"a{{i / 2:D2}}","at":"2026-03-01T11:00:00Z"}""");
            await StubUpstream.JsonAsync(context, $"[{string.Join(',', twice)},{{}},{{}}]");
            return true;
        };
        await StartAsync(Yaml("offset", "paging: { style: offset, size_param: limit, size: 10 }"));
        (await EventsAsync()).Count.ShouldBe(35);
    }

    [Fact]
    public async Task Empty_pages_that_lead_on_are_gone_through_and_no_more_of_them_than_a_few()
    {
        var empties = Pager.MaxEmptyPages;
        _alerts.Before = async context =>
        {
            var at = int.Parse(context.Request.Query["after"].ToString() is { Length: > 0 } after ? after : "0", CultureInfo.InvariantCulture);
            var items = at == empties ? """{"id":"behind","at":"2026-03-01T11:00:00Z"}""" : "";
            await StubUpstream.JsonAsync(context, $$"""{"items":[{{items}}],"next":"{{at + 1}}"}""");
            return true;
        };
        await StartAsync(Yaml("cursor", "paging: { style: cursor, param: after, from: next }\nrecords: items"));
        (await EventsAsync()).ShouldBe(["behind"]);
        _stub.Calls.Count.ShouldBe(empties + 1 + empties + 1);
        View().LastError.ShouldBeNull();
    }

    [Fact]
    public async Task A_page_that_could_not_be_committed_is_asked_for_again_and_the_walk_goes_on_behind_it()
    {
        for (var i = 0; i < 35; i++)
            _alerts.Add($"a{i:D2}", Now.AddMinutes(-60 + i));
        _rig = new CollectorRig(_folder.Path, [SomeSource.Valid(Yaml("page", $"{Tens.Replace(" }", ", max_pages: 2 }", StringComparison.Ordinal)}\nretry: {{ attempts: 2, min_wait: 1ms, max_wait: 1ms }}"))], _time);
        var refusals = 1;
        _rig.Store.Refuse = group => group.Any(append => append.Entries.OfType<SecurityEvent>().Any(e => e.ExternalId == "a10")) && refusals-- > 0
            ? new JournalUnavailableException("full", new IOException("disk full")) : null;
        await _rig.StartAsync();
        await RetriedAsync(1);
        await NextAsync();
        (await EventsAsync()).Count.ShouldBe(35);
        View().Counts.Failed.ShouldBe(1);
        View().LastError.ShouldBeNull();
    }

    [Fact]
    public async Task A_walk_under_way_is_begun_anew_when_its_pages_are_to_be_of_another_size_or_style()
    {
        for (var i = 0; i < 50; i++)
            _alerts.Add($"a{i:D2}", Now.AddMinutes(-60 + i));
        await StartAsync(Yaml("page", "paging: { style: page, size_param: limit, size: 10, max_pages: 2 }"));
        (await EventsAsync()).Count.ShouldBe(20);
        await RestartAsync(Yaml("page", "paging: { style: page, size_param: limit, size: 20 }"));
        (await EventsAsync()).Count.ShouldBe(50, "page 3 of twenty each would begin behind the fortieth");
    }

    [Theory]
    [InlineData("http://\u05d0a/")]
    [InlineData("http://127.0.0.1:1/")]
    public async Task A_next_page_at_another_host_or_one_that_is_no_name_fails_and_the_next_poll_begins_anew(string next)
    {
        await StartWithNextAsync(next);
        View().LastError.ShouldNotBeNull().ShouldContain("which is not followed");
        (await EventsAsync()).ShouldBe(["a"]);
        _alerts.Before = async context => { await StubUpstream.JsonAsync(context, """{"items":[]}"""); return true; };
        await NextAsync();
        View().LastError.ShouldBeNull();
    }

    [Fact]
    public async Task A_walk_that_breaks_on_what_it_was_to_go_on_with_is_begun_anew_at_the_next_poll()
    {
        const string Paging = "paging: { style: next_url, from: next, max_pages: 1 }\nrecords: items";
        await StartAsync(Yaml("next_url", Paging));
        var walk = new PageWalk { Paging = Pager.Style(SomeSource.Valid(Yaml("next_url", Paging)).Paging), Mark = "http://", At = Now };
        await _rig.Journal.AppendAsync(new Append { State = [new StateWrite(Bookmark.StateName("example"), "/next_url", new Bookmark { Walk = walk }.ToBytes())] }, default);
        var calls = _stub.Calls.Count;
        await RestartAsync(Yaml("next_url", Paging));
        View().LastError.ShouldNotBeNull().ShouldContain("something went wrong in Tocsin");
        _stub.Calls.Count.ShouldBe(calls);
        await NextAsync();
        (View().LastError, _stub.Calls.Count).ShouldBe((null, calls + 1));
    }

    [Fact]
    public async Task A_bookmark_that_a_clock_ahead_has_set_is_taken_back_to_now()
    {
        await StartAsync(Yaml());
        var ahead = new Bookmark { Position = "9999-12-31T23:59:59Z" };
        await _rig.Journal.AppendAsync(new Append { State = [new StateWrite(Bookmark.StateName("example"), "/all", ahead.ToBytes())] }, default);
        _alerts.Add("a", Now);
        await RestartAsync(Yaml());
        Asked().ShouldBe("2026-03-01T11:55:00Z");
        View().Cursor.ShouldBe("2026-03-01T12:00:00.000Z");
        (await EventsAsync()).ShouldBe(["a"]);
    }

    [Fact]
    public async Task A_failure_has_passed_when_the_next_page_is_in_though_the_walk_is_not_at_its_end()
    {
        for (var i = 0; i < 50; i++)
            _alerts.Add($"a{i:D2}", Now.AddMinutes(-60 + i));
        var failures = 1;
        _alerts.Before = context =>
        {
            if (failures-- <= 0)
                return Task.FromResult(false);
            context.Response.StatusCode = 503;
            return Task.FromResult(true);
        };
        await StartAsync(Yaml("page", "paging: { style: page, size_param: limit, size: 10, max_pages: 2 }\nretry: { attempts: 1, min_wait: 1ms, max_wait: 1ms }"));
        View().LastError.ShouldNotBeNull();
        await NextAsync();
        (View().LastError, View().Status, View().LastSuccess).ShouldBe((null, SourcePhase.Idle, null));
    }

    [Fact]
    public async Task Told_to_stop_while_a_page_is_committed_the_poll_ends_behind_the_commit()
    {
        for (var i = 0; i < 20; i++)
            _alerts.Add($"a{i:D2}", Now.AddMinutes(-60 + i));
        var second = new TaskCompletionSource();
        _alerts.Before = async context =>
        {
            if (context.Request.Query["page"] != "2")
                return false;
            second.SetResult();
            await StubUpstream.HangAsync(context);
            return true;
        };
        _rig = new CollectorRig(_folder.Path, [SomeSource.Valid(Yaml("page", Tens))], _time);
        _rig.Store.Hold();
        await _rig.StartAsync();
        await Until.DoneAsync(_rig.Store.Held);
        await Until.DoneAsync(second.Task);
        var stopping = _rig.DisposeAsync().AsTask();
        _rig.Store.LetGo();
        await Until.DoneAsync(stopping);
        _alerts.Before = _ => Task.FromResult(false);
        _rig = new CollectorRig(_folder.Path, [SomeSource.Valid(Yaml("page", Tens))], _time);
        await _rig.StartAsync();
        await FinishedAsync(1);
        (await EventsAsync()).Count.ShouldBe(20);
    }

    [Fact]
    public async Task What_was_kept_aside_and_is_a_newer_version_supersedes_and_is_counted()
    {
        const string Map = "{ external_id: id, time: at, version: v, description: text }";
        _alerts.Add("a", Now.AddHours(-1), ""","v":1,"text":"one" """);
        _alerts.AddRaw(Now, """{"id":"a","when":"2026-03-01T11:00:00Z","v":2,"text":"two"}""");
        await StartAsync(Yaml(map: Map));
        (await EventAsync("a")).Description.ShouldBe("one");
        _alerts.Before = async context => { await StubUpstream.JsonAsync(context, "[]"); return true; };
        await RestartAsync(Yaml(map: Map.Replace("time: at", "time: [at, when]", StringComparison.Ordinal)));
        (await EventAsync("a")).Description.ShouldBe("two");
        View().Counts.Superseded.ShouldBe(1);
        (await _rig.Collector.RejectsAsync("example", null, 10, default)).Rows.ShouldBeEmpty();
    }
}
