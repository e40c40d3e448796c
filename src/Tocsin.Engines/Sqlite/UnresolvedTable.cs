using Tocsin.Journal;

namespace Tocsin.Engines.Sqlite;

/// <summary>Events nobody was found for, by the address that was looked up.</summary>
internal static class UnresolvedTable
{
    /// <summary>Lists an event, if nobody was found for it.</summary>
    public static void Add(SqliteConnection connection, long sequence, SecurityEvent e)
    {
        if (AddressOf(e) is { } address)
            connection.Statement("INSERT OR REPLACE INTO unresolved VALUES (?1, ?2, ?3, ?4, ?5)")
                .Bind(1, address).Bind(2, sequence).Bind(3, e.Source).Bind(4, e.Time.UnixTicks).Bind(5, e.Time.StoredPrecision).Run();
    }

    /// <summary>Lists an amended event as it reads now, and no longer as it did.</summary>
    public static void Move(SqliteConnection connection, long sequence, SecurityEvent before, SecurityEvent now)
    {
        var address = AddressOf(before);
        if (address == AddressOf(now) && before.Time == now.Time)
            return;
        if (address is not null)
            connection.Statement("DELETE FROM unresolved WHERE address = ?1 AND sequence = ?2").Bind(1, address).Bind(2, sequence).Run();
        Add(connection, sequence, now);
    }

    public static IReadOnlyList<UnresolvedEvent> Events(SqliteConnection connection, string address, long after, int limit)
    {
        var row = connection.Statement("SELECT sequence, source, time, precision FROM unresolved WHERE address = ?1 AND sequence > ?2 ORDER BY sequence LIMIT ?3")
            .Bind(1, address).Bind(2, after).Bind(3, limit);
        var events = new List<UnresolvedEvent>();
        while (row.Step())
            events.Add(new UnresolvedEvent(row.Int64(0), row.Text(1), EventTime.FromStored(row.Int64(2), (int)row.Int64(3))));
        row.Reset();
        return events;
    }

    public static IReadOnlyList<UnresolvedAddress> Addresses(SqliteConnection connection, string? after, int limit) =>
        Addresses(connection.Statement("SELECT address, count(*) FROM unresolved WHERE address > ?1 GROUP BY address ORDER BY address LIMIT ?2")
            .Bind(1, after ?? "").Bind(2, limit));

    public static IReadOnlyList<UnresolvedAddress> Top(SqliteConnection connection, int limit) =>
        Addresses(connection.Statement("SELECT address, count(*) FROM unresolved GROUP BY address ORDER BY 2 DESC, 1 LIMIT ?1").Bind(1, limit));

    /// <summary>The address that nobody was found for; null when the event has a person, or never asked for one.</summary>
    public static string? AddressOf(SecurityEvent e) =>
        e is { UserId: null, Attribution: { Rule: AttributionRule.Unresolved, Address: var address } } ? address : null;

    private static List<UnresolvedAddress> Addresses(SqliteStatement row)
    {
        var addresses = new List<UnresolvedAddress>();
        while (row.Step())
            addresses.Add(new UnresolvedAddress(row.Text(0), row.Int64(1)));
        row.Reset();
        return addresses;
    }
}
