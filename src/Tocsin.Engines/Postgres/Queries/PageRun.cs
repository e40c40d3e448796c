using System.Globalization;
using Npgsql;
using Tocsin.Journal;

namespace Tocsin.Engines.Postgres.Queries;

/// <summary>
/// One page. An index is gone along in slices of so many rows, each of which says where it ended, so that a page whose time is up knows what was looked at.
/// The events found are read, amended, and held to the filter.
/// </summary>
internal sealed class PageRun(NpgsqlConnection connection, long head, EventQuery query, Func<bool> isLate, CancellationToken cancellation)
{
    /// <summary>Rows of an index gone along in the first slice, and in the longest.</summary>
    private const int FirstSlice = 256;
    private const int LongestSlice = 65_536;

    /// <summary>Rows gone along by time before it is asked how many events a network has: a wide one fills its page from them.</summary>
    private const int FirstLook = 2_048;

    /// <summary>Events read at once for their records.</summary>
    private const int RecordSlice = 1_024;

    /// <summary>Bytes of records after which a page ends, however few its events are: it stands in memory as a whole.</summary>
    private const long MaxBytes = 16 << 20;

    /// <summary>What filters ask for, of events and versions alike.</summary>
    private const string Columns = "ticks, tie, sequence, kind, priority, source, type, device, user_id, country, external_id, src, dst";

    /// <summary>For one statement: an index in its order, whatever the planner expects of sorting.</summary>
    private const string AlongIndexes = "SELECT set_config('enable_sort', 'off', true), set_config('enable_bitmapscan', 'off', true), set_config('max_parallel_workers_per_gather', '0', true)";

    private readonly long _ceiling = Math.Min(query.Ceiling ?? head, head);
    private readonly List<StoredEvent> _events = new(query.Limit);
    private EventKey? _last;
    private long _bytes;

    private bool AsksForNetworks =>
        !query.Filter.ReadsRecords && query.Filter.Ips.Concat(query.Filter.SrcIps).Concat(query.Filter.DstIps).Any(range => range.First != range.Last);

    private bool IsFull => _events.Count > query.Limit || _bytes >= MaxBytes;

    /// <summary>The page of a query that nobody had the time to look for.</summary>
    public static EventPage Nothing(EventQuery query) => new([], query.After ?? Start(query), IsPartial: true);

    public async Task<EventPage> RunAsync()
    {
        long[]? ids = query.Filter.Ids.Count == 0 ? null : await SequencesAsync(query.Filter.Ids);
        var driver = ids is not null ? new Driver([values => $"e.sequence = ANY({values.Add(ids)})"], IsFew: true)
            : AsksForNetworks ? Driver.None : await Driver.ChooseAsync(connection, query, cancellation);
        var position = query.After is { } after ? EventKey.Of(after.Time, after.Sequence) : (EventKey?)null;
        var isEnded = false;
        // Of each run so many rows are fetched: many runs go in shorter steps.
        var longest = query.Filter.ReadsRecords ? RecordSlice : Math.Max(LongestSlice / Math.Max(driver.Streams.Count, 1), query.Limit + 1);
        for (var slice = Math.Max(ReferenceEquals(driver, Driver.None) ? FirstLook : FirstSlice, query.Limit + 1); !isEnded && !IsFull; slice = Math.Min(slice * 4, longest))
        {
            var (keys, end) = await SliceAsync(driver, position, slice);
            var isRead = await ReadAsync(keys);
            if (!isRead)
                break;
            (isEnded, position) = (end is null, end ?? position);
            if (!IsFull && end is not null)
                _last = end;
            if (isLate())
                break;
            // Not a network that is everywhere: now it is worth to ask how many there are.
            if (ReferenceEquals(driver, Driver.None) && !isEnded && !IsFull)
                driver = await Driver.ChooseAsync(connection, query, cancellation);
        }
        return Page(isEnded);
    }

    private static EventPosition Start(EventQuery query) => query.Ascending ? new EventPosition(EventTime.Min, 0) : new EventPosition(EventTime.Max, long.MaxValue);

    private EventPage Page(bool isEnded)
    {
        // One more than the page was looked for, to know whether there is a next one.
        if (_events.Count > query.Limit)
        {
            _events.RemoveRange(query.Limit, _events.Count - query.Limit);
            return new EventPage(_events, new EventPosition(_events[^1].Event.Time, _events[^1].Sequence), IsPartial: false);
        }
        if (isEnded && !IsFull)
            return new EventPage(_events, Next: null, IsPartial: false);
        var next = _last is { } last ? new EventPosition(last.Time, last.Sequence) : query.After ?? Start(query);
        return new EventPage(_events, next, IsPartial: !IsFull && _events.Count < query.Limit);
    }

    /// <summary>
    /// The next keys that the filter takes as far as columns tell, in order, and where the slice ended: at the last row that was looked at, or at the last key when
    /// the page will be full before; null when nothing is left.
    /// </summary>
    private async Task<(List<EventKey> Keys, EventKey? End)> SliceAsync(Driver driver, EventKey? position, int slice)
    {
        var values = new SqlValues();
        var most = query.Filter.ReadsRecords ? slice : query.Limit + 1 - _events.Count;
        var sql = driver.IsFew ? Gather(driver, position, most, values) : Walk(driver, position, slice, most, values);
        var (keys, end, seen) = (new List<EventKey>(most), (EventKey?)null, 0);
        await using var batch = new NpgsqlBatch(connection);
        if (!driver.IsFew)
            batch.BatchCommands.Add(new NpgsqlBatchCommand(AlongIndexes));
        batch.BatchCommands.Add(values.Part(sql));
        await using var rows = await batch.ExecuteReaderAsync(cancellation);
        if (!driver.IsFew)
            await rows.NextResultAsync(cancellation);
        while (await rows.ReadAsync(cancellation))
        {
            var key = new EventKey(rows.GetInt64(0), rows.GetInt64(1));
            var isTaken = rows.GetBoolean(2);
            seen += isTaken ? 1 : 0;
            if (seen > most)
                break;
            // An event whose both sides are asked for is found by either.
            if (isTaken && (keys.Count == 0 || keys[^1] != key))
                keys.Add(key);
            if (rows.GetInt64(3) == slice || seen == most)
                end = key;
        }
        return (keys, end);
    }

    /// <summary>All that the driver finds, sorted: the planner is kept from looking for a cleverer way.</summary>
    private string Gather(Driver driver, EventKey? position, int most, SqlValues values)
    {
        var (filter, order) = (FilterSql.All(query.Filter, values), Order());
        var ceiling = values.Add(_ceiling);
        var window = And(Range(position, values));
        var found = FilterSql.Any(driver.Streams.Select(stream => stream(values)));
        return $"""
            WITH f AS MATERIALIZED (SELECT * FROM tocsin.event e WHERE {found} AND e.sequence <= {ceiling}{window}),
                g AS MATERIALIZED (SELECT * FROM tocsin.version e WHERE {found} AND {FilterSql.IsCurrentVersion(ceiling)}{window})
            SELECT ticks, tie, true, 0::bigint FROM (
                SELECT e.ticks, e.tie, e.sequence FROM f e WHERE {filter} AND {FilterSql.IsCurrentEvent(ceiling)}
                UNION ALL SELECT e.ticks, e.tie, e.sequence FROM g e WHERE {filter}) u
            ORDER BY {order} LIMIT {values.Add(most)}
            """;
    }

    /// <summary>
    /// So many rows of an index in order, and which of them the filter takes; the last is told in any case. With it go the rows of its key: an event and its
    /// versions may share one, and the next slice begins behind it.
    /// </summary>
    private string Walk(Driver driver, EventKey? position, int slice, int most, SqlValues values)
    {
        var (filter, order) = (FilterSql.All(query.Filter, values), Order());
        var ceiling = values.Add(_ceiling);
        var range = And(Range(position, values));
        var streams = driver.Streams.Count > 0 ? driver.Streams : [_ => "true"];
        var last = slice.ToString(CultureInfo.InvariantCulture);
        // Each part by itself in order and cut off: the planner then has one index to go along, and no reason to fetch everything and sort.
        var cut = $"ORDER BY {order} FETCH FIRST {last} ROWS WITH TIES";
        var parts = streams.Select(stream => stream(values)).SelectMany(stream => new[]
        {
            $"(SELECT {Columns}, NULL::bigint AS from_sequence, NULL::bigint AS to_sequence FROM tocsin.event e WHERE {stream} AND e.sequence <= {ceiling}{range} {cut})",
            $"(SELECT {Columns}, from_sequence, to_sequence FROM tocsin.version e WHERE {stream}{range} {cut})",
        });
        return $"""
            SELECT ticks, tie, taken, place FROM (
                SELECT ticks, tie, row_number() OVER () AS place,
                    ({filter} AND CASE WHEN e.to_sequence IS NULL THEN {FilterSql.IsCurrentEvent(ceiling)} ELSE {FilterSql.IsCurrentVersion(ceiling)} END) IS TRUE AS taken
                FROM (SELECT * FROM ({string.Join(" UNION ALL ", parts)}) u {cut}) e) t
            WHERE taken OR place = {last} LIMIT {values.Add(most + 1)}
            """;
    }

    private string Order() => (query.BySequence, query.Ascending) switch
    {
        (true, true) => "sequence",
        (true, false) => "sequence DESC",
        (false, true) => "ticks, tie",
        _ => "ticks DESC, tie DESC",
    };

    /// <summary>What lies behind the position, within the filter's span of time.</summary>
    private string Range(EventKey? position, SqlValues values)
    {
        var window = FilterSql.Window(query.Filter, values);
        if (position is not { } behind)
            return window;
        var compare = query.Ascending ? ">" : "<";
        var next = query.BySequence ? $"e.sequence {compare} {values.Add(behind.Sequence)}" : FilterSql.Row(behind, compare, values);
        return window.Length > 0 ? $"{window} AND {next}" : next;
    }

    private static string And(string condition) => condition.Length > 0 ? $" AND {condition}" : "";

    /// <summary>Reads the events in order until the page is full; false when time was up before all were read.</summary>
    private async Task<bool> ReadAsync(List<EventKey> keys)
    {
        for (var from = 0; from < keys.Count && !IsFull;)
        {
            if (from > 0 && isLate())
                return false;
            var sequences = keys.Skip(from).Select(key => key.Sequence).ToArray();
            var found = await EntryReads.FindAsync(connection, sequences, _ceiling, MaxBytes, cancellation);
            if (found.Count == 0)
                throw new InvalidOperationException($"The index names sequence {sequences[0]}, which is no event.");
            for (; from < keys.Count && found.TryGetValue(keys[from].Sequence, out var e) && !IsFull; from++)
            {
                if (query.Filter.Matches(e))
                {
                    _events.Add(new StoredEvent(keys[from].Sequence, e));
                    _bytes += e.Data.Utf8.Length + (2 * (e.Description?.Length ?? 0));
                }
                if (_events.Count <= query.Limit)
                    _last = keys[from];
            }
        }
        return true;
    }

    private async Task<long[]> SequencesAsync(IReadOnlyList<EventId> ids)
    {
        var sequences = new List<long>(ids.Count);
        foreach (var id in ids)
            if (await EntryReads.SequenceOfAsync(connection, id, cancellation) is > 0 and var sequence)
                sequences.Add(sequence);
        return [.. sequences.Distinct()];
    }
}
