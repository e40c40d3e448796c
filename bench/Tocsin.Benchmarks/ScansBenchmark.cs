using System.Diagnostics;
using Tocsin.Benchmarks.Load;

namespace Tocsin.Benchmarks;

/// <summary>Searches without an index, <c>q</c> and <c>data.path</c>: time to the answer, and whether it was said to be partial. With --seconds it goes on that long.</summary>
internal static class ScansBenchmark
{
    private static readonly (string Name, string Query)[] Searches =
    [
        ("q many", "q=invoice"),
        ("q none", "q=zzq-not-there"),
        ("q none within a type", "q=zzq-not-there&type=auth.read"),
        ("data.status many", "data.status=403"),
        ("data.session few", "data.session={0}"),
        ("data.session none", "data.session=zzq-not-there"),
        ("data.nowhere none", "data.nowhere.at.all=1"),
    ];

    public static async Task<int> RunAsync(TextWriter output, Options options)
    {
        var target = Target.From(options);
        var requests = options.Number("requests", 3);
        var seconds = options.Number("seconds", 0);
        options.EnsureAllKnown();
        var session = System.Text.Json.JsonElement.Parse(new Samples()[31_000].Data).GetProperty("session").GetString();
        using var wire = await Wire.ConnectAsync(target);
        var all = new Latencies();
        var errors = 0;
        var partial = 0;
        var began = Stopwatch.GetTimestamp();
        do
        {
            foreach (var (name, query) in Searches)
            {
                var request = target.Get("/events?limit=100&" + query.Replace("{0}", session, StringComparison.Ordinal));
                var latencies = new Latencies();
                var (hits, said) = (0, 0);
                for (var i = 0; i < requests; i++)
                {
                    var sent = Stopwatch.GetTimestamp();
                    var reply = await wire.AskAsync(request);
                    var took = Stopwatch.GetTimestamp() - sent;
                    latencies.Record(took);
                    all.Record(took);
                    hits += reply.Body.Span.Count("\"sequence\":"u8);
                    said += reply.Header("Tocsin-Partial") is null ? 0 : 1;
                    if (reply.Status != 200 && errors++ == 0)
                        output.WriteLine($"not 200: {name}: {reply.Describe()}");
                }
                partial += said;
                output.WriteLine($"{name,-24} {requests} x {hits / (double)requests,5:F1} events, {said} partial   {latencies}");
            }
        } while (Stopwatch.GetElapsedTime(began).TotalSeconds < seconds);
        output.WriteLine($"result requests={all.Count} p50_ms={all.Ms(0.5):F1} p99_ms={all.Ms(0.99):F1} max_ms={all.MaxMs:F1} partial={partial} errors={errors}");
        return errors == 0 ? 0 : 1;
    }
}
