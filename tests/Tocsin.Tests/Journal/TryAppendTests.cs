using Microsoft.Extensions.Logging.Abstractions;
using Tocsin.Journal;

namespace Tocsin.Tests.Journal;

/// <summary>An append by one who does not wait: into the queue at once, or not at all.</summary>
public sealed class TryAppendTests : IAsyncLifetime
{
    private static long _ids;

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
    public async Task What_finds_room_is_committed_like_any_other()
    {
        _journal.TryAppend(Of("a", "b"), out var done).ShouldBeTrue();
        (await Until.DoneAsync(done)).Entries.ShouldBe([new(EntryStatus.Created, 1), new(EntryStatus.Created, 2)]);
        _journal.TryAppend(new Append { Expect = [new("n", "k", 7)] }, out done).ShouldBeTrue();
        (await Until.DoneAsync(done)).Status.ShouldBe(AppendStatus.Conflict);
    }

    [Fact]
    public async Task A_full_queue_says_no_and_keeps_nothing()
    {
        await HoldAsync(entries: 8);
        _journal.TryAppend(Of("too", "many", "now"), out var done).ShouldBeFalse();
        done.ShouldBeNull();
        _journal.QueueDepth.ShouldBe(8);
        // Rows of state take room as entries do.
        _journal.TryAppend(Of("one") with { State = [new("n", "a", [1]), new("n", "b", [1])] }, out _).ShouldBeFalse();
        _journal.TryAppend(Of("just", "fits"), out var fits).ShouldBeTrue();
        _journal.TryAppend(Of("one more"), out _).ShouldBeFalse();
        _journal.QueueDepth.ShouldBe(10);
        _store.LetGo();

        (await Until.DoneAsync(fits)).Entries[^1].Sequence.ShouldBe(10);
        await Until.TrueAsync(() => _journal.QueueDepth == 0);
        _journal.TryAppend(Of("again"), out var again).ShouldBeTrue();
        (await Until.DoneAsync(again)).Entries[0].Sequence.ShouldBe(11);
        (await _store.ReadAsync(8, 10, default)).Select(entry => ((SecurityEvent)entry.Entry).Type).ShouldBe(["just", "fits", "again"]);
    }

    [Fact]
    public async Task Nobody_who_waits_is_overtaken()
    {
        await HoldAsync(entries: 8);
        var waiting = _journal.AppendAsync(Of("w", "w", "w"), default);
        _journal.TryAppend(Of("would fit"), out _).ShouldBeFalse();
        _store.LetGo();
        (await Until.DoneAsync(waiting)).Entries[0].Sequence.ShouldBe(9);
    }

    [Fact]
    public async Task One_who_gave_up_waiting_stands_in_nobodys_way()
    {
        await HoldAsync(entries: 8);
        using var impatient = new CancellationTokenSource();
        var waiting = _journal.AppendAsync(Of("w", "w", "w"), impatient.Token);
        await impatient.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(waiting);
        _journal.TryAppend(Of("fits"), out var done).ShouldBeTrue();
        _store.LetGo();
        (await Until.DoneAsync(done)).Entries[0].Sequence.ShouldBe(9);
    }

    [Fact]
    public async Task More_bytes_than_may_wait_are_refused_however_few_the_entries()
    {
        await HoldAsync(entries: 1);
        _store.Refuse = group => group.Any(append => append.Entries.Any(entry => entry is SecurityEvent { Type: "large" })) ? new JournalUnavailableException("full") : null;
        Append Large(int bytes) => new() { Entries = [Event("large") with { Data = new RawRecord(new byte[bytes]) }] };
        _journal.TryAppend(Large(40 << 20), out var first).ShouldBeTrue();
        _journal.TryAppend(Large(30 << 20), out _).ShouldBeFalse();
        // The record of a newer version takes as much room as that of an event.
        _journal.TryAppend(new Append { Entries = [Some.Revision(1, (SecurityEvent)Large(30 << 20).Entries[0])] }, out _).ShouldBeFalse();
        _journal.TryAppend(Of("small"), out var small).ShouldBeTrue();
        _store.LetGo();
        await Should.ThrowAsync<JournalUnavailableException>(Until.DoneAsync(first));
        await small.ContinueWith(_ => { }, TaskScheduler.Default);
        await Until.TrueAsync(() => _journal.QueueDepth == 0);
        // What failed gave its bytes back, and what is larger than all that may wait goes in when nothing else does.
        _journal.TryAppend(Large(65 << 20), out var largest).ShouldBeTrue();
        await Should.ThrowAsync<JournalUnavailableException>(Until.DoneAsync(largest));
    }

    [Fact]
    public async Task One_larger_than_the_queue_goes_in_when_nothing_else_waits()
    {
        _journal.TryAppend(Of([.. Enumerable.Repeat("large", 50)]), out var done).ShouldBeTrue();
        (await Until.DoneAsync(done)).Entries.Count.ShouldBe(50);
    }

    [Fact]
    public async Task What_was_accepted_is_committed_though_nobody_waits_for_it()
    {
        await HoldAsync(entries: 1);
        _journal.TryAppend(Of("left alone"), out _).ShouldBeTrue();
        _store.LetGo();
        await Until.DoneAsync(_journal.WaitPastAsync(1, default));
        _journal.Head.ShouldBe(2);
    }

    [Fact]
    public async Task A_store_that_cannot_write_is_told_to_the_one_who_asks()
    {
        _store.Refuse = _ => new JournalUnavailableException("full");
        _journal.TryAppend(Of("a"), out var done).ShouldBeTrue();
        (await Should.ThrowAsync<JournalUnavailableException>(Until.DoneAsync(done))).Message.ShouldBe("full");
    }

    [Fact]
    public async Task A_journal_that_is_closing_takes_nothing_and_says_so()
    {
        await _journal.DisposeAsync();
        _journal.TryAppend(Of("late"), out var done).ShouldBeTrue();
        (await Should.ThrowAsync<JournalUnavailableException>(Until.DoneAsync(done!))).Message.ShouldContain("closing");
        _journal.QueueDepth.ShouldBe(0);
    }

    [Fact]
    public void More_than_the_most_entries_are_refused() =>
        Should.Throw<ArgumentOutOfRangeException>(() => _journal.TryAppend(Of([.. Enumerable.Repeat("x", Append.MaxEntries + 1)]), out _));

    /// <summary>So many entries wait for a commit that does not come.</summary>
    private async Task HoldAsync(int entries)
    {
        _store.Hold();
        _ = _journal.AppendAsync(Of([.. Enumerable.Repeat("held", entries)]), default);
        await Until.DoneAsync(_store.Held);
    }

    private static SecurityEvent Event(string type) => Some.Event(type: type, id: Interlocked.Increment(ref _ids));

    private static Append Of(params string[] types) => new() { Entries = [.. types.Select(Event)] };
}
