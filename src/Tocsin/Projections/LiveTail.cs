using System.Diagnostics.CodeAnalysis;
using System.Diagnostics.Metrics;
using Tocsin.Journal;

namespace Tocsin.Projections;

/// <summary>
/// Follows the journal once for everybody who wants to see what is committed as it is: each entry becomes one item, kept in a bounded ring, and whoever
/// waits is woken. Who is further back than the ring reads from the journal, a few at a time, until the ring has what follows. While nobody
/// follows it does nothing.
/// </summary>
public sealed class LiveTail : IDisposable
{
    /// <summary>Followers at once; one more is refused.</summary>
    public const int MaxReaders = 2_000;

    /// <summary>Between two heartbeats of a follower.</summary>
    public static readonly TimeSpan Heartbeat = TimeSpan.FromSeconds(15);

    private const int MaxItems = 16_384;
    private const long MaxBytes = 32 << 20;
    private const int PageEntries = 256;

    /// <summary>Items made at a time end with so many bytes: an amendment is small, the event that it amends may be large.</summary>
    private const long PageBytes = 16 << 20;

    /// <summary>Followers are woken when so many are new, also when more wait: before the ring goes past them.</summary>
    private const int MaxItemsUnseen = MaxItems / 4;

    /// <summary>Followers that read back from the journal at once; the others wait their turn, page by page.</summary>
    private const int MaxCatchUps = 8;

    /// <summary>Between two wakings of everybody: one follower is woken at once, a thousand every 50 ms, so that waking never takes all the time there is.</summary>
    private static readonly TimeSpan PausePerReader = TimeSpan.FromMicroseconds(50);

    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);

    private readonly EventJournal _journal;
    private readonly TimeProvider _time;
    private readonly SemaphoreSlim _turns = new(MaxCatchUps);
    private readonly Lock _gate = new();
    private readonly HashSet<LiveTailReader> _readers = [];

    /// <summary>Follows nothing yet: <see cref="RunAsync"/> does. With a <paramref name="meter"/> it says how many follow.</summary>
    public LiveTail(EventJournal journal, TimeProvider time, Meter? meter = null)
        : this(journal, time, MaxItems, MaxBytes) => meter?.CreateObservableGauge("tocsin_stream_readers", () => (long)Readers, null, "Readers of the live tail.");

    internal LiveTail(EventJournal journal, TimeProvider time, int maxItems, long maxBytes)
    {
        (_journal, _time, Ring) = (journal, time, new LiveTailRing(maxItems, maxBytes));
        Ring.Restart(journal.Head);
    }

    /// <summary>How many follow.</summary>
    public int Readers
    {
        get
        {
            lock (_gate)
                return _readers.Count;
        }
    }

    internal LiveTailRing Ring { get; }

    /// <summary>
    /// A follower that begins behind <paramref name="after"/>; without it, or when the journal does not reach so far (a backup was restored), at the
    /// journal's head as it is now. False when there are <see cref="MaxReaders"/> already.
    /// </summary>
    public bool TrySubscribe(long? after, [NotNullWhen(true)] out LiveTailReader? reader)
    {
        reader = null;
        lock (_gate)
        {
            if (_readers.Count >= MaxReaders)
                return false;
            reader = new LiveTailReader(this, _time);
            _readers.Add(reader);
        }
        var head = _journal.Head;
        reader.Position = after is { } sequence && sequence <= head ? sequence : head;
        return true;
    }

    /// <summary>Follows the journal until cancelled. A store that cannot be read is asked again.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        while (true)
        {
            try
            {
                await _journal.WaitPastAsync(Ring.Last, cancellation);
                if (IsIdle())
                    continue;
                await FillAsync(cancellation);
                var pause = WakeAll() * PausePerReader;
                if (pause >= TimeSpan.FromMilliseconds(1))
                    await Task.Delay(pause, _time, cancellation);
            }
            catch (Exception) when (!cancellation.IsCancellationRequested)
            {
                await Task.Delay(RetryAfter, _time, cancellation);
            }
        }
    }

    /// <summary>When nobody follows any more.</summary>
    public void Dispose() => _turns.Dispose();

    /// <summary>Items read back from the journal.</summary>
    internal async ValueTask<IReadOnlyList<LiveTailItem>> PageAsync(long after, int limit, CancellationToken cancellation)
    {
        await _turns.WaitAsync(cancellation);
        try
        {
            return await ItemsAsync(await _journal.ReadAsync(after, limit, cancellation), cancellation);
        }
        finally
        {
            _turns.Release();
        }
    }

    internal void Leave(LiveTailReader reader)
    {
        lock (_gate)
            _readers.Remove(reader);
    }

    /// <summary>Nobody follows: what was committed is passed over. Under the lock, so that nobody comes in between and waits in vain.</summary>
    private bool IsIdle()
    {
        lock (_gate)
        {
            if (_readers.Count > 0)
                return false;
            Ring.Restart(_journal.Head);
            return true;
        }
    }

    private async ValueTask FillAsync(CancellationToken cancellation)
    {
        var until = Ring.Last + MaxItemsUnseen;
        int made;
        do
        {
            var items = await ItemsAsync(await _journal.ReadAsync(Ring.Last, PageEntries, cancellation), cancellation);
            Ring.Add(items);
            made = items.Count;
        }
        while (made == PageEntries && Ring.Last < until);
    }

    private int WakeAll()
    {
        lock (_gate)
        {
            foreach (var reader in _readers)
                reader.Ring();
            return _readers.Count;
        }
    }

    /// <summary>The first of the entries as items: all of them, unless they are large.</summary>
    private async ValueTask<IReadOnlyList<LiveTailItem>> ItemsAsync(IReadOnlyList<Sequenced> entries, CancellationToken cancellation)
    {
        var items = new List<LiveTailItem>(entries.Count);
        var bytes = 0L;
        for (var i = 0; i < entries.Count && bytes < PageBytes; i++)
        {
            items.Add(entries[i].Entry switch
            {
                Amendment amendment => new LiveTailItem(entries[i].Sequence, await _journal.Store.FindAsync(amendment.Target, cancellation), isAmendment: true),
                var e => new LiveTailItem(entries[i].Sequence, (SecurityEvent)e, isAmendment: false),
            });
            bytes += items[i].Bytes;
        }
        return items;
    }
}
