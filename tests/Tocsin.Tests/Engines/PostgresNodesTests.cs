using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Tocsin.Engines.Postgres;
using Tocsin.Journal;

namespace Tocsin.Tests.Engines;

/// <summary>Several nodes on one database: they write side by side, and it is as if they took turns.</summary>
public sealed class PostgresNodesTests : IAsyncLifetime
{
    private readonly List<PostgresJournalStore> _nodes = [];
    private string _connection = "";

    public async ValueTask InitializeAsync()
    {
        _connection = await (await PostgresCluster.SharedAsync()).CreateJournalAsync();
        for (var i = 0; i < 3; i++)
            _nodes.Add(await OpenAsync());
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var node in _nodes)
            await node.DisposeAsync();
    }

    [Fact]
    public async Task Nodes_that_write_the_same_records_at_once_keep_each_once_and_sequences_have_no_gap()
    {
        var dedupe = new DedupeKey(_nodes[0].Info);
        SecurityEvent Keyed(int i) => Some.Event(id: i) with { Id = dedupe.OfExternalId("s", $"{i}"), ExternalId = $"{i}", Fingerprint = i };
        var told = new ConcurrentDictionary<EventId, long>();
        var created = new ConcurrentBag<long>();
        await Until.DoneAsync(Task.WhenAll(_nodes.Select((node, n) => Task.Run(async () =>
        {
            var random = new Random(n);
            for (var round = 0; round < 40; round++)
            {
                // Each in an order of its own, sizes on both sides of the choice of how rows are written.
                var events = Enumerable.Range(0, round % 10 == 0 ? 300 : 1 + random.Next(30)).Select(_ => Keyed(random.Next(900))).DistinctBy(e => e.Id).ToArray();
                var loose = Some.Event(id: 10_000 + (n * 1000) + round) with { Id = EventId.Create(DateTimeOffset.UnixEpoch) };
                var result = (await node.CommitAsync([new Append { Entries = [.. events, loose] }], default))[0];
                result.Status.ShouldBe(AppendStatus.Committed);
                foreach (var (e, entry) in events.Append(loose).Zip(result.Entries))
                {
                    told.GetOrAdd(e.Id, entry.Sequence).ShouldBe(entry.Sequence);
                    if (entry.Status == EntryStatus.Created)
                        created.Add(entry.Sequence);
                    else
                        entry.Status.ShouldBe(EntryStatus.Duplicate);
                }
            }
        }))));
        await using var fresh = await OpenAsync();
        created.Order().ShouldBe(Enumerable.Range(1, (int)fresh.Head).Select(i => (long)i));
        var stored = await fresh.ReadAsync(0, 10_000, default);
        stored.Select(entry => entry.Sequence).ShouldBe(created.Order());
        stored.ShouldAllBe(entry => told[((SecurityEvent)entry.Entry).Id] == entry.Sequence);
        told.Count.ShouldBe(stored.Count);
    }

    [Fact]
    public async Task Of_nodes_that_expect_the_same_version_exactly_one_wins_each_time()
    {
        var wins = await Task.WhenAll(_nodes.Select(async node =>
        {
            var won = 0;
            while (true)
            {
                var row = await node.GetStateAsync("lease", "s", default);
                if (row?.Value[0] == 60)
                    return won;
                var next = new Append { Entries = [Some.Event() with { Id = EventId.Create(DateTimeOffset.UnixEpoch) }], State = [new("lease", "s", [(byte)((row?.Value[0] ?? 0) + 1)])], Expect = [new("lease", "s", row?.Version ?? 0)] };
                var result = (await node.CommitAsync([next], default))[0];
                result.Status.ShouldBeOneOf(AppendStatus.Committed, AppendStatus.Conflict);
                won += result.Status == AppendStatus.Committed ? 1 : 0;
            }
        }));
        wins.Sum().ShouldBe(60);
        await using var fresh = await OpenAsync();
        fresh.Head.ShouldBe(60);
    }

    [Fact]
    public async Task An_amendment_that_holds_only_while_an_event_is_unresolved_is_made_by_one_node()
    {
        const int events = 40;
        var unresolved = Enumerable.Range(0, events).Select(i => Some.Event(id: i + 1) with { UserId = null, Attribution = new Attribution(AttributionRule.Unresolved, null, "17.0.0.1") }).ToArray();
        await _nodes[0].CommitAsync([new Append { Entries = unresolved }], default);
        var made = await Task.WhenAll(_nodes.Select(async (node, n) =>
        {
            var created = 0;
            for (var target = 1; target <= events; target++)
            {
                var late = new Amendment { Target = target, At = default, By = "late", UserId = $"{n}", Only = new UnresolvedAs("17.0.0.1", unresolved[target - 1].Time) };
                created += (await node.CommitAsync([new Append { Entries = [late] }], default))[0].Entries[0].Status == EntryStatus.Created ? 1 : 0;
            }
            return created;
        }));
        made.Sum().ShouldBe(events);
        await using var fresh = await OpenAsync();
        fresh.Head.ShouldBe(2 * events);
        (await fresh.ListUnresolvedAddressesAsync(null, 10, default)).ShouldBeEmpty();
    }

    [Fact]
    public async Task Who_follows_one_node_sees_in_order_what_another_commits_and_learns_which_state_is_new()
    {
        var names = new ConcurrentQueue<string>();
        await using var journal = new EventJournal(_nodes[1], 1000, NullLogger<EventJournal>.Instance) { StateChanged = changed => changed.ToList().ForEach(names.Enqueue) };
        var following = Task.Run(async () =>
        {
            var seen = 0L;
            while (seen < 150)
            {
                await journal.WaitPastAsync(seen, default);
                foreach (var entry in await journal.ReadAsync(seen, 10, default))
                    entry.Sequence.ShouldBe(++seen);
            }
            return seen;
        });
        for (var i = 0; i < 50; i++)
        {
            await _nodes[0].CommitAsync([new Append { Entries = [Fresh()] }], default);
            await _nodes[2].CommitAsync([new Append { Entries = [Fresh()], State = [new($"n{i % 3}", "k", [1])] }], default);
            (await journal.AppendAsync(new Append { Entries = [Fresh()], State = [new("own", "k", [1])] }, default)).Status.ShouldBe(AppendStatus.Committed);
        }
        await Until.DoneAsync(following);
        await Until.TrueAsync(() => names.Distinct().Order().SequenceEqual(["n0", "n1", "n2"]));
        names.ShouldNotContain("own");
    }

    [Fact]
    public async Task What_one_node_commits_is_told_on_another_at_once()
    {
        // It looks by itself so rarely that only a notification can be in time.
        await using var other = await PostgresJournalStore.OpenAsync(_connection, TimeProvider.System, new PostgresOptions { PollInterval = TimeSpan.FromMinutes(5) }, default);
        for (var i = 0; i < 100; i++)
        {
            var told = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            var wanted = i + 1;
            other.Changed = change =>
            {
                if (change.Head >= wanted)
                    told.TrySetResult();
            };
            await _nodes[0].CommitAsync([new Append { Entries = [Fresh()] }], default);
            await Until.DoneAsync(told.Task);
        }
    }

    /// <summary>A node that dies between taking sequences and writing them leaves no gap, and stops nobody for long.</summary>
    [Fact]
    public async Task Sequences_that_were_promised_and_never_written_are_given_again()
    {
        await _nodes[0].CommitAsync([new Append { Entries = [Fresh()] }], default);
        await (await PostgresCluster.SharedAsync()).ExecuteAsync("UPDATE tocsin.reserved SET upto = upto + 500", _connection);
        var results = await Task.WhenAll(_nodes.Select(node => node.CommitAsync([new Append { Entries = [Fresh(), Fresh()] }], default).AsTask()));
        results.SelectMany(result => result[0].Entries).Select(entry => entry.Sequence).Order().ShouldBe([2, 3, 4, 5, 6, 7]);
    }

    /// <summary>
    /// A node that is stopped, or lost with its network, in the middle of a commit: the server keeps its locks and what was promised to it, and nobody would
    /// write again. Who merely has a transaction open is left alone.
    /// </summary>
    [Theory]
    [InlineData("SELECT sequence FROM tocsin.head FOR UPDATE")]
    [InlineData("SELECT pg_advisory_xact_lock(1414480723, 2)", "COPY tocsin.amendment FROM STDIN")]
    [InlineData("SELECT 1")]
    public async Task A_node_that_stands_still_in_the_middle_of_a_commit_is_sent_away(string holds, string? copy = null)
    {
        var postgres = await PostgresCluster.SharedAsync();
        await postgres.ExecuteAsync("UPDATE tocsin.reserved SET upto = upto + 5", _connection);
        await using var bystander = await BeganAsync("SELECT sequence FROM tocsin.head");
        await using var standing = await BeganAsync(holds, $"SELECT pg_advisory_xact_lock({Locks.Batches}, 77)");
        var sending = copy is null ? null : await standing.BeginTextImportAsync(copy);
        var results = await Until.DoneAsync(Task.WhenAll(_nodes.Select((node, n) => node.CommitAsync([new Append { Entries = [Fresh()], State = [new("n", $"{n}", [1])] }], default).AsTask())));
        results.SelectMany(result => result[0].Entries).Select(entry => entry.Sequence).Order().ShouldBe([1, 2, 3]);
        var there = await Sql.ListAsync(bystander, "SELECT pid FROM pg_stat_activity WHERE datname = current_database()", static row => row.GetInt32(0), default);
        there.ShouldContain(bystander.ProcessID);
        there.ShouldNotContain(standing.ProcessID);
        GC.KeepAlive(sending);
    }

    [Fact]
    public async Task A_node_that_is_slow_in_the_middle_of_a_commit_is_left_alone()
    {
        await using var slow = await BeganAsync($"SELECT pg_advisory_xact_lock({Locks.Batches}, 77)");
        await using var clock = await BeganAsync();
        await using (var copy = await slow.BeginTextImportAsync("COPY tocsin.amendment FROM STDIN"))
            for (var row = 1; row <= 12; row++)
            {
                await copy.WriteAsync($"{row}\t1\tf\t\\\\x00\t\\N\n");
                await copy.FlushAsync(default);
                await Sql.ExecuteAsync(clock, "SELECT pg_sleep(0.5)", default);
            }
        (await Sql.ListAsync(slow, "SELECT count(*) FROM tocsin.amendment", static row => row.GetInt64(0), default))[0].ShouldBe(12);
    }

    /// <summary>Leases and the health of a node hang on them.</summary>
    [Fact]
    public async Task Reads_of_state_do_not_wait_behind_slow_readers()
    {
        await _nodes[0].CommitAsync([new Append { Entries = [Fresh()], State = [new("n", "k", [1])] }], default);
        await using var holds = await BeganAsync("LOCK TABLE tocsin.event");
        var slow = Enumerable.Range(0, 30).Select(_ => _nodes[0].FindAsync(1, default).AsTask()).ToArray();
        (await Until.DoneAsync(_nodes[0].GetStateAsync("n", "k", default).AsTask()))!.Value.ShouldBe([1]);
        (await Until.DoneAsync(_nodes[0].ListStateAsync("n", null, 10, default).AsTask())).Count.ShouldBe(1);
        (await Until.DoneAsync(_nodes[0].ListStateNamesAsync(default).AsTask())).ShouldBe(["n"]);
        slow.ShouldAllBe(read => !read.IsCompleted);
        await Sql.ExecuteAsync(holds, "ROLLBACK", default);
        (await Until.DoneAsync(Task.WhenAll(slow))).ShouldAllBe(read => read != null);
    }

    /// <summary>As when a backup was restored, or a standby took over that lacked the last commits.</summary>
    [Theory]
    [InlineData("sequence = 1", "went back from sequence 3 to 1")]
    [InlineData("version = 0", "went back from version of state 1 to 0")]
    public async Task A_journal_that_went_back_is_told_once_and_followed_no_longer(string set, string expected)
    {
        var told = new ConcurrentQueue<string>();
        await using var node = await OpenAsync(new PostgresOptions { WentBack = told.Enqueue, PollInterval = TimeSpan.FromMilliseconds(1) });
        await node.CommitAsync([new Append { Entries = [Fresh(), Fresh(), Fresh()] }], default);
        var seen = Task.CompletedTask;
        node.Changed = change => seen = change.StateNames.Count > 0 ? Task.FromResult(true) : seen;
        await _nodes[0].CommitAsync([new Append { State = [new("n", "k", [1])] }], default);
        await Until.TrueAsync(() => seen is Task<bool>);
        var server = await PostgresCluster.SharedAsync();
        await server.ExecuteAsync($"UPDATE tocsin.head SET {set}", _connection);
        await Until.TrueAsync(() => !told.IsEmpty);
        await Until.DoneAsync(node.DisposeAsync().AsTask());
        told.ShouldHaveSingleItem().ShouldContain(expected);
    }

    [Theory]
    [InlineData("ALTER TABLE tocsin.head RENAME TO away", "ALTER TABLE tocsin.away RENAME TO head")]
    [InlineData("CREATE TABLE tocsin.away AS TABLE tocsin.head; DELETE FROM tocsin.head", "INSERT INTO tocsin.head SELECT * FROM tocsin.away")]
    public async Task A_node_goes_on_to_follow_after_what_nobody_foresaw(string away, string back)
    {
        var server = await PostgresCluster.SharedAsync();
        var log = new Log();
        await using var node = await OpenAsync(new PostgresOptions { Logger = log });
        await server.ExecuteAsync(away, _connection);
        await Until.TrueAsync(() => log.Lines.Any(line => line.StartsWith("PostgreSQL cannot be followed", StringComparison.Ordinal)));
        await server.ExecuteAsync(back, _connection);
        await _nodes[0].CommitAsync([new Append { Entries = [Fresh()] }], default);
        await Until.TrueAsync(() => node.Head == 1);
        log.Lines.ShouldContain("PostgreSQL is followed again");
    }

    [Fact]
    public async Task What_is_given_up_of_an_epoch_that_is_over_takes_nothing_from_the_new_one()
    {
        await using var database = new PostgresDatabase(PostgresDatabase.Parse(_connection));
        await using var reserve = new SequenceReserve(database, TimeProvider.System);
        var (old, next) = (await reserve.TakeAsync(3, default), await reserve.TakeAsync(2, default));
        await reserve.GiveUpAsync(old, default);
        var taken = await reserve.TakeAsync(4, default);
        (taken.First, taken.Last, taken.Epoch).ShouldBe((1, 4, old.Epoch + 1));
        await reserve.GiveUpAsync(next, default);
        (await reserve.TakeAsync(1, default)).ShouldBe(new Reservation(5, 5, taken.Epoch));
        await reserve.GiveUpAsync(taken, default);
        (await reserve.TakeAsync(1, default)).ShouldBe(new Reservation(1, 1, taken.Epoch + 1));
    }

    /// <summary>As when a standby took over that lacked what was made last.</summary>
    [Fact]
    public async Task A_partition_that_was_lost_is_made_anew()
    {
        await using var node = await OpenAsync(new PostgresOptions { PartitionRows = 10 });
        await node.CommitAsync([new Append { Entries = [Fresh()] }], default);
        await (await PostgresCluster.SharedAsync()).ExecuteAsync("DROP TABLE tocsin.event_11_20", _connection);
        var entries = Enumerable.Range(0, 12).Select(_ => Fresh()).ToArray();
        (await node.CommitAsync([new Append { Entries = entries }], default))[0].Entries.Select(entry => entry.Sequence).ShouldBe(Enumerable.Range(2, 12).Select(i => (long)i));
    }

    /// <summary>As after a restart of the server: who reads next is not told of connections that waited meanwhile.</summary>
    [Fact]
    public async Task Connections_that_were_lost_while_they_waited_in_the_pool_fail_no_read()
    {
        await _nodes[0].CommitAsync([new Append { Entries = [Fresh()], State = [new("n", "k", [1])] }], default);
        Task ReadAsync() => Until.DoneAsync(Task.WhenAll(Enumerable.Range(0, 6).Select(async i => (i % 2 == 0 ? (object?)await _nodes[0].FindAsync(1, default) : await _nodes[0].GetStateAsync("n", "k", default)).ShouldNotBeNull())));
        await ReadAsync();
        await (await PostgresCluster.SharedAsync()).ExecuteAsync("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()", _connection);
        await ReadAsync();
    }

    [Fact]
    public void Numbers_of_batches_are_positive_rise_with_time_and_differ_within_it()
    {
        var time = new FakeTimeProvider(DateTimeOffset.Parse("2240-01-01T00:00:00Z", System.Globalization.CultureInfo.InvariantCulture));
        var numbers = Enumerable.Range(0, 100).Select(_ => BatchNumber.Next(time)).ToArray();
        numbers.ShouldAllBe(number => number > 0);
        // Of a million there are.
        numbers.Distinct().Count().ShouldBeGreaterThan(95);
        time.Advance(TimeSpan.FromMilliseconds(1));
        BatchNumber.Next(time).ShouldBeGreaterThan(numbers.Max());
    }

    private async Task<NpgsqlConnection> BeganAsync(params string[] statements)
    {
        var connection = new NpgsqlConnection(_connection);
        await connection.OpenAsync();
        foreach (var statement in statements.Prepend("BEGIN"))
            await Sql.ExecuteAsync(connection, statement, default);
        return connection;
    }

    private static SecurityEvent Fresh() => Some.Event() with { Id = EventId.Create(DateTimeOffset.UnixEpoch) };

    private Task<PostgresJournalStore> OpenAsync(PostgresOptions? options = null) =>
        PostgresJournalStore.OpenAsync(_connection, TimeProvider.System, options ?? new PostgresOptions { CopyFrom = 100 }, default);

    private sealed class Log : ILogger
    {
        public ConcurrentQueue<string> Lines { get; } = [];

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        void ILogger.Log<TState>(LogLevel logLevel, Microsoft.Extensions.Logging.EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) => Lines.Enqueue(formatter(state, exception));
    }
}
