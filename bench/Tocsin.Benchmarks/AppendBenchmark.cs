using System.Diagnostics;
using System.Globalization;
using System.Text;
using Tocsin.Engines.Sqlite;
using Tocsin.Journal;

namespace Tocsin.Benchmarks;

/// <summary>Raw append into the SQLite engine, batches of 10,000, the whole contract: does the rate hold as the journal grows?</summary>
internal static class AppendBenchmark
{
    private const int Batch = 10_000;
    private const int Window = 250_000;

    public static async Task<int> RunAsync(TextWriter output, int total, bool keyed)
    {
        var folder = Directory.CreateTempSubdirectory("tocsin-append-").FullName;
        try
        {
            await using var store = SqliteJournalStore.Open(folder, TimeProvider.System);
            var dedupe = new DedupeKey(store.Info);
            output.WriteLine($"SQLite {store.Info.EngineVersion}, batches of {Batch}, {(keyed ? "ids made from external ids (random)" : "ids made from the clock")}");
            var clock = new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
            double first = 0, last = 0;
            for (var written = 0; written < total; written += Window)
            {
                var elapsed = TimeSpan.Zero;
                for (var i = 0; i < Window; i += Batch)
                {
                    var entries = Enumerable.Range(written + i, Math.Min(Batch, Window - i)).Select(n => (Entry)Event(n, clock, keyed ? dedupe : null)).ToArray();
                    var start = Stopwatch.GetTimestamp();
                    await store.CommitAsync([new Append { Entries = entries }], default);
                    elapsed += Stopwatch.GetElapsedTime(start);
                }
                last = Window / elapsed.TotalSeconds;
                if (written == 0)
                    first = last;
                output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{written + Window,10:N0} events  {last,10:N0} rows/s"));
            }
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"ratio last/first {last / first:F2}   {new FileInfo(Path.Combine(folder, "journal.db")).Length / total} bytes an event"));
            return 0;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static SecurityEvent Event(int n, DateTimeOffset clock, DedupeKey? dedupe)
    {
        var at = clock.AddMilliseconds(n);
        var user = (n * 7919 % 10_000).ToString(CultureInfo.InvariantCulture);
        return new SecurityEvent
        {
            Id = dedupe?.OfExternalId("bench", n.ToString(CultureInfo.InvariantCulture)) ?? EventId.Create(at),
            Kind = EventKind.Incident,
            Type = "denial",
            Source = "elevate",
            Priority = (Priority)(1 + (n % 4)),
            Time = EventTime.From(at),
            ReceivedAt = at,
            UserId = user,
            Attribution = Attribution.FromRecord,
            SrcIp = "112.248.31.181",
            Data = new RawRecord(Encoding.UTF8.GetBytes(
                $$"""{"priority": "critical", "reported_by": {{user}}, "timestamp": 1629254311.8207245, "source_ip": "112.248.31.181", "n": {{n}}}""")),
        };
    }
}
