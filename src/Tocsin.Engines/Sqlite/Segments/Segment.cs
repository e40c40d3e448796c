namespace Tocsin.Engines.Sqlite.Segments;

/// <summary>A sealed partition: its rows in a database file that never changes, and its index.</summary>
internal sealed class Segment(int number, string rowsPath, SegmentIndex index, SegmentIndex? versions, SegmentConnections connections) : IDisposable
{
    public int Number => number;

    public string RowsPath => rowsPath;

    /// <summary>The events that no amendment changed before it was sealed.</summary>
    public SegmentIndex Index => index;

    /// <summary>Those that were amended before, in all their versions; null when there are none.</summary>
    public SegmentIndex? Versions => versions;

    /// <summary>The sequence of the event with this id; 0 when there is none.</summary>
    public long FindId(UInt128 id) => index.FindId(id) is > 0 and var sequence ? sequence : versions?.FindId(id) ?? 0;

    public RowLease Rent() => new(connections.Rent(this), this, connections);

    public void Dispose()
    {
        index.Dispose();
        versions?.Dispose();
    }
}
