using System.Diagnostics;

namespace Tocsin.Benchmarks.Load;

/// <summary>What has been written so far: prints a line per window, and at the end the whole, the first and the last stretch.</summary>
internal sealed class Progress(TextWriter output, long total, int every)
{
    private const long Stretch = 1_000_000;
    private readonly Lock _gate = new();
    private readonly List<(long Elapsed, long Events)> _done = [];
    private readonly Latencies _all = new();
    private Latencies _window = new();
    private long _events;
    private long _elapsed;
    private long _windowBegan;
    private long _shown;

    public Latencies All => _all;

    /// <summary>The run's clock at the last write, in ticks of <see cref="Stopwatch"/>.</summary>
    public long Elapsed => _elapsed;

    /// <summary>Events written.</summary>
    public long Events => _events;

    /// <summary>Adds a write that took <paramref name="took"/> and ended at <paramref name="elapsed"/> of the run's clock (ticks of <see cref="Stopwatch"/>).</summary>
    public void Add(long elapsed, long took, long events)
    {
        lock (_gate)
        {
            _all.Record(took);
            _window.Record(took);
            _events += events;
            _elapsed = Math.Max(_elapsed, elapsed);
            _done.Add((elapsed, _events));
            if (_events / every > _shown / every)
                Show(elapsed);
        }
    }

    /// <summary>Events a second of all, the first and the last million (or the first and the last half of less), and the ratio of the last two.</summary>
    public (double All, double First, double Last, double Ratio) Rates()
    {
        lock (_gate)
        {
            var stretch = Math.Min(Stretch, total / 2);
            var first = Rate(stretch, At(stretch));
            var last = Rate(_events - (total - stretch), _elapsed - At(total - stretch));
            return (Rate(_events, _elapsed), first, last, last / first);
        }
    }

    private long At(long events) => _done.Find(d => d.Events >= events).Elapsed;

    private void Show(long elapsed)
    {
        output.WriteLine($"{_events,12:N0} events  {Rate(_events - _shown, elapsed - _windowBegan),10:N0} events/s   p50 {_window.Ms(0.5),7:F1}  p99 {_window.Ms(0.99),7:F1} ms");
        _window = new Latencies();
        _windowBegan = elapsed;
        _shown = _events;
    }

    private static double Rate(long events, long ticks) => events / ((double)ticks / Stopwatch.Frequency);
}
