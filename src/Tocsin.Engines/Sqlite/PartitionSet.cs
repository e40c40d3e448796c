namespace Tocsin.Engines.Sqlite;

/// <summary>
/// The partitions as committed, in order. A reader enters the set and leaves it; when a newer set takes its place, it is known when the last reader has left
/// the old one, and a table that only the old one names may go.
/// </summary>
internal sealed class PartitionSet(Partition[] partitions)
{
    private readonly TaskCompletionSource _left = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _readers = 1;

    public Partition[] Partitions => partitions;

    /// <summary>False when a newer set has taken its place and nobody reads this one any more.</summary>
    public bool TryEnter()
    {
        while (true)
        {
            var readers = Volatile.Read(ref _readers);
            if (readers == 0)
                return false;
            if (Interlocked.CompareExchange(ref _readers, readers + 1, readers) == readers)
                return true;
        }
    }

    public void Leave()
    {
        if (Interlocked.Decrement(ref _readers) == 0)
            _left.SetResult();
    }

    /// <summary>A newer set has taken its place; completes when the last reader has left. Once.</summary>
    public Task RetireAsync()
    {
        Leave();
        return _left.Task;
    }

    /// <summary>The partition that holds a sequence.</summary>
    public Partition Of(long sequence) => partitions[IndexOf(sequence)];

    /// <summary>The last sequence of a partition, as far as it is committed.</summary>
    public long LastOf(int index, long head) => index + 1 < partitions.Length ? Math.Min(head, partitions[index + 1].FirstSequence - 1) : head;

    private int IndexOf(long sequence)
    {
        var (low, high) = (0, partitions.Length - 1);
        while (low < high)
        {
            var middle = (low + high + 1) / 2;
            if (partitions[middle].FirstSequence <= sequence)
                low = middle;
            else
                high = middle - 1;
        }
        return low;
    }
}
