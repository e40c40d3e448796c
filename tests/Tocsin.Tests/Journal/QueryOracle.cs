using System.Collections;
using Tocsin.Journal;

namespace Tocsin.Tests.Journal;

/// <summary>
/// What queries must answer, worked out the plain way: every committed entry in a list, amendments applied one after the other, everything
/// looked at and sorted. It shares nothing with an engine but the meaning of a filter.
/// </summary>
internal sealed class QueryOracle
{
    private readonly List<Entry> _entries = [];
    private (long Ceiling, StoredEvent[] Events) _read = (0, []);

    public long Head => _entries.Count;

    public IReadOnlyList<Entry> Entries => _entries;

    public void Add(IEnumerable<Entry> committed) => _entries.AddRange(committed);

    /// <summary>The events in the order of the journal, as they read at the ceiling.</summary>
    public StoredEvent[] Events(long? ceiling = null)
    {
        var upTo = Math.Clamp(ceiling ?? Head, 0, Head);
        if (_read.Ceiling == upTo)
            return _read.Events;
        var now = new Dictionary<long, SecurityEvent>();
        for (var sequence = 1L; sequence <= upTo; sequence++)
            switch (_entries[(int)sequence - 1])
            {
                case SecurityEvent e:
                    now[sequence] = e;
                    break;
                case Amendment amendment:
                    var target = Revised(now[amendment.Target], amendment.Revision);
                    now[amendment.Target] = target with
                    {
                        UserId = amendment.UserId is null ? target.UserId : amendment.UserId,
                        Priority = amendment.Priority is { } priority ? priority : target.Priority,
                        Attribution = amendment.Attribution is null ? target.Attribution : amendment.Attribution,
                    };
                    break;
            }
        _read = (upTo, [.. now.OrderBy(e => e.Key).Select(e => new StoredEvent(e.Key, e.Value))]);
        return _read.Events;
    }

    private static SecurityEvent Revised(SecurityEvent e, Revision? revision) => revision is null ? e : new SecurityEvent
    {
        Id = e.Id, ExternalId = e.ExternalId, Kind = e.Kind, Source = e.Source, ReceivedAt = e.ReceivedAt,
        Type = revision.Type, Device = revision.Device, Priority = revision.Priority, Time = revision.Time, UserId = revision.UserId, Description = revision.Description,
        SrcIp = revision.SrcIp, DstIp = revision.DstIp, Country = revision.Country, Attribution = revision.Attribution, Data = revision.Data, Fingerprint = revision.Fingerprint,
    };

    /// <summary>All that a query takes, in its order, whatever its limit and place.</summary>
    public List<StoredEvent> All(EventQuery query)
    {
        var found = Events(query.Ceiling).Where(e => query.Filter.Matches(e.Event)).ToList();
        found.Sort((a, b) => Order(query, a.Event.Time, a.Sequence, b.Event.Time, b.Sequence));
        return found;
    }

    /// <summary>What lies behind the query's place.</summary>
    public List<StoredEvent> Rest(EventQuery query)
    {
        var all = All(query);
        return query.After is { } after ? all.FindAll(e => Order(query, e.Event.Time, e.Sequence, after.Time, after.Sequence) > 0) : all;
    }

    public EventStats Count(StatsQuery query)
    {
        var found = Events().Where(e => query.Filter.Matches(e.Event)).Select(e => (Name: Name(query.By, e.Event), e.Event.Time)).ToList();
        var counts = new SortedDictionary<string, long>(StringComparer.Ordinal);
        foreach (var (name, _) in found)
            counts[Key(name)] = counts.GetValueOrDefault(Key(name)) + 1;
        var values = counts.OrderByDescending(value => value.Value).ThenBy(value => value.Key, StringComparer.Ordinal).ToList();
        var told = values.Take(query.Limit).Select(value => value.Key).ToList();
        var steps = new SortedDictionary<Int128, (long[] Counts, long Others)>();
        if (query.Every is { } every)
            foreach (var (name, time) in found)
            {
                var (step, rest) = Int128.DivRem(time.UnixTicks, every.Ticks);
                var start = (rest < 0 ? step - 1 : step) * every.Ticks;
                var row = steps.GetValueOrDefault(start, (new long[told.Count], 0));
                if (told.IndexOf(Key(name)) is var at and >= 0)
                    row.Counts[at]++;
                else
                    row.Others++;
                steps[start] = row;
            }
        return new EventStats(
            found.Count, [.. values.Take(query.Limit).Select(value => new ValueCount(value.Key.Length == 0 ? null : value.Key[1..], value.Value))],
            values.Skip(query.Limit).Sum(value => value.Value),
            [.. steps.Select(step => new StatsStep(Start(step.Key), step.Value.Counts, step.Value.Others))], Head, false);
    }

    /// <summary>An engine's events must be these, in every field.</summary>
    public static void Same(IReadOnlyList<StoredEvent> actual, IReadOnlyList<StoredEvent> expected, string of)
    {
        if (!actual.Select(e => e.Sequence).SequenceEqual(expected.Select(e => e.Sequence)))
            actual.Select(e => e.Sequence).ShouldBe(expected.Select(e => e.Sequence), of);
        for (var i = 0; i < actual.Count; i++)
        {
            actual[i].Event.Data.Utf8.Span.SequenceEqual(expected[i].Event.Data.Utf8.Span).ShouldBeTrue(of);
            if (actual[i].Event with { Data = default } != expected[i].Event with { Data = default })
                actual[i].Event.ShouldBe(expected[i].Event, of);
        }
    }

    public static void Same(EventStats actual, EventStats expected, string of)
    {
        actual.Total.ShouldBe(expected.Total, of);
        actual.Values.ShouldBe(expected.Values, of);
        actual.Others.ShouldBe(expected.Others, of);
        actual.Series.Select(step => step.Start).ShouldBe(expected.Series.Select(step => step.Start), of);
        foreach (var (step, wanted) in actual.Series.Zip(expected.Series))
        {
            step.Counts.ShouldBe(wanted.Counts, $"{of} at {wanted.Start:O}");
            step.Others.ShouldBe(wanted.Others, $"{of} at {wanted.Start:O}");
        }
        (actual.Sequence, actual.IsPartial).ShouldBe((expected.Sequence, expected.IsPartial), of);
    }

    /// <summary>A query as it reads in a failure: what is set, lists in full.</summary>
    public static string Describe(object query) => string.Join(' ', query.GetType().GetProperties().Where(property => property.CanWrite)
        .Select(property => (property.Name, Value: property.GetValue(query)))
        .Where(part => part.Value is not (null or false or IList { Count: 0 }))
        .Select(part => $"{part.Name}={Text(part.Value!)}"));

    private static string Text(object value) => value switch
    {
        EventFilter filter => $"({Describe(filter)})",
        DataFilter data => $"{data.Path}:{Text(data.Values)}",
        EventPosition position => $"{position.Time}#{position.Sequence}",
        IpRange range => $"{range.First:x32}-{range.Last:x32}",
        string text => $"\"{text}\"",
        IEnumerable list => $"[{string.Join(", ", list.Cast<object>().Select(Text))}]",
        _ => value.ToString()!,
    };

    private static int Order(EventQuery query, EventTime time, long sequence, EventTime otherTime, long otherSequence)
    {
        var order = query.BySequence ? 0 : Nanoseconds(time).CompareTo(Nanoseconds(otherTime));
        order = order == 0 ? sequence.CompareTo(otherSequence) : order;
        return query.Ascending ? order : -order;
    }

    private static Int128 Nanoseconds(EventTime time) => ((Int128)time.UnixTicks * 100) + time.SubTickNanoseconds;

    /// <summary>The start of a step; one that would begin before the year 1 begins with it.</summary>
    private static DateTimeOffset Start(Int128 unixTicks) => new((long)Int128.Max(0, unixTicks + DateTime.UnixEpoch.Ticks), TimeSpan.Zero);

    /// <summary>No value sorts before every value, also before the empty one.</summary>
    private static string Key(string? name) => name is null ? "" : "=" + name;

    private static string? Name(StatsField by, SecurityEvent e) => by switch
    {
        StatsField.Priority => e.Priority == Priority.None ? null : e.Priority.Name(),
        StatsField.Kind => e.Kind.Name(),
        StatsField.Type => e.Type,
        StatsField.Source => e.Source,
        StatsField.Device => e.Device,
        StatsField.Country => e.Country,
        StatsField.UserId => e.UserId,
        _ => throw new ArgumentOutOfRangeException(nameof(by)),
    };
}
