using Microsoft.Extensions.Logging.Abstractions;
using Tocsin.Engines.Sqlite;
using Tocsin.Journal;

namespace Tocsin.Tests.Journal;

public sealed class EventJournalTests : IAsyncLifetime
{
    private readonly TempFolder _folder = new();
    private TestStore _store = null!;
    private EventJournal _journal = null!;

    public ValueTask InitializeAsync()
    {
        _store = new TestStore(_folder.Path);
        _journal = new EventJournal(_store, capacity: 10, NullLogger<EventJournal>.Instance);
        return ValueTask.CompletedTask;
    }

    public async ValueTask DisposeAsync()
    {
        _store.LetGo();
        await _journal.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task Many_who_append_at_once_share_commits_and_each_gets_its_own_result()
    {
        _store.Hold();
        var first = AppendAsync("first");
        await Until.DoneAsync(_store.Held);
        var rest = Enumerable.Range(0, 200).Select(i => Task.Run(() => AppendAsync($"t{i}"))).ToArray();
        await Until.TrueAsync(() => _journal.QueueDepth == 10);
        _store.LetGo();
        var results = await Until.DoneAsync(Task.WhenAll(rest));

        (await first).Entries.ShouldBe([new(EntryStatus.Created, 1)]);
        var read = await _store.ReadAsync(0, 1000, default);
        for (var i = 0; i < rest.Length; i++)
            ((SecurityEvent)read[(int)results[i].Entries.ShouldHaveSingleItem().Sequence - 1].Entry).Type.ShouldBe($"t{i}");
        _store.Groups.Sum().ShouldBe(201);
        _store.Groups.Count.ShouldBeLessThan(150);
        _store.Groups[1].ShouldBeGreaterThan(1);
    }

    [Fact]
    public async Task A_conflict_in_one_append_does_not_touch_those_that_share_its_commit()
    {
        _store.Hold();
        var first = _journal.AppendAsync(new Append { State = [new("n", "k", [1])] }, default);
        await Until.DoneAsync(_store.Held);
        var before = AppendAsync("before");
        var stale = _journal.AppendAsync(new Append { Entries = [Event("stale")], Expect = [new("n", "k", 0)] }, default);
        var target = _journal.AppendAsync(new Append { Entries = [Event("target"), Some.Amendment(99, "1")] }, default);
        var after = AppendAsync("after");
        _store.LetGo();

        (await Until.DoneAsync(stale)).Status.ShouldBe(AppendStatus.Conflict);
        (await Until.DoneAsync(target)).Status.ShouldBe(AppendStatus.UnknownTarget);
        (await before).Entries.ShouldBe([new(EntryStatus.Created, 1)]);
        (await after).Entries.ShouldBe([new(EntryStatus.Created, 2)]);
        (await first).Status.ShouldBe(AppendStatus.Committed);
        _store.Groups.ShouldBe([1, 4]);
    }

    [Fact]
    public async Task A_full_queue_makes_callers_wait_and_lets_them_through_in_order()
    {
        _store.Hold();
        var first = AppendAsync([.. Enumerable.Repeat("first", 10)]);
        await Until.DoneAsync(_store.Held);
        var waiting = Enumerable.Range(0, 30).Select(i => AppendAsync($"w{i}", $"w{i}")).ToArray();

        _journal.QueueDepth.ShouldBe(10);
        waiting.ShouldAllBe(append => !append.IsCompleted);
        _store.LetGo();
        await Until.DoneAsync(Task.WhenAll(waiting.Append(first)));

        var types = (await _store.ReadAsync(10, 100, default)).Select(entry => ((SecurityEvent)entry.Entry).Type);
        types.ShouldBe(Enumerable.Range(0, 30).SelectMany(i => new[] { $"w{i}", $"w{i}" }));
        _store.Groups.ShouldAllBe(appends => appends <= 5);
        await Until.TrueAsync(() => _journal.QueueDepth == 0);
    }

    [Fact]
    public async Task An_append_larger_than_the_queue_goes_through_alone_and_is_not_overtaken_for_ever()
    {
        _store.Hold();
        var first = AppendAsync("first");
        await Until.DoneAsync(_store.Held);
        var large = AppendAsync([.. Enumerable.Repeat("large", 50)]);
        // Small ones would fit beside the first, but must not pass one that came before them.
        var small = AppendAsync("small");
        _journal.QueueDepth.ShouldBe(1);
        _store.LetGo();

        (await Until.DoneAsync(large)).Entries[^1].Sequence.ShouldBe(51);
        (await Until.DoneAsync(small)).Entries[0].Sequence.ShouldBe(52);
        await first;
    }

    [Fact]
    public async Task Cancelling_one_who_waits_frees_its_place_and_writes_nothing_of_it()
    {
        _store.Hold();
        var first = AppendAsync([.. Enumerable.Repeat("first", 8)]);
        await Until.DoneAsync(_store.Held);
        using var impatient = new CancellationTokenSource();
        var cancelled = _journal.AppendAsync(new Append { Entries = [Event("c"), Event("c"), Event("c"), Event("c"), Event("c")] }, impatient.Token);
        var patient = AppendAsync("patient");
        await impatient.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(cancelled);
        _store.LetGo();

        (await Until.DoneAsync(patient)).Entries[0].Sequence.ShouldBe(9);
        await first;
        await Until.TrueAsync(() => _journal.QueueDepth == 0);
        (await Until.DoneAsync(AppendAsync([.. Enumerable.Repeat("full", 10)]))).Entries[0].Sequence.ShouldBe(10);
    }

    [Fact]
    public async Task Cancelling_what_is_accepted_stops_the_waiting_and_not_the_commit()
    {
        _store.Hold();
        using var impatient = new CancellationTokenSource();
        var append = _journal.AppendAsync(new Append { Entries = [Event("a")] }, impatient.Token);
        await Until.DoneAsync(_store.Held);
        await impatient.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(append);
        _store.LetGo();
        (await Until.DoneAsync(AppendAsync("b"))).Entries[0].Sequence.ShouldBe(2);
    }

    [Fact]
    public async Task A_hundred_who_come_and_cancel_leave_the_count_at_zero()
    {
        await Task.WhenAll(Enumerable.Range(0, 100).Select(i => Task.Run(async () =>
        {
            using var source = new CancellationTokenSource();
            var append = _journal.AppendAsync(new Append { Entries = [.. Enumerable.Range(0, 1 + (i % 7)).Select(_ => Event("x"))] }, source.Token);
            if (i % 3 == 0)
                await source.CancelAsync();
            try
            {
                await append;
            }
            catch (OperationCanceledException)
            {
            }
        })));
        await Until.DoneAsync(AppendAsync("last"));
        await Until.TrueAsync(() => _journal.QueueDepth == 0);
    }

    [Fact]
    public async Task A_store_that_cannot_write_fails_exactly_the_group_and_the_next_succeeds()
    {
        _store.Hold();
        var first = AppendAsync("first");
        await Until.DoneAsync(_store.Held);
        var lost = new[] { AppendAsync("a"), AppendAsync("b"), AppendAsync("c") };
        var failed = 0;
        _store.Refuse = group => group.Count == 3 && failed++ == 0 ? new JournalUnavailableException("disk full") : null;
        _store.LetGo();

        (await Until.DoneAsync(first)).Status.ShouldBe(AppendStatus.Committed);
        foreach (var append in lost)
            (await Should.ThrowAsync<JournalUnavailableException>(append)).Message.ShouldBe("disk full");
        _journal.LastError.ShouldBe("disk full");
        _journal.Head.ShouldBe(1);
        (await Until.DoneAsync(AppendAsync("next"))).Entries[0].Sequence.ShouldBe(2);
        _journal.LastError.ShouldBeNull();
        await Until.TrueAsync(() => _journal.QueueDepth == 0);
    }

    [Fact]
    public async Task An_append_that_the_store_chokes_on_does_not_take_its_neighbours_with_it()
    {
        _store.Hold();
        var first = AppendAsync("first");
        await Until.DoneAsync(_store.Held);
        var before = AppendAsync("before");
        // An event without a type: no engine can take that, whatever the weather.
        var poison = _journal.AppendAsync(new Append { Entries = [Event("fine"), Event("fine") with { Type = null! }] }, default);
        var after = AppendAsync("after");
        _store.LetGo();

        await Should.ThrowAsync<Exception>(poison);
        (await Until.DoneAsync(before)).Entries[0].Sequence.ShouldBe(2);
        (await Until.DoneAsync(after)).Entries[0].Sequence.ShouldBe(3);
        await first;
    }

    [Fact]
    public async Task Closing_commits_what_was_accepted_and_refuses_the_rest()
    {
        _store.Hold();
        var first = AppendAsync([.. Enumerable.Repeat("first", 8)]);
        await Until.DoneAsync(_store.Held);
        var accepted = AppendAsync("accepted");
        var noRoom = AppendAsync("no", "room");
        var closing = _journal.DisposeAsync().AsTask();
        var late = AppendAsync("late");
        _store.LetGo();
        await Until.DoneAsync(closing);

        (await first).Status.ShouldBe(AppendStatus.Committed);
        (await accepted).Entries[0].Sequence.ShouldBe(9);
        await Should.ThrowAsync<JournalUnavailableException>(noRoom);
        await Should.ThrowAsync<JournalUnavailableException>(late);
        await Should.ThrowAsync<JournalUnavailableException>(AppendAsync("after"));
        await using var again = SqliteJournalStore.Open(_folder.Path, TimeProvider.System);
        again.Head.ShouldBe(9);
    }

    [Fact]
    public async Task Whoever_waits_for_the_next_entry_never_misses_one()
    {
        const int entries = 300;
        var followers = Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
        {
            long seen = 0;
            while (seen < entries)
            {
                await _journal.WaitPastAsync(seen, default);
                _journal.Head.ShouldBeGreaterThan(seen);
                seen++;
            }
        })).ToArray();
        for (var i = 0; i < entries; i++)
            await AppendAsync("e");
        await Until.DoneAsync(Task.WhenAll(followers));
        _journal.WaitPastAsync(entries - 1, default).IsCompletedSuccessfully.ShouldBeTrue();
        using var cancelled = new CancellationTokenSource();
        var never = _journal.WaitPastAsync(entries, cancelled.Token);
        await cancelled.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(never);
    }

    [Fact]
    public async Task More_than_the_most_entries_are_refused_before_they_wait() =>
        await Should.ThrowAsync<ArgumentOutOfRangeException>(() => AppendAsync([.. Enumerable.Repeat("x", Append.MaxEntries + 1)]));

    private static long _ids;

    private static SecurityEvent Event(string type) => Some.Event(type: type, id: Interlocked.Increment(ref _ids));

    private Task<AppendResult> AppendAsync(params string[] types) => _journal.AppendAsync(new Append { Entries = [.. types.Select(Event)] }, default);
}
