using Tocsin.Journal;

namespace Tocsin.Engines.Sqlite.Queries;

/// <summary>The instants a filter lets through, as numbers.</summary>
internal sealed class TimeRange
{
    private readonly EventTime[] _times;

    public TimeRange(EventFilter filter)
    {
        _times = [.. filter.Times.Order()];
        Since = filter.Since;
        Until = filter.Until;
        if (_times.Length == 0)
            return;
        if (Since is null || Since < _times[0])
            Since = _times[0];
        // Half-open: the last of them must still be within.
        var behind = _times[^1].SubTickNanoseconds < 99
            ? EventTime.FromStored(_times[^1].UnixTicks, _times[^1].SubTickNanoseconds + 1)
            : EventTime.FromStored(_times[^1].UnixTicks + 1, 0);
        if (Until is null || Until > behind)
            Until = behind;
    }

    public EventTime? Since { get; }

    public EventTime? Until { get; }

    /// <summary>True when something between these two ticks (both included) may be let through.</summary>
    public bool MayHold(long minTicks, long maxTicks) =>
        (Since is not { } since || maxTicks >= since.UnixTicks) && (Until is not { } until || minTicks <= until.UnixTicks);

    /// <summary>True when everything between these two ticks (both included) is let through.</summary>
    public bool HoldsAll(long minTicks, long maxTicks) =>
        _times.Length == 0 && (Since is not { } since || minTicks > since.UnixTicks) && (Until is not { } until || maxTicks < until.UnixTicks);

    public bool Holds(long ticks, byte subTick)
    {
        if (Since is { } since && (ticks < since.UnixTicks || (ticks == since.UnixTicks && subTick < since.SubTickNanoseconds)))
            return false;
        if (Until is { } until && (ticks > until.UnixTicks || (ticks == until.UnixTicks && subTick >= until.SubTickNanoseconds)))
            return false;
        return _times.Length == 0 || Array.Exists(_times, time => time.UnixTicks == ticks && time.SubTickNanoseconds == subTick);
    }
}
