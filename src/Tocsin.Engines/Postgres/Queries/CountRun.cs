using Npgsql;
using Tocsin.Journal;

namespace Tocsin.Engines.Postgres.Queries;

/// <summary>Counts what a filter takes, partition by partition: first by value, then, for the values that are told, by step.</summary>
internal sealed class CountRun(NpgsqlConnection connection, long head, StatsQuery query, long partitionRows, Func<bool> isLate, CancellationToken cancellation)
{
    private readonly ValueCounts _counts = new(query);
    private bool _isPartial;

    public async Task<EventStats> RunAsync()
    {
        await EachAsync(0, (text, _, count) => _counts.Add(text, count));
        _counts.Choose();
        if (query.Every is { Ticks: var every } && !_isPartial)
            await EachAsync(every, (text, ticks, count) => _counts.AddStep(text, ticks, every, count));
        return _counts.Stats(head, _isPartial);
    }

    /// <summary>Tells how many events of each value are taken, in steps of so many ticks; 0: whatever their time.</summary>
    private async Task EachAsync(long every, Action<string?, long, long> tell)
    {
        if (query.Filter.ReadsRecords || query.Filter.Ids.Count > 0)
        {
            await EachRecordAsync(tell);
            return;
        }
        for (var from = 1L; from <= head && !Late(); from += partitionRows)
            await SliceAsync(every, from, Math.Min(head, from + partitionRows - 1), tell);
        if (head > 0 && !Late())
            await SliceAsync(every, 0, 0, tell);
    }

    /// <summary>The events of a run of sequences that no amendment changed; from 0: those that one did.</summary>
    private async Task SliceAsync(long every, long from, long to, Action<string?, long, long> tell)
    {
        var values = new SqlValues();
        var step = every == 0 ? "0::bigint" : $"e.ticks - (((e.ticks % {values.Add(every)}) + {values.Add(every)}) % {values.Add(every)})";
        var ceiling = values.Add(head);
        // Hashed once, where a look for each would cost more than the count.
        var of = from == 0
            ? $"tocsin.version e WHERE {FilterSql.IsCurrentVersion(ceiling)}"
            : $"tocsin.event e WHERE e.sequence >= {values.Add(from)} AND e.sequence <= {values.Add(to)} AND NOT EXISTS (SELECT 1 FROM tocsin.version v WHERE v.sequence = e.sequence AND v.from_sequence <= {ceiling})";
        await using var command = values.Command(connection, $"SELECT e.{Column}, {step}, count(*) FROM {of} AND {FilterSql.All(query.Filter, values)} GROUP BY 1, 2");
        await using var rows = await command.ExecuteReaderAsync(cancellation);
        while (await rows.ReadAsync(cancellation))
            tell(Name(rows), rows.GetInt64(1), rows.GetInt64(2));
    }

    /// <summary>No column says what stands in records: events are read, page by page.</summary>
    private async Task EachRecordAsync(Action<string?, long, long> tell)
    {
        EventPosition? after = null;
        do
        {
            var page = await new PageRun(connection, head, new EventQuery { Filter = query.Filter, Limit = EventQuery.MaxLimit, After = after, Ascending = true }, isLate, cancellation).RunAsync();
            foreach (var (_, e) in page.Events)
                tell(_counts.ValueOf(e), e.Time.UnixTicks, 1);
            after = page.Next;
            _isPartial |= page.IsPartial;
        }
        while (after is not null && !Late());
    }

    private bool Late() => _isPartial |= isLate();

    private string Column => query.By switch
    {
        StatsField.Priority => "priority",
        StatsField.Kind => "kind",
        StatsField.Type => "type",
        StatsField.Source => "source",
        StatsField.Device => "device",
        StatsField.Country => "country",
        _ => "user_id",
    };

    private string? Name(NpgsqlDataReader row) => query.By switch
    {
        StatsField.Priority => ((Priority)row.GetInt16(0)).Name(),
        StatsField.Kind => ((EventKind)row.GetInt16(0)).Name(),
        _ => EventRows.Text(row, 0),
    };
}
