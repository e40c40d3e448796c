using System.Buffers.Text;
using System.Diagnostics;
using System.Text;
using Tocsin.Benchmarks.Load;

namespace Tocsin.Benchmarks;

/// <summary>
/// Goes through all events page by page, newest first and oldest first, while others are pushed. Every event that was there before, made by
/// <c>push --keyed --total N</c> and so known by its external id, must come exactly once.
/// </summary>
internal sealed class WalkBenchmark
{
    private const long MostPushed = 10_000_000;

    private readonly TextWriter _output;
    private readonly Target _target;
    private readonly int _total;
    private readonly int _rate;
    private readonly int _limit;
    private readonly Samples _samples = new();
    private readonly string _run = Guid.NewGuid().ToString("N")[..8];
    private long _pushed;

    private WalkBenchmark(TextWriter output, Options options)
    {
        _output = output;
        _target = Target.From(options);
        _total = options.Number("total", 1_000_000);
        _rate = options.Number("rate", 1_000);
        _limit = options.Number("limit", 1_000);
        options.EnsureAllKnown();
    }

    public static Task<int> RunAsync(TextWriter output, Options options) => new WalkBenchmark(output, options).RunAsync();

    private async Task<int> RunAsync()
    {
        using var stop = new CancellationTokenSource();
        var pacer = new Pacer(_rate, 8);
        var pushing = pacer.RunAsync(_target, MostPushed, PushAsync, stop.Token);
        var good = await WalkAsync("desc") & await WalkAsync("asc");
        await stop.CancelAsync();
        await pushing;
        _output.WriteLine($"pushed meanwhile: {Volatile.Read(ref _pushed):N0} events, {pacer.Errors} errors{(pacer.FirstError is null ? "" : ", the first: " + pacer.FirstError)}");
        return good && pacer.Errors == 0 ? 0 : 1;
    }

    private async ValueTask<string?> PushAsync(Wire wire, long n)
    {
        var body = $$"""{"external_id":"w{{_run}}-{{n}}",""" + _samples[n].ToJson(keyed: false)[1..].Replace($"\"time\":\"{new string('0', TimePatch.Length)}\",", "", StringComparison.Ordinal);
        var reply = await wire.AskAsync(_target.Post("/event", "application/json", Encoding.UTF8.GetBytes(body)));
        Interlocked.Increment(ref _pushed);
        return reply.Status == 201 ? null : reply.Describe();
    }

    private async Task<bool> WalkAsync(string order)
    {
        using var wire = await Wire.ConnectAsync(_target);
        var seen = new ulong[(_total / 64) + 1];
        var later = new HashSet<string>(StringComparer.Ordinal);
        long found = 0, doubles = 0, laterDoubles = 0, foreign = 0;
        int pages = 0, partial = 0;
        var latencies = new Latencies();
        var pushedBefore = Volatile.Read(ref _pushed);
        var began = Stopwatch.GetTimestamp();
        for (var next = $"/events?limit={_limit}&order={order}"; next is not null; pages++)
        {
            var sent = Stopwatch.GetTimestamp();
            var reply = await wire.AskAsync(_target.Get(next));
            latencies.Record(Stopwatch.GetTimestamp() - sent);
            if (reply.Status != 200)
                throw new IOException($"{next}: {reply.Describe()}");
            partial += reply.Header("Tocsin-Partial") is null ? 0 : 1;
            Mark(reply.Body.Span);
            next = reply.Next();
        }
        var seconds = Stopwatch.GetElapsedTime(began).TotalSeconds;
        var missing = _total - found;
        _output.WriteLine($"walk {order}: {found:N0} of {_total:N0} in {pages:N0} pages of {_limit:N0} and {seconds:F1} s, {missing} missing, {doubles} doubled; of the {Volatile.Read(ref _pushed) - pushedBefore:N0} pushed meanwhile {later.Count:N0} seen, {laterDoubles} doubled; {foreign} others; {partial} partial; a page {latencies}");
        _output.WriteLine($"result order={order} found={found} missing={missing} doubles={doubles + laterDoubles} seconds={seconds:F1} partial={partial} p50_ms={latencies.Ms(0.5):F2} p99_ms={latencies.Ms(0.99):F2}");
        return missing == 0 && doubles + laterDoubles == 0;

        void Mark(ReadOnlySpan<byte> page)
        {
            var name = "\"external_id\":"u8;
            for (var at = page.IndexOf(name); at >= 0; at = page.IndexOf(name))
            {
                page = page[(at + name.Length)..].TrimStart((byte)' ');
                if (page[0] != '"')
                {
                    foreign++;
                }
                else if (page[1] == 'e' && Utf8Parser.TryParse(page[2..], out long n, out _) && n < _total)
                {
                    var bit = 1UL << (int)(n % 64);
                    ref var word = ref seen[n / 64];
                    _ = (word & bit) == 0 ? found++ : doubles++;
                    word |= bit;
                }
                else if (!later.Add(Encoding.ASCII.GetString(page[1..(1 + page[1..].IndexOf((byte)'"'))])))
                {
                    laterDoubles++;
                }
            }
        }
    }
}
