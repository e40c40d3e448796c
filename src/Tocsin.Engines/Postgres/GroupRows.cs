using Npgsql;
using NpgsqlTypes;
using Tocsin.Journal;

namespace Tocsin.Engines.Postgres;

/// <summary>The statements that read what a group asks about and that write what was decided.</summary>
internal static class GroupRows
{
    private const long PartBytes = 1 << 20;

    /// <summary>Durable whatever the server's default is, and not less where it waits for a standby.</summary>
    public const string Durable = """
        SELECT set_config('synchronous_commit', CASE WHEN current_setting('synchronous_commit') = 'remote_apply' THEN 'remote_apply' ELSE 'on' END, true)
        """;

    /// <summary>Tells others that this transaction lives, and lets its outcome be waited for when the connection is lost.</summary>
    private static readonly string BatchLock = $"SELECT pg_advisory_xact_lock({Locks.Batches}, $1)";

    private static readonly string JudgeLock = $"SELECT pg_advisory_xact_lock({Locks.Class}, {Locks.Judge})";

    // One look for each, always by the index, whatever the planner thinks of ten thousand.
    private const string KnownKeys = """
        SELECT k.id, k.fingerprint, b.first_sequence + k.place FROM unnest($1::uuid[]) i,
            LATERAL (SELECT * FROM tocsin.key WHERE id = i LIMIT 1) k, LATERAL (SELECT first_sequence FROM tocsin.batch WHERE number = k.batch LIMIT 1) b
        """;

    private const string KnownState = """
        SELECT s.name, s.key, s.version FROM unnest($1::text[], $2::text[]) AS wanted(name, key), LATERAL (
            SELECT * FROM tocsin.state WHERE state.name = wanted.name AND state.key = wanted.key LIMIT 1) s
        """;

    private static readonly string KnownTargets = $"SELECT {EventRows.Indexed} FROM tocsin.event WHERE sequence = ANY($1) AND sequence <= (SELECT sequence FROM tocsin.head)";

    private static readonly string MoveHeadAlone = Move("");

    private static readonly string MoveHeadAndVersion = Move(", version = $5");

    /// <summary>True when what the group asks for may change until it commits: then such groups take turns.</summary>
    public static bool MustBeJudged(IReadOnlyList<Append> group) =>
        group.Any(append => append.State.Count > 0 || append.Expect.Count > 0 || append.Entries.Any(entry => entry is Amendment));

    /// <summary>Begins the transaction of a batch and reads what is known.</summary>
    public static async Task<Known> BeginAsync(NpgsqlConnection connection, IReadOnlyList<Append> group, long number, CancellationToken cancellation)
    {
        var isJudged = MustBeJudged(group);
        var ids = group.SelectMany(append => append.Entries).OfType<SecurityEvent>().Where(e => e.Id.IsKeyed).Select(e => e.Id.Value).Distinct().ToArray();
        var expected = group.SelectMany(append => append.Expect).ToArray();
        var targets = group.SelectMany(append => append.Entries).OfType<Amendment>().Select(amendment => amendment.Target).Distinct().ToArray();
        await using var batch = new NpgsqlBatch(connection);
        void Add(NpgsqlBatchCommand part) => batch.BatchCommands.Add(part);
        Add(Sql.Part("BEGIN"));
        Add(Sql.Part(Durable));
        if (isJudged)
            Add(Sql.Part(JudgeLock));
        Add(Sql.Part(BatchLock, Locks.OfBatch(number)));
        Add(Sql.Part("SELECT sequence, version FROM tocsin.head"));
        Add(Sql.Part(KnownKeys, ids));
        Add(Sql.Part(KnownState, Sql.Array(NpgsqlDbType.Text, expected.Select(e => StoredText.To(e.Name))), Sql.Array(NpgsqlDbType.Text, expected.Select(e => StoredText.To(e.Key)))));
        Add(Sql.Part(KnownTargets, targets));
        Add(AmendmentRows.NewestOf(targets, long.MaxValue, withRecord: false));

        await batch.PrepareAsync(cancellation);
        await using var rows = await batch.ExecuteReaderAsync(cancellation);
        for (var skipped = isJudged ? 3 : 2; skipped > 0; skipped--)
            await rows.NextResultAsync(cancellation);
        await rows.ReadAsync(cancellation);
        var known = new Known(rows.GetInt64(0), rows.GetInt64(1), [], [], []);
        await rows.NextResultAsync(cancellation);
        while (await rows.ReadAsync(cancellation))
            known.Keys[new EventId(rows.GetGuid(0))] = (rows.GetInt64(2), rows.GetInt64(1));
        await rows.NextResultAsync(cancellation);
        while (await rows.ReadAsync(cancellation))
            known.State[(EventRows.Text(rows, 0)!, EventRows.Text(rows, 1)!)] = rows.GetInt64(2);
        await rows.NextResultAsync(cancellation);
        while (await rows.ReadAsync(cancellation))
            known.Targets[rows.GetInt64(0)] = EventRows.Read(rows, withData: false);
        await rows.NextResultAsync(cancellation);
        await AmendmentRows.ReadNewestAsync(rows, known.Targets, cancellation);
        return known;
    }

    /// <summary>Claims the new keys, in one order on all nodes so that none waits for another in a circle; false when another node was quicker with one.</summary>
    public static async Task<bool> ClaimKeysAsync(NpgsqlConnection connection, IReadOnlyList<Entry> kept, long batch, CancellationToken cancellation)
    {
        var keys = kept.Select((entry, place) => (Event: entry as SecurityEvent, place)).Where(key => key.Event?.Id.IsKeyed == true).OrderBy(key => key.Event!.Id).ToArray();
        if (keys.Length == 0)
            return true;
        const string sql = "INSERT INTO tocsin.key SELECT id, fingerprint, $4, place FROM unnest($1::uuid[], $2::bigint[], $3::integer[]) AS k(id, fingerprint, place) ON CONFLICT DO NOTHING";
        var claimed = await Sql.ExecuteAsync(connection, sql, cancellation,
            Sql.Array(NpgsqlDbType.Uuid, keys.Select(key => key.Event!.Id.Value)), Sql.Array(NpgsqlDbType.Bigint, keys.Select(key => key.Event!.Fingerprint)),
            Sql.Array(NpgsqlDbType.Integer, keys.Select(key => key.place)), batch);
        return claimed == keys.Length;
    }

    /// <summary>Everything but the events, the head and the row of the batch. <paramref name="empties"/>: batches of before that nobody asks for any more.</summary>
    public static IEnumerable<NpgsqlBatchCommand> Rest(GroupJudge judged, long first, Guid node, long[] empties)
    {
        var amendments = judged.Kept.Select((entry, place) => (first + place, entry as Amendment)).Where(a => a.Item2 is not null).ToArray();
        if (amendments.Length > 0)
        {
            yield return AmendmentRows.Insert(amendments!);
            foreach (var part in Versions(judged.Versions, first))
                yield return part;
        }
        foreach (var part in Unresolved(judged, first))
            yield return part;
        foreach (var part in State(judged, node))
            yield return part;
        if (empties.Length > 0)
            yield return Sql.Part("DELETE FROM tocsin.batch WHERE number = ANY($1)", empties);
    }

    /// <summary>
    /// Moves the head over this group if it stands right before it, and writes the batch's row, which tells how many events had a priority before it; last of
    /// all, because from here to the commit every other node waits.
    /// </summary>
    public static NpgsqlBatchCommand MoveHead(GroupJudge judged, long batch, long first)
    {
        long prioritised = judged.Kept.Count(entry => entry is SecurityEvent { Priority: not Priority.None });
        return judged.State.Count > 0
            ? Sql.Part(MoveHeadAndVersion, first, (long)judged.Kept.Count, prioritised, batch, judged.Version)
            : Sql.Part(MoveHeadAlone, first, (long)judged.Kept.Count, prioritised, batch);
    }

    private static string Move(string version) => $"""
        WITH moved AS (
            UPDATE tocsin.head SET sequence = sequence + $2, prioritised = prioritised + $3{version} WHERE sequence = $1 - 1 RETURNING prioritised)
        INSERT INTO tocsin.batch SELECT $4, $1, prioritised - $3 FROM moved
        """;

    private static IEnumerable<NpgsqlBatchCommand> Versions(List<NewVersion> versions, long first)
    {
        // Until when each holds: until the next of its event.
        var next = new Dictionary<long, long>();
        var until = new long[versions.Count];
        for (var i = versions.Count - 1; i >= 0; i--)
        {
            until[i] = next.GetValueOrDefault(versions[i].Target, long.MaxValue);
            next[versions[i].Target] = first + versions[i].Place;
        }
        yield return Sql.Part(
            "UPDATE tocsin.version v SET to_sequence = n.first FROM unnest($1::bigint[], $2::bigint[]) AS n(target, first) WHERE v.sequence = n.target AND v.to_sequence = 9223372036854775807",
            next.Keys.ToArray(), next.Values.ToArray());
        NpgsqlParameter Column<T>(NpgsqlDbType type, Func<SecurityEvent, T> value) => Sql.Array(type, versions.Select(version => value(version.Event)));
        yield return Sql.Part(
            """
            INSERT INTO tocsin.version SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::uuid[], $7::uuid[], $8::smallint[], $9::smallint[],
                $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[])
            """,
            Sql.Array(NpgsqlDbType.Bigint, versions.Select(version => version.Target)), Sql.Array(NpgsqlDbType.Bigint, versions.Select(version => first + version.Place)), Sql.Array(NpgsqlDbType.Bigint, until),
            Column(NpgsqlDbType.Bigint, e => e.Time.UnixTicks), Sql.Array(NpgsqlDbType.Bigint, versions.Select(version => EventKey.Of(version.Event.Time, version.Target).Tie)),
            Column(NpgsqlDbType.Uuid, e => EventKey.Address(e.SrcIp)), Column(NpgsqlDbType.Uuid, e => EventKey.Address(e.DstIp)),
            Column(NpgsqlDbType.Smallint, e => (short)e.Kind), Column(NpgsqlDbType.Smallint, e => (short)e.Priority),
            Column(NpgsqlDbType.Text, e => StoredText.To(e.Source)), Column(NpgsqlDbType.Text, e => StoredText.To(e.Type)), Column(NpgsqlDbType.Text, e => StoredText.To(e.Device)),
            Column(NpgsqlDbType.Text, e => StoredText.To(e.UserId)), Column(NpgsqlDbType.Text, e => StoredText.To(e.ExternalId)), Column(NpgsqlDbType.Text, e => StoredText.To(e.Country)));
    }

    private static IEnumerable<NpgsqlBatchCommand> Unresolved(GroupJudge judged, long first)
    {
        var moved = judged.Amended.Where(a => UnresolvedRows.AddressOf(a.Before) != UnresolvedRows.AddressOf(a.Now) || a.Before.Time != a.Now.Time).ToArray();
        var gone = moved.Where(a => UnresolvedRows.AddressOf(a.Before) is not null).ToArray();
        if (gone.Length > 0)
            yield return Sql.Part(
                "DELETE FROM tocsin.unresolved u USING unnest($1::text[], $2::bigint[]) AS gone(address, sequence) WHERE u.address = gone.address AND u.sequence = gone.sequence",
                Sql.Array(NpgsqlDbType.Text, gone.Select(a => StoredText.To(UnresolvedRows.AddressOf(a.Before)))), Sql.Array(NpgsqlDbType.Bigint, gone.Select(a => a.Target)));
        var come = judged.Kept.Select((entry, place) => (Sequence: first + place, Event: entry as SecurityEvent)).Where(e => e.Event is not null)
            .Concat(moved.Select(a => (Sequence: a.Target, Event: (SecurityEvent?)a.Now))).Where(e => UnresolvedRows.AddressOf(e.Event!) is not null).ToArray();
        if (come.Length > 0)
            yield return Sql.Part(
                "INSERT INTO tocsin.unresolved SELECT * FROM unnest($1::text[], $2::bigint[], $3::text[], $4::bigint[], $5::smallint[])",
                Sql.Array(NpgsqlDbType.Text, come.Select(e => StoredText.To(UnresolvedRows.AddressOf(e.Event!)))), Sql.Array(NpgsqlDbType.Bigint, come.Select(e => e.Sequence)),
                Sql.Array(NpgsqlDbType.Text, come.Select(e => StoredText.To(e.Event!.Source))), Sql.Array(NpgsqlDbType.Bigint, come.Select(e => e.Event!.Time.UnixTicks)),
                Sql.Array(NpgsqlDbType.Smallint, come.Select(e => (short)e.Event!.Time.StoredPrecision)));
    }

    private static IEnumerable<NpgsqlBatchCommand> State(GroupJudge judged, Guid node)
    {
        var gone = judged.State.Where(row => row.Value.Value is null).Select(row => row.Key).ToArray();
        if (gone.Length > 0)
            yield return Sql.Part(
                "DELETE FROM tocsin.state s USING unnest($1::text[], $2::text[]) AS gone(name, key) WHERE s.name = gone.name AND s.key = gone.key",
                Sql.Array(NpgsqlDbType.Text, gone.Select(row => StoredText.To(row.Name))), Sql.Array(NpgsqlDbType.Text, gone.Select(row => StoredText.To(row.Key))));
        foreach (var kept in Parts(judged.State.Where(row => row.Value.Value is not null), static row => row.Value.Value!.Length))
            yield return Sql.Part(
                """
                INSERT INTO tocsin.state SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bytea[])
                ON CONFLICT (name, key) DO UPDATE SET version = excluded.version, value = excluded.value
                """,
                Sql.Array(NpgsqlDbType.Text, kept.Select(row => StoredText.To(row.Key.Name))), Sql.Array(NpgsqlDbType.Text, kept.Select(row => StoredText.To(row.Key.Key))),
                Sql.Array(NpgsqlDbType.Bigint, kept.Select(row => row.Value.Version)), Sql.Array(NpgsqlDbType.Bytea, kept.Select(row => row.Value.Value)));
        var names = judged.State.GroupBy(row => row.Key.Name, StringComparer.Ordinal).Select(name => (name.Key, Version: name.Max(row => row.Value.Version))).ToArray();
        if (names.Length > 0)
            yield return Sql.Part(
                "INSERT INTO tocsin.state_change SELECT name, $3, version FROM unnest($1::text[], $2::bigint[]) AS n(name, version) ON CONFLICT (name, node) DO UPDATE SET version = excluded.version",
                Sql.Array(NpgsqlDbType.Text, names.Select(name => StoredText.To(name.Key))), Sql.Array(NpgsqlDbType.Bigint, names.Select(name => name.Version)), node);
    }

    /// <summary>
    /// Rows in messages of about <see cref="PartBytes"/>: of one message nobody sees how it gets on, and over a slow network others would take its node for lost.
    /// </summary>
    private static IEnumerable<T[]> Parts<T>(IEnumerable<T> rows, Func<T, int> bytesOf)
    {
        var (part, bytes) = (new List<T>(), 0L);
        foreach (var row in rows)
        {
            part.Add(row);
            bytes += bytesOf(row);
            if (bytes < PartBytes)
                continue;
            yield return [.. part];
            (part, bytes) = ([], 0);
        }
        if (part.Count > 0)
            yield return [.. part];
    }
}
