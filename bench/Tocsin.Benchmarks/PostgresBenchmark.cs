using System.Diagnostics;
using System.Globalization;
using Npgsql;
using NpgsqlTypes;
using Tocsin.Benchmarks.Load;
using Tocsin.Engines.Postgres;
using Tocsin.Journal;

namespace Tocsin.Benchmarks;

/// <summary>
/// The events of <see cref="RawBenchmark"/> into the PostgreSQL engine, and, with <c>--beside</c>, the same rows by plain COPY into the same tables with the
/// same indexes of a second database, commit by commit in turns: what the contract costs. Only the commits are timed.
/// </summary>
internal static class PostgresBenchmark
{
    public static async Task<int> RunAsync(TextWriter output, Options options)
    {
        var connection = options.Text("connection") ?? throw new ArgumentException("--connection \"Host=...\" names an empty database");
        var beside = options.Text("beside");
        var total = (long)options.Number("total", 1_000_000);
        var group = options.Number("group", 10_000);
        var nodes = options.Number("nodes", 1);
        var (keyed, days) = (options.Flag("keyed"), options.Number("days", 0));
        var engine = new PostgresOptions { CopyFrom = options.Number("copy-from", new PostgresOptions().CopyFrom) };
        var progress = new Progress(output, total, options.Number("every", 250_000));
        options.EnsureAllKnown();
        var samples = new Samples();
        var times = new TimePatch(days, total);
        await using var raw = beside is null ? null : await PlainCopy.OpenAsync(beside, total);
        var began = Stopwatch.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, nodes).Select(node => Task.Run(async () =>
        {
            await using var store = await PostgresJournalStore.OpenAsync(connection, TimeProvider.System, engine, default);
            var dedupe = keyed ? new DedupeKey(store.Info) : null;
            for (var first = (long)node * group; first < total; first += (long)group * nodes)
            {
                var now = TimeProvider.System.GetUtcNow();
                var entries = new Entry[Math.Min(group, total - first)];
                for (var i = 0; i < entries.Length; i++)
                    entries[i] = samples[first + i].ToEvent(first + i, DateTimeOffset.FromUnixTimeMilliseconds(times.Of(first + i)), now, dedupe);
                var start = Stopwatch.GetTimestamp();
                var results = await store.CommitAsync([new Append { Entries = entries }], default);
                var took = Stopwatch.GetTimestamp() - start;
                if (results[0].Status != AppendStatus.Committed || results[0].Entries.Any(entry => entry.Status != EntryStatus.Created))
                    throw new InvalidOperationException($"The commit at {first} was {results[0].Status}, or something in it was there already.");
                if (raw is not null)
                    await raw.CommitAsync(first, entries);
                lock (progress)
                    progress.Add(nodes == 1 ? progress.Elapsed + took : Stopwatch.GetTimestamp() - began, took, entries.Length);
            }
        })));
        var (all, firstRate, last, ratio) = progress.Rates();
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"postgres: {total:N0} events, {group:N0} a commit, {nodes} nodes: {all:N0} events/s; first {firstRate:N0}, last {last:N0}, ratio {ratio:F2}; a commit {progress.All}"));
        if (raw is not null)
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"plain COPY beside it: {total / raw.Elapsed.TotalSeconds:N0} events/s; ours is {all / (total / raw.Elapsed.TotalSeconds):F2} of it"));
        return 0;
    }

    /// <summary>No judging, no order among nodes: rows and keys by COPY, and a commit.</summary>
    private sealed class PlainCopy(NpgsqlConnection connection) : IAsyncDisposable
    {
        public TimeSpan Elapsed { get; private set; }

        public static async Task<PlainCopy> OpenAsync(string connection, long total)
        {
            await (await PostgresJournalStore.OpenAsync(connection, TimeProvider.System, null, default)).DisposeAsync();
            await using var database = new PostgresDatabase(PostgresDatabase.Parse(connection));
            await new PartitionMaker(database, new PostgresOptions().PartitionRows).EnsureAsync(total, default);
            return new PlainCopy(await database.OpenOwnAsync(default));
        }

        public async Task CommitAsync(long first, Entry[] entries)
        {
            var start = Stopwatch.GetTimestamp();
            await Sql.ExecuteAsync(connection, "BEGIN", default);
            if (((SecurityEvent)entries[0]).Id.IsKeyed)
            {
                await using var keys = await connection.BeginBinaryImportAsync("COPY tocsin.key FROM STDIN (FORMAT BINARY)");
                for (var i = 0; i < entries.Length; i++)
                {
                    await keys.StartRowAsync();
                    await keys.WriteAsync(((SecurityEvent)entries[i]).Id.Value, NpgsqlDbType.Uuid);
                    await keys.WriteAsync(((SecurityEvent)entries[i]).Fingerprint, NpgsqlDbType.Bigint);
                    await keys.WriteAsync(1L, NpgsqlDbType.Bigint);
                    await keys.WriteAsync(i, NpgsqlDbType.Integer);
                }
                await keys.CompleteAsync();
            }
            await EventRows.CopyAsync(connection, [.. entries.Select((entry, i) => (first + i + 1, (SecurityEvent)entry))], default);
            await Sql.ExecuteAsync(connection, "COMMIT", default);
            Elapsed += Stopwatch.GetElapsedTime(start);
        }

        public ValueTask DisposeAsync() => connection.DisposeAsync();
    }
}
