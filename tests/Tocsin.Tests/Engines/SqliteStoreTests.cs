using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text;
using Tocsin.Engines.Sqlite;
using Tocsin.Engines.Sqlite.Segments;
using Tocsin.Journal;

namespace Tocsin.Tests.Engines;

/// <summary>What is SQLite's own: full disks, the filter, the WAL, the cache of words.</summary>
public sealed class SqliteStoreTests : IDisposable
{
    private readonly TempFolder _folder = new();
    private long _ids;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_group_that_fills_the_disk_leaves_nothing_and_the_next_goes_through_when_there_is_room()
    {
        await using var store = SqliteJournalStore.Open(_folder.Path, TimeProvider.System);
        var dedupe = new DedupeKey(store.Info);
        var kept = Event("kept") with { Id = dedupe.OfExternalId("s", "kept") };
        await CommitAsync(store, new Append { Entries = [kept], State = [new("n", "k", [1])] });
        var version = (await store.GetStateAsync("n", "k", default))!.Version;
        var connection = Connection(Writer(store));
        connection.Scalar($"PRAGMA max_page_count={connection.Scalar("PRAGMA page_count") + 20}");
        var large = Event("large") with { Data = new RawRecord(new byte[300_000]), Id = dedupe.OfExternalId("s", "large"), UserId = null, Attribution = new(AttributionRule.Unresolved, null, "1.1.1.1") };

        for (var i = 0; i < 3; i++)
        {
            (await Should.ThrowAsync<JournalUnavailableException>(() => CommitAsync(store,
                new Append { Entries = [Event("small")], State = [new("n", "k", [2])] }, new Append { Entries = [large], State = [new("n", "k", [3])] })))
                .Message.ShouldContain("full");
            store.Head.ShouldBe(1);
            (await store.GetStateAsync("n", "k", default))!.Value.ShouldBe([1]);
            (await store.ReadAsync(0, 10, default)).Count.ShouldBe(1);
            (await store.TopUnresolvedAddressesAsync(5, default)).ShouldBeEmpty();
        }
        (await CommitAsync(store, new Append { Entries = [kept, Event("fits")] }))[0].Entries.ShouldBe([new(EntryStatus.Duplicate, 1), new(EntryStatus.Created, 2)]);

        connection.Scalar("PRAGMA max_page_count=1000000");
        var result = (await CommitAsync(store, new Append { Entries = [large, kept], State = [new("n", "k", [4])], Expect = [new("n", "k", version)] }))[0];
        result.Entries.ShouldBe([new(EntryStatus.Created, 3), new(EntryStatus.Duplicate, 1)]);
        result.StateVersion.ShouldBeGreaterThan(version);
        (await store.ListUnresolvedAsync("1.1.1.1", 0, 5, default)).Single().Sequence.ShouldBe(3);
    }

    [Fact]
    public async Task A_disk_that_fills_while_a_partition_rolls_leaves_the_partition_as_it_was()
    {
        await using var store = SqliteJournalStore.Open(_folder.Path, TimeProvider.System, new SqliteOptions { PartitionRows = 2 });
        await CommitAsync(store, new Append { Entries = [Event("a"), Event("b")] });
        var connection = Connection(Writer(store));
        connection.Scalar($"PRAGMA max_page_count={connection.Scalar("PRAGMA page_count")}");
        await Should.ThrowAsync<JournalUnavailableException>(() => CommitAsync(store, new Append { Entries = [Event("c"), Event("d"), Event("e")] }));
        store.Head.ShouldBe(2);
        connection.Once("SELECT count(*) FROM partition").ShouldBe(1);
        connection.Scalar("PRAGMA max_page_count=1000000");
        (await CommitAsync(store, new Append { Entries = [Event("c"), Event("d"), Event("e")] }))[0].Entries[2].ShouldBe(new(EntryStatus.Created, 5));
        (await store.ReadAsync(0, 10, default)).Select(entry => ((SecurityEvent)entry.Entry).Type).ShouldBe(["a", "b", "c", "d", "e"]);
        (await store.QueryAsync(new EventQuery { Ascending = true }, default)).Events.Select(e => e.Sequence).ShouldBe([1, 2, 3, 4, 5]);
    }

    [Fact]
    public async Task A_group_of_many_appends_is_one_transaction_with_one_sync()
    {
        await using var store = SqliteJournalStore.Open(_folder.Path, TimeProvider.System);
        await CommitAsync(store, new Append { Entries = [Event("first")] });
        var before = Frames();
        await CommitAsync(store, [.. Enumerable.Range(0, 500).Select(i => new Append { Entries = [Event($"t{i}")], State = [new("n", $"k{i % 7}", [(byte)i])] })]);
        // Each of its pages stands in the WAL once, however many appends touched it.
        (Frames() - before).ShouldBeLessThan(100);
        store.Head.ShouldBe(501);
        (await store.ListStateAsync("n", null, 100, default)).Select(row => row.Version).Distinct().Count().ShouldBe(7);
    }

    [Fact]
    public async Task The_connection_that_writes_syncs_every_commit()
    {
        await using var store = SqliteJournalStore.Open(_folder.Path, TimeProvider.System);
        var connection = Connection(Writer(store));
        connection.Scalar("PRAGMA synchronous").ShouldBe(2);
        connection.Scalar("PRAGMA wal_autocheckpoint").ShouldBe(0);
    }

    [Fact]
    public void The_filter_forgets_nobody_and_is_wrong_in_less_than_one_of_a_hundred_at_full_size()
    {
        foreach (var keyed in new[] { true, false })
        {
            var filter = new IdFilter(Partition.MaxRows);
            for (var i = 0; i < Partition.MaxRows; i++)
                filter.Add(Id(i, keyed));
            for (var i = 0; i < Partition.MaxRows; i++)
                if (!IdFilter.MayContain(filter.Bytes, Id(i, keyed)))
                    Assert.Fail($"forgot {i}");
            var wrong = Enumerable.Range(Partition.MaxRows, 100_000).Count(i => IdFilter.MayContain(filter.Bytes, Id(i, keyed)));
            wrong.ShouldBeLessThan(1000, keyed ? "keyed" : "by time");
        }
    }

    [Fact]
    public void A_new_filter_contains_nobody() =>
        Enumerable.Range(0, 1000).Count(i => IdFilter.MayContain(new IdFilter(Partition.MaxRows).Bytes, Id(i, true))).ShouldBe(0);

    [Fact]
    public async Task The_log_stays_bounded_over_many_commits_while_readers_never_pause()
    {
        await using var store = SqliteJournalStore.Open(_folder.Path, TimeProvider.System);
        await CommitAsync(store, new Append { Entries = [Event("first")] });
        using var stop = new CancellationTokenSource();
        // Two long reads, one begun before the other ends: at no moment is there none.
        var readers = Enumerable.Range(0, 2).Select(_ => Task.Run(() =>
        {
            using var reader = SqliteConnection.OpenReader(_folder.File("journal.db"));
            while (!stop.IsCancellationRequested)
            {
                reader.Execute("BEGIN; SELECT sequence FROM head");
                reader.Scalar("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000) SELECT count(*) FROM n");
                reader.Execute("COMMIT");
            }
        })).ToArray();
        var largest = 0L;
        for (var i = 0; i < 120; i++)
        {
            await CommitAsync(store, new Append { Entries = [.. Enumerable.Range(0, 500).Select(_ => Event("fill") with { Data = Some.Record($"\"{new string('x', 6000)}\"") })] });
            largest = Math.Max(largest, WalBytes());
        }
        await stop.CancelAsync();
        await Task.WhenAll(readers);
        // 64 MiB and what is written until the next look; twice that where the machine is so busy that a read outlasts the wait for it. Without that wait it is 300 MiB and more.
        largest.ShouldBeLessThan(200L << 20);
    }

    [Fact]
    public async Task The_log_stays_bounded_when_few_large_records_are_written()
    {
        await using var store = SqliteJournalStore.Open(_folder.Path, TimeProvider.System);
        var large = new RawRecord(new byte[1 << 20]);
        var largest = 0L;
        for (var i = 0; i < 120; i++)
        {
            await CommitAsync(store, new Append { Entries = [Event("large") with { Data = large }] });
            largest = Math.Max(largest, WalBytes());
        }
        largest.ShouldBeLessThan(100L << 20);
    }

    [Fact]
    public void Words_that_share_a_slot_are_not_taken_for_each_other()
    {
        var words = new StringCache();
        var random = new Random(3);
        for (var i = 0; i < 100_000; i++)
        {
            var text = (random.Next(4)) switch
            {
                0 => $"word {random.Next(50_000)}",
                1 => new string('é', random.Next(40)),
                2 => "",
                _ => $"a\0{random.Next(10)}",
            };
            words.Get(Encoding.UTF8.GetBytes(text)).ShouldBe(text);
        }
        ReferenceEquals(words.Get("denial"u8), words.Get("denial"u8)).ShouldBeTrue();
        words.Get(new byte[65]).ShouldBe(new string('\0', 65));
    }

    [Fact]
    public async Task A_text_of_any_kind_comes_back_as_it_went_in()
    {
        string[] texts = ["", " ", "a\0b", "\uFEFFx", "😀", new string('é', 85), new string('é', 86), new string('x', 256), new string('x', 257), new string('语', 100_000), "'; DROP TABLE state; --"];
        await using var store = SqliteJournalStore.Open(_folder.Path, TimeProvider.System);
        await CommitAsync(store, new Append { Entries = [.. texts.Select(text => Event("t") with { Description = text, Device = text, UserId = text })] });
        (await store.ReadAsync(0, 100, default)).Select(entry => (SecurityEvent)entry.Entry).Select(e => (e.Description, e.Device, e.UserId))
            .ShouldBe(texts.Select(text => ((string?)text, (string?)text, (string?)text)));
        await CommitAsync(store, new Append { Entries = [.. texts.Select((text, i) => Some.Revision(i + 1, Event(text) with { Description = text, Device = text, UserId = $"{text}.", SrcIp = text, DstIp = text, Country = text }))] });
        for (var i = 0; i < texts.Length; i++)
        {
            var e = (await store.FindAsync(i + 1, default))!;
            ((string?[])[e.Type, e.Description, e.Device, e.SrcIp, e.DstIp, e.Country]).ShouldAllBe(text => text == texts[i]);
            e.UserId.ShouldBe($"{texts[i]}.");
        }
        await CommitAsync(store, new Append { State = [.. texts.Select(text => new StateWrite("n", text, Encoding.UTF8.GetBytes(text)))] });
        (await store.ListStateAsync("n", null, 100, default)).Select(row => row.Key).ShouldBe(texts.OrderBy(text => text, StringComparer.Ordinal), ignoreOrder: true);
        foreach (var text in texts)
            (await store.GetStateAsync("n", text, default)).ShouldNotBeNull().Value.ShouldBe(Encoding.UTF8.GetBytes(text));
    }

    [Fact]
    public async Task A_data_folder_made_by_Tocsin_is_its_owners_alone()
    {
        if (OperatingSystem.IsWindows())
            return;
        var folder = _folder.File("data");
        await using var store = SqliteJournalStore.Open(folder, TimeProvider.System);
        File.GetUnixFileMode(folder).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    [Fact]
    public async Task Closing_twice_is_fine_and_a_closed_store_lets_the_next_in()
    {
        var store = SqliteJournalStore.Open(_folder.Path, TimeProvider.System);
        await store.DisposeAsync();
        await store.DisposeAsync();
        await SqliteJournalStore.Open(_folder.Path, TimeProvider.System).DisposeAsync();
    }

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_writer")]
    private static extern ref SqliteWriter Writer(SqliteJournalStore store);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_connection")]
    private static extern ref SqliteConnection Connection(SqliteWriter writer);

    /// <summary>The id of a dedupe key, or one by time: fifty in a millisecond, the rest random, the same whenever it is asked for.</summary>
    private static UInt128 Id(int i, bool keyed)
    {
        var bytes = SHA256.HashData(BitConverter.GetBytes(i))[..EventId.SizeInBytes];
        if (!keyed)
            BinaryPrimitives.WriteInt64BigEndian(bytes, ((1_629_254_311_000L + (i / 50)) << 16) | 0x7000 | (BinaryPrimitives.ReadInt64BigEndian(bytes) & 0xFFF));
        return BinaryPrimitives.ReadUInt128BigEndian(bytes);
    }

    private SecurityEvent Event(string type) => Some.Event(type: type, id: ++_ids, data: "{}");

    private static async Task<IReadOnlyList<AppendResult>> CommitAsync(SqliteJournalStore store, params Append[] group) => await store.CommitAsync(group, default);

    private long WalBytes() => new FileInfo(_folder.File("journal.db-wal")).Length;

    private long Frames() => WalBytes() / 4096;
}
