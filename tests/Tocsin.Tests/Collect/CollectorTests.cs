using System.Collections.Concurrent;
using Microsoft.AspNetCore.Http;
using Tocsin.Collect;
using Tocsin.Journal;

namespace Tocsin.Tests.Collect;

/// <summary>Whole sources against a real server and a real store, with a clock that only the test moves.</summary>
public sealed class CollectorTests : IAsyncLifetime
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);
    private readonly TempFolder _folder = new();
    private readonly FakeTimeProvider _time = new();
    private readonly ConcurrentDictionary<string, Func<HttpContext, Task>> _answers = new(StringComparer.Ordinal);
    private StubUpstream _stub = null!;
    private CollectorRig _rig = null!;

    public async ValueTask InitializeAsync() => _stub = await StubUpstream.StartAsync(context =>
        _answers.TryGetValue(context.Request.Path!, out var answer) ? answer(context) : StubUpstream.JsonAsync(context, "[]"));

    public async ValueTask DisposeAsync()
    {
        if (_rig is not null)
            await _rig.DisposeAsync();
        await _stub.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task The_schedule_goes_from_start_to_start_and_keeps_its_rhythm()
    {
        await StartAsync(Yaml("a", "every: 60s", "/a"));
        var first = _time.GetUtcNow();
        for (var i = 1; i <= 5; i++)
        {
            await FinishedAsync("a", i);
            View("a").LastSync.ShouldBe(first + ((i - 1) * Minute));
            View("a").NextRun.ShouldBe(first + (i * Minute));
            await Until.DoneAsync(_time.UntilTimerAsync(Minute));
            _time.Advance(Minute);
        }
        await FinishedAsync("a", 6);
        Calls("/a").ShouldBe(6);
    }

    [Fact]
    public async Task A_poll_that_outlasts_its_interval_is_not_joined_by_another_and_missed_runs_are_not_made_up()
    {
        var gate = new TaskCompletionSource();
        _answers["/a"] = async context => { await gate.Task; await StubUpstream.JsonAsync(context, "[]"); };
        await StartAsync(Yaml("a", "every: 60s\ntimeout: 5m", "/a"));
        await Until.TrueAsync(() => Calls("/a") == 1);
        for (var i = 0; i < 3; i++)
        {
            await Until.DoneAsync(_time.UntilTimerAsync(Minute));
            _time.Advance(Minute);
            await Until.TrueAsync(() => View("a").NextRun > _time.GetUtcNow());
        }
        Calls("/a").ShouldBe(1);
        View("a").Status.ShouldBe(SourcePhase.Syncing);
        gate.SetResult();
        await FinishedAsync("a", 1);
        Calls("/a").ShouldBe(1);
        await Until.DoneAsync(_time.UntilTimerAsync(Minute));
        _time.Advance(Minute);
        await FinishedAsync("a", 2);
        Calls("/a").ShouldBe(2);
    }

    [Fact]
    public async Task After_a_long_sleep_there_is_one_run_and_the_next_is_due_in_the_old_rhythm()
    {
        await StartAsync(Yaml("a", "every: 60s", "/a"));
        var first = _time.GetUtcNow();
        await FinishedAsync("a", 1);
        await Until.DoneAsync(_time.UntilTimerAsync(Minute));
        _time.Advance(TimeSpan.FromMinutes(600));
        await Until.TrueAsync(() => View("a").NextRun > _time.GetUtcNow());
        await FinishedAsync("a", 2);
        // The clock stands at a run's time: whether the machine woke at it or just before is no matter, but 600 runs would be.
        Calls("/a").ShouldBeInRange(2, 3);
        ((View("a").NextRun!.Value - first).Ticks % Minute.Ticks).ShouldBe(0);
        (View("a").NextRun!.Value - _time.GetUtcNow()).ShouldBeInRange(TimeSpan.FromTicks(1), Minute);
    }

    [Fact]
    public async Task A_feed_that_hangs_holds_back_neither_the_others_of_its_source_nor_other_sources()
    {
        _answers["/hangs"] = StubUpstream.HangAsync;
        _answers["/a"] = context => StubUpstream.JsonAsync(context, Records(1));
        await StartAsync(Yaml("one", "every: 60s\ntimeout: 5m", "/hangs", "/a"), Yaml("two", "every: 60s", "/b"));
        await Until.TrueAsync(() => Feed("one", "/a").LastSuccess is not null && Feed("two", "/b").LastSuccess is not null);
        for (var i = 2; i <= 4; i++)
        {
            // Of both sources: what is said of the next poll is said before it is waited for.
            await Until.TrueAsync(() => _time.TimersOf(Minute) == 2);
            _time.Advance(Minute);
            var now = _time.GetUtcNow();
            await Until.TrueAsync(() => Feed("one", "/a").LastSuccess == now && Feed("two", "/b").LastSuccess == now && View("one").NextRun > now && View("two").NextRun > now);
            (Calls("/a"), Calls("/b"), Calls("/hangs")).ShouldBe((i, i, 1));
        }
        View("one").LastSuccess.ShouldBeNull();
        Feed("one", "/hangs").Status.ShouldBe(SourcePhase.Syncing);
    }

    [Fact]
    public async Task Slow_feeds_and_identities_of_a_source_with_many_requests_never_wait_for_each_other_for_good()
    {
        var paths = Enumerable.Range(0, 12).Select(i => $"/r{i}").ToArray();
        var gate = new TaskCompletionSource();
        foreach (var path in paths)
            _answers[path] = async context => { await gate.Task; await StubUpstream.JsonAsync(context, "[]"); };
        _answers["/ids"] = context => StubUpstream.JsonAsync(context, "{}");
        await StartAsync(Yaml("a", "every: 60s\ntimeout: 5m\nidentities: { get: /ids }", paths));
        // The identities have answered, every turn is taken by a slow feed, and now the next poll begins.
        await Until.TrueAsync(() => Feed("a", "identities").Status == SourcePhase.Idle && Feed("a", "identities").LastSuccess is not null && _stub.Calls.Count(call => call.Target[1] == 'r') >= 8);
        await Until.DoneAsync(_time.UntilTimerAsync(Minute));
        _time.Advance(Minute);
        await Until.TrueAsync(() => View("a").NextRun > _time.GetUtcNow());
        gate.SetResult();
        await Until.TrueAsync(() => View("a").LastSuccess is not null && View("a").Status == SourcePhase.Idle);
    }

    [Fact]
    public async Task A_page_waits_for_the_identities_and_goes_on_without_them_when_they_fail()
    {
        var gate = new TaskCompletionSource();
        _answers["/ids"] = async context => { await gate.Task; await StubUpstream.JsonAsync(context, """{"17.0.0.1":7}"""); };
        _answers["/a"] = context => StubUpstream.JsonAsync(context, """[{"timestamp":1,"ip":"17.0.0.1"}]""");
        await StartAsync(Yaml("a", "every: 60s\nidentities: { get: /ids }", "/a"));
        await Until.TrueAsync(() => Calls("/a") == 1);
        View("a").Counts.Events.ShouldBe(0);
        gate.SetResult();
        await FinishedAsync("a", 1);
        ((await _rig.Store.FindAsync(1, default))!.UserId, View("a").Counts.Unattributed).ShouldBe(("7", 0));

        _answers["/ids"] = context => { context.Response.StatusCode = 401; return Task.CompletedTask; };
        _answers["/a"] = context => StubUpstream.JsonAsync(context, """[{"timestamp":2,"ip":"17.0.0.2"}]""");
        await NextAsync("a", 2);
        (View("a").Counts.Events, View("a").Counts.Unattributed, View("a").Status).ShouldBe((2, 1, SourcePhase.Failed));
    }

    [Fact]
    public async Task Counts_add_up_and_a_repeat_adds_nothing()
    {
        _answers["/a"] = context => StubUpstream.JsonAsync(context, $"[{Record(1)},{Record(2)},{Record(2)},7,{{\"timestamp\":3,\"priority\":\"urgent\"}}]");
        await StartAsync(Yaml("a", "every: 60s", "/a", "/b"));
        await FinishedAsync("a", 1);
        View("a").Counts.ShouldBe(new SourceCounts(Polls: 2, Succeeded: 2, Events: 4, Rejected: 1, Unattributed: 4, UnknownPriorities: 1));
        await NextAsync("a", 2);
        View("a").Counts.ShouldBe(new SourceCounts(Polls: 4, Succeeded: 4, Events: 4, Duplicates: 4, Rejected: 2, Unattributed: 4, UnknownPriorities: 2));
        _rig.Store.Head.ShouldBe(4);
        _answers["/b"] = context => { context.Response.StatusCode = 404; return Task.CompletedTask; };
        await NextAsync("a", 3);
        var counts = View("a").Counts;
        (counts.Polls, counts.Succeeded, counts.Failed).ShouldBe((6, 5, 1));
        counts.Polls.ShouldBe(counts.Succeeded + counts.Failed);
    }

    [Fact]
    public async Task An_answer_that_shares_no_record_with_the_one_before_may_be_a_gap()
    {
        _answers["/a"] = context => StubUpstream.JsonAsync(context, Records(1, 2));
        await StartAsync(Yaml("a", "every: 60s", "/a"));
        await FinishedAsync("a", 1);
        View("a").Counts.PossibleGaps.ShouldBe(0);
        foreach (var (answer, gaps) in new[] { (Records(2, 3), 0), ("[]", 0), (Records(9), 0), (Records(10), 1), (Records(10, 11), 1), (Records(12), 2) })
        {
            _answers["/a"] = context => StubUpstream.JsonAsync(context, answer);
            await NextAsync("a");
            View("a").Counts.PossibleGaps.ShouldBe(gaps, answer);
        }
    }

    [Fact]
    public async Task The_history_is_the_last_hundred_polls_newest_first_also_across_a_restart()
    {
        await StartAsync(Yaml("a", "every: 60s", "/a"));
        await FinishedAsync("a", 1);
        for (var i = 2; i <= 70; i++)
            await NextAsync("a", i);
        await RestartAsync();
        await FinishedAsync("a", 71);
        for (var i = 72; i <= 130; i++)
            await NextAsync("a", i);
        var runs = await _rig.Collector.HistoryAsync("a", default);
        runs.Select(run => run.GetProperty("run").GetInt64()).ShouldBe(Enumerable.Range(31, 100).Reverse().Select(run => (long)run));
        runs.Select(run => run.GetProperty("started_at").GetDateTimeOffset()).ShouldBeInOrder(SortDirection.Descending);
        runs[0].GetProperty("trigger").GetString().ShouldBe("schedule");
        runs[0].GetProperty("counts").GetProperty("polls").GetInt64().ShouldBe(1);
        (await _rig.Collector.HistoryAsync("none", default)).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_feed_that_is_still_busy_when_the_next_run_begins_counts_in_the_run_that_started_it_alone()
    {
        var gate = new TaskCompletionSource();
        var (first, next) = (new TaskCompletionSource(), Records(1));
        _answers["/slow"] = async context => { first.TrySetResult(); await gate.Task; await StubUpstream.JsonAsync(context, Records(100, 101, 102)); };
        _answers["/a"] = context => StubUpstream.JsonAsync(context, next);
        await StartAsync(Yaml("a", "every: 60s\ntimeout: 5m", "/slow", "/a"));
        await Until.DoneAsync(first.Task);
        await Until.TrueAsync(() => View("a").Counts.Events == 1 && Feed("a", "/a").Status == SourcePhase.Idle);
        next = Records(1, 2, 3);
        // The second run ends first, and the third sees the slow feed end.
        await Until.DoneAsync(_time.UntilTimerAsync(Minute));
        _time.Advance(Minute);
        await Until.TrueAsync(() => _rig.Store.Runs("a") == 1);
        var holdsBack = new TaskCompletionSource();
        var asked = Calls("/a");
        _answers["/a"] = async context => { await holdsBack.Task; await StubUpstream.JsonAsync(context, Records(1, 2, 3, 4)); };
        await Until.DoneAsync(_time.UntilTimerAsync(Minute));
        _time.Advance(Minute);
        await Until.TrueAsync(() => Calls("/a") == asked + 1);
        gate.SetResult();
        await Until.TrueAsync(() => _rig.Store.Runs("a") == 2);
        holdsBack.SetResult();
        await FinishedAsync("a", 3);
        var runs = (await _rig.Collector.HistoryAsync("a", default)).Select(run => run.GetProperty("counts")).ToArray();
        runs.Select(counts => counts.GetProperty("events").GetInt64()).ShouldBe([1, 4, 2]);
        runs.Sum(counts => counts.GetProperty("events").GetInt64()).ShouldBe(View("a").Counts.Events);
        runs.Sum(counts => counts.GetProperty("polls").GetInt64()).ShouldBe(View("a").Counts.Polls);
    }

    [Fact]
    public async Task What_is_known_of_a_source_comes_back_after_a_restart()
    {
        _answers["/a"] = context => StubUpstream.JsonAsync(context, $"[{Record(5)},{Record(3)}]");
        await StartAsync(Yaml("a", "every: 60s", "/a"));
        await FinishedAsync("a", 1);
        var before = View("a");
        _answers["/a"] = StubUpstream.HangAsync;
        await RestartAsync();
        var after = View("a");
        (after.Counts, after.LastSuccess, after.LastEventTime).ShouldBe((before.Counts, before.LastSuccess, "1970-01-01T00:00:05Z"));
        before.LastEventTime.ShouldBe(after.LastEventTime);
        after.Feeds.ShouldHaveSingleItem().Records.ShouldBe(2);
    }

    [Fact]
    public async Task Told_to_poll_now_it_starts_when_idle_says_so_when_busy_and_waits_no_longer_when_retrying()
    {
        var gate = new TaskCompletionSource();
        await StartAsync(Yaml("a", "every: 1h\nretry: { min_wait: 10s, max_wait: 10s, attempts: 2 }", "/a"));
        await FinishedAsync("a", 1);
        _answers["/a"] = async context => { await gate.Task; context.Response.StatusCode = 500; };
        _rig.Collector.PollNow("none").ShouldBeNull();
        _rig.Collector.PollNow("a").ShouldBe(true);
        await Until.TrueAsync(() => Calls("/a") == 2);
        _rig.Collector.PollNow("a").ShouldBe(false);
        gate.SetResult();
        await Until.TrueAsync(() => View("a").Status == SourcePhase.Retrying);
        _answers["/a"] = context => StubUpstream.JsonAsync(context, Records(1));
        await Until.TrueAsync(() => _rig.Collector.PollNow("a") == true);
        await FinishedAsync("a", 2);
        (Calls("/a"), View("a").Counts.Events, View("a").Status, View("a").LastError).ShouldBe((3, 1, SourcePhase.Idle, null));
        (await _rig.Collector.HistoryAsync("a", default))[0].GetProperty("trigger").GetString().ShouldBe("request");
    }

    [Fact]
    public async Task A_source_that_is_paused_is_not_polled_until_it_is_resumed_and_that_survives_a_restart()
    {
        await StartAsync(Yaml("a", "every: 60s", "/a"));
        await FinishedAsync("a", 1);
        (await _rig.Collector.RescheduleAsync("a", _ => new ScheduleChange(false, null))).ShouldBe(SettingChange.Done);
        View("a").Status.ShouldBe(SourcePhase.Paused);
        View("a").NextRun.ShouldBeNull();
        await Until.TrueAsync(() => _time.TimerCount == 0);
        _time.Advance(TimeSpan.FromHours(5));
        Calls("/a").ShouldBe(1);
        await RestartAsync();
        View("a").Enabled.ShouldBeFalse();
        _time.Advance(TimeSpan.FromHours(5));
        Calls("/a").ShouldBe(1);
        _rig.Collector.PollNow("a").ShouldBe(true);
        await FinishedAsync("a", 2);
        await _rig.Collector.RescheduleAsync("a", _ => new ScheduleChange(true, TimeSpan.FromMinutes(2)));
        await FinishedAsync("a", 3);
        View("a").EverySeconds.ShouldBe(120);
        (await _rig.Collector.RescheduleAsync("none", _ => new ScheduleChange(true, null))).ShouldBe(SettingChange.Unknown);
    }

    [Fact]
    public async Task While_the_store_is_away_polls_fail_and_say_so_and_nothing_is_lost_when_it_is_back()
    {
        _answers["/a"] = context => StubUpstream.JsonAsync(context, Records(1, 2));
        await StartAsync([Yaml("a", "every: 60s\nretry: { attempts: 1 }", "/a")], _ => new JournalUnavailableException("disk full"));
        await Until.TrueAsync(() => View("a").Status == SourcePhase.Failed);
        View("a").LastError.ShouldNotBeNull().ShouldContain("disk full");
        (View("a").Counts.Failed, View("a").Counts.Events).ShouldBe((1, 0));
        _rig.Store.Refuse = _ => null;
        await Until.DoneAsync(_time.UntilTimerAsync(Minute));
        _time.Advance(Minute);
        await Until.TrueAsync(() => View("a").Counts.Succeeded == 1);
        (_rig.Store.Head, View("a").Counts.Events, View("a").Status == SourcePhase.Failed).ShouldBe((2, 2, false));
    }

    [Fact]
    public async Task A_page_larger_than_one_append_goes_in_whole()
    {
        _answers["/a"] = context => StubUpstream.JsonAsync(context, Records([.. Enumerable.Range(1, 25_000)]));
        await StartAsync(Yaml("a", "every: 60s", "/a"));
        await FinishedAsync("a", 1);
        (_rig.Store.Head, View("a").Counts.Events).ShouldBe((25_000, 25_000));
        await NextAsync("a", 2);
        (_rig.Store.Head, View("a").Counts.Duplicates).ShouldBe((25_000, 25_000));
    }

    [Fact]
    public async Task Rejects_are_kept_once_and_beyond_their_bound_the_poll_fails_and_is_counted_once()
    {
        _answers["/a"] = context => StubUpstream.JsonAsync(context, "[7,7,{}]");
        await StartAsync(Yaml("a", "every: 60s\nretry: { attempts: 1 }", "/a"));
        await FinishedAsync("a", 1);
        await NextAsync("a", 2);
        (await _rig.Collector.RejectsAsync("a", null, 100, default)).Rows.Count.ShouldBe(2);
        _answers["/a"] = context => StubUpstream.JsonAsync(context, $"[{string.Join(',', Enumerable.Range(0, RejectStore.MaxKept))},{Record(1)}]");
        await NextAsync("a", 3);
        View("a").Status.ShouldBe(SourcePhase.Failed);
        View("a").LastError.ShouldNotBeNull().ShouldContain("1 records can neither be mapped nor kept aside: 10,000 records are kept already. See /sources/a/rejects and mend the map");
        (await _rig.Collector.RejectsAsync("a", null, RejectStore.MaxKept + 1, default)).Rows.Count.ShouldBe(RejectStore.MaxKept);
        var counts = View("a").Counts;
        (counts.Polls, counts.Succeeded, counts.Failed, counts.Events).ShouldBe((3, 2, 1, 1));
    }

    [Fact]
    public async Task The_deepest_answer_that_can_be_read_is_kept_aside_and_the_next_start_reads_it()
    {
        _answers["/ids"] = context => StubUpstream.JsonAsync(context, $$"""{"17.0.0.1":{{new string('[', 63)}}{{new string(']', 63)}}}""");
        await StartAsync(Yaml("a", "every: 60s\nidentities: { get: /ids }", "/a"));
        await FinishedAsync("a", 1);
        await RestartAsync();
        await FinishedAsync("a", 2);
        var row = (await _rig.Collector.RejectsAsync("a", null, 10, default)).Rows.ShouldHaveSingleItem();
        System.Text.Encoding.UTF8.GetString(row.Value).ShouldContain("\"count\":2", Case.Sensitive, "its polls go on being counted");
    }

    [Fact]
    public async Task A_clock_that_is_set_back_does_not_stop_the_polls()
    {
        var clock = new SteppedClock(_time);
        await StartAsync([Yaml("a", "every: 60s", "/a")], _ => null, clock);
        await FinishedAsync("a", 1);
        clock.Step -= TimeSpan.FromDays(400);
        await Until.DoneAsync(_time.UntilTimerAsync(Minute));
        _time.Advance(Minute);
        await Until.DoneAsync(_time.UntilTimerAsync(due => due <= Minute));
        _time.Advance(Minute);
        await FinishedAsync("a", 2);
    }

    [Fact]
    public async Task A_message_never_holds_a_secret_of_the_source()
    {
        _answers["/a"] = context => { context.Response.StatusCode = 401; return Task.CompletedTask; };
        await StartAsync(Yaml("a", "every: 60s\nauth: { bearer: \"${env:TOKEN}\" }", "/a", "/b?key=${env:TOKEN}"));
        await FinishedAsync("a", 1);
        System.Text.Json.JsonSerializer.Serialize(View("a")).ShouldNotContain(SomeSource.TokenValue);
        foreach (var file in Directory.GetFiles(_folder.Path, "journal.db*"))
            (await File.ReadAllBytesAsync(file)).AsSpan().IndexOf(System.Text.Encoding.UTF8.GetBytes(SomeSource.TokenValue)).ShouldBe(-1);
    }

    private static string Record(int number) => $$"""{"timestamp":{{number}},"priority":"low"}""";

    private static string Records(params int[] numbers) => $"[{string.Join(',', numbers.Select(Record))}]";

    private string Yaml(string name, string more, params string[] paths) => SomeSource.Yaml(more, "{ time: timestamp, priority: priority, user_id: ip }")
        .Replace("name: example", $"name: {name}", StringComparison.Ordinal)
        .Replace("https://incidents.example.com", _stub.Url, StringComparison.Ordinal)
        .Replace("[ { get: /incidents/ } ]", $"[ {string.Join(", ", paths.Select(path => $"{{ get: \"{path}\" }}"))} ]", StringComparison.Ordinal);

    private int Calls(string path) => _stub.Calls.Count(call => call.Target == path);

    private SourceView View(string name) => _rig.Collector.View(name).ShouldNotBeNull();

    private FeedView Feed(string source, string feed) => View(source).Feeds.Single(view => view.Name == feed);

    private Task StartAsync(params string[] yaml) => StartAsync(yaml, _ => null);

    private async Task StartAsync(string[] yaml, Func<IReadOnlyList<Append>, Exception?> refuse, TimeProvider? clock = null)
    {
        _rig = new CollectorRig(_folder.Path, [.. yaml.Select(SomeSource.Valid)], clock ?? _time) { Store = { Refuse = refuse } };
        await _rig.StartAsync();
    }

    private async Task RestartAsync()
    {
        var sources = _rig.Collector.Sources;
        await _rig.DisposeAsync();
        _rig = new CollectorRig(_folder.Path, sources, _time);
        await _rig.StartAsync();
    }

    /// <summary>Waits until this many polls have left their row of history.</summary>
    private Task FinishedAsync(string name, int runs) => Until.TrueAsync(() => _rig.Store.Runs(name) >= runs && View(name).Status is not (SourcePhase.Syncing or SourcePhase.Retrying));

    /// <summary>Moves on to the next run and waits for its end.</summary>
    private async Task NextAsync(string name, int? run = null)
    {
        var before = _rig.Store.Runs(name);
        await Until.DoneAsync(_time.UntilTimerAsync(Minute));
        _time.Advance(Minute);
        await FinishedAsync(name, run ?? before + 1);
    }

    /// <summary>A clock that can be set, over timers that cannot: as the system's.</summary>
    private sealed class SteppedClock(TimeProvider inner) : TimeProvider
    {
        public TimeSpan Step { get; set; }

        public override long TimestampFrequency => inner.TimestampFrequency;

        public override DateTimeOffset GetUtcNow() => inner.GetUtcNow() + Step;

        public override long GetTimestamp() => inner.GetTimestamp();

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => inner.CreateTimer(callback, state, dueTime, period);
    }
}
