using System.Text;
using Tocsin.Engines.Postgres;
using Tocsin.Engines.Sqlite;
using Tocsin.Journal;

namespace Tocsin.Tests.Engines;

/// <summary>An embedded journal becomes one in PostgreSQL: the same entries, ids, sequences and state, and nothing else.</summary>
public sealed class JournalCopyTests : IAsyncLifetime
{
    private static readonly DateTimeOffset T0 = new(2026, 11, 1, 12, 0, 0, TimeSpan.Zero);
    private readonly TempFolder _folder = new();
    private string _connection = null!;
    private SqliteJournalStore _source = null!;

    public async ValueTask InitializeAsync()
    {
        _connection = await (await PostgresCluster.SharedAsync()).CreateDatabaseAsync();
        _source = SqliteJournalStore.Open(_folder.Path, TimeProvider.System);
    }

    public async ValueTask DisposeAsync()
    {
        await _source.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task Everything_comes_over_and_repeats_are_known_there_under_their_first_sequence()
    {
        await FillAsync();
        CopyResult result;
        await using (var target = await OpenAsync())
            result = await new JournalCopy(_source, target).RunAsync(new Quiet(), default);
        result.Entries.ShouldBe(_source.Head);
        result.StateRows.ShouldBe(3);
        await using var again = await PostgresJournalStore.OpenAsync(_connection, TimeProvider.System, null, default);
        again.Info.Id.ShouldBe(_source.Info.Id);
        ((await again.FindAsync(1, default))! with { Data = default }).ShouldBe((await _source.FindAsync(1, default))! with { Data = default });
        (await again.FindAsync(2, default))!.Data.ToString().ShouldBe((await _source.FindAsync(2, default))!.Data.ToString());
        (await again.ListUnresolvedAddressesAsync(null, 10, default)).ShouldBe(await _source.ListUnresolvedAddressesAsync(null, 10, default));
        (await again.GetStateAsync("a", "nul\0key", default))!.Value.ShouldBe([1, 2, 3]);
        var keyed = (SecurityEvent)(await _source.ReadAsync(0, 1, default))[0].Entry;
        (await again.CommitAsync([new Append { Entries = [keyed] }], default))[0].Entries.ShouldBe([new EntryResult(EntryStatus.Duplicate, 1)]);
        (await JournalCopy.IsUnfinishedAsync(again, default)).ShouldBeFalse();
    }

    [Fact]
    public async Task Rows_of_a_megabyte_come_over()
    {
        foreach (var n in Enumerable.Range(0, 60))
            await _source.CommitAsync([new Append { State = [new StateWrite("rejects/large", $"{n:D2}", [.. Enumerable.Repeat((byte)n, 1 << 20)])] }], default);
        await using var target = await OpenAsync();
        (await new JournalCopy(_source, target).RunAsync(new Quiet(), default)).StateRows.ShouldBe(60);
        (await target.GetStateAsync("rejects/large", "59", default))!.Value.Length.ShouldBe(1 << 20);
        (await target.ListStateAsync("rejects/large", null, 100, default)).Count.ShouldBe(60);
    }

    [Fact]
    public async Task A_copy_that_was_interrupted_says_so_and_goes_on_where_it_stopped()
    {
        await FillAsync(events: 25_000);
        using var stop = new CancellationTokenSource();
        await using (var target = await OpenAsync())
        {
            await Should.ThrowAsync<OperationCanceledException>(() => new JournalCopy(_source, target).RunAsync(new Quiet(_ => stop.Cancel()), stop.Token));
            target.Head.ShouldBeInRange(1, _source.Head - 1);
            (await JournalCopy.IsUnfinishedAsync(target, default)).ShouldBeTrue();
            // What the source no longer has must go.
            await target.CommitAsync([new Append { State = [new StateWrite("gone", "x", [1]), new StateWrite("a", "gone", [1])] }], default);
        }
        await using var again = await OpenAsync();
        var first = 0L;
        (await new JournalCopy(_source, again).RunAsync(new Quiet(progress => first = first == 0 ? progress.Entries : first), default)).Entries.ShouldBe(_source.Head);
        first.ShouldBeGreaterThan(10_000);
        (await again.ListStateNamesAsync(default)).ShouldBe(await _source.ListStateNamesAsync(default));
        (await JournalCopy.IsUnfinishedAsync(again, default)).ShouldBeFalse();
    }

    [Fact]
    public async Task A_target_that_holds_another_journal_or_a_finished_copy_is_refused()
    {
        await FillAsync();
        await using (var other = await PostgresJournalStore.OpenAsync(_connection, TimeProvider.System, null, default))
            (await Should.ThrowAsync<JournalCopyException>(() => new JournalCopy(_source, other).RunAsync(new Quiet(), default))).Message.ShouldContain("another journal");
        _connection = await (await PostgresCluster.SharedAsync()).CreateDatabaseAsync();
        await using var target = await OpenAsync();
        await new JournalCopy(_source, target).RunAsync(new Quiet(), default);
        (await Should.ThrowAsync<JournalCopyException>(() => new JournalCopy(_source, target).RunAsync(new Quiet(), default))).Message.ShouldContain("already");
    }

    [Fact]
    public async Task What_somebody_else_wrote_to_the_target_is_found()
    {
        await FillAsync(events: 25_000);
        await using var target = await OpenAsync();
        var wrote = false;
        var copy = new JournalCopy(_source, target);
        var error = await Should.ThrowAsync<JournalCopyException>(() => copy.RunAsync(new Quiet(_ =>
        {
            if (!wrote)
                target.CommitAsync([new Append { Entries = [Some.Event("intruder")] }], default).AsTask().GetAwaiter().GetResult();
            wrote = true;
        }), default));
        error.Message.ShouldContain("somebody else wrote to it");
        (await JournalCopy.IsUnfinishedAsync(target, default)).ShouldBeTrue();
    }

    [Fact]
    public async Task A_field_that_differs_changes_the_hash()
    {
        await FillAsync();
        await using var target = await OpenAsync();
        await new JournalCopy(_source, target).RunAsync(new Quiet(), default);
        await (await PostgresCluster.SharedAsync()).ExecuteAsync("UPDATE tocsin.event SET description = 'x' WHERE sequence = 2", _connection);
        await target.CommitAsync([new Append { State = [new StateWrite("copy", "unfinished", [1])] }], default);
        (await Should.ThrowAsync<JournalCopyException>(() => new JournalCopy(_source, target).RunAsync(new Quiet(), default))).Message.ShouldContain("not equal");
    }

    private async Task<PostgresJournalStore> OpenAsync() =>
        await PostgresJournalStore.OpenAsync(_connection, TimeProvider.System, new PostgresOptions { CopyOf = _source.Info }, default);

    /// <summary>Events with every field, an amendment, a revision, what nobody was found for, and rows of state.</summary>
    private async Task FillAsync(int events = 10)
    {
        EventTime.TryParse("2026-10-30T10:11:12.123456789Z", out var time).ShouldBeTrue();
        var dedupe = new DedupeKey(_source.Info);
        var full = Some.Event("auth.failed") with
        {
            Id = dedupe.OfExternalId("s", "x-1"), ExternalId = "x-1", Device = "fw", Priority = Priority.Critical, Time = time, Description = "déjà\0vu",
            SrcIp = "10.0.0.1", DstIp = "::1", Country = "FR", Attribution = new Attribution(AttributionRule.Unresolved, null, "10.0.0.1"), Fingerprint = -7,
            Data = new RawRecord(Encoding.UTF8.GetBytes("""{"n": 12345678901234567890, "e":1e400}""")),
        };
        await _source.CommitAsync([new Append { Entries = [full, .. Enumerable.Range(0, events).Select(i => Some.Event("t" + i) with { ReceivedAt = T0, Attribution = new Attribution(AttributionRule.Unresolved, null, $"10.0.1.{i % 9}") })] }], default);
        await _source.CommitAsync([new Append { Entries = [Some.Amendment(1, "7")] }, new Append { Entries = [Some.Revision(2, Some.Event("revised") with { Data = new RawRecord("[1.0]"u8.ToArray()) })] }], default);
        await _source.CommitAsync([new Append { State = [new StateWrite("a", "nul\0key", [1, 2, 3]), new StateWrite("a", "", []), new StateWrite("b", "k", [9])] }], default);
    }

    private sealed class Quiet(Action<CopyProgress>? seen = null) : IProgress<CopyProgress>
    {
        public void Report(CopyProgress value) => seen?.Invoke(value);
    }
}
