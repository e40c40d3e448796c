using Tocsin.Engines.Sqlite;
using Tocsin.Journal;
using Tocsin.Tests.Journal;

namespace Tocsin.Tests.Engines;

/// <summary>What a crash, a lost power or a hand may leave in the data folder: opened, it is the same journal, or it is refused and left as it is.</summary>
public sealed class SealingCrashTests : IAsyncLifetime
{
    private const int Rows = 40;

    private readonly TempFolder _folder = new();
    private readonly QueryOracle _oracle = new();
    private readonly QueryCorpus _corpus = new(5);
    private SqliteJournalStore? _store;

    private string Segments => _folder.File("segments");

    /// <summary>Three sealed partitions and an open one; events amended, some by newer versions, before their partition was sealed, after, and both.</summary>
    public async ValueTask InitializeAsync()
    {
        Open();
        await CommitAsync(_corpus.Events(Rows));
        await CommitAsync(
            Some.Amendment(1, "early"), Some.Amendment(2, "early"), Some.Amendment(2, "early 2", Priority.Low), Some.Revision(4, _corpus.Event(900)), Some.Revision(5, _corpus.Event(0)));
        await CommitAsync(_corpus.Events(Rows * 2));
        await SealedAsync();
        await CommitAsync([Some.Revision(5, _corpus.Event(1)), Some.Revision(6, _corpus.Event(900)), Some.Amendment(2, "late"), Some.Amendment(3, "late"), Some.Amendment(60, "late"), .. _corpus.Events(Rows)]);
        await SealedAsync();
        // Else a table that is copied back below might still be there.
        await DroppedAsync();
        await CloseAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await CloseAsync();
        _folder.Dispose();
    }

    [Theory]
    [InlineData("missing")]
    [InlineData("empty")]
    [InlineData("short")]
    [InlineData("longer")]
    [InlineData("no header")]
    [InlineData("overflow")]
    public async Task An_index_that_is_not_whole_is_made_again(string damage)
    {
        foreach (var path in Directory.GetFiles(Segments, "*.idx"))
        {
            Damage(path, damage);
            await CheckAsync($"{Path.GetFileName(path)} {damage}");
            // And what was made again is good for the next start.
            await CheckAsync($"{Path.GetFileName(path)} after");
        }
    }

    [Fact]
    public async Task Versions_of_another_making_than_the_index_are_not_taken()
    {
        var index = Path.Combine(Segments, "000001.idx");
        var versions = Path.Combine(Segments, "000001.amended.idx");
        File.Exists(versions).ShouldBeTrue();
        var header = await File.ReadAllBytesAsync(versions);
        header[24]++;
        await File.WriteAllBytesAsync(versions, header);
        await CheckAsync("another horizon");
        new FileInfo(index).Length.ShouldBeGreaterThan(0);
    }

    [Fact]
    public async Task What_is_left_of_a_sealing_that_did_not_come_to_its_end_is_removed_and_other_files_are_not()
    {
        var number = Number();
        foreach (var name in (string[])[$"{number - 1:D6}.db.tmp", "000001.idx.tmp", "000001.amended.idx.tmp"])
            await File.WriteAllTextAsync(Path.Combine(Segments, name), "rubbish");
        await File.WriteAllTextAsync(Path.Combine(Segments, "README.txt"), "theirs");
        await CheckAsync("strays");
        Directory.GetFiles(Segments, "*.tmp").ShouldBeEmpty();
        File.Exists(Path.Combine(Segments, "README.txt")).ShouldBeTrue();
    }

    [Fact]
    public async Task Files_that_were_named_before_the_partition_was_marked_are_made_again()
    {
        // As a crash before the transaction leaves it: the rows still in the journal, and files that may be of any making.
        foreach (var number in Enumerable.Range(1, Number() - 1))
        {
            Unseal(number);
            await File.WriteAllBytesAsync(Path.Combine(Segments, $"{number:D6}.idx"), File.ReadAllBytes(Path.Combine(Segments, "000001.idx")));
            await CheckAsync($"unsealed {number}");
        }
    }

    [Fact]
    public async Task A_table_half_dropped_is_not_read_and_goes()
    {
        using (var journal = SqliteConnection.OpenWriter(_folder.File("journal.db")))
            foreach (var number in Enumerable.Range(1, Number() - 1))
            {
                CopyBack(journal, number);
                journal.Execute($"DELETE FROM event_{number} WHERE sequence IN (SELECT sequence FROM event_{number} LIMIT 7); UPDATE event_{number} SET type = 'not me'");
            }
        await CheckAsync("half dropped");
        Open();
        await DroppedAsync();
    }

    [Fact]
    public void Rows_that_are_missing_are_named_and_nothing_is_changed()
    {
        var rows = Path.Combine(Segments, "000002.db");
        File.Move(rows, rows + ".kept");
        File.WriteAllText(Path.Combine(Segments, "000001.idx.tmp"), "rubbish");
        var before = Directory.GetFiles(Segments);
        Should.Throw<JournalOpenException>(Open).Message.ShouldContain("000002.db is missing");
        Directory.GetFiles(Segments).ShouldBe(before, ignoreOrder: true);
    }

    [Theory]
    [InlineData("missing")]
    [InlineData("empty")]
    [InlineData("another")]
    public async Task Sealed_events_without_their_journal_are_not_taken_for_rubbish(string journal)
    {
        foreach (var path in Directory.GetFiles(_folder.Path, "journal.db*"))
            File.Delete(path);
        if (journal == "empty")
            await File.WriteAllBytesAsync(_folder.File("journal.db"), []);
        if (journal == "another")
        {
            using var other = new TempFolder();
            await SqliteJournalStore.Open(other.Path, TimeProvider.System).DisposeAsync();
            File.Copy(other.File("journal.db"), _folder.File("journal.db"));
        }
        var before = Directory.GetFiles(Segments);
        Should.Throw<JournalOpenException>(Open).Message.ShouldContain("put back the journal.db");
        Directory.GetFiles(Segments).ShouldBe(before, ignoreOrder: true);
    }

    private static void Damage(string path, string damage)
    {
        var bytes = File.ReadAllBytes(path);
        File.Delete(path);
        switch (damage)
        {
            case "empty":
                bytes = [];
                break;
            case "short":
                bytes = bytes[..^64];
                break;
            case "longer":
                bytes = [.. bytes, .. new byte[64]];
                break;
            case "no header":
                bytes.AsSpan(0, 4096).Clear();
                break;
            case "overflow":
                // The first part's offset: adding its length gives a negative number.
                BitConverter.TryWriteBytes(bytes.AsSpan(48 + 4), long.MaxValue - 7);
                break;
        }
        if (damage != "missing")
            File.WriteAllBytes(path, bytes);
    }

    private int Number()
    {
        using var journal = SqliteConnection.OpenReader(_folder.File("journal.db"));
        return (int)journal.Scalar("SELECT max(number) FROM partition");
    }

    private void Unseal(int number)
    {
        using var journal = SqliteConnection.OpenWriter(_folder.File("journal.db"));
        CopyBack(journal, number);
        journal.Execute($"UPDATE partition SET sealed = 0 WHERE number = {number}");
    }

    private void CopyBack(SqliteConnection journal, int number)
    {
        EventTable.Of(number).Create(journal);
        journal.Execute($"ATTACH '{Path.Combine(Segments, $"{number:D6}.db")}' AS rows; INSERT INTO event_{number} SELECT * FROM rows.event; DETACH rows");
    }

    private void Open() => _store = SqliteJournalStore.Open(_folder.Path, TimeProvider.System, new SqliteOptions { PartitionRows = Rows });

    private async Task CloseAsync()
    {
        if (_store is { } store)
            await store.DisposeAsync();
        _store = null;
    }

    private async Task CommitAsync(params Entry[] entries)
    {
        (await _store!.CommitAsync([new Append { Entries = entries }], default))[0].Status.ShouldBe(AppendStatus.Committed);
        _oracle.Add(entries);
    }

    /// <summary>Opens, asks, writes a little, and closes.</summary>
    private async Task CheckAsync(string of)
    {
        Open();
        for (var round = 0; round < 2; round++)
        {
            for (var way = 0; way < 4; way++)
                foreach (var ceiling in (long?[])[null, Rows, Rows + 2, Rows * 3])
                    foreach (var filter in (EventFilter[])[new(), new() { UserIds = ["late", "early", "early 2", "4506"] }, new() { Types = ["auth.*"] }])
                    {
                        var query = new EventQuery { Filter = filter, Ascending = (way & 1) > 0, BySequence = (way & 2) > 0, Ceiling = ceiling, Limit = EventQuery.MaxLimit };
                        QueryOracle.Same((await _store!.QueryAsync(query, default)).Events, _oracle.All(query), $"{of} {round}: {QueryOracle.Describe(query)}");
                    }
            var count = new StatsQuery { By = StatsField.UserId, Limit = StatsQuery.MaxValues };
            QueryOracle.Same(await _store!.CountAsync(count, default), _oracle.Count(count), of);
            await CommitAsync(Some.Amendment(2 + round, $"later {_oracle.Head}"), Some.Revision(4 + round, _corpus.Event((int)_oracle.Head)));
            await SealedAsync();
        }
        await CloseAsync();
    }

    private Task SealedAsync() => Until.TrueAsync(() =>
    {
        using var journal = SqliteConnection.OpenReader(_folder.File("journal.db"));
        return journal.Scalar("SELECT count(*) FROM partition WHERE sealed = 0") == 1;
    });

    private Task DroppedAsync() => Until.TrueAsync(() =>
    {
        using var journal = SqliteConnection.OpenReader(_folder.File("journal.db"));
        return journal.Scalar("SELECT count(*) FROM sqlite_master WHERE name GLOB 'event_[0-9]*'") == 1;
    });
}
