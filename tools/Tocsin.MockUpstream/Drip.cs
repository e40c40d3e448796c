namespace Tocsin.MockUpstream;

/// <summary>Makes new records at a steady rate, from a timer of the <see cref="TimeProvider"/>.</summary>
internal sealed class Drip(Feeds feeds, TimeProvider time) : IDisposable
{
    /// <summary>Timers are not precise below this; higher rates make several records a tick.</summary>
    private static readonly TimeSpan ShortestPeriod = TimeSpan.FromMilliseconds(50);

    /// <summary>Most records of one tick: after a machine slept, the rest comes with the next ticks.</summary>
    private const int MaxPerTick = 10_000;

    private readonly Lock _gate = new();
    private ITimer? _timer;
    private double _rate;
    private long _since;
    private long _made;

    /// <summary>Starts over at this rate; 0 stops.</summary>
    internal void Set(double perSecond)
    {
        lock (_gate)
        {
            if (perSecond == _rate)
                return;
            _timer?.Dispose();
            _timer = null;
            _rate = perSecond;
            _since = time.GetTimestamp();
            _made = 0;
            if (perSecond <= 0)
                return;
            // bounded from above too: a timer takes 49 days at most
            var period = TimeSpan.FromSeconds(Math.Clamp(1 / perSecond, ShortestPeriod.TotalSeconds, TimeSpan.SecondsPerDay));
            _timer = time.CreateTimer(_ => Tick(), null, period, period);
        }
    }

    public void Dispose()
    {
        lock (_gate)
            _timer?.Dispose();
    }

    private void Tick()
    {
        lock (_gate)
        {
            // By elapsed time, not by ticks, so a late tick makes up for it. The small amount keeps 3 x (1/3) from being 0.999.
            var due = (long)(time.GetElapsedTime(_since).TotalSeconds * _rate + 1e-6) - _made;
            if (due <= 0)
                return;
            var count = (int)Math.Min(due, MaxPerTick);
            feeds.Drip(count, time);
            _made += count;
        }
    }
}
