using Tocsin.Engines.Sqlite.Queries;
using Tocsin.Engines.Sqlite.Segments;
using Tocsin.Journal;

namespace Tocsin.Engines.Sqlite;

/// <summary>
/// The journal in a folder: the newest partitions in one SQLite file, <c>journal.db</c>, with WAL and synchronous=FULL, so that a commit is on disk
/// (fdatasync of the WAL) before <see cref="CommitAsync"/> returns; full ones as files that never change, in <c>segments/</c>. One connection writes and
/// checkpoints, the others only read: SQLite before 3.51.3 can corrupt a WAL that two connections write or checkpoint at once. A locked file keeps a second
/// process out.
/// </summary>
public sealed class SqliteJournalStore : IJournalStore
{
    /// <summary>Looks into records that run at once: they take long, and must leave connections for others.</summary>
    private const int MaxScans = 2;

    /// <summary>How long a look into records works before it lets go of its connection.</summary>
    private static readonly TimeSpan ScanSlice = TimeSpan.FromMilliseconds(4);

    /// <summary>How long it rests after, when somebody wrote meanwhile: it then takes a tenth of one core.</summary>
    private static readonly TimeSpan ScanPause = TimeSpan.FromMilliseconds(36);

    private readonly StoreLock _lock;
    private readonly SqliteWriter _writer;
    private readonly ReadPool _readers;
    private readonly SegmentConnections _connections;
    private readonly SegmentKeeper _keeper;
    private readonly SemaphoreSlim _scans = new(MaxScans);
    private readonly TimeProvider _time;
    private int _closed;

    private SqliteJournalStore(StoreLock held, SqliteWriter writer, ReadPool readers, SegmentConnections connections, SegmentBuilder builder, SqliteOptions options, TimeProvider time)
    {
        (_lock, _writer, _readers, _connections, _time) = (held, writer, readers, connections, time);
        _keeper = new SegmentKeeper(writer, builder, time, options.Logger);
        _writer.Rolled = _keeper.Rolled;
    }

    public JournalInfo Info => _writer.Info;

    public long Head => _writer.Head;

    /// <summary>Never told: a locked file keeps other processes out.</summary>
    public Action<JournalChange>? Changed { get; set; }

    /// <summary>
    /// Opens or creates the journal in a folder. <paramref name="time"/> measures deadlines, and paces what is done in the background. Throws <see cref="JournalOpenException"/>, having changed nothing, when it cannot.
    /// </summary>
    public static SqliteJournalStore Open(string folder, TimeProvider time, SqliteOptions? options = null)
    {
        options ??= new SqliteOptions();
        folder = Path.GetFullPath(folder);
        var held = StoreLock.Take(folder);
        var connections = new SegmentConnections();
        try
        {
            var path = Path.Combine(folder, "journal.db");
            var segments = new SegmentFolder(folder);
            var builder = new SegmentBuilder(segments, path, connections);
            return new SqliteJournalStore(held, SqliteWriter.Open(path, segments, builder, options.PartitionRows), new ReadPool(path), connections, builder, options, time);
        }
        catch
        {
            connections.Dispose();
            held.Dispose();
            throw;
        }
    }

    public async ValueTask<IReadOnlyList<AppendResult>> CommitAsync(IReadOnlyList<Append> group, CancellationToken cancellation)
    {
        await _keeper.WaitForRoomAsync();
        _writer.CheckpointIfDue();
        return _writer.Commit(group);
    }

    public ValueTask<IReadOnlyList<Sequenced>> ReadAsync(long after, int limit, CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(after);
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(limit, 10_000);
        // What is committed never changes, so a head taken now makes several statements read one state.
        var head = _writer.Head;
        return after >= head
            ? ValueTask.FromResult<IReadOnlyList<Sequenced>>([])
            : ReadAsync((reader, set) => EntryReader.Read(reader, set, after, head, limit), cancellation);
    }

    public ValueTask<SecurityEvent?> FindAsync(long sequence, CancellationToken cancellation)
    {
        var head = _writer.Head;
        return sequence < 1 || sequence > head
            ? ValueTask.FromResult<SecurityEvent?>(null)
            : ReadAsync((reader, set) => EntryReader.Find(reader, set, sequence, head), cancellation);
    }

    public ValueTask<StoredEvent?> FindAsync(EventId id, CancellationToken cancellation)
    {
        var head = _writer.Head;
        return ReadAsync<StoredEvent?>((reader, set) =>
        {
            var key = Columns.EventColumns.IdOf(id);
            for (var i = set.Partitions.Length - 1; i >= 0; i--)
                if (set.Partitions[i].FindId(key) is > 0 and var sequence && sequence <= head)
                    return new StoredEvent(sequence, EntryReader.Find(reader, set, sequence, head)!);
            return null;
        }, cancellation);
    }

    public ValueTask<EventPage> QueryAsync(EventQuery query, CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(query.Limit, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(query.Limit, EventQuery.MaxLimit);
        return query.Filter.ReadsRecords ? ScanAsync(query, cancellation) : PageAsync(query, cancellation);
    }

    public async ValueTask<EventStats> CountAsync(StatsQuery query, CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(query.Limit, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(query.Limit, StatsQuery.MaxValues);
        var (head, isLate) = (_writer.Head, Deadline(query.Deadline, cancellation));
        if (!query.Filter.ReadsRecords)
            return await CountAsync();
        if (!await TryScanAsync(query.Deadline, cancellation))
            return new EventStats(0, [], 0, [], head, IsPartial: true);
        try
        {
            return await CountAsync();
        }
        finally
        {
            _scans.Release();
        }

        ValueTask<EventStats> CountAsync() => ReadAsync((reader, set) => new CountRun(set, head, query, isLate).Run(reader), cancellation);
    }

    public ValueTask<long> FindStartAsync(long count, CancellationToken cancellation)
    {
        var set = _writer.Enter();
        var partitions = set.Partitions;
        var i = partitions.Length - 1;
        for (long found = partitions[i].Prioritised; i > 0 && found < count; found += partitions[i].Prioritised)
            i--;
        set.Leave();
        return ValueTask.FromResult(partitions[i].FirstSequence - 1);
    }

    public ValueTask<StateRow?> GetStateAsync(string name, string key, CancellationToken cancellation) =>
        _readers.RunAsync(reader => StateTable.Get(reader.Connection, name, key), cancellation);

    public ValueTask<IReadOnlyList<string>> ListStateNamesAsync(CancellationToken cancellation) => _readers.RunAsync(reader => StateTable.Names(reader.Connection), cancellation);

    public ValueTask<IReadOnlyList<StateRow>> ListStateAsync(string name, string? afterKey, int limit, CancellationToken cancellation) =>
        _readers.RunAsync(reader => StateTable.List(reader.Connection, name, afterKey, limit), cancellation);

    public ValueTask<IReadOnlyList<UnresolvedEvent>> ListUnresolvedAsync(string address, long after, int limit, CancellationToken cancellation) =>
        _readers.RunAsync(reader => UnresolvedTable.Events(reader.Connection, address, after, limit), cancellation);

    public ValueTask<IReadOnlyList<UnresolvedAddress>> ListUnresolvedAddressesAsync(string? afterAddress, int limit, CancellationToken cancellation) =>
        _readers.RunAsync(reader => UnresolvedTable.Addresses(reader.Connection, afterAddress, limit), cancellation);

    public ValueTask<IReadOnlyList<UnresolvedAddress>> TopUnresolvedAddressesAsync(int limit, CancellationToken cancellation) =>
        _readers.RunAsync(reader => UnresolvedTable.Top(reader.Connection, limit), cancellation);

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _closed, 1) != 0)
            return;
        await _keeper.DisposeAsync();
        // Nobody reads any more when this has completed: what is mapped into memory may go.
        await _readers.DisposeAsync();
        _connections.Dispose();
        _writer.Dispose();
        _lock.Dispose();
    }

    private ValueTask<EventPage> PageAsync(EventQuery query, CancellationToken cancellation)
    {
        var (head, isLate) = (_writer.Head, Deadline(query.Deadline, cancellation));
        return ReadAsync((reader, set) =>
        {
            using var run = new QueryRun(set, head, query);
            run.Work(reader, set, isLate);
            return run.Page();
        }, cancellation);
    }

    /// <summary>
    /// In slices, with rests while somebody writes: who looks into records for long must cost those who write little. The partitions are left after each
    /// slice: the sealed ones' tables must not wait for the end of it.
    /// </summary>
    private async ValueTask<EventPage> ScanAsync(EventQuery query, CancellationToken cancellation)
    {
        var (head, isLate) = (_writer.Head, Deadline(query.Deadline, cancellation));
        if (!await TryScanAsync(query.Deadline, cancellation))
            return QueryRun.Nothing(query);
        QueryRun? run = null;
        try
        {
            while (true)
            {
                var commits = _writer.Commits;
                var start = _time.GetTimestamp();
                if (await ReadAsync((reader, set) => (run ??= new QueryRun(set, head, query)).Work(reader, set, () => _time.GetElapsedTime(start) > ScanSlice), cancellation) || isLate())
                    return run!.Page();
                if (_writer.Commits != commits)
                    await Task.Delay(ScanPause, _time, cancellation);
            }
        }
        finally
        {
            run?.Dispose();
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
        using var late = new CancellationTokenSource(patience, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellation);
        try
        {
            await _scans.WaitAsync(either.Token);
            return true;
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return false;
        }
    }

    private Func<bool> Deadline(TimeSpan? deadline, CancellationToken cancellation)
    {
        var start = _time.GetTimestamp();
        return () =>
        {
            cancellation.ThrowIfCancellationRequested();
            return _time.GetElapsedTime(start) > deadline;
        };
    }

    /// <summary>The partitions are entered only once it is the reader's turn: they do not wait for those who wait.</summary>
    private ValueTask<T> ReadAsync<T>(Func<SqliteReader, PartitionSet, T> read, CancellationToken cancellation) => _readers.RunAsync(reader =>
    {
        var set = _writer.Enter();
        try
        {
            return read(reader, set);
        }
        finally
        {
            set.Leave();
        }
    }, cancellation);
}
