using Tocsin.Journal;

namespace Tocsin.Engines.Sqlite;

/// <summary>Answers queries by reading the whole journal: right, and as slow as that sounds.</summary>
internal static class ScanQuery
{
    private const int PageEntries = 10_000;

    public static async ValueTask<EventPage> PageAsync(IJournalStore store, EventQuery query, CancellationToken cancellation)
    {
        var found = await AllAsync(store, query.Filter, query.Ceiling ?? store.Head, cancellation);
        found.Sort((a, b) => query.Ascending ? Compare(query, a, b) : Compare(query, b, a));
        if (query.After is { } after)
            found.RemoveAll(e => Compare(query, e, after) is var order && (query.Ascending ? order <= 0 : order >= 0));
        var page = found.Take(query.Limit).ToArray();
        return new EventPage(page, found.Count > page.Length ? new EventPosition(page[^1].Event.Time, page[^1].Sequence) : null, false);
    }

    public static async ValueTask<EventStats> CountAsync(IJournalStore store, StatsQuery query, CancellationToken cancellation)
    {
        var head = store.Head;
        var found = await AllAsync(store, query.Filter, head, cancellation);
        var values = found.GroupBy(e => Value(query.By, e.Event)).Select(group => new ValueCount(group.Key, group.LongCount()))
            .OrderByDescending(value => value.Count).ThenBy(value => value.Value, StringComparer.Ordinal).ToArray();
        var told = values.Take(query.Limit).ToArray();
        var steps = query.Every is not { } every ? [] : found.GroupBy(e => Floor(e.Event.Time.UnixTicks, every.Ticks)).OrderBy(step => step.Key)
            .Select(step => new StatsStep(
                new DateTimeOffset(Math.Max(0, step.Key + DateTime.UnixEpoch.Ticks), TimeSpan.Zero),
                [.. told.Select(value => step.LongCount(e => Value(query.By, e.Event) == value.Value))],
                step.LongCount(e => !told.Any(value => value.Value == Value(query.By, e.Event))))).ToArray();
        return new EventStats(found.Count, told, values.Skip(told.Length).Sum(value => value.Count), steps, head, false);
    }

    private static async Task<List<StoredEvent>> AllAsync(IJournalStore store, EventFilter filter, long ceiling, CancellationToken cancellation)
    {
        var events = new SortedDictionary<long, SecurityEvent>();
        for (var after = 0L; await store.ReadAsync(after, PageEntries, cancellation) is { Count: > 0 } page; after = page[^1].Sequence)
            foreach (var (sequence, entry) in page.Where(entry => entry.Sequence <= ceiling))
                if (entry is Amendment amendment)
                    events[amendment.Target] = amendment.Apply(events[amendment.Target]);
                else
                    events[sequence] = (SecurityEvent)entry;
        return [.. events.Where(e => filter.Matches(e.Value)).Select(e => new StoredEvent(e.Key, e.Value))];
    }

    private static int Compare(EventQuery query, StoredEvent a, StoredEvent b) => Compare(query, a, new EventPosition(b.Event.Time, b.Sequence));

    private static int Compare(EventQuery query, StoredEvent a, EventPosition b) =>
        !query.BySequence && a.Event.Time.CompareTo(b.Time) is var order and not 0 ? order : a.Sequence.CompareTo(b.Sequence);

    private static string? Value(StatsField by, SecurityEvent e) => by switch
    {
        StatsField.Priority => e.Priority.Name(),
        StatsField.Kind => e.Kind.Name(),
        StatsField.Type => e.Type,
        StatsField.Source => e.Source,
        StatsField.Device => e.Device,
        StatsField.Country => e.Country,
        _ => e.UserId,
    };

    private static long Floor(long ticks, long step) => ticks - (((ticks % step) + step) % step);
}
