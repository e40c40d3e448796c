using System.Net;
using Microsoft.Extensions.Logging.Abstractions;
using Tocsin.Access;
using Tocsin.Journal;

namespace Tocsin.Tests.Access;

public sealed class OwnActionsTests : IAsyncDisposable
{
    private readonly TempFolder _folder = new();
    private readonly FakeTimeProvider _time = new();
    private readonly TestStore _store;
    private readonly EventJournal _journal;
    private readonly OwnActions _actions;

    public OwnActionsTests()
    {
        _store = new TestStore(_folder.Path);
        _journal = new EventJournal(_store, 5, NullLogger<EventJournal>.Instance);
        _actions = new OwnActions(_journal, _time);
    }

    public async ValueTask DisposeAsync()
    {
        await _journal.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task An_action_is_recorded_before_the_call_returns()
    {
        await _actions.RecordAsync(OwnActionType.Export, new Actor("alice", "192.0.2.7"), "alice exported events.", data => data.WriteNumber("events", 7), default);
        var e = (await _store.ReadAsync(0, 10, default)).ShouldHaveSingleItem().Entry.ShouldBeOfType<SecurityEvent>();
        (e.Kind, e.Type, e.Source, e.UserId, e.SrcIp, e.Description, e.Data.ToString(), e.Priority)
            .ShouldBe((EventKind.Audit, "tocsin.export", "tocsin", "alice", "192.0.2.7", "alice exported events.", "{\"events\":7}", Priority.None));
    }

    [Fact]
    public async Task An_action_that_cannot_be_recorded_says_so()
    {
        _store.Refuse = _ => new JournalUnavailableException("disk full");
        await Should.ThrowAsync<JournalUnavailableException>(() => _actions.RecordAsync(OwnActionType.Export, new Actor("alice", null), "alice exported events.", null, default));
    }

    [Fact]
    public async Task Own_actions_show_only_when_they_are_asked_for()
    {
        await _actions.RecordAsync(OwnActionType.Export, new Actor("alice", null), "alice exported events.", null, default);
        var e = (SecurityEvent)(await _store.ReadAsync(0, 10, default))[0].Entry;
        new EventFilter().Matches(e).ShouldBeFalse();
        new EventFilter { Sources = ["tocsin"] }.Matches(e).ShouldBeTrue();
        new EventFilter { Types = ["tocsin.*"] }.Matches(e).ShouldBeTrue();
    }

    [Fact]
    public async Task Wrong_tokens_are_recorded_without_a_person_and_with_their_number()
    {
        _actions.Record(new FailedSignIns(IPAddress.Parse("::ffff:192.0.2.9"), 890, _time.GetUtcNow()));
        await _journal.WaitPastAsync(0, default);
        var e = (SecurityEvent)(await _store.ReadAsync(0, 10, default))[0].Entry;
        (e.Type, e.UserId, e.SrcIp, e.Data.ToString()).ShouldBe(("tocsin.sign_in.failed", null, "192.0.2.9", """{"attempts":890,"since":"2026-03-04T12:00:00.000Z"}"""));
        e.Description!.ShouldContain("890 times");
    }

    [Fact]
    public async Task Recording_wrong_tokens_neither_waits_nor_fails_whatever_the_store_does()
    {
        _store.Refuse = _ => new JournalUnavailableException("disk full");
        _actions.Record(new FailedSignIns(null, 1, _time.GetUtcNow()));
        _store.Hold();
        for (var i = 0; i < 100; i++)
            _actions.Record(new FailedSignIns(IPAddress.Loopback, i, _time.GetUtcNow()));
        await Until.DoneAsync(_store.Held);
        _journal.QueueDepth.ShouldBeLessThanOrEqualTo(_journal.QueueCapacity);
        _store.LetGo();
        await Until.TrueAsync(() => _journal.QueueDepth == 0);
    }

    [Theory]
    [InlineData("192.0.2.9", "192.0.2.9")]
    [InlineData("::ffff:192.0.2.9", "192.0.2.9")]
    [InlineData("fe80::1%3", "fe80::1")]
    [InlineData("2001:DB8::0:1", "2001:db8::1")]
    public void An_actors_address_reads_as_addresses_do_everywhere(string address, string text) => Actor.At("x", IPAddress.Parse(address)).Address.ShouldBe(text);
}
