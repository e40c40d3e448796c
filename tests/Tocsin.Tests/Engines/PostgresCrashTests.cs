using Tocsin.Engines.Postgres;
using Tocsin.Journal;

namespace Tocsin.Tests.Engines;

/// <summary>The server vanishes in the midst of commits: what was acknowledged is there, nothing is there twice, and it goes on by itself.</summary>
public sealed class PostgresCrashTests
{
    private const int Kills = 4;
    private const int Nodes = 2;

    [Fact]
    public async Task A_server_that_is_killed_loses_nothing_that_was_acknowledged_and_doubles_nothing()
    {
        await using var server = await PostgresCluster.StartAsync(isDurable: true);
        var connection = await server.CreateJournalAsync();
        var stores = new List<PostgresJournalStore>();
        for (var i = 0; i < Nodes; i++)
            stores.Add(await OpenAsync(connection));
        using var stop = new CancellationTokenSource();
        var acknowledged = 0;
        var writers = stores.Select((store, n) => Task.Run(() => WriteAsync(store, n, () => Interlocked.Increment(ref acknowledged), stop.Token))).ToArray();
        for (var kill = 0; kill < Kills; kill++)
        {
            var before = Volatile.Read(ref acknowledged);
            await Until.TrueAsync(() => Volatile.Read(ref acknowledged) > before + 20);
            await server.KillAsync();
            await server.StartAsync();
        }
        var after = Volatile.Read(ref acknowledged);
        await Until.TrueAsync(() => Volatile.Read(ref acknowledged) > after + 20);
        await stop.CancelAsync();
        var told = (await Until.DoneAsync(Task.WhenAll(writers))).SelectMany(written => written).ToDictionary();

        await using var fresh = await OpenAsync(connection);
        var stored = new List<Sequenced>();
        while (stored.Count < fresh.Head)
            stored.AddRange(await fresh.ReadAsync(stored.Count, 10_000, default));
        stored.Select(entry => entry.Sequence).ShouldBe(Enumerable.Range(1, stored.Count).Select(i => (long)i));
        var ids = stored.ToDictionary(entry => ((SecurityEvent)entry.Entry).Id, entry => entry.Sequence);
        foreach (var (id, sequence) in told)
            ids[id].ShouldBe(sequence);
        // What has no key is never sent twice: each commit that said it failed left nothing behind.
        ids.Count.ShouldBe(told.Count);
        foreach (var store in stores)
        {
            (await store.CommitAsync([new Append()], default))[0].Status.ShouldBe(AppendStatus.Committed);
            await store.DisposeAsync();
        }
    }

    /// <summary>Events without keys, some commits large; what a commit says is what was written.</summary>
    private static async Task<Dictionary<EventId, long>> WriteAsync(PostgresJournalStore store, int node, Action acknowledge, CancellationToken stop)
    {
        var told = new Dictionary<EventId, long>();
        for (var round = 0; !stop.IsCancellationRequested; round++)
        {
            var events = Enumerable.Range(0, round % 5 == 0 ? 250 : 3).Select(_ => Some.Event() with { Id = EventId.Create(DateTimeOffset.UnixEpoch) }).ToArray();
            try
            {
                var result = (await store.CommitAsync([new Append { Entries = events, State = [new($"n{node}", "round", [1])] }], default))[0];
                foreach (var (e, entry) in events.Zip(result.Entries))
                    told.Add(e.Id, entry.Sequence);
                acknowledge();
            }
            catch (JournalUnavailableException error)
            {
                error.Message.ShouldStartWith("PostgreSQL cannot be used now");
                await Task.Yield();
            }
        }
        return told;
    }

    private static Task<PostgresJournalStore> OpenAsync(string connection) => PostgresJournalStore.OpenAsync(connection, TimeProvider.System, new PostgresOptions { CopyFrom = 100 }, default);
}
