using System.Diagnostics;
using Tocsin.Benchmarks.Load;

namespace Tocsin.Benchmarks;

/// <summary>NDJSON through the push door over so many connections up to so many events. Every answer's count is checked.</summary>
internal sealed class PushBenchmark
{
    private readonly TextWriter _output;
    private readonly Target _target;
    private readonly long _total;
    private readonly int _batch;
    private readonly int _connections;
    private readonly int _days;
    private readonly BatchRequests _requests;
    private readonly Progress _progress;
    private long _next;
    private long _began;
    private int _waits;
    private int _errors;
    private string? _firstError;

    private PushBenchmark(TextWriter output, Options options)
    {
        _output = output;
        _target = Target.From(options);
        _batch = options.Number("batch", 1_000);
        _connections = options.Number("connections", 16);
        _next = (long)options.Number("first", 0) / _batch * _batch;
        _total = (((long)options.Number("total", 10_000_000) + _batch - 1) / _batch * _batch) + _next;
        _days = options.Number("days", 0);
        var keyed = options.Flag("keyed");
        _progress = new Progress(output, _total - _next, options.Number("every", 250_000));
        options.EnsureAllKnown();
        _requests = new BatchRequests(_target, new Samples(), _batch, keyed);
        output.WriteLine($"push: {_total - _next:N0} events, {_batch:N0} a request, {_connections} connections, {(keyed ? "with" : "without")} external ids, {_requests.BytesAnEvent} bytes of JSON an event");
    }

    public static Task<int> RunAsync(TextWriter output, Options options) => new PushBenchmark(output, options).RunAsync();

    private async Task<int> RunAsync()
    {
        GC.Collect();
        var cost = new OwnCost();
        _began = Stopwatch.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, _connections).Select(_ => PushAsync()));
        var (all, first, last, ratio) = _progress.Rates();
        _output.WriteLine($"overall {all:N0} events/s; first million {first:N0}, last million {last:N0}, ratio {ratio:F2}; {_progress.All}");
        _output.WriteLine($"{_waits} answers asked to wait, {_errors} errors{(_firstError is null ? "" : ", the first: " + _firstError)}; {cost}");
        _output.WriteLine($"result rate={all:F0} first={first:F0} last={last:F0} ratio={ratio:F3} p50_ms={_progress.All.Ms(0.5):F2} p99_ms={_progress.All.Ms(0.99):F2} cpu_s={cost.CpuSeconds:F1} waits={_waits} errors={_errors}");
        return _errors == 0 ? 0 : 1;
    }

    private async Task PushAsync()
    {
        using var wire = await Wire.ConnectAsync(_target);
        var times = new TimePatch(_days, _total);
        var buffer = new byte[_requests.LargestRequest];
        for (var first = Interlocked.Add(ref _next, _batch) - _batch; first < _total; first = Interlocked.Add(ref _next, _batch) - _batch)
        {
            var length = _requests.Write(buffer, first, times);
            while (true)
            {
                var sent = Stopwatch.GetTimestamp();
                var reply = await wire.AskAsync(buffer.AsMemory(0, length));
                var now = Stopwatch.GetTimestamp();
                if (reply.AsksToWait(out var wait))
                {
                    Interlocked.Increment(ref _waits);
                    await Task.Delay(wait, TimeProvider.System);
                    continue;
                }
                Check(reply);
                _progress.Add(now - _began, now - sent, _batch);
                break;
            }
        }
    }

    private void Check(in Reply reply)
    {
        if (_target.IsAsync ? reply.Status == 202 && reply.Number("\"accepted\":"u8) == _batch : reply.Status == 200 && reply.Number("\"created\":"u8) == _batch)
            return;
        Interlocked.CompareExchange(ref _firstError, reply.Describe(), null);
        if (Interlocked.Increment(ref _errors) >= 100)
            throw new IOException($"A hundred answers were not as they should be; the first: {_firstError}");
    }
}
