using System.Collections.Concurrent;
using Npgsql;
using Tocsin.Engines.Postgres;
using Tocsin.Journal;

namespace Tocsin.Tests.Engines;

/// <summary>Where commits wait for a standby, one is told when the standby has it, and not before, whatever ends the wait.</summary>
public sealed class PostgresStandbyTests : IAsyncLifetime
{
    private PostgresCluster _server = null!;
    private PostgresJournalStore _store = null!;
    private NpgsqlConnection _look = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await PostgresCluster.StartAsync(isDurable: false);
        var connection = await _server.CreateJournalAsync();
        _store = await PostgresJournalStore.OpenAsync(connection, TimeProvider.System, null, default);
        (await AppendAsync("before")).Status.ShouldBe(AppendStatus.Committed);
        _look = new NpgsqlConnection(_server.Connection());
        await _look.OpenAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await StandbyAsync("");
        await _look.DisposeAsync();
        await _store.DisposeAsync();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task A_commit_whose_wait_for_a_standby_is_cut_short_is_not_acknowledged_until_the_standby_has_it()
    {
        var names = new ConcurrentQueue<string>();
        _store.Changed = change => change.StateNames.ToList().ForEach(names.Enqueue);
        await StandbyAsync("nobody");
        var append = AppendAsync("after");
        // The server says COMMIT to the first, and writes the second, which asks again: neither is on a standby.
        for (var (cut, last) = (0, 0); cut < 3; cut++)
        {
            last = await WaitsAsync(last);
            append.IsCompleted.ShouldBeFalse();
            await Sql.ExecuteAsync(_look, "SELECT pg_cancel_backend($1)", default, last);
        }
        append.IsCompleted.ShouldBeFalse();
        await StandbyAsync("");
        var result = await Until.DoneAsync(append);
        result.Status.ShouldBe(AppendStatus.Committed);
        result.Entries[0].Sequence.ShouldBe(2);
        _store.Head.ShouldBe(2);
        // The node asked what became of its commit, and so is told of the state that it wrote, as of another's.
        await Until.TrueAsync(() => names.Contains("after"));
    }

    [Fact]
    public async Task A_commit_that_waits_for_a_standby_outlives_a_restart_of_the_server_unacknowledged()
    {
        await StandbyAsync("nobody");
        var append = AppendAsync("after");
        await WaitsAsync(0);
        await _server.KillAsync();
        await _server.StartAsync();
        await _look.DisposeAsync();
        _look = new NpgsqlConnection(_server.Connection());
        await _look.OpenAsync();
        // It is in the journal, and the one who asks for it waits now.
        await WaitsAsync(0);
        append.IsCompleted.ShouldBeFalse();
        await StandbyAsync("");
        (await Until.DoneAsync(append)).Status.ShouldBe(AppendStatus.Committed);
        _store.Head.ShouldBe(2);
    }

    private async Task<AppendResult> AppendAsync(string name) =>
        (await _store.CommitAsync([new Append { Entries = [Some.Event() with { Id = EventId.Create(DateTimeOffset.UnixEpoch) }], State = [new(name, "k", [1])] }], default))[0];

    private async Task StandbyAsync(string name)
    {
        await _server.ExecuteAsync($"ALTER SYSTEM SET synchronous_standby_names = '{name}'");
        await _server.ExecuteAsync("SELECT pg_reload_conf()");
    }

    /// <summary>The process that waits for a standby, once it is another one than before.</summary>
    private async Task<int> WaitsAsync(int before)
    {
        var since = TimeProvider.System.GetTimestamp();
        while (true)
        {
            var waiting = await Sql.ListAsync(_look, "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND pid <> $1", static row => row.GetInt32(0), default, before);
            if (waiting.Count > 0)
                return waiting[0];
            TimeProvider.System.GetElapsedTime(since).ShouldBeLessThan(TimeSpan.FromSeconds(20), "no commit waits for a standby");
        }
    }
}
