using Npgsql;
using Tocsin.Journal;

namespace Tocsin.Engines.Postgres.Queries;

/// <summary>
/// The condition by which a page is looked for; whatever else is asked is held against what it finds. <paramref name="Streams"/>: conditions of which each is a
/// run of one index in the order of time, none: the index on time, or on sequences. <paramref name="IsFew"/>: it finds so few events that all are gathered and
/// sorted.
/// </summary>
internal sealed record Driver(IReadOnlyList<Func<SqlValues, string>> Streams, bool IsFew)
{
    /// <summary>By time, or by sequence, before anything was asked.</summary>
    public static readonly Driver None = new([], IsFew: false);

    /// <summary>Runs that are merged; more would each cost the plan and the first row.</summary>
    private const int MaxStreams = 24;

    /// <summary>Events that are gathered and sorted for a page.</summary>
    private const int Few = 20_000;

    /// <summary>Events that are told apart from more where a run in the order of time is at hand.</summary>
    private const int FewBesideRuns = 5_000;

    /// <summary>Texts in the indexes; longer ones are found by time.</summary>
    private const int MaxIndexedBytes = 2000;

    public static async Task<Driver> ChooseAsync(NpgsqlConnection connection, EventQuery query, CancellationToken cancellation)
    {
        var filter = query.Filter;
        var candidates = await CandidatesAsync(connection, filter, cancellation);
        if (candidates.Count == 0)
            return new Driver([], IsFew: false);
        if (!query.BySequence && candidates is [{ IsRun: true } only])
            return new Driver(only.Streams, IsFew: false);
        var most = !query.BySequence && candidates.Exists(candidate => candidate.IsRun) ? FewBesideRuns : Few;
        var fewest = (Count: int.MaxValue, Candidate: candidates[0]);
        foreach (var candidate in candidates)
            if (await CountAsync(connection, filter, candidate, most, cancellation) is var count && count < fewest.Count)
                fewest = (count, candidate);
        if (fewest.Count <= most)
            return new Driver(fewest.Candidate.Streams, IsFew: true);
        // Many of each: those of one index in order, the likeliest to be rare first.
        return new Driver(!query.BySequence && candidates.Find(candidate => candidate.IsRun) is { } run ? run.Streams : [], IsFew: false);
    }

    private static async Task<int> CountAsync(NpgsqlConnection connection, EventFilter filter, Candidate candidate, int most, CancellationToken cancellation)
    {
        var values = new SqlValues();
        var condition = FilterSql.Any(candidate.Streams.Select(stream => stream(values)));
        if (FilterSql.Window(filter, values) is { Length: > 0 } window)
            condition += $" AND {window}";
        var limit = values.Add(most + 1);
        await using var command = values.Command(connection,
            $"SELECT count(*)::integer FROM ((SELECT 1 FROM tocsin.event e WHERE {condition} LIMIT {limit}) UNION ALL (SELECT 1 FROM tocsin.version e WHERE {condition} LIMIT {limit})) found");
        return (int)(await command.ExecuteScalarAsync(cancellation))!;
    }

    /// <summary>What has an index and is asked for, the likeliest to be rare first.</summary>
    private static async Task<List<Candidate>> CandidatesAsync(NpgsqlConnection connection, EventFilter filter, CancellationToken cancellation)
    {
        var all = new List<Candidate>();
        Texts("external_id", filter.ExternalIds);
        Addresses(["src"], filter.SrcIps);
        Addresses(["dst"], filter.DstIps);
        Addresses(["src", "dst"], filter.Ips);
        Texts("user_id", filter.UserIds, filter.UserIds.Contains(EventFilter.UnknownUser) ? [_ => "e.user_id IS NULL"] : []);
        Texts("device", filter.Devices);
        Texts("country", filter.Countries);
        if (filter.Types.Count > 0 && await TypesAsync(connection, filter.Types, cancellation) is { } types)
            Texts("type", types);
        Texts("source", filter.Sources);
        Numbers("priority", filter.Priorities.Select(priority => (short)priority));
        Numbers("kind", filter.Kinds.Select(kind => (short)kind));
        return all;

        void Texts(string field, IReadOnlyList<string> texts, Func<SqlValues, string>[]? others = null)
        {
            if (texts.Count == 0 || texts.Any(text => System.Text.Encoding.UTF8.GetByteCount(StoredText.To(text)) > MaxIndexedBytes))
                return;
            Add([.. texts.Distinct(StringComparer.Ordinal).Select(text => (Func<SqlValues, string>)(values => $"e.{field} = {values.Add(StoredText.To(text))} AND octet_length(e.{field}) <= {MaxIndexedBytes}")), .. others ?? []], true);
        }

        void Numbers(string field, IEnumerable<short> numbers)
        {
            if (numbers.Distinct().ToArray() is { Length: > 0 } distinct)
                Add([.. distinct.Select(number => (Func<SqlValues, string>)(values => $"e.{field} = {values.Add(number)}"))], true);
        }

        void Addresses(string[] sides, IReadOnlyList<IpRange> ranges)
        {
            if (ranges.Count > 0)
                Add([.. sides.SelectMany(side => ranges.Distinct().Select(range => (Func<SqlValues, string>)(values => FilterSql.Address(side, range, values))))], ranges.All(range => range.First == range.Last));
        }

        void Add(Func<SqlValues, string>[] streams, bool isRun) => all.Add(new Candidate(streams, isRun && streams.Length <= MaxStreams));
    }

    /// <summary>The types that are meant, prefixes resolved by hopping from one to the next in the index; null when they are too many.</summary>
    private static async Task<IReadOnlyList<string>?> TypesAsync(NpgsqlConnection connection, IReadOnlyList<string> wanted, CancellationToken cancellation)
    {
        const string sql = """
            WITH RECURSIVE t(type) AS (
                (SELECT type FROM tocsin.{0} WHERE type >= $1 AND type < $2 AND octet_length(type) <= 2000 ORDER BY type LIMIT 1)
                UNION ALL
                SELECT (SELECT e.type FROM tocsin.{0} e WHERE e.type > t.type AND e.type < $2 AND octet_length(e.type) <= 2000 ORDER BY e.type LIMIT 1) FROM t WHERE t.type IS NOT NULL)
            SELECT type FROM t WHERE type IS NOT NULL LIMIT $3
            """;
        var types = new List<string>(wanted.Where(type => !type.EndsWith(".*", StringComparison.Ordinal)));
        foreach (var prefix in wanted.Where(type => type.EndsWith(".*", StringComparison.Ordinal)))
            foreach (var table in (string[])["event", "version"])
                types.AddRange(await Sql.ListAsync(connection, string.Format(System.Globalization.CultureInfo.InvariantCulture, sql, table), static row => EventRows.Text(row, 0)!, cancellation,
                    StoredText.To(prefix[..^1]), StoredText.To(prefix[..^2]) + '/', MaxStreams + 1));
        var distinct = types.Distinct(StringComparer.Ordinal).ToArray();
        return distinct.Length <= MaxStreams ? distinct : null;
    }

    private sealed record Candidate(Func<SqlValues, string>[] Streams, bool IsRun);
}
