using System.Diagnostics;
using System.Text;
using Tocsin.Benchmarks.Load;

namespace Tocsin.Benchmarks;

/// <summary>One event a request over so many connections for so many seconds; beside one connection, what the disk alone takes.</summary>
internal sealed class SingleBenchmark
{
    private const int RequestsPrepared = 4_096;

    private readonly Target _target;
    private readonly Samples _samples = new();
    private readonly Latencies _latencies = new();
    private readonly bool _keyed;
    private readonly int _connections;
    private long _next;
    private long _measureFrom;
    private long _end;
    private int _waits;
    private int _errors;
    private string? _firstError;

    private SingleBenchmark(Target target, int connections, bool keyed) => (_target, _connections, _keyed) = (target, connections, keyed);

    public static async Task<int> RunAsync(TextWriter output, Options options)
    {
        var target = Target.From(options);
        var connections = options.Number("connections", 256);
        var seconds = options.Number("seconds", 10);
        var warm = options.Number("warm", 2);
        var disk = options.Text("disk");
        var single = new SingleBenchmark(target, connections, options.Flag("keyed"));
        options.EnsureAllKnown();
        var before = disk is null ? null : DiskBenchmark.Measure(disk, 1_000);
        await single.RunAsync(output, warm, seconds);
        var after = disk is null ? null : DiskBenchmark.Measure(disk, 1_000);
        if (before is not null && after is not null)
            output.WriteLine($"the disk alone, 4 KiB appended and synced: p50 {before.Ms(0.5):F3} ms before, {after.Ms(0.5):F3} ms after; the request's p50 is {single._latencies.Ms(0.5) - Math.Min(before.Ms(0.5), after.Ms(0.5)):F3} ms above the lower");
        return single._errors == 0 ? 0 : 1;
    }

    private async Task RunAsync(TextWriter output, int warm, int seconds)
    {
        var mine = Math.Max(1, RequestsPrepared / _connections);
        var requests = Enumerable.Range(0, _connections).Select(c => Enumerable.Range(c * mine, mine).Select(Prepare).ToArray()).ToArray();
        var cost = new OwnCost();
        _measureFrom = Stopwatch.GetTimestamp() + (warm * Stopwatch.Frequency);
        _end = _measureFrom + (seconds * Stopwatch.Frequency);
        await Task.WhenAll(requests.Select(PostAsync));
        var rate = _latencies.Count / (double)seconds;
        output.WriteLine($"single: {_connections} connections, {seconds} s after {warm} s of warm-up: {rate:N0} events/s, {_latencies}");
        output.WriteLine($"{_waits} answers asked to wait, {_errors} errors{(_firstError is null ? "" : ", the first: " + _firstError)}; {cost}");
        output.WriteLine($"result rate={rate:F0} p50_ms={_latencies.Ms(0.5):F3} p90_ms={_latencies.Ms(0.9):F3} p99_ms={_latencies.Ms(0.99):F3} max_ms={_latencies.MaxMs:F2} errors={_errors}");
    }

    private (byte[] Bytes, int TimeAt, int IdAt) Prepare(int n)
    {
        var body = Encoding.UTF8.GetBytes(_samples[n].ToJson(_keyed));
        var bytes = _target.Post("/event", "application/json", body);
        return (bytes, Behind(bytes, "\"time\":\""u8), _keyed ? Behind(bytes, "\"external_id\":\"e"u8) : -1);
    }

    private async Task PostAsync((byte[] Bytes, int TimeAt, int IdAt)[] requests)
    {
        using var wire = await Wire.ConnectAsync(_target);
        var times = new TimePatch(0, 1);
        for (var turn = 0; Stopwatch.GetTimestamp() < _end; turn++)
        {
            var (bytes, timeAt, idAt) = requests[turn % requests.Length];
            var n = Interlocked.Increment(ref _next);
            times.Write(bytes.AsSpan(timeAt), n);
            if (idAt >= 0)
                TimePatch.Digits(bytes.AsSpan(idAt, Sample.ExternalIdLength - 1), n);
            var sent = Stopwatch.GetTimestamp();
            var reply = await wire.AskAsync(bytes);
            var now = Stopwatch.GetTimestamp();
            if (reply.AsksToWait(out var wait))
            {
                Interlocked.Increment(ref _waits);
                await Task.Delay(wait, TimeProvider.System);
                continue;
            }
            if (reply.Status != (_target.IsAsync ? 202 : 201))
                Refused(reply);
            else if (sent >= _measureFrom && now <= _end)
                _latencies.Record(now - sent);
        }
    }

    private void Refused(in Reply reply)
    {
        Interlocked.CompareExchange(ref _firstError, reply.Describe(), null);
        if (Interlocked.Increment(ref _errors) >= 1_000)
            throw new IOException($"A thousand answers were not 201; the first: {_firstError}");
    }

    private static int Behind(ReadOnlySpan<byte> bytes, ReadOnlySpan<byte> name) => bytes.IndexOf(name) + name.Length;
}
