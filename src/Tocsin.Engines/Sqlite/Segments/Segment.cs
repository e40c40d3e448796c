namespace Tocsin.Engines.Sqlite.Segments;

/// <summary>A sealed partition: its rows in a database file that never changes, and its index.</summary>
internal sealed class Segment(int number, string rowsPath, SegmentIndex index, SegmentConnections connections) : IDisposable
{
    public int Number => number;

    public string RowsPath => rowsPath;

    public SegmentIndex Index => index;

    public RowLease Rent() => new(connections.Rent(this), this, connections);

    public void Dispose() => index.Dispose();
}
