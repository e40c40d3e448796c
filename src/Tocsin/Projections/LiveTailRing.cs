namespace Tocsin.Projections;

/// <summary>The newest items, bounded by number and by bytes. One thread adds, any number read.</summary>
internal sealed class LiveTailRing(int maxItems, long maxBytes)
{
    private readonly Lock _lock = new();
    private readonly LiveTailItem?[] _items = new LiveTailItem?[maxItems];
    private long _first = 1;
    private long _last;
    private long _bytes;

    /// <summary>The sequence up to which it has been filled.</summary>
    public long Last => Volatile.Read(ref _last);

    /// <summary>Forgets all, and goes on behind this sequence.</summary>
    public void Restart(long last)
    {
        lock (_lock)
        {
            if (_first <= _last)
                Array.Clear(_items);
            (_first, _bytes) = (last + 1, 0);
            Volatile.Write(ref _last, last);
        }
    }

    /// <summary>Adds what comes next in order; the oldest make room.</summary>
    public void Add(IReadOnlyList<LiveTailItem> items)
    {
        lock (_lock)
            foreach (var item in items)
            {
                _bytes += item.Bytes;
                while (_first <= _last && (_last - _first + 1 >= maxItems || _bytes > maxBytes))
                    RemoveFirst();
                _items[item.Sequence % maxItems] = item;
                Volatile.Write(ref _last, item.Sequence);
            }
    }

    /// <summary>Items after a sequence, at most so many; none when there is nothing newer, null when what follows is no longer here.</summary>
    public LiveTailItem[]? Read(long after, int limit)
    {
        if (after >= Last)
            return [];
        lock (_lock)
        {
            if (after + 1 < _first)
                return null;
            var items = new LiveTailItem[Math.Min(limit, _last - after)];
            for (var i = 0; i < items.Length; i++)
                items[i] = _items[(after + 1 + i) % maxItems]!;
            return items;
        }
    }

    private void RemoveFirst()
    {
        ref var oldest = ref _items[_first++ % maxItems];
        _bytes -= oldest!.Bytes;
        oldest = null;
    }
}
