namespace Tocsin.Projections;

/// <summary>What one employee has of one kind, ready as text. Immutable; never empty.</summary>
internal sealed class PileSnapshot
{
    public PileSnapshot(string userId, byte[] key, Chunk[] chunks)
    {
        UserId = userId;
        Key = key;
        Chunks = chunks;
        MinSequence = long.MaxValue;
        foreach (var chunk in chunks)
        {
            JsonLength += chunk.Json.Length;
            MinSequence = Math.Min(MinSequence, chunk.MinSequence);
        }
    }

    public string UserId { get; }

    /// <summary>The employee as it stands behind another in an object: <c>,"4506":</c>.</summary>
    public byte[] Key { get; }

    /// <summary>Joined they are the employee's value, an object of the four lists.</summary>
    public Chunk[] Chunks { get; }

    public long JsonLength { get; }

    public long MinSequence { get; }

    /// <summary>Bytes of key and value.</summary>
    public long Length => Key.Length + JsonLength;

    /// <summary>The incident that has the priority, time and sequence of <paramref name="row"/>, and the chunk that holds its text.</summary>
    public Row Find(in Row row, out Chunk chunk)
    {
        chunk = Chunks[LastChunkNotAfter(row)];
        int low = 0, high = chunk.Rows.Length - 1;
        while (low <= high)
        {
            var middle = (low + high) / 2;
            var compared = Row.CompareOnBoard(chunk.Rows[middle], row);
            if (compared == 0)
                return chunk.Rows[middle];
            if (compared < 0)
                low = middle + 1;
            else
                high = middle - 1;
        }
        throw new InvalidOperationException("The board's index points at an incident that its employee does not have.");
    }

    private int LastChunkNotAfter(in Row row)
    {
        int low = 0, high = Chunks.Length - 1;
        while (low < high)
        {
            var middle = (low + high + 1) / 2;
            if (Row.CompareOnBoard(Chunks[middle].First, row) <= 0)
                low = middle;
            else
                high = middle - 1;
        }
        return low;
    }
}
