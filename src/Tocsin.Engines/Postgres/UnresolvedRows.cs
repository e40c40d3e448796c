using Npgsql;
using Tocsin.Journal;

namespace Tocsin.Engines.Postgres;

/// <summary>Events nobody was found for, by the address that was looked up.</summary>
internal static class UnresolvedRows
{
    /// <summary>The address that nobody was found for; null when the event has a person, or never asked for one.</summary>
    public static string? AddressOf(SecurityEvent e) =>
        e is { UserId: null, Attribution: { Rule: AttributionRule.Unresolved, Address: var address } } ? address : null;

    public static Task<IReadOnlyList<UnresolvedEvent>> EventsAsync(NpgsqlConnection connection, string address, long after, int limit, CancellationToken cancellation) =>
        Sql.ListAsync(connection, "SELECT sequence, source, ticks, precision FROM tocsin.unresolved WHERE address = $1 AND sequence > $2 ORDER BY sequence LIMIT $3",
            static row => new UnresolvedEvent(row.GetInt64(0), EventRows.Text(row, 1)!, EventTime.FromStored(row.GetInt64(2), row.GetInt16(3))),
            cancellation, StoredText.To(address), after, limit);

    public static Task<IReadOnlyList<UnresolvedAddress>> AddressesAsync(NpgsqlConnection connection, string? after, int limit, CancellationToken cancellation) =>
        Sql.ListAsync(connection, "SELECT address, count(*) FROM tocsin.unresolved WHERE address > $1 GROUP BY address ORDER BY address LIMIT $2",
            Address, cancellation, StoredText.To(after ?? ""), limit);

    public static Task<IReadOnlyList<UnresolvedAddress>> TopAsync(NpgsqlConnection connection, int limit, CancellationToken cancellation) =>
        Sql.ListAsync(connection, "SELECT address, count(*) FROM tocsin.unresolved GROUP BY address ORDER BY 2 DESC, 1 LIMIT $1", Address, cancellation, limit);

    private static UnresolvedAddress Address(NpgsqlDataReader row) => new(EventRows.Text(row, 0)!, row.GetInt64(1));
}
