namespace Tocsin.Engines.Sqlite.Segments;

/// <summary>
/// Connections to the rows of sealed partitions: opened when needed, kept while they are used often. A file that never changes is opened as such, without
/// locks. It is read through the system's cache and not mapped: a connection costs little, and what was once looked through does not stay in the
/// process's memory.
/// </summary>
internal sealed class SegmentConnections : IDisposable
{
    /// <summary>Idle connections kept; each has a file open.</summary>
    private const int MaxIdle = 128;

    private readonly Lock _lock = new();
    private readonly LinkedList<(Segment Segment, SqliteConnection Connection)> _newestFirst = [];

    public SqliteConnection Rent(Segment segment)
    {
        lock (_lock)
            for (var node = _newestFirst.First; node is not null; node = node.Next)
                if (node.Value.Segment == segment)
                {
                    _newestFirst.Remove(node);
                    return node.Value.Connection;
                }
        return SqliteConnection.OpenImmutable(segment.RowsPath).Set("PRAGMA query_only=ON; PRAGMA cache_size=-256; PRAGMA mmap_size=0");
    }

    public void Return(Segment segment, SqliteConnection connection)
    {
        SqliteConnection? oldest = null;
        lock (_lock)
        {
            _newestFirst.AddFirst((segment, connection));
            if (_newestFirst.Count > MaxIdle)
            {
                oldest = _newestFirst.Last!.Value.Connection;
                _newestFirst.RemoveLast();
            }
        }
        oldest?.Dispose();
    }

    public void Dispose()
    {
        lock (_lock)
        {
            foreach (var (_, connection) in _newestFirst)
                connection.Dispose();
            _newestFirst.Clear();
        }
    }
}
