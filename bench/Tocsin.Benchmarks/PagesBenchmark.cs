using System.Diagnostics;
using System.Globalization;
using Tocsin.Benchmarks.Load;

namespace Tocsin.Benchmarks;

/// <summary>How long pages of 100 take on one connection, by filter; and how that compares to an earlier run.</summary>
internal sealed class PagesBenchmark
{
    private const int WarmUp = 10;
    private const int Shown = 10;

    private readonly TextWriter _output;
    private readonly Target _target;
    private readonly int _total;
    private readonly int _requests;
    private readonly int _seconds;
    private readonly string[]? _only;
    private readonly string? _out;
    private readonly string? _compare;
    private readonly Latencies _all = new();
    private readonly List<Measured> _measured = [];
    private int _errors;
    private int _partial;

    private PagesBenchmark(TextWriter output, Options options)
    {
        _output = output;
        _target = Target.From(options);
        _total = options.Number("total", 100_000);
        _requests = options.Number("requests", 200);
        _seconds = options.Number("seconds", int.MaxValue);
        _only = options.Text("only")?.Split(',');
        _out = options.Text("out");
        _compare = options.Text("compare");
        options.EnsureAllKnown();
    }

    public static Task<int> RunAsync(TextWriter output, Options options) => new PagesBenchmark(output, options).RunAsync();

    private async Task<int> RunAsync()
    {
        using var wire = await Wire.ConnectAsync(_target);
        var kinds = await PageKinds.LearnAsync(wire, _target, _total);
        var random = new Random(11);
        var began = Stopwatch.GetTimestamp();
        foreach (var kind in kinds.All().Where(kind => _only is null || _only.Contains(kind.Name.Split(' ')[0], StringComparer.Ordinal)))
        {
            if (Stopwatch.GetElapsedTime(began).TotalSeconds >= _seconds)
                break;
            _measured.Add(kind.Deep > 0 ? await MeasureDeepAsync(wire, kind, random) : await MeasureAsync(wire, kind, random));
            _output.WriteLine(_measured[^1]);
        }
        var worst = _measured.MaxBy(m => m.P99)!;
        _output.WriteLine($"all {_measured.Count} kinds together: {_all}; {_partial} partial, {_errors} errors");
        _output.WriteLine($"worst p99: {worst}");
        _output.WriteLine($"result kinds={_measured.Count} p50_ms={_all.Ms(0.5):F3} p99_ms={_all.Ms(0.99):F3} worst_p99_ms={worst.P99:F3} max_ms={_all.MaxMs:F2} partial={_partial} errors={_errors}");
        if (_out is not null)
            await File.WriteAllLinesAsync(_out, _measured.Select(m => m.ToTsv()).Append(new Measured("(all)", (int)_all.Count, 0, _all.Ms(0.5), _all.Ms(0.99), _all.MaxMs).ToTsv()));
        if (_compare is not null)
            Compare(await File.ReadAllLinesAsync(_compare));
        return _errors == 0 ? 0 : 1;
    }

    private async Task<Measured> MeasureAsync(Wire wire, PageKind kind, Random random)
    {
        var requests = Enumerable.Range(0, WarmUp + _requests).Select(_ => _target.Get("/events?limit=100&" + kind.Query(random))).ToArray();
        var latencies = new Latencies();
        var rows = 0L;
        for (var i = 0; i < requests.Length; i++)
        {
            var (reply, took) = await AskAsync(wire, requests[i]);
            if (i < WarmUp)
                continue;
            Record(latencies, took);
            rows += Rows(reply);
        }
        return Measured.Of(kind.Name, latencies, rows);
    }

    /// <summary>Goes on from page to page; behind the last page it begins again.</summary>
    private async Task<Measured> MeasureDeepAsync(Wire wire, PageKind kind, Random random)
    {
        var latencies = new Latencies();
        var rows = 0L;
        string? next = null;
        var depth = 0;
        for (var asked = 0; asked < kind.Deep + _requests;)
        {
            depth = next is null ? 0 : depth + 1;
            var (reply, took) = await AskAsync(wire, _target.Get(next ?? "/events?limit=100&" + kind.Query(random)));
            next = reply.Next();
            asked++;
            if (depth < kind.Deep)
                continue;
            Record(latencies, took);
            rows += Rows(reply);
        }
        return Measured.Of(kind.Name, latencies, rows);
    }

    private async ValueTask<(Reply Reply, long Took)> AskAsync(Wire wire, byte[] request)
    {
        var sent = Stopwatch.GetTimestamp();
        var reply = await wire.AskAsync(request);
        var took = Stopwatch.GetTimestamp() - sent;
        _partial += reply.Header("Tocsin-Partial") is null ? 0 : 1;
        if (reply.Status != 200 && _errors++ == 0)
            _output.WriteLine($"not 200: {System.Text.Encoding.ASCII.GetString(request).Split('\r')[0]}: {reply.Describe()}");
        return (reply, took);
    }

    private void Record(Latencies latencies, long took)
    {
        latencies.Record(took);
        _all.Record(took);
    }

    private void Compare(string[] lines)
    {
        var before = lines.Select(Measured.FromTsv).ToDictionary(m => m.Name, StringComparer.Ordinal);
        var ratios = _measured.Where(m => before.ContainsKey(m.Name)).Select(m => (Now: m, Before: before[m.Name], Ratio: m.P99 / before[m.Name].P99)).OrderByDescending(r => r.Ratio).ToArray();
        if (ratios.Length == 0)
            return;
        foreach (var (now, then, ratio) in ratios.Take(Shown))
            _output.WriteLine($"p99 {ratio,6:F2} times the earlier {then.P99:F2} ms: {now}");
        var all = _all.Ms(0.99) / before["(all)"].P99;
        var worst = _measured.Max(m => m.P99) / before.Values.Max(m => m.P99);
        _output.WriteLine($"p99 to the earlier run: all together {all:F2}, worst to worst {worst:F2}, median of {ratios.Length} kinds {ratios[ratios.Length / 2].Ratio:F2}, {ratios.Count(r => r.Ratio > 1.5)} kinds above 1.5");
        _output.WriteLine($"result p99_ratio={all:F3} worst_ratio={worst:F3} kinds_above_1.5={ratios.Count(r => r.Ratio > 1.5)}");
    }

    private static int Rows(in Reply reply) => reply.Body.Span.Count("\"sequence\":"u8);

    /// <summary>What one kind took, in milliseconds, and the events on its pages.</summary>
    private sealed record Measured(string Name, int Requests, double Rows, double P50, double P99, double Max)
    {
        public static Measured Of(string name, Latencies latencies, long rows) =>
            new(name, (int)latencies.Count, rows / (double)Math.Max(1, latencies.Count), latencies.Ms(0.5), latencies.Ms(0.99), latencies.MaxMs);

        public static Measured FromTsv(string line)
        {
            var fields = line.Split('\t');
            double Number(int at) => double.Parse(fields[at], CultureInfo.InvariantCulture);
            return new Measured(fields[0], (int)Number(1), Number(2), Number(3), Number(4), Number(5));
        }

        public string ToTsv() => $"{Name}\t{Requests}\t{Rows:F1}\t{P50:F4}\t{P99:F4}\t{Max:F4}";

        public override string ToString() => $"{Name,-44} {Requests,4} x {Rows,5:F1} events   p50 {P50,8:F2}  p99 {P99,8:F2}  max {Max,8:F2} ms";
    }
}
