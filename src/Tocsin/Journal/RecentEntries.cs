namespace Tocsin.Journal;

/// <summary>
/// The entries committed last, in memory: those who follow the journal closely need not read back what was just written. One thread adds, any
/// number read.
/// </summary>
internal sealed class RecentEntries
{
    private const int MaxEntries = 16_384;
    private const long MaxBytes = 16 << 20;

    /// <summary>
    /// Entries kept whatever was committed since: enough for who follows closely. More of them, that nobody asks for any more, would only be carried along by
    /// the garbage collector.
    /// </summary>
    private const int MinEntries = 1_024;

    private readonly Lock _lock = new();
    private readonly Sequenced[] _ring = new Sequenced[MaxEntries];
    private long _first = 1;
    private long _last;
    private long _previous;
    private long _bytes;

    /// <summary>Adds what a commit made, in order.</summary>
    public void Add(IEnumerable<Append> group, IReadOnlyList<AppendResult> results)
    {
        lock (_lock)
        {
            // What the commit before last made has been read by who follows.
            Forget(Math.Min(_previous, _last - MinEntries));
            _previous = _last;
            var i = 0;
            foreach (var append in group)
            {
                var entries = results[i++].Entries;
                for (var n = 0; n < entries.Count; n++)
                    if (entries[n].Status == EntryStatus.Created)
                        Add(new Sequenced(entries[n].Sequence, append.Entries[n]));
            }
        }
    }

    /// <summary>Entries after a sequence, at most so many; null when it is too long ago, or there is nothing newer here.</summary>
    public IReadOnlyList<Sequenced>? Read(long after, int limit)
    {
        lock (_lock)
        {
            if (after + 1 < _first || after >= _last)
                return null;
            var entries = new Sequenced[Math.Min(limit, _last - after)];
            for (var i = 0; i < entries.Length; i++)
                entries[i] = _ring[(after + 1 + i) % MaxEntries];
            return entries;
        }
    }

    private void Add(Sequenced entry)
    {
        // The first after a start, or after a commit that was not seen: what stood before is not here.
        if (entry.Sequence != _last + 1)
            (_first, _bytes) = (entry.Sequence, 0);
        _last = entry.Sequence;
        _bytes += entry.Entry.Bytes;
        while (_first < _last && (_last - _first >= MaxEntries || _bytes > MaxBytes))
            Forget(_first);
        _ring[_last % MaxEntries] = entry;
    }

    private void Forget(long upTo)
    {
        while (_first <= upTo && _first < _last)
        {
            ref var oldest = ref _ring[_first++ % MaxEntries];
            _bytes -= oldest.Entry.Bytes;
            oldest = default;
        }
    }
}
