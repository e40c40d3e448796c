using Microsoft.Extensions.Logging.Abstractions;
using Tocsin.Collect;
using Tocsin.Enrich;
using Tocsin.Enrich.Geo;
using Tocsin.Journal;

namespace Tocsin.Tests.Collect;

public sealed class LateAttributionTests : IAsyncLifetime
{
    private const string Ip = "17.0.0.1";
    private readonly TempFolder _folder = new();
    private readonly FakeTimeProvider _time = new();
    private CancellationTokenSource _stop = new();
    private TestStore _store = null!;
    private EventJournal _journal = null!;
    private IdentityDirectory _directory = null!;
    private IdentityStore _identities = null!;
    private LateAttribution _late = null!;
    private Task _running = Task.CompletedTask;
    private long _ids;

    public ValueTask InitializeAsync()
    {
        Open();
        return ValueTask.CompletedTask;
    }

    public async ValueTask DisposeAsync()
    {
        await CloseAsync();
        _folder.Dispose();
        _stop.Dispose();
    }

    [Fact]
    public async Task A_mapping_that_comes_later_attributes_what_waits_for_it_by_amendment()
    {
        Run();
        await UnresolvedAsync(time: 5);
        await UnresolvedAsync(time: 6, address: "17.0.0.2");
        await LearnAsync("A", at: 10);
        await _journal.WaitPastAsync(2, default);

        var amendment = (await _store.ReadAsync(2, 10, default)).ShouldHaveSingleItem().Entry.ShouldBeOfType<Amendment>();
        (amendment.Target, amendment.By, amendment.UserId, amendment.At).ShouldBe((1, LateAttribution.Rule, "A", _time.GetUtcNow()));
        var e = (await _store.FindAsync(1, default)).ShouldNotBeNull();
        (e.UserId, e.Attribution).ShouldBe(("A", new Attribution(AttributionRule.Identity, "own", Ip)));
        (await _store.ListUnresolvedAddressesAsync(null, 10, default)).ShouldBe([new UnresolvedAddress("17.0.0.2", 1)]);
    }

    [Fact]
    public async Task A_mapping_that_came_before_leaves_nothing_to_do_and_is_found_at_the_commit()
    {
        Run();
        await LearnAsync("A", at: 10);
        _directory.Resolve("own", Ip, false, Some.Time("5")).UserId.ShouldBe("A");
        // The feed looked it up before the mapping came, and commits after: it says so.
        await UnresolvedAsync(time: 5);
        _late.Learned([Ip]);
        await _journal.WaitPastAsync(1, default);
        (await _store.FindAsync(1, default))!.UserId.ShouldBe("A");
    }

    /// <summary>The other node looked through what was unresolved when it learned of the holder; this one's event was committed a moment later.</summary>
    [Fact]
    public async Task A_mapping_that_another_node_learned_attributes_what_this_node_committed_meanwhile()
    {
        Run();
        var other = new IdentityDirectory();
        using (var elsewhere = new IdentityStore(_journal, other, new LateAttribution(_journal, other, _time, NullLogger<LateAttribution>.Instance)))
            await elsewhere.ObserveAsync("own", new Dictionary<string, string>(StringComparer.Ordinal) { [Ip] = "A" }, At(10), new SourceJournal(_journal, null), default);
        await UnresolvedAsync(time: 5);
        await _identities.FollowAsync("identities/own", default);
        await _journal.WaitPastAsync(1, default);
        (await _store.FindAsync(1, default))!.UserId.ShouldBe("A");
    }

    [Fact]
    public async Task A_mapping_that_came_while_a_newer_version_was_read_is_found_when_the_version_is_committed()
    {
        Run();
        var source = SomeSource.Valid(SomeSource.Yaml(map: "{ external_id: id, version: v, time: at, user_id: ip }").Replace("name: example", "name: own", StringComparison.Ordinal));
        var reader = new RecordReader(source, new DedupeKey(_store.Info), _directory, new Countries(), _time);
        var keeper = new PageKeeper(source.Requests[0], reader, new RejectStore("own"), null, new SourceJournal(_journal, null), _directory, _late, _time);
        RecordPage Page(int version)
        {
            var (answer, _) = Answer.Parse(System.Text.Encoding.UTF8.GetBytes($$"""[{"id":"a","v":{{version}},"at":5,"ip":"{{Ip}}"}]"""));
            using (answer)
                return reader.Read(answer.ShouldNotBeNull(), source.Requests[0]).Page.ShouldNotBeNull();
        }
        (await keeper.KeepAsync(Page(1), null, default)).ShouldNotBeNull();
        var second = Page(2);
        await LearnAsync("A", at: 10);
        await _journal.WaitPastAsync(1, default);
        (await keeper.KeepAsync(second, null, default)).ShouldNotBeNull().Counts.Superseded.ShouldBe(1);
        await _journal.WaitPastAsync(3, default);
        (await _store.FindAsync(1, default)).ShouldNotBeNull().UserId.ShouldBe("A");
    }

    [Fact]
    public async Task What_was_worked_out_from_an_older_version_does_not_hold_over_the_newer_one_that_commits_first()
    {
        Run();
        await UnresolvedAsync(time: 5);
        _store.Hold();
        var newer = _journal.AppendAsync(new Append
        {
            Entries = [new Amendment { Target = 1, At = _time.GetUtcNow(), By = NewerVersions.Rule, Revision = new Revision { Type = "t", Time = Some.Time("5"), UserId = "named", Attribution = Attribution.FromRecord, Data = RawRecord.None } }],
        }, default);
        await Until.DoneAsync(_store.Held);
        foreach (var change in _directory.Observe("own", new Dictionary<string, string>(StringComparer.Ordinal) { [Ip] = "A" }, At(10)))
            _directory.Apply(change);
        var before = _journal.QueueDepth;
        _late.Learned([Ip]);
        await Until.TrueAsync(() => _journal.QueueDepth > before);
        _store.LetGo();
        await Until.DoneAsync(newer);
        await UnresolvedAsync(time: 6, address: "17.0.0.2");
        (await _store.FindAsync(1, default)).ShouldNotBeNull().UserId.ShouldBe("named");
        _store.Head.ShouldBe(3);
    }

    [Fact]
    public async Task Events_and_mappings_that_come_at_the_same_time_always_meet()
    {
        Run();
        for (var i = 0; i < 60; i++)
        {
            var address = $"17.0.1.{i}";
            var commit = Task.Run(async () =>
            {
                await UnresolvedAsync(time: 5, address);
                // As a feed does after its commit.
                if (_directory.ResolveAddress("own", address, Some.Time("5")) is not null)
                    _late.Learned([address]);
            });
            var learn = Task.Run(() => LearnAsync("A", at: 10, address));
            await Task.WhenAll(commit, learn);
        }
        await Until.DoneAsync(_journal.WaitPastAsync(119, default));
        (await _store.ListUnresolvedAddressesAsync(null, 100, default)).ShouldBeEmpty();
        _store.Head.ShouldBe(120);
    }

    [Fact]
    public async Task What_was_learned_before_a_restart_is_made_up_for_after_it()
    {
        await UnresolvedAsync(time: 5);
        await LearnAsync("A", at: 10);
        await CloseAsync();
        Open();
        await _identities.LoadAsync(["own"], default);
        Run();
        await Until.DoneAsync(_journal.WaitPastAsync(1, default));
        (await _store.FindAsync(1, default))!.UserId.ShouldBe("A");
    }

    [Fact]
    public async Task More_addresses_and_events_than_a_page_are_all_reached_in_few_appends_of_bounded_size()
    {
        await AppendAsync([.. Enumerable.Range(0, 1100).Select(i => Unresolved(5, $"17.{i >> 8}.{i & 255}.9"))]);
        await AppendAsync([.. Enumerable.Range(0, 1100).Select(_ => Unresolved(5, Ip))]);
        await _identities.ObserveAsync("own", Enumerable.Range(0, 1100).Select(i => $"17.{i >> 8}.{i & 255}.9").Append(Ip).ToDictionary(ip => ip, _ => "A", StringComparer.Ordinal), At(10), new SourceJournal(_journal, null), default);
        var sizes = new List<int>();
        _store.Refuse = group =>
        {
            sizes.AddRange(group.Select(append => append.Entries.Count));
            return null;
        };
        Run();
        await Until.DoneAsync(_journal.WaitPastAsync(4399, default));
        (await _store.ListUnresolvedAddressesAsync(null, 100, default)).ShouldBeEmpty();
        _store.Head.ShouldBe(4400);
        sizes.Count.ShouldBeLessThan(10);
        sizes.ShouldAllBe(size => size < 2_000);
    }

    [Fact]
    public async Task Of_several_holders_each_event_gets_the_one_of_its_own_time()
    {
        await LearnAsync("A", at: 10);
        await LearnAsync("B", at: 20);
        await LearnAsync("A", at: 30);
        foreach (var time in new[] { 5, 15, 25, 35 })
            await UnresolvedAsync(time);
        Run();
        await Until.DoneAsync(_journal.WaitPastAsync(7, default));
        var users = new List<string?>();
        for (var sequence = 1; sequence <= 4; sequence++)
            users.Add((await _store.FindAsync(sequence, default))!.UserId);
        users.ShouldBe(["A", "A", "B", "A"]);
    }

    [Fact]
    public async Task An_assignment_by_hand_moves_what_lies_in_its_time_and_leaves_the_rest()
    {
        Run();
        await UnresolvedAsync(time: 5);
        await UnresolvedAsync(time: 15);
        await _identities.AssignAsync(Ip, "H", At(10), At(20), default);
        await Until.DoneAsync(_journal.WaitPastAsync(2, default));
        (await _store.FindAsync(2, default))!.UserId.ShouldBe("H");
        (await _store.ListUnresolvedAsync(Ip, 0, 10, default)).ShouldHaveSingleItem().Sequence.ShouldBe(1);
    }

    [Fact]
    public async Task While_the_store_is_away_it_waits_and_goes_on_when_it_is_back()
    {
        await UnresolvedAsync(time: 5);
        await LearnAsync("A", at: 10);
        _store.RefuseRead = () => new JournalUnavailableException("away");
        Run();
        await Until.DoneAsync(_time.UntilTimerAsync(TimeSpan.FromSeconds(1)));
        _store.RefuseRead = () => null;
        _store.Refuse = _ => new JournalUnavailableException("full");
        _time.Advance(TimeSpan.FromSeconds(1));
        await Until.DoneAsync(_time.UntilTimerAsync(TimeSpan.FromSeconds(1)));
        _store.Head.ShouldBe(1);
        _store.Refuse = _ => null;
        _time.Advance(TimeSpan.FromSeconds(1));
        await Until.DoneAsync(_journal.WaitPastAsync(1, default));
        (await _store.FindAsync(1, default))!.UserId.ShouldBe("A");
    }

    [Fact]
    public async Task One_address_that_cannot_be_worked_on_does_not_end_it_for_all_the_others()
    {
        Run();
        await UnresolvedAsync(time: 5);
        await UnresolvedAsync(time: 5, "17.0.0.2");
        var broken = 1;
        _store.Refuse = group => group[0].Entries is [Amendment { Target: 1 }] && Interlocked.Exchange(ref broken, 0) == 1 ? new InvalidCastException("nobody expected this") : null;
        await LearnAsync("A", at: 10);
        await Until.TrueAsync(() => broken == 0);
        await LearnAsync("B", at: 10, "17.0.0.2");
        await Until.DoneAsync(_journal.WaitPastAsync(2, default));
        (await _store.FindAsync(2, default))!.UserId.ShouldBe("B");
    }

    [Fact]
    public async Task What_was_worked_out_before_an_address_that_cannot_be_worked_on_is_kept()
    {
        await UnresolvedAsync(time: 5);
        await UnresolvedAsync(time: 5, "17.0.0.2");
        _directory.Owners = Owners.Read("match,user_id\n17.0.0.0/8,B\n"u8.ToArray()).Value!;
        var reads = 0;
        // The addresses, the first one's events to their end, and then the second's.
        _store.RefuseRead = () => Interlocked.Increment(ref reads) == 4 ? new InvalidCastException("nobody expected this") : null;
        Run();
        await Until.DoneAsync(_journal.WaitPastAsync(2, default));
        (await _store.FindAsync(1, default))!.UserId.ShouldBe("B");
        (await _store.FindAsync(2, default))!.UserId.ShouldBeNull();
    }

    [Fact]
    public async Task An_event_is_amended_once_however_often_its_address_is_learned()
    {
        Run();
        await UnresolvedAsync(time: 5);
        await LearnAsync("A", at: 10);
        for (var i = 0; i < 50; i++)
            _late.Learned([Ip, Ip, "17.0.0.9"]);
        await Until.DoneAsync(_journal.WaitPastAsync(1, default));
        await UnresolvedAsync(time: 6, "17.0.0.8");
        await LearnAsync("B", at: 10, "17.0.0.8");
        await Until.DoneAsync(_journal.WaitPastAsync(3, default));
        _store.Head.ShouldBe(4);
    }

    [Fact]
    public async Task A_caller_who_goes_away_leaves_the_directory_as_the_disk_has_it()
    {
        using var gone = new CancellationTokenSource();
        _store.Hold();
        var assigning = _identities.AssignAsync(Ip, "H", null, null, gone.Token);
        await Until.DoneAsync(_store.Held);
        await gone.CancelAsync();
        _store.LetGo();
        try
        {
            await assigning;
        }
        catch (OperationCanceledException)
        {
        }
        await _identities.AssignAsync("17.0.0.2", "I", null, null, default);
        var inUse = _directory.Find(Ip).Count;
        var onDisk = await _store.GetStateAsync("identities/" + IdentityDirectory.ByHand, Ip, default);
        (inUse > 0).ShouldBe(onDisk is not null);
    }

    [Fact]
    public async Task A_directory_that_could_not_be_kept_is_not_used()
    {
        _store.Refuse = _ => new JournalUnavailableException("full");
        await Should.ThrowAsync<JournalUnavailableException>(() => LearnAsync("A", at: 10));
        _directory.Find(Ip).ShouldBeEmpty();
        _store.Refuse = _ => null;
        await LearnAsync("A", at: 11);
        _directory.Find(Ip).ShouldNotBeEmpty();
    }

    [Fact]
    public async Task Owners_that_come_later_attribute_all_that_waits_for_them_and_no_more()
    {
        Run();
        await UnresolvedAsync(time: 5);
        await UnresolvedAsync(time: 6, address: "17.1.0.2");
        await UnresolvedAsync(time: 7, address: "18.0.0.1");
        _directory.Owners = Owners.Read("match,user_id,from,to\n17.0.0.0/8,B,,\n17.1.0.0/16,C,2030-01-01,\n"u8.ToArray()).Value!;
        _late.OwnersChanged();
        await _journal.WaitPastAsync(4, default);

        var amendments = (await _store.ReadAsync(3, 10, default)).Select(entry => (Amendment)entry.Entry).ToArray();
        amendments.Select(a => (a.Target, a.By, a.UserId)).ShouldBe([(1, LateAttribution.OwnerRule, "B"), (2, LateAttribution.OwnerRule, "B")]);
        amendments[0].Attribution.ShouldBe(new Attribution(AttributionRule.Owner, "owners:17.0.0.0/8", Ip));
        (await _store.ListUnresolvedAddressesAsync(null, 10, default)).ShouldBe([new UnresolvedAddress("18.0.0.1", 1)]);
    }

    [Fact]
    public async Task Owners_that_are_there_at_the_start_attribute_what_an_earlier_run_left()
    {
        await UnresolvedAsync(time: 5);
        _directory.Owners = Owners.Read("match,user_id\n17.0.0.0/8,B\n"u8.ToArray()).Value!;
        Run();
        await _journal.WaitPastAsync(1, default);

        (await _store.FindAsync(1, default)).ShouldNotBeNull().UserId.ShouldBe("B");
    }

    private static DateTimeOffset At(int seconds) => DateTimeOffset.UnixEpoch.AddSeconds(seconds);

    private void Open()
    {
        _store = new TestStore(_folder.Path);
        _journal = new EventJournal(_store, 100_000, NullLogger<EventJournal>.Instance);
        _directory = new IdentityDirectory();
        _late = new LateAttribution(_journal, _directory, _time, NullLogger<LateAttribution>.Instance);
        _identities = new IdentityStore(_journal, _directory, _late);
    }

    private async Task CloseAsync()
    {
        await _stop.CancelAsync();
        try
        {
            await Until.DoneAsync(_running);
        }
        catch (OperationCanceledException)
        {
        }
        _stop.Dispose();
        _stop = new CancellationTokenSource();
        _running = Task.CompletedTask;
        _store.LetGo();
        await _journal.DisposeAsync();
        _identities.Dispose();
    }

    private void Run() => _running = _late.RunAsync(_stop.Token);

    private SecurityEvent Unresolved(int time, string address) => Some.Event(userId: null, source: "own", time: $"{time}", id: Interlocked.Increment(ref _ids)) with
    {
        Attribution = new Attribution(AttributionRule.Unresolved, null, address),
    };

    private Task<AppendResult> UnresolvedAsync(int time, string address = Ip) => AppendAsync(Unresolved(time, address));

    private Task<AppendResult> AppendAsync(params SecurityEvent[] events) => _journal.AppendAsync(new Append { Entries = events }, default);

    private Task LearnAsync(string user, int at, string address = Ip) =>
        _identities.ObserveAsync("own", new Dictionary<string, string>(StringComparer.Ordinal) { [address] = user }, At(at), new SourceJournal(_journal, null), default);
}
