using Tocsin.Engines.Sqlite.Columns;

namespace Tocsin.Engines.Sqlite.Segments;

/// <summary>Makes the files of a full partition. What is under construction has another name; a file that has its own is whole and on disk.</summary>
internal sealed class SegmentBuilder(SegmentFolder folder, string journalPath, SegmentConnections connections)
{
    /// <summary>Sequences copied between two syncs, so that neither a read transaction nor a sync takes long.</summary>
    private const int SliceSequences = 10_000;

    /// <summary>Copies the rows and writes the index. Nothing refers to the files yet.</summary>
    public Segment Build(Partition partition, long lastSequence, long horizon, CancellationToken cancellation)
    {
        var rows = folder.RowsPath(partition.Number);
        try
        {
            CopyRows(partition, lastSequence, SegmentFolder.Unfinished(rows), cancellation);
            WriteIndex(partition.Number, partition.Columns!, partition.Amended, partition.FirstSequence, horizon);
        }
        catch
        {
            // On a full disk half a copy would take the room that commits need.
            File.Delete(SegmentFolder.Unfinished(rows));
            File.Delete(SegmentFolder.Unfinished(folder.IndexPath(partition.Number)));
            throw;
        }
        SegmentFolder.Finish(rows);
        folder.Sync();
        return Open(partition.Number) ?? throw new IOException($"the index of partition {partition.Number} was written, and cannot be read");
    }

    /// <summary>Null when the index must be made anew.</summary>
    public Segment? Open(int number)
    {
        var rows = folder.RowsPath(number);
        var index = SegmentIndex.Open(folder.IndexPath(number));
        var versions = index?.HasAmendments == true ? SegmentIndex.Open(folder.VersionsPath(number)) : null;
        // Both are of one making: one that was made again after a failure knows of amendments that the other does not.
        if (index is not null && index.HasAmendments == versions is not null && (versions is null || versions.Horizon == index.Horizon))
            return new Segment(number, rows, index, versions, connections);
        index?.Dispose();
        versions?.Dispose();
        return null;
    }

    /// <summary>Makes the index anew from the rows; amendments are laid over it after.</summary>
    public Segment Reindex(int number, long firstSequence)
    {
        var columns = new EventColumns();
        var words = new StringCache();
        using (var connection = SqliteConnection.OpenImmutable(folder.RowsPath(number)))
            EventTable.Sealed.ReadIndexed(connection, words, (sequence, e) => columns.Append(sequence, e));
        WriteIndex(number, columns, null, firstSequence, horizon: 0);
        folder.Sync();
        return Open(number) ?? throw new IOException($"the index of partition {number} was written, and cannot be read");
    }

    private void WriteIndex(int number, EventColumns columns, Amended? amended, long firstSequence, long horizon)
    {
        if (amended?.IsEmpty == false)
        {
            SegmentIndexWriter.WriteVersions(SegmentFolder.Unfinished(folder.VersionsPath(number)), amended, firstSequence, horizon);
            SegmentFolder.Finish(folder.VersionsPath(number));
        }
        SegmentIndexWriter.Write(SegmentFolder.Unfinished(folder.IndexPath(number)), columns, amended, firstSequence, horizon);
        SegmentFolder.Finish(folder.IndexPath(number));
    }

    private void CopyRows(Partition partition, long lastSequence, string path, CancellationToken cancellation)
    {
        File.Delete(path);
        using (var connection = SqliteConnection.OpenWriter(path))
        {
            // No journal: a copy that does not come to its end is thrown away.
            connection.Execute("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-2048");
            EventTable.Sealed.Create(connection);
            connection.Execute($"ATTACH '{new Uri(journalPath).AbsoluteUri.Replace("'", "''", StringComparison.Ordinal)}?mode=ro' AS journal");
            using var file = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
            var copy = connection.Statement($"INSERT INTO main.event SELECT * FROM journal.{partition.Table.Name} WHERE sequence >= ?1 AND sequence < ?2");
            for (var from = partition.FirstSequence; from <= lastSequence; from += SliceSequences)
            {
                cancellation.ThrowIfCancellationRequested();
                copy.Bind(1, from).Bind(2, Math.Min(from + SliceSequences, lastSequence + 1)).Run();
                file.Flush(flushToDisk: true);
            }
            var copied = connection.Scalar("SELECT count(*) FROM main.event");
            if (copied != partition.Columns!.Count)
                throw new IOException($"partition {partition.Number} has {partition.Columns.Count} events, and {copied} were copied");
        }
        using var whole = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.Read);
        whole.Flush(flushToDisk: true);
    }
}
