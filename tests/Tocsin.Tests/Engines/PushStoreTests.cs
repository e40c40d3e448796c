using Microsoft.Extensions.Logging.Abstractions;
using Tocsin.Engines.RabbitMq;
using Tocsin.Journal;

namespace Tocsin.Tests.Engines;

/// <summary>Requests from the broker on their way into the store: together, in order, once, however often they come.</summary>
public sealed class PushStoreTests : IAsyncLifetime
{
    private static long _ids;
    private readonly TempFolder _folder = new();
    private TestStore _store = null!;
    private EventJournal _journal = null!;
    private PushStore _pushes = null!;

    public ValueTask InitializeAsync()
    {
        _store = new TestStore(_folder.Path);
        _journal = new EventJournal(_store, capacity: 1_000, NullLogger<EventJournal>.Instance);
        _pushes = new PushStore(_journal, TimeProvider.System);
        return ValueTask.CompletedTask;
    }

    public async ValueTask DisposeAsync()
    {
        await _journal.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task Several_are_one_commit_in_their_order()
    {
        var results = await StoreAsync(Of("a", "b"), Of("c"), Of("d"));
        results.SelectMany(result => result!.Entries).ShouldBe([.. Enumerable.Range(1, 4).Select(n => new EntryResult(EntryStatus.Created, n))]);
        _store.Groups.ShouldBe([3]);
    }

    [Fact]
    public async Task While_the_store_is_away_nothing_overtakes_and_all_is_stored_after()
    {
        var failures = 0;
        // The first of them fails now and then, the others would not: none may be stored before it.
        _store.Refuse = group => group.Any(append => append.Entries is [SecurityEvent { Type: "a" }]) && ++failures <= 3 ? new JournalUnavailableException("full") : null;
        var storing = StoreAsync(Of("a"), Of("b"), Of("c"));
        await Until.TrueAsync(() => _pushes.Waits is not null);
        _pushes.Waits!.ShouldContain("full");
        (await Until.DoneAsync(storing)).ShouldAllBe(result => result!.Status == AppendStatus.Committed);
        _pushes.Waits.ShouldBeNull();
        await StoredAsync("a", "b", "c");
    }

    [Fact]
    public async Task One_that_cannot_be_stored_is_set_aside_alone()
    {
        _store.Refuse = group => group.Any(append => append.Entries is [SecurityEvent { Type: "poison" }]) ? new InvalidOperationException("no such thing") : null;
        var poison = Delivered(Of("poison"));
        var results = await Until.DoneAsync(_pushes.StoreAsync([Delivered(Of("a")), poison, Delivered(Of("b"))], false, default));
        results[1].ShouldBeNull();
        poison.Defect!.ShouldContain("no such thing");
        await StoredAsync("a", "b");
    }

    [Fact]
    public async Task What_fails_for_every_request_waits_and_costs_none()
    {
        await StoreAsync(Of("before"));
        _store.Refuse = _ => new InvalidOperationException("no such table");
        var (first, second) = (Delivered(Of("a")), Delivered(Of("b")));
        var storing = _pushes.StoreAsync([first, second], false, default);
        await Until.TrueAsync(() => _pushes.Waits is not null);
        _pushes.Waits!.ShouldContain("no such table");
        _store.Refuse = _ => null;
        (await Until.DoneAsync(storing)).ShouldAllBe(result => result!.Status == AppendStatus.Committed);
        _pushes.Waits.ShouldBeNull();
        first.Defect.ShouldBeNull();
        await StoredAsync("before", "a", "b");
    }

    [Fact]
    public async Task After_a_restart_one_that_cannot_be_stored_is_known_by_what_the_journal_has()
    {
        await StoreAsync(Of("before"));
        _pushes = new PushStore(_journal, TimeProvider.System);
        _store.Refuse = group => group.Any(append => append.Entries is [SecurityEvent { Type: "poison" }]) ? new InvalidOperationException("no such thing") : null;
        var poison = Delivered(Of("poison"));
        (await Until.DoneAsync(_pushes.StoreAsync([poison], false, default)))[0].ShouldBeNull();
        poison.Defect!.ShouldContain("no such thing");
        await StoredAsync("before");
    }

    [Fact]
    public async Task Two_requests_of_one_group_under_one_key_are_one()
    {
        Pushed Held(byte key) => new("s", [Some.Event(type: "held") with { Id = Key(key), Fingerprint = 9 }], new PushKey(Key(key), 9, IsHeld: true));
        Pushed Row(byte key) => new("s", [Some.Event(type: "row") with { Id = Keyed(), ExternalId = $"r{key}", Fingerprint = key }], new PushKey(Key(key), key, IsHeld: false));
        var row = Row(4);
        var results = await StoreAsync(Of("a"), Held(3), Row(3), row, Held(4), Of("b"));
        results.Select(result => result!.Status).ShouldBe(
            [AppendStatus.Committed, AppendStatus.Committed, AppendStatus.OtherContent, AppendStatus.Committed, AppendStatus.OtherContent, AppendStatus.Committed]);
        await StoredAsync("a", "held", "row", "b");
        // The key that the row holds: its own request again is a repeat, whatever came between.
        (await StoreAsync(Held(4), row))[1]!.Entries[0].Status.ShouldBe(EntryStatus.Duplicate);
    }

    [Fact]
    public async Task What_comes_again_is_stored_once_and_its_sender_is_told_that_it_was_created()
    {
        var plain = Of("plain");
        var named = new Pushed("s", [Some.Event(type: "named") with { Id = Keyed(), ExternalId = "x", Fingerprint = 5 }], null);
        (await StoreAsync(plain, named)).Length.ShouldBe(2);

        var again = await _pushes.StoreAsync([Delivered(plain, again: true), Delivered(named, again: true)], false, default);
        again.SelectMany(result => result!.Entries).ShouldBe([new(EntryStatus.Created, 1), new(EntryStatus.Created, 2)]);
        // Another request with the same event, itself given out twice, is a repeat all the same: it was received at another time.
        var repeat = named with { Events = [(SecurityEvent)named.Events[0] with { ReceivedAt = Some.Instant.AddTicks(1) }] };
        (await _pushes.StoreAsync([Delivered(repeat, again: true)], false, default))[0]!.Entries.ShouldBe([new(EntryStatus.Duplicate, 2)]);
        await StoredAsync("plain", "named");
    }

    [Fact]
    public async Task An_idempotency_key_holds_however_often_its_request_comes()
    {
        Pushed Request(long content) => new("s", [Some.Event(type: "row") with { Id = Keyed(), ExternalId = "r", Fingerprint = content }], new PushKey(Key(1), content, IsHeld: false));
        var first = Request(1);
        (await StoreAsync(first))[0]!.Entries[0].Status.ShouldBe(EntryStatus.Created);
        (await _pushes.StoreAsync([Delivered(first, again: true)], false, default))[0]!.Entries[0].Status.ShouldBe(EntryStatus.Created);
        (await StoreAsync(Request(2)))[0]!.Status.ShouldBe(AppendStatus.OtherContent);
        // An event that has its id from a key holds it against requests that would leave a row.
        var held = new Pushed("s", [Some.Event(type: "held") with { Id = Key(2), Fingerprint = 9 }], new PushKey(Key(2), 9, IsHeld: true));
        (await StoreAsync(held))[0]!.Entries[0].Status.ShouldBe(EntryStatus.Created);
        (await StoreAsync(Request(3) with { Key = new PushKey(Key(2), 3, IsHeld: false) }))[0]!.Status.ShouldBe(AppendStatus.OtherContent);
        await StoredAsync("row", "held");
    }

    private Task<AppendResult?[]> StoreAsync(params Pushed[] requests) => _pushes.StoreAsync([.. requests.Select(request => Delivered(request))], false, default);

    private static Delivery Delivered(Pushed pushed, bool again = false) => new() { Tag = 1, Bytes = 1, Id = "n/1", IsAgain = again, Pushed = pushed };

    private static Pushed Of(params string[] types) => new("s", [.. types.Select(type => Some.Event(type: type) with { Id = Keyed() })], null);

    private static EventId Keyed() => EventId.CreateKeyed(Some.Instant, BitConverter.GetBytes(Interlocked.Increment(ref _ids)).Concat(new byte[2]).ToArray());

    private static EventId Key(byte number) => EventId.FromKey([.. Enumerable.Repeat(number, 16)]);

    private async Task StoredAsync(params string[] types) =>
        (await _store.ReadAsync(0, 100, default)).Select(entry => ((SecurityEvent)entry.Entry).Type).ShouldBe(types);
}
