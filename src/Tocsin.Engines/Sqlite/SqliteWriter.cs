using Tocsin.Engines.Sqlite.Columns;
using Tocsin.Engines.Sqlite.Segments;
using Tocsin.Journal;

namespace Tocsin.Engines.Sqlite;

/// <summary>
/// The one connection that writes and checkpoints. A group of appends is one transaction; what is kept in memory (counts, the open
/// partition) moves only after its commit. Commits and the steps of sealing take turns.
/// </summary>
internal sealed partial class SqliteWriter : IDisposable
{
    /// <summary>What is written between two checkpoints, so that each stays a short step between commits.</summary>
    private const long BytesPerCheckpoint = 10 << 20;

    /// <summary>About what a row costs in the WAL beside its data: its other columns, and its share of the pages of indexes.</summary>
    private const int BytesPerRow = 1 << 10;

    /// <summary>
    /// A WAL this long (64 MiB) is begun anew even if that means to wait for a reader: where readers follow each other without a pause, it
    /// would otherwise grow for ever.
    /// </summary>
    private const int MaxFrames = 16_384;

    // FULL: a commit is on disk before it is answered. Checkpoints are ours, between commits. Dropped pages need no zeroing here: erasure
    // rewrites partitions, and zeroing 250,000 rows would stop the writer for 0.4 s.
    internal const string Pragmas = """
        PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0; PRAGMA journal_size_limit=67108864;
        PRAGMA secure_delete=OFF; PRAGMA cache_size=-16384; PRAGMA temp_store=MEMORY
        """;

    // One turn is one transaction, or one step between two.
    private readonly Lock _turn = new();
    private readonly SqliteConnection _connection;
    private readonly StringCache _words = new();
    private readonly int _partitionRows;
    private readonly List<(Partition Partition, long Target, IReadOnlyList<EventVersion> History, EventVersion Now)> _amendments = [];
    private readonly HashSet<long> _amending = [];
    private List<Partition> _partitions;
    private PartitionSet _set;
    private long _sequence;
    private long _version;
    private long _committedVersion;
    private long _head;
    private long _bytesSinceCheckpoint;
    private long _commits;

    private SqliteWriter(SqliteConnection connection, JournalInfo info, List<Partition> partitions, int partitionRows)
    {
        (_connection, Info, _partitions, _partitionRows) = (connection, info, partitions, partitionRows);
        _set = new PartitionSet([.. partitions]);
        Head = _sequence = connection.Scalar("SELECT sequence FROM head");
        _version = _committedVersion = connection.Scalar("SELECT version FROM head");
    }

    public JournalInfo Info { get; }

    /// <summary>Told on the committing thread when a partition has become full.</summary>
    public Action Rolled { get; set; } = static () => { };

    /// <summary>The last committed sequence. Whoever has read it finds the partitions that hold it.</summary>
    public long Head
    {
        get => Volatile.Read(ref _head);
        private set => Volatile.Write(ref _head, value);
    }

    /// <summary>Commits so far: whether somebody writes just now.</summary>
    public long Commits => Volatile.Read(ref _commits);

    public static SqliteWriter Open(string path, SegmentFolder folder, SegmentBuilder builder, int partitionRows)
    {
        SqliteConnection? connection = null;
        try
        {
            if (new FileInfo(path) is not { Exists: true, Length: > 0 })
                folder.RefuseRowsFrom(1);
            MakeOwnerOnly(path);
            connection = SqliteConnection.OpenWriter(path);
            Migrations.Verify(connection, path);
            connection.Execute(Pragmas);
            Migrations.Apply(connection);
            var head = connection.Statement("SELECT journal_id, dedupe_key FROM head");
            head.Step();
            var info = new JournalInfo("sqlite", SqliteLibrary.Version, new Guid(head.Bytes(0), bigEndian: true), head.Bytes(1).ToArray());
            head.Reset();
            return new SqliteWriter(connection, info, PartitionLoader.Load(connection, folder, builder), partitionRows);
        }
        catch (Exception error) when (error is SqliteException or IOException or UnauthorizedAccessException)
        {
            connection?.Dispose();
            throw new JournalOpenException(
                $"Cannot open {path} ({error.Message}): check the disk and the file's owner, or restore a backup into an empty data folder.", error);
        }
        catch
        {
            connection?.Dispose();
            throw;
        }
    }

    /// <summary>SQLite gives its WAL the rights of the database file, so it is made before SQLite would.</summary>
    private static void MakeOwnerOnly(string path)
    {
        if (!File.Exists(path) && !OperatingSystem.IsWindows())
            new FileStream(path, new FileStreamOptions
            {
                Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
            }).Dispose();
    }

    public AppendResult[] Commit(IReadOnlyList<Append> group)
    {
        lock (_turn)
            return CommitInTurn(group);
    }

    private AppendResult[] CommitInTurn(IReadOnlyList<Append> group)
    {
        try
        {
            _connection.Execute("BEGIN IMMEDIATE");
            var results = new AppendResult[group.Count];
            for (var i = 0; i < results.Length; i++)
                results[i] = Write(group[i]);
            // A poll that brings nothing new writes nothing, and so syncs nothing.
            if (_sequence != Head || _version != _committedVersion)
                _connection.Statement("UPDATE head SET sequence = ?1, version = ?2").Bind(1, _sequence).Bind(2, _version).Run();
            _connection.Execute("COMMIT");
            Publish();
            return results;
        }
        catch (Exception error)
        {
            Forget();
            if (error is SqliteException { IsEnvironment: true })
                throw new JournalUnavailableException(error.Message, error);
            throw;
        }
    }

    /// <summary>Copies the WAL into the database when enough has gathered. Not being able to is no reason to stop: the WAL keeps it.</summary>
    public void CheckpointIfDue()
    {
        if (_bytesSinceCheckpoint < BytesPerCheckpoint)
            return;
        lock (_turn)
        {
            _bytesSinceCheckpoint = 0;
            if (_connection.Checkpoint() > MaxFrames)
                _connection.CheckpointAndRestart();
        }
    }

    public void Dispose()
    {
        if (_connection.IsIdle)
            _connection.Checkpoint();
        _connection.Dispose();
        foreach (var partition in _partitions)
            partition.Segment?.Dispose();
    }

    private AppendResult Write(Append append)
    {
        foreach (var expected in append.Expect)
            if (StateTable.Version(_connection, expected.Name, expected.Key) != expected.Version)
                return new AppendResult(AppendStatus.Conflict, []);
        if (!TargetsExist(append))
            return new AppendResult(AppendStatus.UnknownTarget, []);
        if (append.RefuseOtherContent && HasOtherContent(append))
            return new AppendResult(AppendStatus.OtherContent, []);
        var entries = new EntryResult[append.Entries.Count];
        for (var i = 0; i < entries.Length; i++)
        {
            entries[i] = append.Entries[i] is SecurityEvent e ? WriteEvent(e) : WriteAmendment((Amendment)append.Entries[i]);
            _bytesSinceCheckpoint += BytesPerRow + append.Entries[i].Bytes;
        }
        if (append.State.Count > 0)
            _version++;
        foreach (var write in append.State)
        {
            StateTable.Write(_connection, write, _version);
            _bytesSinceCheckpoint += BytesPerRow + (write.Value?.Length ?? 0);
        }
        return new AppendResult(AppendStatus.Committed, entries) { StateVersion = _version };
    }

    private EntryResult WriteEvent(SecurityEvent e)
    {
        if (e.Id.IsKeyed && FindId(e.Id) is { Sequence: > 0 } known)
            return new EntryResult(known.Fingerprint == e.Fingerprint ? EntryStatus.Duplicate : EntryStatus.Changed, known.Sequence);
        var open = _partitions[^1];
        if (open.Columns!.Count >= _partitionRows)
            open = Roll(open);
        Span<byte> id = stackalloc byte[EventId.SizeInBytes];
        e.Id.WriteTo(id);
        open.Table.Insert(_connection, ++_sequence, e, id);
        open.Columns!.Append(_sequence, e);
        if (e.Priority != Priority.None)
            open.Prioritised++;
        UnresolvedTable.Add(_connection, _sequence, e);
        return new EntryResult(EntryStatus.Created, _sequence);
    }

    private EntryResult WriteAmendment(Amendment amendment)
    {
        var (target, partition) = (amendment.Target, Of(amendment.Target));
        SecurityEvent first;
        using (var rows = partition.Rent(_connection))
            first = partition.Table.FindIndexed(rows.Connection, target, _words);
        var before = Amendments.Apply(_connection, first, target, _sequence, withRecord: false);
        if (amendment.Only is { } only && (UnresolvedTable.AddressOf(before) != only.Address || before.Time != only.Time))
            return new EntryResult(EntryStatus.Moot, target);
        // Told once: an event with very many versions must not be gone through for each of them.
        var history = partition.Amended.Holds(target) || !_amending.Add(target) ? [] : Amendments.History(_connection, first, target, _sequence);
        Amendments.Insert(_connection, ++_sequence, amendment);
        var now = amendment.Apply(before);
        _amendments.Add((partition, target, history, new EventVersion(now, _sequence)));
        UnresolvedTable.Move(_connection, target, before, now);
        return new EntryResult(EntryStatus.Created, _sequence);
    }

    private (long Sequence, long Fingerprint) FindId(EventId id)
    {
        var key = EventColumns.IdOf(id);
        for (var i = _partitions.Count - 1; i >= 0; i--)
            if (_partitions[i].FindId(key) is > 0 and var sequence)
                return (sequence, _partitions[i].FingerprintOf(sequence, _connection));
        return default;
    }

    private bool TargetsExist(Append append)
    {
        foreach (var entry in append.Entries)
            if (entry is Amendment { Target: var target } && (target < 1 || target > _sequence || !Contains(target)))
                return false;
        return true;
    }

    private bool Contains(long sequence)
    {
        var partition = Of(sequence);
        if (partition.Columns is { } columns)
            return columns.FindSequence(sequence) >= 0;
        using var rows = partition.Rent(_connection);
        return partition.Table.Contains(rows.Connection, sequence);
    }

    private bool HasOtherContent(Append append)
    {
        foreach (var entry in append.Entries)
            if (entry is SecurityEvent { Id.IsKeyed: true, ExternalId: null } e && FindId(e.Id) is { Sequence: > 0 } known && known.Fingerprint != e.Fingerprint)
                return true;
        return false;
    }
}
