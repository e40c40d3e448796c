using Npgsql;
using Tocsin.Engines.Postgres;
using Tocsin.Journal;
using Tocsin.Tests.Journal;

namespace Tocsin.Tests.Engines;

public sealed class PostgresJournalTests : JournalContract
{
    private string? _connection;

    protected override async ValueTask<IJournalStore> OpenAsync()
    {
        _connection ??= await (await PostgresCluster.SharedAsync()).CreateJournalAsync();
        return await PostgresJournalStore.OpenAsync(_connection, TimeProvider.System, null, default);
    }

    [Fact]
    public async Task The_start_for_the_newest_is_the_newest_batch_that_leaves_enough_and_is_found_by_one_look_at_an_index()
    {
        for (var batch = 0; batch < 4; batch++)
        {
            await Store.CommitAsync([new Append { Entries = [.. Enumerable.Range(0, 20).Select(i => Some.Event(id: (batch * 20) + i + 1) with { Id = EventId.Create(DateTimeOffset.UnixEpoch), Priority = i % 2 == 0 ? Priority.Low : Priority.None })] }], default);
            await Store.CommitAsync([new Append { State = [new("n", "k", [1])] }], default);
        }
        foreach (var (count, start) in ((long, long)[])[(0, 80), (1, 60), (10, 60), (11, 40), (40, 0), (41, 0), (1_000_000, 0)])
            (await Store.FindStartAsync(count, default)).ShouldBe(start, $"{count}");
        await using var look = await ConnectAsync();
        await Sql.ExecuteAsync(look, "INSERT INTO tocsin.batch SELECT n, n * 10, n * 5 FROM generate_series(1000, 50000) n", default);
        await Sql.ExecuteAsync(look, "ANALYZE tocsin.batch", default);
        var plan = string.Join('\n', await Sql.ListAsync(look, $"EXPLAIN {PostgresJournalStore.Start.Replace("$1", "10", StringComparison.Ordinal)}", static row => row.GetString(0), default));
        plan.ShouldContain("Scan Backward using batch_prioritised_first_sequence_idx");
        plan.ShouldContain("Index Cond: (prioritised <=");
        plan.ShouldNotContain("Sort");
    }

    [Fact]
    public async Task Commits_of_state_alone_leave_no_rows_behind_and_events_keep_theirs()
    {
        var keyed = Some.Event() with { Id = new DedupeKey(Store.Info).OfExternalId("s", "1"), ExternalId = "1" };
        await Store.CommitAsync([new Append { Entries = [keyed], State = [new("beat", "n", [0])] }], default);
        for (var beat = 0; beat < 100; beat++)
            await Store.CommitAsync([new Append { State = [new("beat", "n", [(byte)beat])] }], default);
        await using var look = await ConnectAsync();
        (await Sql.ListAsync(look, "SELECT count(*) FROM tocsin.batch", static row => row.GetInt64(0), default))[0].ShouldBe(2);
        var again = (await Store.CommitAsync([new Append { Entries = [keyed] }], default))[0];
        again.Entries.ShouldBe([new EntryResult(EntryStatus.Duplicate, 1)]);
    }

    [Fact]
    public async Task An_id_whose_partition_somebody_dropped_is_not_there()
    {
        var keyed = Some.Event() with { Id = new DedupeKey(Store.Info).OfExternalId("s", "1"), ExternalId = "1" };
        await Store.CommitAsync([new Append { Entries = [keyed] }], default);
        (await Store.FindAsync(keyed.Id, default)).ShouldNotBeNull();
        await using var look = await ConnectAsync();
        var partition = (await Sql.ListAsync(look, "SELECT DISTINCT tableoid::regclass::text FROM tocsin.event", static row => row.GetString(0), default)).ShouldHaveSingleItem();
        await Sql.ExecuteAsync(look, $"DROP TABLE {partition}", default);
        (await Store.FindAsync(keyed.Id, default)).ShouldBeNull();
    }

    private async Task<NpgsqlConnection> ConnectAsync()
    {
        var connection = new NpgsqlConnection(_connection);
        await connection.OpenAsync();
        return connection;
    }
}
