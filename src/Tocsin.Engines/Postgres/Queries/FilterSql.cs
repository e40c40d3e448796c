using NpgsqlTypes;
using Tocsin.Journal;

namespace Tocsin.Engines.Postgres.Queries;

/// <summary>A filter as conditions over the columns that events and versions share: all of it but what looks into records and ids.</summary>
internal static class FilterSql
{
    /// <summary>What an event's row says unless an amendment up to the ceiling says otherwise.</summary>
    public static string IsCurrentEvent(string ceiling) =>
        $"coalesce((SELECT min(v.from_sequence) FROM tocsin.version v WHERE v.sequence = e.sequence), {ceiling} + 1) > {ceiling}";

    public static string IsCurrentVersion(string ceiling) => $"e.from_sequence <= {ceiling} AND e.to_sequence > {ceiling}";

    /// <summary>Everything that must hold, joined; "true" when nothing must.</summary>
    public static string All(EventFilter filter, SqlValues values)
    {
        var all = new List<string>();
        foreach (var (field, texts) in Texts(filter))
            Add(texts.Count > 0, () => $"e.{field} = ANY({values.Texts(texts)})");
        Add(filter.Kinds.Count > 0, () => $"e.kind = ANY({Numbers(values, filter.Kinds.Select(kind => (short)kind))})");
        Add(filter.Priorities.Count > 0, () => $"e.priority = ANY({Numbers(values, filter.Priorities.Select(priority => (short)priority))})");
        Add(filter.Types.Count > 0, () => Any(filter.Types.Select(type => Type(type, values))));
        Add(filter.UserIds.Count > 0, () => User(filter.UserIds, values));
        Add(filter.Ips.Count > 0, () => Any(filter.Ips.SelectMany(range => new[] { Address("src", range, values), Address("dst", range, values) })));
        Add(filter.SrcIps.Count > 0, () => Any(filter.SrcIps.Select(range => Address("src", range, values))));
        Add(filter.DstIps.Count > 0, () => Any(filter.DstIps.Select(range => Address("dst", range, values))));
        Add(filter.Times.Count > 0, () => Any(filter.Times.Select(time => At(time, values))));
        Add(!filter.ShowsOwn, () => $"e.source <> '{EventFilter.OwnSource}'");
        if (Window(filter, values) is { Length: > 0 } window)
            all.Add(window);
        return all.Count == 0 ? "true" : string.Join(" AND ", all);

        void Add(bool isAsked, Func<string> condition)
        {
            if (isAsked)
                all.Add(condition());
        }
    }

    /// <summary>The span of time of a filter, as a range of the indexes; empty when there is none.</summary>
    public static string Window(EventFilter filter, SqlValues values)
    {
        var since = filter.Since;
        var until = filter.Until;
        if (filter.Times.Count > 0)
        {
            // Several instants: from the first of them to right behind the last.
            var (first, last) = (filter.Times.Min(), filter.Times.Max());
            since = since is { } s && s > first ? s : first;
            var behind = last.SubTickNanoseconds < 99 ? EventTime.FromStored(last.UnixTicks, last.SubTickNanoseconds + 1) : EventTime.FromStored(last.UnixTicks + 1, 0);
            until = until is { } u && u < behind ? u : behind;
        }
        var parts = new List<string>(2);
        if (since is { } from)
            parts.Add(Row(EventKey.Of(from, 0), ">=", values));
        if (until is { } to)
            parts.Add(Row(EventKey.Of(to, 0), "<", values));
        return string.Join(" AND ", parts);
    }

    public static string Row(EventKey key, string compare, SqlValues values) => $"(e.ticks, e.tie) {compare} ({values.Add(key.Ticks)}, {values.Add(key.Tie)})";

    public static string Address(string side, IpRange range, SqlValues values) => range.First == range.Last
        ? $"e.{side} = {values.Add(EventKey.Address(range.First))}"
        : $"e.{side} BETWEEN {values.Add(EventKey.Address(range.First))} AND {values.Add(EventKey.Address(range.Last))}";

    public static string Type(string type, SqlValues values) => type.EndsWith(".*", StringComparison.Ordinal)
        // All that begins with "auth.": in the order of bytes, what stands before "auth/".
        ? $"(e.type >= {values.Add(StoredText.To(type[..^1]))} AND e.type < {values.Add(StoredText.To(type[..^2]) + '/')})"
        : $"e.type = {values.Add(StoredText.To(type))}";

    public static string Any(IEnumerable<string> conditions) => $"({string.Join(" OR ", conditions)})";

    private static IEnumerable<(string Field, IReadOnlyList<string> Texts)> Texts(EventFilter filter) =>
        [("source", filter.Sources), ("device", filter.Devices), ("country", filter.Countries), ("external_id", filter.ExternalIds)];

    private static string User(IReadOnlyList<string> users, SqlValues values)
    {
        var named = $"e.user_id = ANY({values.Texts(users)})";
        return users.Contains(EventFilter.UnknownUser) ? $"({named} OR e.user_id IS NULL)" : named;
    }

    private static string At(EventTime time, SqlValues values)
    {
        var from = EventKey.Of(time, 0);
        return $"(e.ticks = {values.Add(from.Ticks)} AND e.tie BETWEEN {values.Add(from.Tie)} AND {values.Add(from.Tie | EventKey.MaxSequence)})";
    }

    private static string Numbers(SqlValues values, IEnumerable<short> numbers) => values.Add(Sql.Array(NpgsqlDbType.Smallint, numbers));
}
