using System.Collections.Concurrent;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using Tocsin.Journal;
using Tocsin.Projections;

namespace Tocsin.Tests.Projections;

public sealed class LiveTailTests : IAsyncLifetime
{
    private const int RingItems = 16;
    private readonly TempFolder _folder = new();
    private readonly FakeTimeProvider _time = new();
    private readonly CancellationTokenSource _stop = new();
    private TestStore _store = null!;
    private EventJournal _journal = null!;
    private LiveTail _tail = null!;
    private Task _running = Task.CompletedTask;

    public ValueTask InitializeAsync()
    {
        _store = new TestStore(_folder.Path);
        _journal = new EventJournal(_store, 100_000, NullLogger<EventJournal>.Instance);
        _tail = new LiveTail(_journal, _time, RingItems, maxBytes: 1 << 20);
        _running = Task.Run(() => _tail.RunAsync(_stop.Token));
        return ValueTask.CompletedTask;
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(Until.DoneAsync(_running));
        _tail.Dispose();
        await _journal.DisposeAsync();
        _stop.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task Who_subscribes_gets_what_is_committed_from_then_on()
    {
        await AppendAsync(3);
        using var reader = Subscribe(null);
        reader.Position.ShouldBe(3);

        await AppendAsync(2);

        (await TakeAsync(reader, 2)).Select(item => item.Sequence).ShouldBe([4, 5]);
    }

    [Fact]
    public async Task Who_resumes_gets_what_came_since_and_then_what_comes()
    {
        await AppendAsync(500);
        using var reader = Subscribe(100);

        (await TakeAsync(reader, 400)).Select(item => item.Sequence).ShouldBe(Enumerable.Range(101, 400).Select(n => (long)n));
        await AppendAsync(1);
        (await TakeAsync(reader, 1))[0].Sequence.ShouldBe(501);
    }

    [Fact]
    public async Task A_place_beyond_the_head_becomes_the_head()
    {
        await AppendAsync(3);
        using var reader = Subscribe(4_000);
        reader.Position.ShouldBe(3);
    }

    [Fact]
    public async Task An_amendment_shows_the_event_as_it_reads_now_under_its_own_sequence()
    {
        await AppendAsync(2);
        using var reader = Subscribe(null);

        await CommitAsync(Some.Amendment(1, userId: "77"));

        var item = (await TakeAsync(reader, 1))[0];
        (item.Sequence, item.IsAmendment, item.Event!.UserId).ShouldBe((3, true, "77"));
        var frame = Encoding.UTF8.GetString(item.Frame);
        frame.ShouldStartWith("id: 3\nevent: amended\ndata: {");
        frame.ShouldEndWith("}\n\n");
        JsonElement.Parse(frame["id: 3\nevent: amended\ndata: ".Length..]).GetProperty("user_id").GetString().ShouldBe("77");
    }

    [Fact]
    public async Task A_newer_version_is_told_as_any_amendment_is_and_filters_go_by_what_it_says()
    {
        await AppendAsync(2);
        using var reader = Subscribe(null);

        await CommitAsync(Some.Revision(1, Some.Event("77", type: "newer", time: "5.5", data: """{"v":2}""")));

        var item = (await TakeAsync(reader, 1))[0];
        (item.Sequence, item.IsAmendment, item.Event!.Id, item.Event.Type, item.Event.Data.ToString()).ShouldBe((3, true, Some.Id(1), "newer", """{"v":2}"""));
        new EventFilter { Types = ["newer"] }.Matches(item.Event).ShouldBeTrue();
        new EventFilter { Types = ["intrusion"] }.Matches(item.Event).ShouldBeFalse();
        // Who resumes from before the amendment gets it too, in its place.
        using var late = Subscribe(0);
        (await TakeAsync(late, 3)).Select(told => (told.Sequence, told.Event!.Type)).ShouldBe([(1, "intrusion"), (2, "intrusion"), (3, "newer")]);
    }

    [Fact]
    public async Task Amendments_of_large_events_are_told_few_at_a_time()
    {
        var large = $"\"{new string('x', 1 << 20)}\"";
        await CommitAsync([.. Enumerable.Range(1, 30).Select(n => Some.Event(id: n, data: large))]);
        await CommitAsync([.. Enumerable.Range(1, 30).Select(n => Some.Amendment(n, userId: "77"))]);

        (await _tail.PageAsync(30, 100, default)).Count.ShouldBe(8);
        using var reader = Subscribe(30);
        var seen = new List<long>();
        while (seen.Count < 30)
            seen.AddRange((await Until.DoneAsync(reader.ReadAsync(wasHeldUp: false, default).AsTask()))!.Select(item => item.Sequence));
        seen.ShouldBe(Enumerable.Range(31, 30).Select(n => (long)n));
    }

    [Fact]
    public async Task A_frame_is_one_message_on_one_line_made_once()
    {
        using var reader = Subscribe(null);
        using var other = Subscribe(null);
        await CommitAsync(Some.Event(data: "{\"a\":\r\n 1,\n\"b\":\"\\n\"}"));

        var item = (await TakeAsync(reader, 1))[0];
        var frame = Encoding.UTF8.GetString(item.Frame);
        frame.ShouldStartWith("id: 1\ndata: {");
        frame.Count(c => c is '\n' or '\r').ShouldBe(3);
        (await TakeAsync(other, 1))[0].ShouldBeSameAs(item);
    }

    [Fact]
    public async Task Who_falls_behind_the_ring_without_fault_reads_on_from_the_journal()
    {
        using var reader = Subscribe(null);
        await AppendAsync(1);
        await TakeAsync(reader, 1);
        await AppendAsync(RingItems * 4);
        await Until.TrueAsync(() => _tail.Ring.Last == _journal.Head);

        (await TakeAsync(reader, RingItems * 4)).Select(item => item.Sequence).ShouldBe(Enumerable.Range(2, RingItems * 4).Select(n => (long)n));
    }

    [Fact]
    public async Task Who_is_held_up_while_the_ring_goes_past_it_is_too_slow()
    {
        using var reader = Subscribe(null);
        await AppendAsync(1);
        await TakeAsync(reader, 1);
        await AppendAsync(RingItems + 1);
        await Until.TrueAsync(() => _tail.Ring.Last == _journal.Head);

        (await reader.ReadAsync(wasHeldUp: true, default)).ShouldBeNull();
        reader.Position.ShouldBe(1);
    }

    [Fact]
    public async Task Who_is_held_up_within_the_ring_is_not_too_slow()
    {
        using var reader = Subscribe(null);
        await AppendAsync(1);
        await TakeAsync(reader, 1);
        await AppendAsync(RingItems);
        await Until.TrueAsync(() => _tail.Ring.Last == _journal.Head);

        (await reader.ReadAsync(wasHeldUp: true, default))!.Count.ShouldBe(RingItems);
    }

    [Fact]
    public async Task Catching_up_is_no_slowness()
    {
        await AppendAsync(1_000);
        using var reader = Subscribe(0);
        using var other = Subscribe(null);
        await AppendAsync(RingItems * 2);
        await Until.TrueAsync(() => _tail.Ring.Last == _journal.Head);

        for (var seen = 0; seen < 1_000 + (RingItems * 2);)
            seen += (await reader.ReadAsync(wasHeldUp: true, default)).ShouldNotBeNull().Count;
    }

    [Fact]
    public async Task Large_records_make_room_in_the_ring_by_their_bytes()
    {
        using var reader = Subscribe(null);
        var large = $"\"{new string('x', 100_000)}\"";
        for (var i = 1; i <= 10; i++)
            await CommitAsync(Some.Event(id: i, data: large));
        await Until.TrueAsync(() => _tail.Ring.Last == 10);

        _tail.Ring.Read(0, 100).ShouldBeNull();
        _tail.Ring.Read(5, 100)!.Length.ShouldBe(5);
    }

    [Fact]
    public async Task A_heartbeat_comes_every_fifteen_seconds_also_when_nothing_is_committed()
    {
        using var reader = Subscribe(null);
        var read = reader.ReadAsync(wasHeldUp: false, default).AsTask();
        _time.Advance(TimeSpan.FromSeconds(14.9));
        read.IsCompleted.ShouldBeFalse();
        _time.Advance(TimeSpan.FromSeconds(0.1));

        (await Until.DoneAsync(read))!.ShouldBeEmpty();
        reader.TakeBeat().ShouldBeTrue();
        reader.TakeBeat().ShouldBeFalse();
    }

    [Fact]
    public async Task There_is_a_bound_on_readers_and_who_leaves_makes_room()
    {
        var readers = Enumerable.Range(0, LiveTail.MaxReaders).Select(_ => Subscribe(null)).ToList();
        _tail.TrySubscribe(null, out _).ShouldBeFalse();
        _tail.Readers.ShouldBe(LiveTail.MaxReaders);

        readers[7].Dispose();
        Subscribe(null).Dispose();
        readers.ForEach(reader => reader.Dispose());
        _tail.Readers.ShouldBe(0);
        await Task.CompletedTask;
    }

    [Fact]
    public async Task A_store_that_cannot_be_read_is_asked_again()
    {
        await AppendAsync(1);
        using var reader = Subscribe(null);
        _store.RefuseRead = () => new JournalUnavailableException("no");
        await CommitAsync(Some.Amendment(1, userId: "8"));
        await _time.UntilTimerAsync(TimeSpan.FromSeconds(1));
        _store.RefuseRead = () => null;
        _time.Advance(TimeSpan.FromSeconds(1));

        (await TakeAsync(reader, 1))[0].Event!.UserId.ShouldBe("8");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Whoever_reconnects_anywhere_any_time_sees_everything_once(int seed)
    {
        const int Entries = 1_500;
        const int Readers = 6;
        var seen = Enumerable.Range(0, Readers).Select(_ => new ConcurrentQueue<LiveTailItem>()).ToArray();
        var readers = seen.Select((to, n) => Task.Run(() => FollowAsync(new Random((seed * 100) + n), to, Entries))).ToArray();
        var random = new Random(seed);
        for (var written = 0; written < Entries;)
        {
            var some = Math.Min(random.Next(1, RingItems * 3), Entries - written);
            var isAmended = written > 0 && random.Next(3) == 0;
            await CommitAsync([.. Enumerable.Range(written, some).Select(n => isAmended ? Some.Amendment(1, userId: $"{n}") : (Entry)Some.Event(id: n + 1))]);
            written += some;
            if (random.Next(4) == 0)
                await Until.TrueAsync(() => _tail.Ring.Last == _journal.Head || _tail.Readers == 0);
        }
        await Until.DoneAsync(Task.WhenAll(readers));

        var entries = await _journal.Store.ReadAsync(0, 10_000, default);
        foreach (var items in seen)
        {
            items.Select(item => item.Sequence).ShouldBe(Enumerable.Range(1, Entries).Select(n => (long)n));
            items.Select(item => item.IsAmendment).ShouldBe(entries.Select(entry => entry.Entry is Amendment));
        }
    }

    private async Task FollowAsync(Random random, ConcurrentQueue<LiveTailItem> seen, int entries)
    {
        var position = 0L;
        while (position < entries)
        {
            using var reader = Subscribe(position);
            for (var reads = random.Next(1, 12); reads > 0 && position < entries; reads--)
            {
                if (await reader.ReadAsync(wasHeldUp: random.Next(5) == 0, default) is not { } items)
                    break;
                foreach (var item in items.Take(random.Next(20) == 0 ? random.Next(items.Count) : items.Count))
                    seen.Enqueue(item);
                // The line may break in the middle of what was sent: what arrived last is where it resumes.
                reads = seen.LastOrDefault()?.Sequence == reader.Position ? reads : 0;
                position = seen.LastOrDefault()?.Sequence ?? 0;
            }
        }
    }

    private LiveTailReader Subscribe(long? after) => _tail.TrySubscribe(after, out var reader) ? reader : throw new InvalidOperationException("no room");

    private static async Task<List<LiveTailItem>> TakeAsync(LiveTailReader reader, int count)
    {
        var items = new List<LiveTailItem>();
        while (items.Count < count)
            items.AddRange((await Until.DoneAsync(reader.ReadAsync(wasHeldUp: false, default).AsTask())).ShouldNotBeNull());
        items.Count.ShouldBe(count);
        return items;
    }

    private Task<AppendResult> AppendAsync(int count)
    {
        var head = (int)_journal.Head;
        return CommitAsync([.. Enumerable.Range(head + 1, count).Select(n => Some.Event(id: n))]);
    }

    private Task<AppendResult> CommitAsync(params Entry[] entries) => Until.DoneAsync(_journal.AppendAsync(new Append { Entries = entries }, default));
}
