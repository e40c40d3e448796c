using Microsoft.Extensions.Logging.Abstractions;
using Tocsin.Journal;

namespace Tocsin.Tests.Journal;

/// <summary>What a follower reads from memory is what the store would give; that the store is not asked shows where its reads are refused.</summary>
public sealed class RecentEntriesTests : IAsyncLifetime
{
    private const int MaxEntries = 16_384;
    private const int MaxBytes = 16 << 20;
    private static long _ids;

    private readonly TempFolder _folder = new();
    private TestStore _store = null!;
    private EventJournal _journal = null!;

    public ValueTask InitializeAsync()
    {
        Open();
        return ValueTask.CompletedTask;
    }

    public async ValueTask DisposeAsync()
    {
        _store.LetGo();
        await _journal.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task Who_follows_closely_reads_from_memory_what_was_committed()
    {
        var keyed = Event("keyed") with { Id = new DedupeKey(_store.Info).OfExternalId("s", "1") };
        await AppendAsync(keyed, Event("b"));
        await AppendAsync(keyed, Some.Amendment(1, "7"), Event("c"), keyed);
        await AppendAsync(keyed);
        var stored = await _store.ReadAsync(0, 100, default);
        stored.Count.ShouldBe(4);
        RefuseReads();
        for (var after = 0; after < 4; after++)
            for (var limit = 1; limit < 6; limit++)
                Same(await _journal.ReadAsync(after, limit, default), [.. stored.Skip(after).Take(limit)]);
    }

    [Fact]
    public async Task At_the_head_there_is_nothing()
    {
        (await _journal.ReadAsync(0, 10, default)).ShouldBeEmpty();
        await AppendAsync(Event("a"));
        (await _journal.ReadAsync(1, 10, default)).ShouldBeEmpty();
        (await _journal.ReadAsync(99, 10, default)).ShouldBeEmpty();
    }

    [Fact]
    public async Task What_was_committed_before_a_start_is_read_from_the_store()
    {
        await AppendAsync(Event("a"), Event("b"));
        await _journal.DisposeAsync();
        Open();
        (await _journal.ReadAsync(0, 10, default)).Count.ShouldBe(2);
        await AppendAsync(Event("c"));
        (await _journal.ReadAsync(1, 10, default)).Select(entry => entry.Sequence).ShouldBe([2, 3]);
        RefuseReads();
        (await _journal.ReadAsync(2, 10, default)).Single().Sequence.ShouldBe(3);
        await Should.ThrowAsync<JournalUnavailableException>(() => _journal.ReadAsync(1, 10, default).AsTask());
    }

    [Fact]
    public async Task Of_a_shared_commit_only_what_was_written_is_there()
    {
        _store.Hold();
        var first = AppendAsync(Event("first"));
        await Until.DoneAsync(_store.Held);
        var stale = _journal.AppendAsync(new Append { Entries = [Event("stale")], Expect = [new("n", "k", 9)] }, default);
        var state = _journal.AppendAsync(new Append { State = [new("n", "k", [1])] }, default);
        var second = AppendAsync(Event("second"), Event("third"));
        _store.LetGo();
        await Until.DoneAsync(Task.WhenAll(first, stale, state, second));
        RefuseReads();
        (await _journal.ReadAsync(0, 10, default)).Select(entry => (entry.Sequence, ((SecurityEvent)entry.Entry).Type)).ShouldBe([(1, "first"), (2, "second"), (3, "third")]);
    }

    [Fact]
    public async Task A_commit_that_failed_leaves_nothing_in_memory()
    {
        await AppendAsync(Event("a"));
        _store.Refuse = _ => new JournalUnavailableException("full");
        await Should.ThrowAsync<JournalUnavailableException>(() => AppendAsync(Event("lost")));
        _store.Refuse = _ => null;
        await AppendAsync(Event("b"));
        RefuseReads();
        (await _journal.ReadAsync(0, 10, default)).Select(entry => ((SecurityEvent)entry.Entry).Type).ShouldBe(["a", "b"]);
    }

    [Fact]
    public async Task Only_the_newest_entries_are_kept_the_others_come_from_the_store()
    {
        const int Extra = 116;
        for (var i = 0; i < 2; i++)
            await AppendAsync([.. Enumerable.Range(0, (MaxEntries + Extra) / 2).Select(n => Event($"{n % 50}"))]);
        _journal.Head.ShouldBe(MaxEntries + Extra);
        (await _journal.ReadAsync(Extra - 1, 3, default)).Select(entry => entry.Sequence).ShouldBe([Extra, Extra + 1, Extra + 2]);
        var stored = await _store.ReadAsync(Extra, 10_000, default);
        RefuseReads();
        Same(await _journal.ReadAsync(Extra, 10_000, default), stored);
        (await _journal.ReadAsync(_journal.Head - 1, 10, default)).Single().Sequence.ShouldBe(_journal.Head);
        await Should.ThrowAsync<JournalUnavailableException>(() => _journal.ReadAsync(Extra - 1, 1, default).AsTask());
    }

    [Fact]
    public async Task What_commits_before_the_last_two_made_is_let_go_but_for_the_last_thousand()
    {
        foreach (var entries in (int[])[3_000, 2_000, 500, 400, 300])
            await AppendAsync([.. Enumerable.Range(0, entries).Select(n => Event($"{n % 50}"))]);
        (await ReadsAsync(6_200 - 1_325, "more than the last commits, and more than a thousand")).ShouldBeFalse();
        (await ReadsAsync(6_200 - 1_000, "a thousand, over three commits")).ShouldBeTrue();
    }

    [Fact]
    public async Task Large_records_push_out_sooner_and_one_larger_than_all_stands_alone()
    {
        for (var i = 0; i < 6; i++)
            await AppendAsync(Large(MaxBytes / 4));
        (await ReadsAsync(2, "the fifth from the end is too much")).ShouldBeTrue();
        (await ReadsAsync(1, "four fit")).ShouldBeFalse();
        await AppendAsync(Large(MaxBytes + 1));
        (await ReadsAsync(6, "the largest alone")).ShouldBeTrue();
        (await ReadsAsync(5, "nothing beside it")).ShouldBeFalse();
        await AppendAsync(Event("small"));
        (await ReadsAsync(7, "small")).ShouldBeTrue();
        (await ReadsAsync(6, "the large one went")).ShouldBeFalse();
        await AppendAsync([.. Enumerable.Range(0, 10).Select(_ => Event("small"))]);
        (await ReadsAsync(7, "room again")).ShouldBeTrue();
        await AppendAsync(Some.Revision(1, Large(MaxBytes + 1)));
        (await ReadsAsync(18, "a large newer version alone")).ShouldBeTrue();
        (await ReadsAsync(17, "nothing beside it")).ShouldBeFalse();
    }

    [Fact]
    public async Task One_who_follows_while_others_write_reads_each_entry_once()
    {
        const int Entries = 3_000;
        var follower = Task.Run(async () =>
        {
            var seen = new List<Sequenced>();
            while (seen.Count < Entries)
            {
                await _journal.WaitPastAsync(seen.Count, default);
                var read = await _journal.ReadAsync(seen.Count, 1 + (seen.Count % 97), default);
                read.ShouldNotBeEmpty();
                foreach (var entry in read)
                {
                    entry.Sequence.ShouldBe(seen.Count + 1);
                    seen.Add(entry);
                }
            }
            return seen;
        });
        await Task.WhenAll(Enumerable.Range(0, 3).Select(writer => Task.Run(async () =>
        {
            for (var i = 0; i < Entries / 3; i += 10)
                await AppendAsync([.. Enumerable.Range(i, 10).Select(n => Event($"{writer}.{n}"))]);
        })));
        Same(await Until.DoneAsync(follower), await _store.ReadAsync(0, 10_000, default));
    }

    private void Open()
    {
        _store = new TestStore(_folder.Path);
        _journal = new EventJournal(_store, capacity: 10_000, NullLogger<EventJournal>.Instance);
    }

    private void RefuseReads() => _store.RefuseRead = () => new JournalUnavailableException("the store was asked");

    /// <summary>True when memory has what comes after a sequence.</summary>
    private async Task<bool> ReadsAsync(long after, string because)
    {
        RefuseReads();
        try
        {
            (await _journal.ReadAsync(after, 1, default)).Single().Sequence.ShouldBe(after + 1, because);
            return true;
        }
        catch (JournalUnavailableException)
        {
            return false;
        }
    }

    private static void Same(IReadOnlyList<Sequenced> actual, IReadOnlyList<Sequenced> expected)
    {
        actual.Select(entry => entry.Sequence).ShouldBe(expected.Select(entry => entry.Sequence));
        foreach (var (a, e) in actual.Zip(expected))
        {
            if (e.Entry is SecurityEvent stored && a.Entry is SecurityEvent recent)
                ((recent with { Data = stored.Data }) == stored && recent.Data.Utf8.Span.SequenceEqual(stored.Data.Utf8.Span)).ShouldBeTrue($"{e.Sequence}");
            else
                a.Entry.ShouldBe(e.Entry);
        }
    }

    private static SecurityEvent Event(string type) => Some.Event(type: type, id: Interlocked.Increment(ref _ids), data: "{}");

    private static SecurityEvent Large(int bytes) => Event("large") with { Data = new RawRecord(new byte[bytes]) };

    private Task<AppendResult> AppendAsync(params Entry[] entries) => _journal.AppendAsync(new Append { Entries = entries }, default);
}
