using System.Collections.Concurrent;

namespace Tocsin.Engines.Sqlite.Columns;

/// <summary>
/// The events of one partition that amendments changed after its index was made: they leave that index, and stand here in all their versions, each with
/// the sequences for which it holds. A walk thus sees to its end what held when it began. One thread adds, any number read.
/// </summary>
internal sealed class Amended
{
    private readonly ConcurrentDictionary<long, (int First, int Last)> _rows = new(1, 64);

    public EventColumns Versions { get; } = new(versions: true);

    /// <summary>Events that stand here.</summary>
    public int Events => _rows.Count;

    /// <summary>What a reader sees that begins now; null when nothing stands here.</summary>
    public View? Look() => Versions.Count is > 0 and var seen ? new View(this, seen) : null;

    /// <summary>Adds how an event reads from <paramref name="from"/> on; <paramref name="before"/> is how it read in the index.</summary>
    public void Add(long target, SecurityEvent before, SecurityEvent after, long from)
    {
        if (!_rows.TryGetValue(target, out var rows))
        {
            rows.First = Versions.Count;
            Versions.Append(target, before);
            rows.Last = rows.First;
        }
        Versions.Block(rows.Last).To[rows.Last % ColumnBlock.Rows] = from;
        Versions.Append(target, after, from);
        _rows[target] = (rows.First, Versions.Count - 1);
    }

    /// <summary>The versions that were there when a reader began: what came later lies beyond its ceiling, and reads as before in the index.</summary>
    internal sealed class View(Amended amended, int seen)
    {
        public EventColumns Versions => amended.Versions;

        public int Seen => seen;

        /// <summary>True when the event with this sequence is found here and no longer in the index.</summary>
        public bool Hides(long sequence) => amended._rows.TryGetValue(sequence, out var rows) && rows.First < seen;
    }
}
