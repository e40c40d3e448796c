namespace Tocsin.Tests;

/// <summary>
/// A clock that stands still until <see cref="Advance"/>. Timers fire in order of time, each with the clock at its own
/// moment, on the thread that advances. <see cref="UntilTimerAsync(TimeSpan)"/> takes the guessing out of "has it begun to wait?".
/// </summary>
public sealed class FakeTimeProvider(DateTimeOffset start) : TimeProvider
{
    private readonly Lock _gate = new();
    private readonly List<FakeTimer> _timers = [];
    private readonly List<(Predicate<TimeSpan> Due, TaskCompletionSource<TimeSpan> Set)> _awaited = [];
    private DateTimeOffset _now = start;

    /// <summary>Stands at noon of an ordinary day.</summary>
    public FakeTimeProvider()
        : this(new DateTimeOffset(2026, 3, 4, 12, 0, 0, TimeSpan.Zero)) { }

    /// <summary>Timers that wait.</summary>
    public int TimerCount
    {
        get
        {
            lock (_gate)
                return _timers.Count;
        }
    }

    /// <summary>Timers that wait and were set to fire after exactly <paramref name="due"/>.</summary>
    public int TimersOf(TimeSpan due)
    {
        lock (_gate)
            return _timers.Count(timer => timer.SetTo == due);
    }

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

    public override DateTimeOffset GetUtcNow()
    {
        lock (_gate)
            return _now;
    }

    public override long GetTimestamp() => GetUtcNow().Ticks;

    /// <summary>Moves the clock on and fires what comes due on the way, also the timers that those callbacks set.</summary>
    public void Advance(TimeSpan by)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(by, TimeSpan.Zero);
        var target = GetUtcNow() + by;
        while (TakeDue(target) is { } timer)
            timer.Fire();
    }

    /// <summary>Completes as soon as a timer waits that was set to fire after exactly <paramref name="due"/>, at once when there is one already.</summary>
    public Task UntilTimerAsync(TimeSpan due) => UntilTimerAsync(set => set == due);

    /// <summary>Completes as soon as a timer waits that was set to fire after a time like <paramref name="due"/>, and gives that time.</summary>
    public Task<TimeSpan> UntilTimerAsync(Predicate<TimeSpan> due)
    {
        lock (_gate)
        {
            if (_timers.Find(t => due(t.SetTo)) is { } waiting)
                return Task.FromResult(waiting.SetTo);
            var set = new TaskCompletionSource<TimeSpan>(TaskCreationOptions.RunContinuationsAsynchronously);
            _awaited.Add((due, set));
            return set.Task;
        }
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new FakeTimer(this, () => callback(state));
        timer.Change(dueTime, period);
        return timer;
    }

    private FakeTimer? TakeDue(DateTimeOffset target)
    {
        lock (_gate)
        {
            var next = _timers.Where(t => t.Due <= target).MinBy(t => t.Due);
            if (next is null)
            {
                // another thread may have advanced further meanwhile
                _now = target > _now ? target : _now;
                return null;
            }

            _now = next.Due > _now ? next.Due : _now;
            if (next.Period > TimeSpan.Zero)
                next.Due += next.Period;
            else
                _timers.Remove(next);
            return next;
        }
    }

    private sealed class FakeTimer(FakeTimeProvider time, Action fire) : ITimer
    {
        private bool _disposed;

        internal DateTimeOffset Due { get; set; }

        internal TimeSpan Period { get; private set; }

        internal TimeSpan SetTo { get; private set; }

        internal void Fire() => fire();

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            lock (time._gate)
            {
                if (_disposed)
                    return false;
                time._timers.Remove(this);
                if (dueTime == Timeout.InfiniteTimeSpan)
                    return true;
                SetTo = dueTime;
                Due = time._now + dueTime;
                Period = period;
                time._timers.Add(this);
                foreach (var awaited in time._awaited.FindAll(a => a.Due(dueTime)))
                    awaited.Set.SetResult(dueTime);
                time._awaited.RemoveAll(a => a.Due(dueTime));
                return true;
            }
        }

        public void Dispose()
        {
            lock (time._gate)
            {
                _disposed = true;
                time._timers.Remove(this);
            }
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
