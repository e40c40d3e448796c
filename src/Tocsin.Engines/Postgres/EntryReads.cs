using Npgsql;

namespace Tocsin.Engines.Postgres;

/// <summary>Reads entries in the order of the journal, and single events as they read now.</summary>
internal static class EntryReads
{
    /// <summary>Bytes of records read at a time, of events and of revisions each: a page of large ones is shorter.</summary>
    private const long MaxBytes = 32 << 20;

    // The sizes are added up where the records are: what is too much is not sent.
    private const string After = $"""
        SELECT {EventRows.All} FROM (
            SELECT *, sum(octet_length(coalesce(data, ''))) OVER (ORDER BY sequence ROWS UNBOUNDED PRECEDING) - octet_length(coalesce(data, '')) AS before
            FROM (SELECT * FROM tocsin.event WHERE sequence > $1 AND sequence <= $2 ORDER BY sequence LIMIT $3) page) sized
        WHERE before < $4 ORDER BY sequence
        """;

    private const string Some = $"""
        SELECT {EventRows.All} FROM (
            SELECT e.*, place, sum(octet_length(coalesce(data, ''))) OVER (ORDER BY place ROWS UNBOUNDED PRECEDING) - octet_length(coalesce(data, '')) AS before
            FROM unnest($1::bigint[]) WITH ORDINALITY AS wanted(wanted, place), LATERAL (SELECT * FROM tocsin.event WHERE sequence = wanted LIMIT 1) e) sized
        WHERE before < $2 ORDER BY place
        """;

    private const string IdOfKey = "SELECT b.first_sequence + k.place FROM tocsin.key k JOIN tocsin.batch b ON b.number = k.batch WHERE k.id = $1";

    private const string IdOfEvent = "SELECT sequence FROM tocsin.event WHERE id = $1 AND NOT keyed ORDER BY sequence DESC LIMIT 1";

    public static async Task<IReadOnlyList<Sequenced>> ReadAsync(NpgsqlConnection connection, long after, long head, int limit, CancellationToken cancellation)
    {
        var events = new List<Sequenced>(Math.Min(limit, (int)Math.Min(int.MaxValue, head - after)));
        var bytes = 0L;
        await using (var command = Sql.Command(connection, After, after, head, limit, MaxBytes))
        await using (var rows = await command.ExecuteReaderAsync(cancellation))
            while (await rows.ReadAsync(cancellation))
            {
                events.Add(new Sequenced(rows.GetInt64(0), EventRows.Read(rows)));
                bytes += ((SecurityEvent)events[^1].Entry).Data.Utf8.Length;
            }
        // Where one of the two was cut short, nothing of the other that stands behind it may be told yet.
        var isWhole = events.Count < limit && bytes < MaxBytes;
        var (amendments, isCut) = await AmendmentRows.ReadAsync(connection, after, isWhole ? head : events[^1].Sequence, limit, MaxBytes, cancellation);
        return amendments.Count == 0 ? events : EntryMerge.Of(events, amendments, isCut ? amendments[^1].Sequence : head, limit);
    }

    /// <summary>
    /// The first of these events, as they read with the amendments up to a sequence: as many as some bytes of records hold, but one at least. One that
    /// does not exist is left out; the last of the result tells how far it is.
    /// </summary>
    public static async Task<Dictionary<long, SecurityEvent>> FindAsync(NpgsqlConnection connection, long[] sequences, long ceiling, long maxBytes, CancellationToken cancellation)
    {
        var events = new Dictionary<long, SecurityEvent>(sequences.Length);
        await using var batch = new NpgsqlBatch(connection) { BatchCommands = { Sql.Part(Some, sequences, maxBytes), AmendmentRows.NewestOf(sequences, ceiling, withRecord: true) } };
        // To plan it over all partitions costs more than to run it. A connection of the pool keeps what it has prepared.
        await batch.PrepareAsync(cancellation);
        await using var rows = await batch.ExecuteReaderAsync(cancellation);
        while (await rows.ReadAsync(cancellation))
            events[rows.GetInt64(0)] = EventRows.Read(rows);
        await rows.NextResultAsync(cancellation);
        await AmendmentRows.ReadNewestAsync(rows, events, cancellation);
        return events;
    }

    public static async Task<SecurityEvent?> FindAsync(NpgsqlConnection connection, long sequence, long ceiling, CancellationToken cancellation) =>
        (await FindAsync(connection, [sequence], ceiling, MaxBytes, cancellation)).GetValueOrDefault(sequence);

    /// <summary>The sequence of the event with this id; 0 when there is none.</summary>
    public static async Task<long> SequenceOfAsync(NpgsqlConnection connection, EventId id, CancellationToken cancellation)
    {
        var found = await Sql.ListAsync(connection, id.IsKeyed ? IdOfKey : IdOfEvent, static row => row.GetInt64(0), cancellation, id.Value);
        return found.Count > 0 ? found[0] : 0;
    }
}
