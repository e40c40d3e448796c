using System.Threading.Channels;
using Tocsin.Journal;

namespace Tocsin.Projections;

/// <summary>
/// One follower of the journal: every entry after <see cref="Position"/> in order, without a gap and without a double. For one caller at a time.
/// Disposing gives its place back.
/// </summary>
public sealed class LiveTailReader : IDisposable
{
    /// <summary>Items handed out at once; they stay in memory until they are written.</summary>
    private const int MaxItems = 256;

    /// <summary>A page read back from the journal that holds more than this is followed by smaller ones.</summary>
    private const long LargePageBytes = 4 << 20;

    private readonly LiveTail _tail;
    private readonly Channel<bool> _bell = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });
    private readonly ITimer _beats;
    private int _pageItems = 64;
    private bool _isLive;
    private volatile bool _beat;

    internal LiveTailReader(LiveTail tail, TimeProvider time)
    {
        _tail = tail;
        _beats = time.CreateTimer(static self => ((LiveTailReader)self!).Beat(), this, LiveTail.Heartbeat, LiveTail.Heartbeat);
    }

    /// <summary>The last sequence handed out, or passed over.</summary>
    public long Position { get; internal set; }

    /// <summary>
    /// The next items, waiting for one if need be; none when a heartbeat is due. Null when this follower was held up (its writes had to wait) while
    /// the journal went on by more than is kept in memory: it is too slow, and may begin again behind <see cref="Position"/>.
    /// Throws <see cref="JournalUnavailableException"/> when what lies further back cannot be read now.
    /// </summary>
    public async ValueTask<IReadOnlyList<LiveTailItem>?> ReadAsync(bool wasHeldUp, CancellationToken cancellation)
    {
        while (true)
        {
            cancellation.ThrowIfCancellationRequested();
            IReadOnlyList<LiveTailItem>? items = _tail.Ring.Read(Position, MaxItems);
            if (items is null && _isLive && wasHeldUp)
                return null;
            _isLive = items is not null;
            items ??= await PageAsync(cancellation);
            if (items.Count > 0)
            {
                Position = items[^1].Sequence;
                return items;
            }
            if (_beat)
                return items;
            await _bell.Reader.WaitToReadAsync(cancellation);
            _bell.Reader.TryRead(out _);
        }
    }

    /// <summary>True once for every heartbeat that came due.</summary>
    public bool TakeBeat()
    {
        var due = _beat;
        _beat = false;
        return due;
    }

    /// <summary>Gives its place back.</summary>
    public void Dispose()
    {
        _beats.Dispose();
        _tail.Leave(this);
    }

    internal void Ring() => _bell.Writer.TryWrite(true);

    private async ValueTask<IReadOnlyList<LiveTailItem>> PageAsync(CancellationToken cancellation)
    {
        var items = await _tail.PageAsync(Position, _pageItems, cancellation);
        _pageItems = items.Sum(item => item.Bytes) > LargePageBytes ? Math.Max(1, _pageItems / 4) : Math.Min(MaxItems, _pageItems * 2);
        return items;
    }

    private void Beat()
    {
        _beat = true;
        Ring();
    }
}
