using Tocsin.Engines.Sqlite.Segments;

namespace Tocsin.Engines.Sqlite;

/// <summary>The partitions: which there are, how the newest rolls, how a full one is sealed. Each step of sealing is a turn between commits.</summary>
internal sealed partial class SqliteWriter
{
    private const int MaxDropBytes = 1 << 20;

    private Task _left = Task.CompletedTask;

    /// <summary>Full partitions that are not sealed.</summary>
    public int WaitingPartitions
    {
        get
        {
            var partitions = Volatile.Read(ref _set).Partitions;
            var waiting = 0;
            for (var i = partitions.Length - 2; i >= 0 && partitions[i].Segment is null; i--)
                waiting++;
            return waiting;
        }
    }

    /// <summary>The partitions as committed, entered: to be left when they have been read.</summary>
    public PartitionSet Enter()
    {
        while (true)
            if (Volatile.Read(ref _set) is var set && set.TryEnter())
                return set;
    }

    /// <summary>The oldest full partition that is not sealed; null when there is none.</summary>
    public Partition? NextToSeal()
    {
        var partitions = Volatile.Read(ref _set).Partitions;
        return Array.Find(partitions, partition => partition.Segment is null && partition != partitions[^1]);
    }

    /// <summary>The last sequence of a full partition. Not what the head says: that may be told a moment later than the partition is shown.</summary>
    public long LastOf(Partition partition)
    {
        var partitions = Volatile.Read(ref _set).Partitions;
        return partitions[Array.IndexOf(partitions, partition) + 1].FirstSequence - 1;
    }

    /// <summary>One transaction marks it sealed; readers that come now read the files. The task completes when nobody reads its table any more.</summary>
    public Task Adopt(Partition partition, Segment segment)
    {
        lock (_turn)
        {
            try
            {
                _connection.Execute($"BEGIN IMMEDIATE; UPDATE partition SET sealed = 1 WHERE number = {partition.Number}; COMMIT");
            }
            catch
            {
                _connection.RollbackIfOpen();
                throw;
            }
            var adopted = Partition.Sealed(partition.Number, partition.FirstSequence, segment, partition.Prioritised);
            // What was amended while the files were made.
            partition.Amended.CopyTo(adopted.Amended, segment.Index.Horizon);
            _partitions[_partitions.IndexOf(partition)] = adopted;
            return Swap();
        }
    }

    /// <summary>Tables of sealed partitions that a stop left behind.</summary>
    public IReadOnlyList<string> TablesToDrop()
    {
        lock (_turn)
            return [.. Volatile.Read(ref _set).Partitions.Where(partition => partition.Segment is not null).Select(partition => EventTable.Of(partition.Number).Name)
                .Where(table => _connection.Once($"SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = '{table}'") > 0)];
    }

    /// <summary>Takes some rows out of a table that nobody reads any more, and at last the table; false when it is gone.</summary>
    public bool DropSome(string table, int rows)
    {
        lock (_turn)
        {
            // Large records have pages of their own, each of which is touched: a step is bounded by bytes, too, and takes one row at least.
            var upTo = _connection.Once($"""
                SELECT max(sequence) FROM (
                    SELECT sequence, row_number() OVER before AS place, sum(ifnull(length(data), 0)) OVER before AS bytes
                    FROM (SELECT sequence, data FROM {table} ORDER BY sequence LIMIT {rows}) WINDOW before AS (ORDER BY sequence))
                WHERE place = 1 OR bytes <= {MaxDropBytes}
                """);
            if (upTo == 0)
                _connection.Forget(table);
            _connection.Execute(upTo > 0 ? $"DELETE FROM {table} WHERE sequence <= {upTo}" : $"DROP TABLE {table}");
            _bytesSinceCheckpoint += rows * (long)BytesPerRow;
            return upTo > 0;
        }
    }

    /// <summary>Within the transaction: writes down what the open partition holds and makes the next one.</summary>
    private Partition Roll(Partition full)
    {
        var next = Partition.Unsealed(full.Number + 1, _sequence + 1);
        _connection.Statement("UPDATE partition SET rows = ?2, prioritised = ?3 WHERE number = ?1")
            .Bind(1, full.Number).Bind(2, full.Columns!.Count).Bind(3, full.Prioritised).Run();
        _connection.Statement("INSERT INTO partition (number, first_sequence) VALUES (?1, ?2)").Bind(1, next.Number).Bind(2, next.FirstSequence).Run();
        next.Table.Create(_connection);
        _partitions.Add(next);
        return next;
    }

    private Partition Of(long sequence)
    {
        var i = _partitions.Count - 1;
        while (_partitions[i].FirstSequence > sequence)
            i--;
        return _partitions[i];
    }

    private void Publish()
    {
        foreach (var (partition, target, history, now) in _amendments)
            partition.Amended.Add(target, history, now);
        _amendments.Clear();
        _amending.Clear();
        var isRolled = _partitions.Count != _set.Partitions.Length;
        if (isRolled)
            _ = Swap();
        _committedVersion = _version;
        Head = _sequence;
        if (isRolled)
            Rolled();
        Volatile.Write(ref _commits, _commits + 1);
    }

    /// <summary>Shows the partitions as they are now; the task completes when nobody reads any of the sets that were shown before.</summary>
    private Task Swap()
    {
        // The new one first: who finds the old one left for good looks for its successor.
        var old = _set;
        Volatile.Write(ref _set, new PartitionSet([.. _partitions]));
        var left = old.RetireAsync();
        return _left = _left.IsCompleted ? left : Task.WhenAll(_left, left);
    }

    /// <summary>Takes everything in memory back to the last commit.</summary>
    private void Forget()
    {
        _connection.RollbackIfOpen();
        (_sequence, _version) = (Head, _committedVersion);
        _amendments.Clear();
        _amending.Clear();
        _partitions = [.. _set.Partitions];
        var open = _partitions[^1];
        open.Columns!.Truncate(open.Columns.RowsUpTo(_sequence));
        open.Prioritised = open.Columns.CountPrioritised();
    }
}
