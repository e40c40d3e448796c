using Tocsin.Journal;

namespace Tocsin.Engines.Sqlite;

/// <summary>
/// The journal in one SQLite file, <c>journal.db</c>, with WAL and synchronous=FULL: a commit is on disk (fdatasync of the WAL) before
/// <see cref="CommitAsync"/> returns. One connection writes and checkpoints, the others only read: SQLite before 3.51.3 can corrupt a WAL
/// that two connections write or checkpoint at once. A locked file keeps a second process out.
/// </summary>
public sealed class SqliteJournalStore : IJournalStore
{
    private readonly StoreLock _lock;
    private readonly SqliteWriter _writer;
    private readonly ReadPool _readers;
    private int _closed;

    private SqliteJournalStore(StoreLock held, SqliteWriter writer, ReadPool readers) => (_lock, _writer, _readers) = (held, writer, readers);

    public JournalInfo Info => _writer.Info;

    public long Head => _writer.Head;

    /// <summary>Opens or creates the journal in a folder. Throws <see cref="JournalOpenException"/>, having changed nothing, when it cannot.</summary>
    public static SqliteJournalStore Open(string folder)
    {
        folder = Path.GetFullPath(folder);
        var held = StoreLock.Take(folder);
        try
        {
            var path = Path.Combine(folder, "journal.db");
            return new SqliteJournalStore(held, SqliteWriter.Open(path), new ReadPool(path));
        }
        catch
        {
            held.Dispose();
            throw;
        }
    }

    public ValueTask<IReadOnlyList<AppendResult>> CommitAsync(IReadOnlyList<Append> group, CancellationToken cancellation)
    {
        _writer.CheckpointIfDue();
        return ValueTask.FromResult<IReadOnlyList<AppendResult>>(_writer.Commit(group));
    }

    public ValueTask<IReadOnlyList<Sequenced>> ReadAsync(long after, int limit, CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(after);
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(limit, 10_000);
        // What is committed never changes, so a head taken now makes several statements read one state.
        var (head, partitions) = (_writer.Head, _writer.Partitions);
        return after >= head
            ? ValueTask.FromResult<IReadOnlyList<Sequenced>>([])
            : _readers.RunAsync(reader => EntryReader.Read(reader, partitions, after, head, limit), cancellation);
    }

    public ValueTask<SecurityEvent?> FindAsync(long sequence, CancellationToken cancellation)
    {
        var (head, partitions) = (_writer.Head, _writer.Partitions);
        return sequence < 1 || sequence > head
            ? ValueTask.FromResult<SecurityEvent?>(null)
            : _readers.RunAsync(reader => EntryReader.Find(reader, partitions, sequence, head), cancellation);
    }

    public async ValueTask<StoredEvent?> FindAsync(EventId id, CancellationToken cancellation)
    {
        foreach (IReadOnlyList<string> sources in (string[][])[[], [EventFilter.OwnSource]])
        {
            var page = await QueryAsync(new EventQuery { Filter = new EventFilter { Ids = [id], Sources = sources }, Limit = 1 }, cancellation);
            if (page.Events.Count > 0)
                return page.Events[0];
        }
        return null;
    }

    public ValueTask<EventPage> QueryAsync(EventQuery query, CancellationToken cancellation) => ScanQuery.PageAsync(this, query, cancellation);

    public ValueTask<EventStats> CountAsync(StatsQuery query, CancellationToken cancellation) => ScanQuery.CountAsync(this, query, cancellation);

    public ValueTask<long> FindStartAsync(long count, CancellationToken cancellation)
    {
        var partitions = _writer.Partitions;
        var i = partitions.Length - 1;
        for (long found = partitions[i].Prioritised; i > 0 && found < count; found += partitions[i].Prioritised)
            i--;
        return ValueTask.FromResult(partitions[i].FirstSequence - 1);
    }

    public ValueTask<StateRow?> GetStateAsync(string name, string key, CancellationToken cancellation) =>
        _readers.RunAsync(reader => StateTable.Get(reader.Connection, name, key), cancellation);

    public ValueTask<IReadOnlyList<StateRow>> ListStateAsync(string name, string? afterKey, int limit, CancellationToken cancellation) =>
        _readers.RunAsync(reader => StateTable.List(reader.Connection, name, afterKey, limit), cancellation);

    public ValueTask<IReadOnlyList<UnresolvedEvent>> ListUnresolvedAsync(string address, long after, int limit, CancellationToken cancellation) =>
        _readers.RunAsync(reader => UnresolvedTable.Events(reader.Connection, address, after, limit), cancellation);

    public ValueTask<IReadOnlyList<UnresolvedAddress>> ListUnresolvedAddressesAsync(string? afterAddress, int limit, CancellationToken cancellation) =>
        _readers.RunAsync(reader => UnresolvedTable.Addresses(reader.Connection, afterAddress, limit), cancellation);

    public ValueTask<IReadOnlyList<UnresolvedAddress>> TopUnresolvedAddressesAsync(int limit, CancellationToken cancellation) =>
        _readers.RunAsync(reader => UnresolvedTable.Top(reader.Connection, limit), cancellation);

    public ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _closed, 1) != 0)
            return ValueTask.CompletedTask;
        _readers.Dispose();
        _writer.Dispose();
        _lock.Dispose();
        return ValueTask.CompletedTask;
    }
}
