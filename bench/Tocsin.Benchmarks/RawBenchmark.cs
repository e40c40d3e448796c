using System.Diagnostics;
using Tocsin.Benchmarks.Load;
using Tocsin.Engines.Sqlite;
using Tocsin.Journal;

namespace Tocsin.Benchmarks;

/// <summary>
/// The events of <see cref="PushBenchmark"/> straight into the engine: what it takes raw. Only the commits are timed. Also fills a folder that
/// is then served, where the door need not be asked.
/// </summary>
internal static class RawBenchmark
{
    public static async Task<int> RunAsync(TextWriter output, Options options)
    {
        var total = (long)options.Number("total", 10_000_000);
        var group = options.Number("group", 10_000);
        var keyed = options.Flag("keyed");
        var days = options.Number("days", 0);
        var keep = options.Text("keep");
        var parent = options.Text("dir", Path.GetTempPath());
        var progress = new Progress(output, total, options.Number("every", 250_000));
        options.EnsureAllKnown();
        var folder = keep ?? Path.Combine(parent, $"tocsin-raw-{Guid.NewGuid():N}");
        Directory.CreateDirectory(folder);
        output.WriteLine($"raw: {total:N0} events, {group:N0} a commit, {(keyed ? "with" : "without")} external ids");
        try
        {
            await using (var store = SqliteJournalStore.Open(folder, TimeProvider.System))
                await CommitAsync(store, progress, new TimePatch(days, total), total, group, keyed);
            var (all, first, last, ratio) = progress.Rates();
            var bytes = Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Sum(file => new FileInfo(file).Length);
            output.WriteLine($"overall {all:N0} events/s; first million {first:N0}, last million {last:N0}, ratio {ratio:F2}; a commit {progress.All}; {bytes / total} bytes an event");
            output.WriteLine($"result rate={all:F0} first={first:F0} last={last:F0} ratio={ratio:F3} bytes={bytes}");
            return 0;
        }
        finally
        {
            if (keep is null)
                Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task CommitAsync(SqliteJournalStore store, Progress progress, TimePatch times, long total, int group, bool keyed)
    {
        var samples = new Samples();
        var dedupe = keyed ? new DedupeKey(store.Info) : null;
        var elapsed = 0L;
        for (var first = 0L; first < total; first += group)
        {
            var now = TimeProvider.System.GetUtcNow();
            var entries = new Entry[Math.Min(group, total - first)];
            for (var i = 0; i < entries.Length; i++)
                entries[i] = samples[first + i].ToEvent(first + i, DateTimeOffset.FromUnixTimeMilliseconds(times.Of(first + i)), now, dedupe);
            var began = Stopwatch.GetTimestamp();
            var results = await store.CommitAsync([new Append { Entries = entries }], default);
            var took = Stopwatch.GetTimestamp() - began;
            if (results[0].Status != AppendStatus.Committed || results[0].Entries.Any(entry => entry.Status != EntryStatus.Created))
                throw new InvalidOperationException($"The commit at {first} was {results[0].Status}, or something in it was there already.");
            progress.Add(elapsed += took, took, entries.Length);
        }
    }
}
