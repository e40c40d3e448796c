using Tocsin.Engines.Sqlite.Columns;

namespace Tocsin.Engines.Sqlite;

/// <summary>The table of amendments, by sequence and by target.</summary>
internal static class Amendments
{
    private const string Newest = "SELECT changes, NULL FROM amendment WHERE target = ?1 AND sequence <= ?2 ORDER BY sequence DESC";
    private const string NewestWithRecord = "SELECT changes, data FROM amendment WHERE target = ?1 AND sequence <= ?2 ORDER BY sequence DESC";

    public static void Insert(SqliteConnection connection, long sequence, Amendment amendment)
    {
        var row = connection.Statement("INSERT INTO amendment (sequence, target, changes, data) VALUES (?1, ?2, ?3, ?4)")
            .Bind(1, sequence).Bind(2, amendment.Target).Bind(3, AmendmentJson.Write(amendment));
        if (amendment.Revision is { Data: { IsEmpty: false } data })
            row.Bind(4, data.Utf8.Span);
        else
            row.Bind(4, (string?)null);
        row.Run();
    }

    /// <summary>
    /// Those of (after, upTo] in order, at most <paramref name="limit"/> and not many more than <paramref name="maxBytes"/> of records; <paramref name="isCut"/>
    /// when more may follow for their bytes.
    /// </summary>
    public static List<Sequenced> Read(SqliteConnection connection, long after, long upTo, int limit, long maxBytes, out bool isCut)
    {
        var row = connection.Statement("SELECT sequence, target, changes, data FROM amendment WHERE sequence > ?1 AND sequence <= ?2 ORDER BY sequence LIMIT ?3")
            .Bind(1, after).Bind(2, upTo).Bind(3, limit);
        var amendments = new List<Sequenced>();
        isCut = false;
        for (var bytes = 0L; !isCut && row.Step(); isCut = bytes >= maxBytes)
        {
            var amendment = AmendmentJson.Read(row.Int64(1), row.Bytes(2), Data(row, 3));
            amendments.Add(new Sequenced(row.Int64(0), amendment));
            bytes += amendment.Bytes;
        }
        row.Reset();
        return amendments;
    }

    /// <summary>An event, as first committed, as it reads with its amendments up to a sequence; without a revision's record when nobody asks for it.</summary>
    public static SecurityEvent Apply(SqliteConnection connection, SecurityEvent first, long target, long ceiling, bool withRecord = true)
    {
        // From the newest back: what stands before a revision no longer shows, and there may be much of it.
        var row = connection.Statement(withRecord ? NewestWithRecord : Newest).Bind(1, target).Bind(2, ceiling);
        var newestFirst = new List<Amendment>(1);
        while (row.Step())
        {
            newestFirst.Add(AmendmentJson.Read(target, row.Bytes(0), Data(row, 1)));
            if (newestFirst[^1].Revision is not null)
                break;
        }
        row.Reset();
        for (var i = newestFirst.Count - 1; i >= 0; i--)
            first = newestFirst[i].Apply(first);
        return first;
    }

    /// <summary>How an event read at first and after each of its amendments up to a sequence, without their records: what an index is made of.</summary>
    public static List<EventVersion> History(SqliteConnection connection, SecurityEvent first, long target, long ceiling)
    {
        var versions = new List<EventVersion>(2) { new(first, target) };
        var row = connection.Statement("SELECT sequence, changes FROM amendment WHERE target = ?1 AND sequence <= ?2 ORDER BY sequence").Bind(1, target).Bind(2, ceiling);
        while (row.Step())
            versions.Add(new EventVersion(AmendmentJson.Read(target, row.Bytes(1), RawRecord.None).Apply(versions[^1].Event), row.Int64(0)));
        row.Reset();
        return versions;
    }

    private static RawRecord Data(SqliteStatement row, int column) => row.IsNull(column) ? RawRecord.None : new RawRecord(row.Bytes(column).ToArray());
}
