using System.Globalization;
using System.Text;
using Tocsin.Engines.Sqlite;
using Tocsin.Journal;

namespace Tocsin.Benchmarks;

/// <summary>Writes incidents of so many employees into a data folder, for runs that begin with a full store.</summary>
internal static class FillStore
{
    private const int Batch = 10_000;

    public static async Task<int> RunAsync(TextWriter output, string folder, int incidents, int employees)
    {
        await using var store = SqliteJournalStore.Open(folder, TimeProvider.System);
        var dedupe = new DedupeKey(store.Info);
        var random = new Random(7);
        for (var written = 0; written < incidents; written += Batch)
            await store.CommitAsync([new Append { Entries = [.. Enumerable.Range(written, Math.Min(Batch, incidents - written)).Select(n => Event(n, employees, dedupe, random))] }], default);
        output.WriteLine($"{store.Head} entries in {folder}");
        return 0;
    }

    private static SecurityEvent Event(int n, int employees, DedupeKey dedupe, Random random)
    {
        var user = (10 + random.Next(employees)).ToString(CultureInfo.InvariantCulture);
        var priority = (Priority)random.Next(1, 5);
        var time = EventTime.FromStored(16_292_543_110_000_000 + (n * 6_048_000L) + random.Next(6_000_000), 700);
        return new SecurityEvent
        {
            Id = dedupe.OfExternalId("fill", n.ToString(CultureInfo.InvariantCulture)),
            Kind = EventKind.Incident,
            Type = "denial",
            Source = "elevate",
            Priority = priority,
            Time = time,
            ReceivedAt = time.ToDateTimeOffset(),
            UserId = user,
            Attribution = Attribution.FromRecord,
            SrcIp = "112.248.31.181",
            Data = new RawRecord(Encoding.UTF8.GetBytes(
                $$"""{"priority": "{{priority.Name()}}", "reported_by": {{user}}, "timestamp": {{time.ToUnixSeconds()}}, "source_ip": "112.248.31.181"}""")),
        };
    }
}
