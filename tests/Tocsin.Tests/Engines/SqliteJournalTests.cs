using Tocsin.Engines.Sqlite;
using Tocsin.Journal;
using Tocsin.Tests.Journal;

namespace Tocsin.Tests.Engines;

public sealed class SqliteJournalTests : JournalContract
{
    private readonly TempFolder _folder = new();

    protected override ValueTask<IJournalStore> OpenAsync() => ValueTask.FromResult<IJournalStore>(SqliteJournalStore.Open(_folder.Path, TimeProvider.System));

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public void A_second_opener_is_kept_out_and_told_what_to_do() =>
        Should.Throw<JournalOpenException>(() => SqliteJournalStore.Open(_folder.Path, TimeProvider.System)).Message.ShouldContain("in use by another Tocsin");

    [Fact]
    public async Task A_database_of_a_newer_version_is_refused_and_left_alone()
    {
        await Store.DisposeAsync();
        using (var connection = SqliteConnection.OpenWriter(_folder.File("journal.db")))
            connection.Execute("PRAGMA user_version=999");
        var before = File.ReadAllBytes(_folder.File("journal.db"));
        Should.Throw<JournalOpenException>(() => SqliteJournalStore.Open(_folder.Path, TimeProvider.System)).Message.ShouldContain("newer Tocsin");
        File.ReadAllBytes(_folder.File("journal.db")).ShouldBe(before);
    }

    [Fact]
    public async Task A_file_that_is_no_journal_is_refused_and_left_alone()
    {
        await Store.DisposeAsync();
        await File.WriteAllTextAsync(_folder.File("journal.db"), new string('x', 5000));
        Should.Throw<JournalOpenException>(() => SqliteJournalStore.Open(_folder.Path, TimeProvider.System)).Message.ShouldContain("Cannot open");
        using (var other = new TempFolder())
        {
            using (var connection = SqliteConnection.OpenWriter(other.File("journal.db")))
                connection.Execute("CREATE TABLE theirs (a)");
            Should.Throw<JournalOpenException>(() => SqliteJournalStore.Open(other.Path, TimeProvider.System)).Message.ShouldContain("another program");
        }
    }

    [Fact]
    public async Task Amendments_of_a_journal_from_before_newer_versions_were_kept_are_still_read_and_newer_ones_added()
    {
        await CommitAsync(new Append { Entries = [Event("a")] });
        var amendment = new Amendment { Target = 1, At = default, By = "x", UserId = "9", Attribution = new Attribution(AttributionRule.Identity, null, "1.1.1.1") };
        await CommitAsync(new Append { Entries = [amendment] });
        await Store.DisposeAsync();
        using (var connection = SqliteConnection.OpenWriter(_folder.File("journal.db")))
            connection.Execute("ALTER TABLE amendment DROP COLUMN data; PRAGMA user_version=2");
        await ReopenAsync();
        (await Store.ReadAsync(1, 1, default)).Single().Entry.ShouldBe(amendment);
        (await Store.FindAsync(1, default))!.UserId.ShouldBe("9");
        await CommitAsync(new Append { Entries = [Some.Revision(1, Event("b"))] });
        (await Store.FindAsync(1, default))!.Type.ShouldBe("b");
    }

    [Fact]
    public async Task A_full_partition_rolls_to_the_next_and_keys_are_still_known_across_partitions_and_restarts()
    {
        var dedupe = new DedupeKey(Store.Info);
        var first = Event("first") with { Id = dedupe.OfExternalId("s", "first"), Priority = Priority.High };
        await CommitAsync(new Append { Entries = [first] });
        for (var written = 1; written < Partition.MaxRows + 5; written += 5000)
            await CommitAsync(new Append { Entries = [.. Enumerable.Range(0, 5000).Select(_ => Event("fill"))] });
        var second = Event("second") with { Id = dedupe.OfExternalId("s", "second"), Priority = Priority.High };
        var at = (await CommitAsync(new Append { Entries = [second, first] }))[0].Entries;
        at[1].ShouldBe(new EntryResult(EntryStatus.Duplicate, 1));
        await ReopenAsync();
        (await CommitAsync(new Append { Entries = [first, second, new Amendment { Target = 1, At = default, By = "x", UserId = "9" }] }))[0].Entries
            .ShouldBe([new(EntryStatus.Duplicate, 1), new(EntryStatus.Duplicate, at[0].Sequence), new(EntryStatus.Created, Store.Head)]);
        (await Store.FindAsync(1, default))!.UserId.ShouldBe("9");
        (await Store.FindStartAsync(1, default)).ShouldBe(Partition.MaxRows);
        var across = await Store.ReadAsync(Partition.MaxRows - 2, 5, default);
        across.Select(entry => entry.Sequence).ShouldBe(Enumerable.Range(Partition.MaxRows - 1, 5).Select(i => (long)i));
        (await Store.ReadAsync(Store.Head - 2, 5, default))[^1].Entry.ShouldBeOfType<Amendment>();
    }
}
