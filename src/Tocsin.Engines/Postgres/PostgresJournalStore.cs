using Npgsql;
using Tocsin.Engines.Postgres.Queries;
using Tocsin.Journal;

namespace Tocsin.Engines.Postgres;

/// <summary>
/// The journal in a PostgreSQL database, schema <c>tocsin</c>, which any number of nodes share. A commit is on the server's disk
/// (synchronous_commit=on, whatever its default) before <see cref="CommitAsync"/> returns.
/// </summary>
public sealed class PostgresJournalStore : IJournalStore
{
    /// <summary>Looks into records that run at once: they take long, and must leave connections for others.</summary>
    private const int MaxScans = 2;

    /// <summary>Before the newest batch that began with so many events fewer: one look at the index.</summary>
    internal const string Start =
        "SELECT first_sequence - 1 FROM tocsin.batch WHERE prioritised <= (SELECT prioritised FROM tocsin.head) - $1 ORDER BY prioritised DESC, first_sequence DESC LIMIT 1";

    private readonly PostgresDatabase _database;
    private readonly PostgresWriter _writer;
    private readonly SemaphoreSlim _scans = new(MaxScans);
    private readonly TimeProvider _time;
    private readonly long _partitionRows;
    private Follower? _follower;
    private long _head;
    private int _closed;

    private PostgresJournalStore(PostgresDatabase database, JournalInfo info, PostgresOptions options, TimeProvider time)
    {
        (_database, Info, _time, _partitionRows) = (database, info, time, options.PartitionRows);
        _writer = new PostgresWriter(database, options, time) { Advanced = Advance };
    }

    public JournalInfo Info { get; }

    public long Head => Volatile.Read(ref _head);

    public Action<JournalChange>? Changed { get; set; }

    /// <summary>
    /// Opens the journal in a database, or makes it. Throws <see cref="JournalOpenException"/>, having changed nothing, when it cannot.
    /// </summary>
    public static async Task<PostgresJournalStore> OpenAsync(string connection, TimeProvider time, PostgresOptions? options, CancellationToken cancellation)
    {
        options ??= new PostgresOptions();
        var settings = PostgresDatabase.Parse(connection);
        var database = new PostgresDatabase(settings);
        try
        {
            var info = await PostgresOpening.OpenAsync(database, settings, options.CopyOf, cancellation);
            var store = new PostgresJournalStore(database, info, options, time);
            var (head, version) = await database.ReadAsync(async reader =>
                (await Sql.ListAsync(reader, "SELECT sequence, version FROM tocsin.head", static row => (row.GetInt64(0), row.GetInt64(1)), cancellation))[0], cancellation);
            store._head = head;
            store._follower = new Follower(database, options, time, () => store._writer.Node, () => store.Head, version, store.Follow);
            return store;
        }
        catch
        {
            await database.DisposeAsync();
            throw;
        }
    }

    public ValueTask<IReadOnlyList<AppendResult>> CommitAsync(IReadOnlyList<Append> group, CancellationToken cancellation) => _writer.CommitAsync(group, cancellation);

    public ValueTask<IReadOnlyList<Sequenced>> ReadAsync(long after, int limit, CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(after);
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(limit, 10_000);
        // What is committed never changes, so a head taken now makes several statements read one state.
        var head = Head;
        return after >= head
            ? ValueTask.FromResult<IReadOnlyList<Sequenced>>([])
            : _database.ReadAsync(reader => EntryReads.ReadAsync(reader, after, head, limit, cancellation), cancellation);
    }

    public ValueTask<SecurityEvent?> FindAsync(long sequence, CancellationToken cancellation)
    {
        var head = Head;
        return sequence < 1 || sequence > head
            ? ValueTask.FromResult<SecurityEvent?>(null)
            : _database.ReadAsync(reader => EntryReads.FindAsync(reader, sequence, head, cancellation), cancellation);
    }

    public ValueTask<StoredEvent?> FindAsync(EventId id, CancellationToken cancellation)
    {
        var head = Head;
        return _database.ReadAsync<StoredEvent?>(
            // The id may outlive its event: where somebody detached an old partition.
            async reader => await EntryReads.SequenceOfAsync(reader, id, cancellation) is > 0 and var sequence && sequence <= head
                && await EntryReads.FindAsync(reader, sequence, head, cancellation) is { } found ? new StoredEvent(sequence, found) : null,
            cancellation);
    }

    public async ValueTask<EventPage> QueryAsync(EventQuery query, CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(query.Limit, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(query.Limit, EventQuery.MaxLimit);
        var (head, isLate) = (Head, Deadline(query.Deadline));
        return await GatedAsync(query.Filter, query.Deadline, () => PageRun.Nothing(query), reader => new PageRun(reader, head, query, isLate, cancellation).RunAsync(), cancellation);
    }

    public async ValueTask<EventStats> CountAsync(StatsQuery query, CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(query.Limit, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(query.Limit, StatsQuery.MaxValues);
        var (head, isLate) = (Head, Deadline(query.Deadline));
        return await GatedAsync(query.Filter, query.Deadline, () => new EventStats(0, [], 0, [], head, IsPartial: true),
            reader => new CountRun(reader, head, query, _partitionRows, isLate, cancellation).RunAsync(), cancellation);
    }

    public ValueTask<long> FindStartAsync(long count, CancellationToken cancellation) => _database.ReadAsync(async reader =>
    {
        var found = await Sql.ListAsync(reader, Start, static row => row.GetInt64(0), cancellation, count);
        return found.Count > 0 ? found[0] : 0;
    }, cancellation);

    public ValueTask<StateRow?> GetStateAsync(string name, string key, CancellationToken cancellation) =>
        _database.ReadStateAsync(reader => StateRows.GetAsync(reader, name, key, cancellation), cancellation);

    public ValueTask<IReadOnlyList<string>> ListStateNamesAsync(CancellationToken cancellation) => _database.ReadStateAsync(reader => StateRows.NamesAsync(reader, cancellation), cancellation);

    public ValueTask<IReadOnlyList<StateRow>> ListStateAsync(string name, string? afterKey, int limit, CancellationToken cancellation) =>
        _database.ReadStateAsync(reader => StateRows.ListAsync(reader, name, afterKey, limit, cancellation), cancellation);

    public ValueTask<IReadOnlyList<UnresolvedEvent>> ListUnresolvedAsync(string address, long after, int limit, CancellationToken cancellation) =>
        _database.ReadAsync(reader => UnresolvedRows.EventsAsync(reader, address, after, limit, cancellation), cancellation);

    public ValueTask<IReadOnlyList<UnresolvedAddress>> ListUnresolvedAddressesAsync(string? afterAddress, int limit, CancellationToken cancellation) =>
        _database.ReadAsync(reader => UnresolvedRows.AddressesAsync(reader, afterAddress, limit, cancellation), cancellation);

    public ValueTask<IReadOnlyList<UnresolvedAddress>> TopUnresolvedAddressesAsync(int limit, CancellationToken cancellation) =>
        _database.ReadAsync(reader => UnresolvedRows.TopAsync(reader, limit, cancellation), cancellation);

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _closed, 1) != 0)
            return;
        if (_follower is not null)
            await _follower.DisposeAsync();
        await _writer.DisposeAsync();
        await _database.DisposeAsync();
        _scans.Dispose();
    }

    /// <summary>Our own commits show at once, and are nobody's news.</summary>
    private void Advance(long head)
    {
        for (var known = Head; known < head; known = Head)
            if (Interlocked.CompareExchange(ref _head, head, known) == known)
                break;
    }

    private void Follow(long head, IReadOnlyList<string> names)
    {
        var isNew = head > Head;
        Advance(head);
        if (isNew || names.Count > 0)
            Changed?.Invoke(new JournalChange(Head, names));
    }

    /// <summary>Looks into records wait for one of few places; <paramref name="nothing"/> when none came free in time.</summary>
    private async ValueTask<T> GatedAsync<T>(EventFilter filter, TimeSpan? deadline, Func<T> nothing, Func<NpgsqlConnection, Task<T>> read, CancellationToken cancellation)
    {
        if (!filter.ReadsRecords)
            return await _database.ReadAsync(read, cancellation);
        if (!await TryScanAsync(deadline, cancellation))
            return nothing();
        try
        {
            return await _database.ReadAsync(read, cancellation);
        }
        finally
        {
            _scans.Release();
        }
    }

    /// <summary>Waits for a turn to look into records; false when there was none before the deadline.</summary>
    private async ValueTask<bool> TryScanAsync(TimeSpan? deadline, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        if (_scans.Wait(TimeSpan.Zero, cancellation))
            return true;
        if (deadline is not { } patience)
        {
            await _scans.WaitAsync(cancellation);
            return true;
        }
        return await _scans.WaitAsync(patience, cancellation);
    }

    private Func<bool> Deadline(TimeSpan? deadline)
    {
        var start = _time.GetTimestamp();
        return () => _time.GetElapsedTime(start) > deadline;
    }
}
