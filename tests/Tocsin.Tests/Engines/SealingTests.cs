using System.Runtime.CompilerServices;
using Tocsin.Engines.Sqlite;
using Tocsin.Journal;

namespace Tocsin.Tests.Engines;

/// <summary>Sealing beside readers that stay, disks that refuse and a store that closes; and what readers may hold.</summary>
public sealed class SealingTests : IDisposable
{
    private const int Rows = 5;

    private readonly TempFolder _folder = new();
    private long _ids;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_reader_that_stays_holds_up_neither_sealing_nor_commits_and_keeps_what_it_reads()
    {
        await using var store = Open(TimeProvider.System);
        await CommitAsync(store, Rows + 1);
        var set = Writer(store).Enter();
        for (var i = 0; i < 12; i++)
            await Until.DoneAsync(CommitAsync(store, Rows));
        await Until.TrueAsync(() => Writer(store).WaitingPartitions == 0);
        Scalar("SELECT count(*) FROM event_2").ShouldBe(Rows);
        set.Leave();
        await Until.TrueAsync(() => Scalar("SELECT count(*) FROM sqlite_master WHERE name GLOB 'event_[0-9]*'") == 1);
    }

    [Fact]
    public async Task The_store_closes_beside_a_reader_that_stays()
    {
        var store = Open(new FakeTimeProvider());
        await CommitAsync(store, (3 * Rows) + 1);
        _ = Writer(store).Enter();
        await Until.DoneAsync(store.DisposeAsync().AsTask());
        await Open(TimeProvider.System).DisposeAsync();
    }

    [Fact]
    public async Task A_disk_that_refuses_the_files_stops_commits_at_a_bound_and_all_goes_on_when_it_takes_them()
    {
        var time = new FakeTimeProvider();
        await using var store = Open(time);
        // A folder of that name cannot be replaced by the file.
        var obstacle = Path.Combine(_folder.File("segments"), "000001.db.tmp");
        Directory.CreateDirectory(obstacle);
        var written = 0;
        var refused = await Should.ThrowAsync<JournalUnavailableException>(async () =>
        {
            for (; written < 100; written++)
                await Until.DoneAsync(CommitAsync(store, Rows));
        });
        refused.Message.ShouldContain("cannot be sealed");
        refused.Message.ShouldNotContain(obstacle, customMessage: "what /health shows names no path");
        written.ShouldBeLessThan(10);
        (await store.QueryAsync(new EventQuery { Limit = 1000 }, default)).Events.Count.ShouldBe(written * Rows);

        Directory.Delete(obstacle);
        await time.UntilTimerAsync(TimeSpan.FromSeconds(5));
        time.Advance(TimeSpan.FromSeconds(5));
        await Until.TrueAsync(() => Writer(store).WaitingPartitions == 0);
        await CommitAsync(store, Rows);
        (await store.QueryAsync(new EventQuery { Limit = 1000 }, default)).Events.Count.ShouldBe((written + 1) * Rows);
    }

    [Fact]
    public async Task The_store_closes_while_sealing_waits_to_be_tried_again()
    {
        var time = new FakeTimeProvider();
        var store = Open(time);
        Directory.CreateDirectory(Path.Combine(_folder.File("segments"), "000001.db.tmp"));
        await CommitAsync(store, Rows + 1);
        await time.UntilTimerAsync(TimeSpan.FromSeconds(5));
        await Until.DoneAsync(store.DisposeAsync().AsTask());
    }

    [Fact]
    public async Task A_closed_store_refuses_readers()
    {
        var store = Open(TimeProvider.System);
        await CommitAsync(store, (2 * Rows) + 1);
        await store.DisposeAsync();
        await Should.ThrowAsync<JournalUnavailableException>(() => store.QueryAsync(new EventQuery(), default).AsTask());
        await Should.ThrowAsync<JournalUnavailableException>(() => store.QueryAsync(new EventQuery { Filter = new() { Texts = ["x"], Ids = [Some.Id(1)] } }, default).AsTask());
        await Should.ThrowAsync<JournalUnavailableException>(() => store.CountAsync(new StatsQuery(), default).AsTask());
    }

    [Fact]
    public async Task Who_waits_for_a_turn_to_search_waits_no_longer_than_its_deadline()
    {
        await using var store = Open(TimeProvider.System);
        await CommitAsync(store, Rows);
        var scans = Scans(store);
        while (scans.Wait(0))
            _ids++;
        var filter = new EventFilter { Texts = ["x"] };
        var after = new EventPosition(Some.Time(), 3);
        foreach (var ascending in new[] { true, false })
        {
            var page = await Until.DoneAsync(store.QueryAsync(new EventQuery { Filter = filter, Ascending = ascending, Deadline = TimeSpan.FromMilliseconds(1) }, default).AsTask());
            (page.IsPartial, page.Events.Count).ShouldBe((true, 0));
            // The place to go on can be written down, and everything lies behind it.
            EventTime.TryParse(page.Next!.Value.Time.ToString(), out var time).ShouldBeTrue();
            time.CompareTo(page.Next.Value.Time).ShouldBe(0);
            (await store.QueryAsync(new EventQuery { Ascending = ascending, After = page.Next }, default)).Events.Count.ShouldBe(Rows);
        }
        (await store.QueryAsync(new EventQuery { Filter = filter, After = after, Deadline = TimeSpan.Zero }, default)).Next.ShouldBe(after);
        (await Until.DoneAsync(store.CountAsync(new StatsQuery { Filter = filter, Deadline = TimeSpan.FromMilliseconds(1) }, default).AsTask())).IsPartial.ShouldBeTrue();
        scans.Release();
        (await store.QueryAsync(new EventQuery { Filter = filter with { Texts = ["intrusion"] } }, default)).Events.Count.ShouldBe(Rows);
        (await store.CountAsync(new StatsQuery { Filter = filter with { Texts = ["intrusion"] } }, default)).Total.ShouldBe(Rows);
        scans.CurrentCount.ShouldBe(1);
    }

    [Fact]
    public async Task A_search_that_is_given_up_gives_its_turn_back()
    {
        await using var store = Open(TimeProvider.System);
        await CommitAsync(store, Rows);
        for (var i = 0; i < 5; i++)
        {
            await Should.ThrowAsync<OperationCanceledException>(() => store.QueryAsync(new EventQuery { Filter = new() { Texts = ["x"] } }, new(canceled: true)).AsTask());
            await Should.ThrowAsync<OperationCanceledException>(() => store.CountAsync(new StatsQuery { Filter = new() { Texts = ["x"] } }, new(canceled: true)).AsTask());
        }
        Scans(store).CurrentCount.ShouldBe(2);
    }

    [Fact]
    public async Task A_page_of_large_records_ends_early_and_the_walk_gives_them_all()
    {
        await using var store = Open(TimeProvider.System);
        for (var i = 0; i < 10; i++)
            await store.CommitAsync([new Append { Entries = [.. Enumerable.Range(0, 4).Select(_ => Some.Event(id: ++_ids) with { Data = new RawRecord(new byte[1 << 20]) })] }], default);
        for (var way = 0; way < 4; way++)
        {
            var query = new EventQuery { Limit = EventQuery.MaxLimit, Ascending = (way & 1) > 0, BySequence = (way & 2) > 0, Deadline = TimeSpan.FromMinutes(1) };
            var (seen, pages) = (new List<long>(), 0);
            for (EventPosition? next = default(EventPosition); next is not null; pages++)
            {
                var page = await store.QueryAsync(query, default);
                page.IsPartial.ShouldBeFalse();
                page.Events.Count.ShouldBeLessThanOrEqualTo(16);
                seen.AddRange(page.Events.Select(e => e.Sequence));
                next = page.Next;
                query = query with { After = next };
            }
            pages.ShouldBe(3);
            seen.ShouldBe(Enumerable.Range(1, 40).Select(i => query.Ascending ? i : 41L - i));
        }
        (await store.CountAsync(new StatsQuery { Filter = new() { Ids = [.. Enumerable.Range(1, 40).Select(i => Some.Id(i))] } }, default)).Total.ShouldBe(40);
    }

    private SqliteJournalStore Open(TimeProvider time) => SqliteJournalStore.Open(_folder.Path, time, new SqliteOptions { PartitionRows = Rows });

    private async Task CommitAsync(SqliteJournalStore store, int events) =>
        await store.CommitAsync([new Append { Entries = [.. Enumerable.Range(0, events).Select(_ => Some.Event(id: Interlocked.Increment(ref _ids), data: "{}"))] }], default);

    private long Scalar(string sql)
    {
        using var journal = SqliteConnection.OpenReader(_folder.File("journal.db"));
        return journal.Scalar(sql);
    }

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_writer")]
    private static extern ref SqliteWriter Writer(SqliteJournalStore store);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_scans")]
    private static extern ref SemaphoreSlim Scans(SqliteJournalStore store);
}
