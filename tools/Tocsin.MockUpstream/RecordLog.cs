namespace Tocsin.MockUpstream;

/// <summary>
/// Every record a feed has made, rendered, in ascending time. Records lie in one buffer with their separators, so the
/// answer for any stretch of time is a slice of it: 200,000 records cost no rendering and no copy per call.
/// Written bytes never change and growing makes a new buffer, so a range taken earlier stays valid without a lock.
/// One writer at a time; any number of readers.
/// </summary>
internal sealed class RecordLog
{
    /// <summary>Most records of one feed; some 250 MB for the widest.</summary>
    internal const int MaxRecords = 1_000_000;

    private readonly Lock _gate = new();
    private byte[] _bytes = new byte[4096];
    private int[] _ends = new int[32];
    private long[] _times = new long[32];
    private int _count;

    internal int Count
    {
        get
        {
            lock (_gate)
                return _count;
        }
    }

    /// <summary>Time of the newest record, Unix ticks of 100 ns; the earliest possible when there is none.</summary>
    internal long LastTime
    {
        get
        {
            lock (_gate)
                return _count == 0 ? long.MinValue : _times[_count - 1];
        }
    }

    internal void Append(long time, ReadOnlySpan<byte> record)
    {
        lock (_gate)
        {
            if (_count == MaxRecords)
                throw new InvalidOperationException("the feed is full; ask for room first");
            if (_count > 0 && time < _times[_count - 1])
                throw new InvalidOperationException("records are appended in ascending time");
            if (_count == _ends.Length)
            {
                Array.Resize(ref _ends, _count * 2);
                Array.Resize(ref _times, _count * 2);
            }

            var start = _count == 0 ? 0 : _ends[_count - 1] + RecordRange.Separator.Length;
            if (start + record.Length > _bytes.Length)
                Array.Resize(ref _bytes, Math.Max(_bytes.Length * 2, start + record.Length));
            if (_count > 0)
                RecordRange.Separator.CopyTo(_bytes.AsSpan(_ends[_count - 1]));
            record.CopyTo(_bytes.AsSpan(start));
            _ends[_count] = start + record.Length;
            _times[_count++] = time;
        }
    }

    internal RecordRange All() => From(long.MinValue);

    /// <summary>The records at <paramref name="time"/> or later.</summary>
    internal RecordRange From(long time)
    {
        lock (_gate)
        {
            // the lowest index that is not earlier: among equal times the first, none may be lost at the boundary
            int low = 0, high = _count;
            while (low < high)
            {
                var middle = (low + high) / 2;
                if (_times[middle] < time)
                    low = middle + 1;
                else
                    high = middle;
            }

            return new RecordRange(_bytes, _ends, low, _count - low);
        }
    }
}

/// <summary>Consecutive records of a <see cref="RecordLog"/>.</summary>
internal readonly struct RecordRange(byte[] bytes, int[] ends, int first, int count)
{
    internal static ReadOnlySpan<byte> Separator => ", "u8;

    internal int Count => count;

    internal ReadOnlyMemory<byte> this[int index] => bytes.AsMemory(Start(index)..ends[first + index]);

    /// <summary>All of them with their separators.</summary>
    internal ReadOnlyMemory<byte> Joined => count == 0 ? default : bytes.AsMemory(Start(0)..ends[first + count - 1]);

    internal RecordRange Page(int skip, int take)
    {
        skip = Math.Min(skip, count);
        return new RecordRange(bytes, ends, first + skip, Math.Min(take, count - skip));
    }

    internal List<ReadOnlyMemory<byte>> ToList()
    {
        var list = new List<ReadOnlyMemory<byte>>(count);
        for (var i = 0; i < count; i++)
            list.Add(this[i]);
        return list;
    }

    internal static byte[] Join(IReadOnlyList<ReadOnlyMemory<byte>> records)
    {
        var length = records.Sum(r => r.Length) + Separator.Length * Math.Max(0, records.Count - 1);
        var joined = new byte[length];
        var at = 0;
        foreach (var record in records)
        {
            if (at > 0)
            {
                Separator.CopyTo(joined.AsSpan(at));
                at += Separator.Length;
            }

            record.Span.CopyTo(joined.AsSpan(at));
            at += record.Length;
        }

        return joined;
    }

    private int Start(int index) => first + index == 0 ? 0 : ends[first + index - 1] + Separator.Length;
}
