using System.Diagnostics;
using System.Globalization;
using System.Text;
using Tocsin.Projections;

namespace Tocsin.Benchmarks;

/// <summary>A million incidents of ten thousand employees: what the board costs to build, to hold, to ask and to change.</summary>
internal static class BoardBenchmark
{
    private const int Incidents = 1_000_000;
    private const int Employees = 10_000;
    private const int BatchEntries = 10_000;
    private const int Changes = 10_000;
    private const int Seed = 7;
    private const double FirstSecond = 1_629_254_311;

    private static readonly string[] Types = ["denial", "executable", "intrusion", "misuse", "other", "probing", "unauthorized"];
    private static readonly BoardQuery WholeBoard = new();

    public static int Run(TextWriter report)
    {
        var random = new Random(Seed);
        var before = ResidentMegabytes();
        var board = new IncidentBoard(Guid.Empty, 2 * Incidents);
        Build(board, random, report);
        report.WriteLine($"resident as is: {ResidentMegabytes() - before:N0} MB more than before");
        Report(report, "forced collection", () => GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true));
        report.WriteLine($"after a forced collection: {ResidentMegabytes() - before:N0} MB more than before, managed heap {GC.GetTotalMemory(true) >> 20:N0} MB");

        BoardAnswer answer = null!;
        Report(report, "first full answer", () => answer = board.Get(WholeBoard));
        Report(report, "  writing it to nowhere", () => answer.Body.WriteToAsync(Stream.Null, CancellationToken.None).AsTask().Wait());
        report.WriteLine($"  {answer.Body.Length:N0} bytes");
        Report(report, "first gzip", () => _ = answer.Gzip);
        report.WriteLine($"  {answer.Gzip.Length:N0} bytes");
        Report(report, "filtered: priority=critical", () => answer = board.Get(new BoardQuery { Priorities = [Priority.Critical] }));
        report.WriteLine($"  {answer.Body.Length:N0} bytes");
        Report(report, "filtered: per_priority=1", () => answer = board.Get(new BoardQuery { PerPriority = 1 }));
        report.WriteLine($"  {answer.Body.Length:N0} bytes");
        Apply(board, random);
        Report(report, "gzip after one change", () => _ = board.Get(WholeBoard).Gzip);

        Distribution(report, "one incident, its employee's answer", board, random, (b, userId) => b.Employee(userId)!.Body.Length);
        Distribution(report, "one incident, the full answer", board, random, (b, _) => b.Get(WholeBoard).Body.Length);
        report.WriteLine($"resident at the end: {ResidentMegabytes() - before:N0} MB more than before");
        return 0;
    }

    private static void Build(IncidentBoard board, Random random, TextWriter report)
    {
        var clock = new Stopwatch();
        var longest = TimeSpan.Zero;
        while (board.Sequence < Incidents)
        {
            var batch = new Sequenced[BatchEntries];
            for (var i = 0; i < batch.Length; i++)
                batch[i] = Incident(board.Sequence + 1 + i, random, out _);
            var start = clock.Elapsed;
            clock.Start();
            board.Apply(batch);
            clock.Stop();
            longest = clock.Elapsed - start > longest ? clock.Elapsed - start : longest;
        }
        clock.Start();
        board.Flush();
        clock.Stop();
        report.WriteLine($"build, {Incidents:N0} incidents of {Employees:N0} employees: {clock.ElapsedMilliseconds:N0} ms (longest batch {longest.TotalMilliseconds:N0} ms)");
    }

    private static void Distribution(TextWriter report, string name, IncidentBoard board, Random random, Func<IncidentBoard, string, long> ask)
    {
        var times = new double[Changes];
        for (var i = 0; i < Changes; i++)
        {
            var entry = Incident(board.Sequence + 1, random, out var userId);
            var start = Stopwatch.GetTimestamp();
            board.Apply([entry]);
            ask(board, userId);
            times[i] = Stopwatch.GetElapsedTime(start).TotalMicroseconds;
        }
        Array.Sort(times);
        report.WriteLine($"{name}: p50 {times[Changes / 2]:N0} us, p99 {times[Changes * 99 / 100]:N0} us, max {times[^1]:N0} us");
    }

    private static void Apply(IncidentBoard board, Random random) => board.Apply([Incident(board.Sequence + 1, random, out _)]);

    private static Sequenced Incident(long sequence, Random random, out string userId)
    {
        var seconds = (FirstSecond + (sequence * 0.6) + random.NextDouble()).ToString("F7", CultureInfo.InvariantCulture);
        var priority = (Priority)random.Next(1, 5);
        userId = (100_000 + random.Next(Employees)).ToString(CultureInfo.InvariantCulture);
        var record = $"{{\"priority\": \"{priority.Name()}\", \"internal_ip\": \"{Address(random)}\", \"source_ip\": \"{Address(random)}\", \"timestamp\": {seconds}}}";
        if (!EventTime.TryParseNumber(Encoding.UTF8.GetBytes(seconds), out var time))
            throw new InvalidOperationException($"{seconds} is no time.");
        Span<byte> id = stackalloc byte[EventId.SizeInBytes];
        random.NextBytes(id);
        return new Sequenced(sequence, new SecurityEvent
        {
            Id = EventId.FromKey(id),
            Kind = EventKind.Incident,
            Type = Types[random.Next(Types.Length)],
            Source = "elevate",
            Priority = priority,
            Time = time,
            ReceivedAt = time.ToDateTimeOffset(),
            UserId = userId,
            Data = new RawRecord(Encoding.UTF8.GetBytes(record)),
        });
    }

    private static string Address(Random random) => $"{random.Next(1, 224)}.{random.Next(256)}.{random.Next(256)}.{random.Next(1, 255)}";

    private static void Report(TextWriter report, string name, Action work)
    {
        var start = Stopwatch.GetTimestamp();
        work();
        report.WriteLine($"{name}: {Stopwatch.GetElapsedTime(start).TotalMilliseconds:N1} ms");
    }

    private static double ResidentMegabytes()
    {
        using var process = Process.GetCurrentProcess();
        return process.WorkingSet64 / 1048576.0;
    }
}
