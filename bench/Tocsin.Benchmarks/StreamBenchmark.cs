using System.Diagnostics;
using System.Text;
using Tocsin.Benchmarks.Load;

namespace Tocsin.Benchmarks;

/// <summary>So many readers of the live tail while events are pushed in an even pace: how late each event comes to each reader, and whether exactly once.</summary>
internal sealed class StreamBenchmark
{
    private const double LeastOfRate = 0.9;
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(10);
    private readonly TextWriter _output;
    private readonly Target _target;
    private readonly int _readers;
    private readonly int _rate;
    private readonly int _lanes;
    private readonly string _path;
    private readonly Deliveries _deliveries;
    private readonly byte[][] _posts;
    private readonly int[] _patchAt;

    private StreamBenchmark(TextWriter output, Options options)
    {
        _output = output;
        _target = Target.From(options);
        _readers = options.Number("readers", 1);
        _rate = options.Number("rate", 500);
        _lanes = options.Number("connections", 8);
        _path = options.Text("path", "/events/stream");
        _deliveries = new Deliveries(_rate * options.Number("seconds", 10));
        options.EnsureAllKnown();
        var samples = new Samples();
        // As many as are under way at once, so that no two calls write into the same bytes.
        _posts = [.. Enumerable.Range(0, _lanes).Select(lane => _target.Post("/event", "application/json", Encoding.UTF8.GetBytes(Body(samples[lane]))))];
        _patchAt = [.. _posts.Select(post => post.AsSpan().IndexOf(_deliveries.Prefix) + _deliveries.Prefix.Length)];
    }

    public static Task<int> RunAsync(TextWriter output, Options options) => new StreamBenchmark(output, options).RunAsync();

    private async Task<int> RunAsync()
    {
        var tails = new Tail[_readers];
        var request = _target.Get(_path, "text/event-stream");
        var running = new Task[_readers];
        for (var i = 0; i < _readers; i++)
        {
            tails[i] = new Tail(await _target.ConnectAsync(), _deliveries);
            running[i] = tails[i].RunAsync(request).AsTask();
        }
        await Task.WhenAll(tails.Select(tail => tail.Subscribed.Task));
        _output.WriteLine($"stream: {_readers} readers, {_deliveries.Total:N0} events at {_rate}/s");
        var cost = new OwnCost();
        var pacer = new Pacer(_rate, _lanes);
        var began = Stopwatch.GetTimestamp();
        await pacer.RunAsync(_target, _deliveries.Total, PostAsync, CancellationToken.None);
        var pushed = Stopwatch.GetElapsedTime(began).TotalSeconds;
        for (var waiting = Stopwatch.GetTimestamp(); tails.Any(t => t.Received < _deliveries.Total && t.Error is null) && Stopwatch.GetElapsedTime(waiting) < Grace;)
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System);
        return Report(tails, pacer, pushed, cost);
    }

    private int Report(Tail[] tails, Pacer pacer, double pushed, OwnCost cost)
    {
        var expected = (long)_deliveries.Total * _readers;
        var received = tails.Sum(t => (long)t.Received);
        var doubles = tails.Sum(t => t.Doubles);
        var outOfOrder = tails.Sum(t => t.OutOfOrder);
        var cut = tails.Where(t => t.Error is not null).ToArray();
        var atRate = _deliveries.Total / pushed > _rate * LeastOfRate;
        _output.WriteLine($"pushed in {pushed:F1} s ({_deliveries.Total / pushed:N0}/s{(atRate ? "" : ", NOT THE RATE ASKED FOR: the answers are too slow for so few --connections, or at all")}), {pacer.Errors} errors{(pacer.FirstError is null ? "" : ", the first: " + pacer.FirstError)}");
        _output.WriteLine($"received {received:N0} of {expected:N0}: {expected - received} missing, {doubles} doubled, {outOfOrder} out of order, {cut.Length} readers cut{(cut.Length > 0 ? ", the first: " + cut[0].Error : "")}");
        _output.WriteLine($"from sending the POST to receipt: {_deliveries.FromSending}");
        _output.WriteLine($"from the answer (the commit) to receipt, 0 when the reader was first: {_deliveries.FromAnswer}");
        _output.WriteLine($"{cost}");
        _output.WriteLine($"result readers={_readers} rate={_deliveries.Total / pushed:F0} post_p50_ms={_deliveries.FromSending.Ms(0.5):F2} post_p99_ms={_deliveries.FromSending.Ms(0.99):F2} commit_p50_ms={_deliveries.FromAnswer.Ms(0.5):F2} commit_p99_ms={_deliveries.FromAnswer.Ms(0.99):F2} max_ms={_deliveries.FromSending.MaxMs:F2} missing={expected - received} doubles={doubles} out_of_order={outOfOrder} cut={cut.Length} errors={pacer.Errors}");
        foreach (var tail in tails)
            tail.Dispose();
        return expected == received && doubles + outOfOrder + pacer.Errors == 0 && atRate ? 0 : 1;
    }

    private async ValueTask<string?> PostAsync(Wire wire, long n)
    {
        var lane = n % _lanes;
        var post = _posts[lane];
        var at = _patchAt[lane];
        TimePatch.Digits(post.AsSpan(at, Deliveries.NumberDigits), n);
        TimePatch.Digits(post.AsSpan(at + Deliveries.NumberDigits + 1, Deliveries.ClockDigits), Stopwatch.GetTimestamp());
        var reply = await wire.AskAsync(post);
        Volatile.Write(ref _deliveries.AnsweredAt[n], Stopwatch.GetTimestamp());
        return reply.Status == 201 ? null : reply.Describe();
    }

    /// <summary>An event of the load with the marker in its data, without a time: it is now.</summary>
    private string Body(Sample sample) => sample.ToJson(keyed: false)
        .Replace($"\"time\":\"{new string('0', TimePatch.Length)}\",", "", StringComparison.Ordinal)
        .Replace("\"data\":{", $"\"data\":{{\"mark\":\"{Encoding.ASCII.GetString(_deliveries.Prefix)}{new string('0', Deliveries.NumberDigits)}-{new string('0', Deliveries.ClockDigits)}\",", StringComparison.Ordinal);
}
