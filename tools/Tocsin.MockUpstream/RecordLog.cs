namespace Tocsin.MockUpstream;

/// <summary>
/// Every record a feed has made, rendered, in the order in which they came. That is ascending time, but for the few that
/// came late. Records lie in one buffer with their separators, so the answer for any stretch of time is a slice of it:
/// 200,000 records cost no rendering and no copy per call. A late one that is before the stretch is a hole in the slice.
/// Written bytes never change and growing makes a new buffer, so a range taken earlier stays valid without a lock.
/// One writer at a time; any number of readers.
/// </summary>
internal sealed class RecordLog
{
    /// <summary>Most records of one feed; some 300 MB for the widest.</summary>
    internal const int MaxRecords = 1_000_000;

    private readonly Lock _gate = new();
    private readonly List<(int Index, long Time)> _late = [];
    private byte[] _bytes = new byte[4096];
    private int[] _ends = new int[32];

    /// <summary>The newest time up to each record, which is its own time unless it came late. Ascending, so it can be searched.</summary>
    private long[] _times = new long[32];
    private long _earliestLate = long.MaxValue;
    private int _count;

    internal int Count
    {
        get
        {
            lock (_gate)
                return _count;
        }
    }

    /// <summary>The newest time of any record, Unix ticks of 100 ns; the earliest possible when there is none.</summary>
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
            if (_count > 0 && time < _times[_count - 1])
                throw new InvalidOperationException("records are appended in ascending time");
            Write(time, record);
        }
    }

    /// <summary>A record that comes now and is dated earlier than the newest one. It stands last, where it disturbs no page.</summary>
    internal void AppendLate(long time, ReadOnlySpan<byte> record)
    {
        lock (_gate)
        {
            if (_count == 0 || time >= _times[_count - 1])
                throw new InvalidOperationException("a late record is earlier than the newest");
            Write(_times[_count - 1], record);
            _late.Add((_count - 1, time));
            _earliestLate = Math.Min(_earliestLate, time);
        }
    }

    /// <summary>The record at <paramref name="index"/>, from 0 in the order in which they came.</summary>
    internal ReadOnlyMemory<byte> this[int index] => All()[index];

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

            return new RecordRange(_bytes, _ends, low, _count, Holes(low, time));
        }
    }

    private int[] Holes(int low, long time)
    {
        if (time <= _earliestLate)
            return [];
        var holes = new List<int>();
        for (var i = _late.Count - 1; i >= 0 && _late[i].Index >= low; i--)
        {
            if (_late[i].Time < time)
                holes.Add(_late[i].Index);
        }

        holes.Reverse();
        return [.. holes];
    }

    private void Write(long time, ReadOnlySpan<byte> record)
    {
        if (_count == MaxRecords)
            throw new InvalidOperationException("the feed is full; ask for room first");
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
