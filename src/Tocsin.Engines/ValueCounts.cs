using System.Runtime.InteropServices;
using Tocsin.Journal;

namespace Tocsin.Engines;

/// <summary>What a count gathers, whichever engine looks: first by value, then, for the values that are told, by step.</summary>
internal sealed class ValueCounts(StatsQuery query)
{
    /// <summary>Values counted apart, some 100 MB; what is met after so many counts with the others.</summary>
    private const int MaxDistinct = 1_000_000;

    private readonly Dictionary<string, long> _values = new(StringComparer.Ordinal);
    private readonly SortedDictionary<long, long[]> _steps = [];
    private Dictionary<string, int> _places = new(StringComparer.Ordinal);
    private ValueCount[] _told = [];
    private int _placeWithout = -1;
    private long _total;
    private long _without;
    private long _rest;
    private (long At, long[] Counts) _step = (long.MinValue, []);

    /// <summary>Counts events of a value.</summary>
    public void Add(string? text, long count)
    {
        if (text is null)
            _without += count;
        else if (_values.Count >= MaxDistinct && !_values.ContainsKey(text))
            _rest += count;
        else
            CollectionsMarshal.GetValueRefOrAddDefault(_values, text, out _) += count;
    }

    /// <summary>Chooses the values that are told; all have been added.</summary>
    public void Choose()
    {
        var values = _values.Select(value => new ValueCount(value.Key, value.Value)).ToList();
        if (_without > 0)
            values.Add(new ValueCount(null, _without));
        values.Sort(static (a, b) => a.Count != b.Count ? b.Count.CompareTo(a.Count) : string.CompareOrdinal(a.Value, b.Value));
        _total = values.Sum(value => value.Count) + _rest;
        _told = [.. values.Take(query.Limit)];
        _places = _told.Select((value, place) => (value.Value, place)).Where(value => value.Value is not null).ToDictionary(value => value.Value!, value => value.place, StringComparer.Ordinal);
        _placeWithout = Array.FindIndex(_told, value => value.Value is null);
    }

    /// <summary>Counts events of a value in their step of so many ticks.</summary>
    public void AddStep(string? text, long ticks, long every, long count)
    {
        var step = ticks - (((ticks % every) + every) % every);
        if (step != _step.At)
        {
            if (!_steps.TryGetValue(step, out var counts))
                _steps.Add(step, counts = new long[_told.Length + 1]);
            _step = (step, counts);
        }
        var place = text is null ? _placeWithout : _places.GetValueOrDefault(text, -1);
        _step.Counts[place < 0 ? ^1 : place] += count;
    }

    public EventStats Stats(long head, bool isPartial) => new(
        _total, _told, _total - _told.Sum(value => value.Count),
        [.. _steps.Select(step => new StatsStep(new DateTimeOffset(Math.Max(0, step.Key + DateTime.UnixEpoch.Ticks), TimeSpan.Zero), step.Value.AsSpan(0, _told.Length).ToArray(), step.Value[^1]))],
        head, isPartial);

    /// <summary>What an event is counted by.</summary>
    public string? ValueOf(SecurityEvent e) => query.By switch
    {
        StatsField.Priority => e.Priority.Name(),
        StatsField.Kind => e.Kind.Name(),
        StatsField.Type => e.Type,
        StatsField.Source => e.Source,
        StatsField.Device => e.Device,
        StatsField.Country => e.Country,
        _ => e.UserId,
    };
}
