namespace Tocsin.Engines.Sqlite.Queries;

/// <summary>Reads events by sequence, as they read up to a ceiling; keeps the connection to the partition it read last.</summary>
internal sealed class RowReader(SqliteReader reader, PartitionSet set) : IDisposable
{
    private Partition? _partition;
    private RowLease _rows;

    public SecurityEvent? Find(long sequence, long ceiling)
    {
        var partition = set.Of(sequence);
        if (partition != _partition)
        {
            Dispose();
            _rows = partition.Rent(reader.Connection);
            _partition = partition;
        }
        return EntryReader.Find(reader, partition, _rows.Connection, sequence, ceiling);
    }

    public void Dispose()
    {
        if (_partition is not null)
            _rows.Dispose();
        _partition = null;
    }
}
