using System.Collections.Concurrent;

namespace Tocsin.Engines.Sqlite.Columns;

/// <summary>How an event reads from a sequence on.</summary>
internal readonly record struct EventVersion(SecurityEvent Event, long From);

/// <summary>
/// The events of one partition that amendments changed after its index was made: they leave that index, and stand here in all their versions, each with
/// the sequences for which it holds. A walk thus sees to its end what held when it began. One thread adds, any number read.
/// </summary>
internal sealed class Amended
{
    private readonly ConcurrentDictionary<long, int[]> _rows = new(1, 64);
    private int _seen;

    public EventColumns Versions { get; } = new(versions: true);

    /// <summary>True when nothing stands here.</summary>
    public bool IsEmpty => Volatile.Read(ref _seen) == 0;

    /// <summary>True when the event stands here. For the thread that adds.</summary>
    public bool Holds(long target) => _rows.ContainsKey(target);

    /// <summary>True when the event was amended up to this sequence.</summary>
    public bool HoldsAt(long target, long sequence) => _rows.TryGetValue(target, out var rows) && FromOf(rows[1]) <= sequence;

    /// <summary>What a reader sees that begins now; null when nothing stands here.</summary>
    public View? Look() => Volatile.Read(ref _seen) is > 0 and var seen ? new View(this, seen) : null;

    /// <summary>Adds how an event reads now; <paramref name="history"/> says how it read before, and counts only when it does not stand here yet.</summary>
    public void Add(long target, IReadOnlyList<EventVersion> history, EventVersion now)
    {
        if (!_rows.TryGetValue(target, out var rows))
        {
            rows = [];
            for (var i = 0; i < history.Count; i++)
                rows = Append(target, rows, history[i]);
        }
        _rows[target] = Append(target, rows, now);
        Show();
    }

    /// <summary>Copies what amendments up to a sequence made.</summary>
    public void CopyTo(EventColumns versions, long upTo)
    {
        foreach (var (target, rows) in _rows)
            if (HoldsAt(target, upTo))
                foreach (var row in rows)
                    if (FromOf(row) <= upTo)
                        versions.Append(Versions, row);
    }

    /// <summary>Copies the events that were amended after a sequence, in all their versions.</summary>
    public void CopyTo(Amended other, long after)
    {
        foreach (var (target, rows) in _rows)
        {
            if (FromOf(rows[^1]) <= after)
                continue;
            other._rows[target] = [.. Enumerable.Range(other.Versions.Count, rows.Length)];
            foreach (var row in rows)
                other.Versions.Append(Versions, row);
        }
        other.Show();
    }

    private int[] Append(long target, int[] rows, EventVersion version)
    {
        if (rows.Length > 0)
            Versions.Block(rows[^1]).To[rows[^1] % ColumnBlock.Rows] = version.From;
        Versions.Append(target, version.Event, version.From);
        return [.. rows, Versions.Count - 1];
    }

    /// <summary>
    /// Shows what was added, an event in all its versions at once: who saw it named with some of them would find it neither here nor in the index, or as it
    /// read once.
    /// </summary>
    private void Show() => Volatile.Write(ref _seen, Versions.Count);

    private long FromOf(int row) => Versions.Block(row).From[row % ColumnBlock.Rows];

    /// <summary>The versions that were there when a reader began: what came later lies beyond its ceiling, and reads as before in the index.</summary>
    internal sealed class View(Amended amended, int seen)
    {
        public EventColumns Versions => amended.Versions;

        public int Seen => seen;

        /// <summary>True when the event with this sequence is found here and no longer in the index.</summary>
        public bool Hides(long sequence) => amended._rows.TryGetValue(sequence, out var rows) && rows[0] < seen;
    }
}
