using System.Text;
using Tocsin.Journal;

namespace Tocsin.Tests.Journal;

/// <summary>
/// What every engine must keep (DESIGN: one append does it all). An engine's test class derives from this one and says how to open a
/// store; reopening the same place must find the same journal.
/// </summary>
public abstract partial class JournalContract : IAsyncLifetime
{
    private static readonly DateTimeOffset T0 = new(2026, 11, 1, 12, 0, 0, TimeSpan.Zero);

    protected IJournalStore Store { get; private set; } = null!;

    protected abstract ValueTask<IJournalStore> OpenAsync();

    public async ValueTask InitializeAsync() => Store = await OpenAsync();

    public virtual async ValueTask DisposeAsync()
    {
        await Store.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task Sequences_are_gap_free_in_commit_order()
    {
        var first = await CommitAsync(new Append { Entries = [Event("a"), Event("b")] }, new Append { Entries = [Event("c")] });
        first.SelectMany(result => result.Entries).Select(entry => entry.Sequence).ShouldBe([1, 2, 3]);
        await CommitAsync(new Append { Entries = [Event("d")] });
        Store.Head.ShouldBe(4);
        var read = await Store.ReadAsync(0, 100, default);
        read.Select(entry => entry.Sequence).ShouldBe([1, 2, 3, 4]);
        read.Select(entry => ((SecurityEvent)entry.Entry).Type).ShouldBe(["a", "b", "c", "d"]);
    }

    [Fact]
    public async Task An_event_comes_back_as_it_went_in()
    {
        EventTime.TryParse("2026-10-30T10:11:12.123456789Z", out var time).ShouldBeTrue();
        var full = new SecurityEvent
        {
            Id = EventId.Create(T0), ExternalId = "x-1", Kind = EventKind.Alert, Type = "auth.failed", Source = "s", Device = "fw",
            Priority = Priority.Critical, Time = time, ReceivedAt = T0, UserId = "4506", Description = "déjà\0vu", SrcIp = "10.0.0.1", DstIp = "::1",
            Country = "FR", Attribution = new Attribution(AttributionRule.Identity, "dir", "10.0.0.1"), Fingerprint = -7,
            Data = Json("""{"n": 12345678901234567890, "e":1e400}"""),
        };
        var bare = Event("bare") with { Description = "" };
        await CommitAsync(new Append { Entries = [full, bare] });
        var read = await Store.ReadAsync(0, 10, default);
        Same(read[0].Entry, full);
        Same(read[1].Entry, bare);
        Same((await Store.FindAsync(1, default))!, full);
        (await Store.FindAsync(3, default)).ShouldBeNull();
    }

    [Fact]
    public async Task A_keyed_event_is_kept_once_and_a_repeat_gets_the_first_sequence()
    {
        var dedupe = new DedupeKey(Store.Info);
        var a = Event("a") with { Id = dedupe.OfExternalId("s", "1"), Fingerprint = 1 };
        await CommitAsync(new Append { Entries = [a, Event("b")] });
        var again = await CommitAsync(
            new Append { Entries = [a, Event("c"), a] },
            new Append { Entries = [a with { Fingerprint = 2 }] });
        again[0].Entries.ShouldBe([new(EntryStatus.Duplicate, 1), new(EntryStatus.Created, 3), new(EntryStatus.Duplicate, 1)]);
        again[1].Entries.ShouldBe([new(EntryStatus.Changed, 1)]);
        Store.Head.ShouldBe(3);
    }

    [Fact]
    public async Task An_append_that_refuses_other_content_writes_nothing_when_an_event_is_there_with_another()
    {
        var dedupe = new DedupeKey(Store.Info);
        var a = Event("a") with { Id = dedupe.OfExternalId("s", "1"), Fingerprint = 1 };
        await CommitAsync(new Append { Entries = [a], State = [new("n", "k", [1])] });
        var version = (await Store.GetStateAsync("n", "k", default))!.Version;
        var other = new Append { Entries = [Event("new"), Some.Amendment(1, "7"), a with { Fingerprint = 2 }], State = [new("n", "k", [2])], RefuseOtherContent = true };
        var results = await CommitAsync(other, new Append { Entries = [Event("neighbour")] });
        results[0].Status.ShouldBe(AppendStatus.OtherContent);
        results[0].Entries.ShouldBeEmpty();
        results[1].Entries.ShouldBe([new(EntryStatus.Created, 2)]);
        (await Store.GetStateAsync("n", "k", default))!.Version.ShouldBe(version);
        (await Store.FindAsync(1, default))!.UserId.ShouldBeNull();

        // What is there with the same content is a repeat, what has no key is always new; so it is after a restart, and without the wish it is kept aside.
        await ReopenAsync();
        (await CommitAsync(other))[0].Status.ShouldBe(AppendStatus.OtherContent);
        var b = Event("b") with { Id = dedupe.OfExternalId("s", "2"), Fingerprint = 2 };
        (await CommitAsync(new Append { Entries = [a, b, Event("c") with { Fingerprint = 9 }], RefuseOtherContent = true }))[0].Entries
            .ShouldBe([new(EntryStatus.Duplicate, 1), new(EntryStatus.Created, 3), new(EntryStatus.Created, 4)]);
        (await CommitAsync(other with { RefuseOtherContent = false }))[0].Entries
            .ShouldBe([new(EntryStatus.Created, 5), new(EntryStatus.Created, 6), new(EntryStatus.Changed, 1)]);
    }

    [Fact]
    public async Task Other_content_is_also_seen_in_an_append_of_the_same_group_and_a_conflict_is_told_first()
    {
        var a = Event("a") with { Id = new DedupeKey(Store.Info).OfExternalId("s", "1"), Fingerprint = 1 };
        var refusing = new Append { Entries = [a with { Fingerprint = 2 }], RefuseOtherContent = true };
        var results = await CommitAsync(new Append { Entries = [a] }, refusing, refusing with { Expect = [new("n", "k", 5)] }, new Append { Entries = [a], RefuseOtherContent = true });
        results.Select(result => result.Status).ShouldBe([AppendStatus.Committed, AppendStatus.OtherContent, AppendStatus.Conflict, AppendStatus.Committed]);
        results[3].Entries.ShouldBe([new(EntryStatus.Duplicate, 1)]);
        Store.Head.ShouldBe(1);
    }

    [Fact]
    public async Task Two_equal_keyed_events_in_one_append_are_one()
    {
        var a = Event("a") with { Id = new DedupeKey(Store.Info).OfExternalId("s", "1") };
        var result = (await CommitAsync(new Append { Entries = [a, a] }))[0];
        result.Entries.ShouldBe([new(EntryStatus.Created, 1), new(EntryStatus.Duplicate, 1)]);
    }

    [Fact]
    public async Task Keys_sequences_state_and_the_journals_identity_survive_a_restart()
    {
        var a = Event("a") with { Id = new DedupeKey(Store.Info).OfExternalId("s", "1") };
        await CommitAsync(new Append { Entries = [a], State = [new StateWrite("n", "k", [1])] });
        var (id, version) = (Store.Info.Id, (await Store.GetStateAsync("n", "k", default))!.Version);
        await ReopenAsync();
        Store.Info.Id.ShouldBe(id);
        new DedupeKey(Store.Info).OfExternalId("s", "1").ShouldBe(a.Id);
        (await CommitAsync(new Append { Entries = [a, Event("b")] }))[0].Entries.ShouldBe([new(EntryStatus.Duplicate, 1), new(EntryStatus.Created, 2)]);
        (await Store.GetStateAsync("n", "k", default))!.Version.ShouldBe(version);
        (await CommitAsync(new Append { State = [new StateWrite("n", "k", [2])] }))[0].StateVersion.ShouldBeGreaterThan(version);
    }

    [Fact]
    public async Task Entries_and_state_commit_together_or_not_at_all()
    {
        await CommitAsync(new Append { State = [new StateWrite("cursor", "a", [1])] });
        var row = (await Store.GetStateAsync("cursor", "a", default))!;
        var results = await CommitAsync(
            new Append { Entries = [Event("kept")], State = [new StateWrite("cursor", "a", [2])], Expect = [new("cursor", "a", row.Version)] },
            new Append { Entries = [Event("fenced")], State = [new StateWrite("cursor", "a", [3])], Expect = [new("cursor", "a", row.Version)] },
            new Append { Entries = [Event("after")] });
        results.Select(result => result.Status).ShouldBe([AppendStatus.Committed, AppendStatus.Conflict, AppendStatus.Committed]);
        (await Store.GetStateAsync("cursor", "a", default))!.Value.ShouldBe([2]);
        (await Store.ReadAsync(0, 10, default)).Select(entry => ((SecurityEvent)entry.Entry).Type).ShouldBe(["kept", "after"]);
    }

    [Fact]
    public async Task A_version_never_repeats_even_when_the_row_is_deleted_and_made_again()
    {
        var made = (await CommitAsync(new Append { State = [new StateWrite("n", "k", [1])], Expect = [new("n", "k", 0)] }))[0].StateVersion;
        await CommitAsync(new Append { State = [new StateWrite("n", "k", null)], Expect = [new("n", "k", made)] });
        (await Store.GetStateAsync("n", "k", default)).ShouldBeNull();
        await CommitAsync(new Append { State = [new StateWrite("n", "k", [1])], Expect = [new("n", "k", 0)] });
        (await CommitAsync(new Append { Expect = [new("n", "k", made)] }))[0].Status.ShouldBe(AppendStatus.Conflict);
    }

    [Fact]
    public async Task State_lists_by_key_and_pages()
    {
        await CommitAsync(new Append { State = [new("n", "b", [2]), new("n", "a", [1]), new("n", "c", []), new("other", "a", [9])] });
        (await Store.ListStateNamesAsync(default)).ShouldContain("n");
        (await Store.ListStateNamesAsync(default)).ShouldNotContain("none");
        (await Store.ListStateAsync("n", null, 2, default)).Select(row => row.Key).ShouldBe(["a", "b"]);
        (await Store.ListStateAsync("n", "b", 2, default)).Select(row => row.Key).ShouldBe(["c"]);
        (await Store.ListStateAsync("none", null, 2, default)).ShouldBeEmpty();
    }

    [Fact]
    public async Task An_amendment_takes_a_sequence_overlays_its_event_and_leaves_the_entry_as_committed()
    {
        await CommitAsync(new Append { Entries = [Event("a") with { Priority = Priority.Low }] });
        var amendment = new Amendment
        {
            Target = 1, At = T0, By = "late-identity", UserId = "7", Attribution = new Attribution(AttributionRule.Identity, "d", "1.2.3.4"),
        };
        var second = amendment with { Priority = Priority.High, UserId = null, Attribution = null, By = "token:x" };
        await CommitAsync(new Append { Entries = [amendment, Event("b"), second] });
        var read = await Store.ReadAsync(0, 10, default);
        read.Select(entry => entry.Sequence).ShouldBe([1, 2, 3, 4]);
        ((SecurityEvent)read[0].Entry).UserId.ShouldBeNull();
        read[1].Entry.ShouldBe(amendment);
        read[3].Entry.ShouldBe(second);
        (await Store.ReadAsync(1, 1, default)).Single().Entry.ShouldBe(amendment);
        var found = (await Store.FindAsync(1, default))!;
        (found.UserId, found.Priority, found.Attribution.Source).ShouldBe(("7", Priority.High, "d"));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    [InlineData(99)]
    public async Task An_amendment_of_something_that_is_no_event_writes_nothing(long target)
    {
        await CommitAsync(new Append { Entries = [Event("a")] });
        await CommitAsync(new Append { Entries = [new Amendment { Target = 1, At = T0, By = "x", UserId = "1" }] });
        var results = await CommitAsync(
            new Append { Entries = [Event("b"), new Amendment { Target = target, At = T0, By = "x", UserId = "1" }] },
            new Append { Entries = [Event("c")] });
        results.Select(result => result.Status).ShouldBe([AppendStatus.UnknownTarget, AppendStatus.Committed]);
        Store.Head.ShouldBe(3);
    }

    [Fact]
    public async Task What_nobody_was_found_for_is_listed_until_an_amendment_names_somebody()
    {
        await CommitAsync(new Append { Entries = [Unresolved("1.1.1.1"), Unresolved("1.1.1.2"), Event("resolved"), Unresolved("1.1.1.1")] });
        (await Store.ListUnresolvedAsync("1.1.1.1", 0, 10, default)).Select(e => e.Sequence).ShouldBe([1, 4]);
        (await Store.ListUnresolvedAsync("1.1.1.1", 1, 10, default)).Single().Source.ShouldBe("s");
        (await Store.ListUnresolvedAddressesAsync(null, 1, default)).ShouldBe([new("1.1.1.1", 2)]);
        (await Store.ListUnresolvedAddressesAsync("1.1.1.1", 9, default)).ShouldBe([new("1.1.1.2", 1)]);
        await CommitAsync(new Append { Entries = [new Amendment { Target = 1, At = T0, By = "x", UserId = "7" }, new Amendment { Target = 4, At = T0, By = "x", Priority = Priority.Low }] });
        (await Store.TopUnresolvedAddressesAsync(5, default)).ShouldBe([new("1.1.1.1", 1), new("1.1.1.2", 1)]);
        await ReopenAsync();
        (await Store.ListUnresolvedAsync("1.1.1.1", 0, 10, default)).Single().ShouldBe(new UnresolvedEvent(4, "s", EventTime.From(T0)));
    }

    [Fact]
    public async Task The_start_for_the_newest_leaves_at_least_as_many()
    {
        await CommitAsync(new Append { Entries = [.. Enumerable.Range(0, 10).Select(_ => Event("a") with { Priority = Priority.Low })] });
        (await Store.FindStartAsync(5, default)).ShouldBeLessThanOrEqualTo(5);
        (await Store.FindStartAsync(1000, default)).ShouldBe(0);
    }

    [Fact]
    public async Task Readers_see_only_what_is_committed_while_a_writer_writes()
    {
        var reader = Task.Run(async () =>
        {
            long seen = 0;
            while (seen < 2000)
                foreach (var entry in await Store.ReadAsync(seen, 100, default))
                    entry.Sequence.ShouldBe(++seen);
        });
        for (var i = 0; i < 200; i++)
            await CommitAsync(new Append { Entries = [.. Enumerable.Range(0, 10).Select(_ => Event("a"))] });
        await reader;
    }

    [Fact]
    public async Task An_empty_append_is_fine()
    {
        (await CommitAsync(new Append()))[0].Status.ShouldBe(AppendStatus.Committed);
        Store.Head.ShouldBe(0);
        (await Store.ReadAsync(0, 1, default)).ShouldBeEmpty();
    }

    protected static SecurityEvent Event(string type) => new()
    {
        Id = EventId.Create(T0), Kind = EventKind.Incident, Type = type, Source = "s", Time = EventTime.From(T0), ReceivedAt = T0,
        Data = Json("{}"),
    };

    protected async Task ReopenAsync()
    {
        await Store.DisposeAsync();
        Store = await OpenAsync();
    }

    protected async Task<IReadOnlyList<AppendResult>> CommitAsync(params Append[] group) => await Store.CommitAsync(group, default);

    private static SecurityEvent Unresolved(string address) =>
        Event("u") with { Priority = Priority.Low, Attribution = new Attribution(AttributionRule.Unresolved, null, address) };

    private static RawRecord Json(string text) => new(Encoding.UTF8.GetBytes(text));

    private static void Same(Entry actual, SecurityEvent expected)
    {
        var e = actual.ShouldBeOfType<SecurityEvent>();
        e.Data.ToString().ShouldBe(expected.Data.ToString());
        (e with { Data = expected.Data }).ShouldBe(expected);
    }
}
