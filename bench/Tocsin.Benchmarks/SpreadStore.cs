using Tocsin.Benchmarks.Load;
using Tocsin.Engines.Sqlite;
using Tocsin.Journal;

namespace Tocsin.Benchmarks;

/// <summary>
/// Fills a folder with what a dashboard has behind it: the events of the load over 30 days, 4 of 10 of them incidents and 2 of 10 alerts, of every
/// priority, some of nobody known. Straight into the engine.
/// </summary>
internal static class SpreadStore
{
    private const int Group = 10_000;
    private const int Days = 30;

    public static async Task<int> RunAsync(TextWriter output, Options options)
    {
        var folder = options.Text("dir") ?? throw new ArgumentException("--dir is needed");
        var total = options.Number("total", 1_000_000);
        options.EnsureAllKnown();
        var samples = new Samples();
        var times = new TimePatch(Days, total);
        var random = new Random(5);
        var began = TimeProvider.System.GetTimestamp();
        await using var store = SqliteJournalStore.Open(folder, TimeProvider.System);
        for (var first = 0; first < total; first += Group)
        {
            var entries = Enumerable.Range(first, Math.Min(Group, total - first)).Select(n => (Entry)Event(samples[n], n, DateTimeOffset.FromUnixTimeMilliseconds(times.Of(n)), random)).ToArray();
            var results = await store.CommitAsync([new Append { Entries = [.. entries] }], default);
            if (results[0].Status != AppendStatus.Committed)
                throw new InvalidOperationException($"The commit at {first} was {results[0].Status}.");
        }
        output.WriteLine($"spread: {store.Head:N0} events over {Days} days in {TimeProvider.System.GetElapsedTime(began).TotalSeconds:F1} s");
        return 0;
    }

    private static SecurityEvent Event(Sample sample, long n, DateTimeOffset time, Random random)
    {
        var e = sample.ToEvent(n, time, time, dedupe: null);
        var kind = random.Next(10) switch { < 4 => EventKind.Incident, < 6 => EventKind.Alert, _ => EventKind.Audit };
        var isOfNobody = kind != EventKind.Audit && random.Next(50) == 0;
        return e with
        {
            Kind = kind,
            Priority = kind == EventKind.Audit ? e.Priority : (Priority)random.Next(1, 5),
            Device = kind == EventKind.Alert ? e.Device ?? "device-01" : e.Device,
            UserId = isOfNobody ? null : e.UserId,
            Attribution = isOfNobody ? Attribution.Nobody : e.Attribution,
        };
    }
}
