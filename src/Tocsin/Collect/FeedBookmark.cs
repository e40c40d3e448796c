using Tocsin.Journal;

namespace Tocsin.Collect;

/// <summary>The bookmark of one feed as it is on disk, with the version that the next one expects. One caller at a time.</summary>
internal sealed class FeedBookmark(string source, string request)
{
    /// <summary>A walk left alone for longer is begun anew: upstreams forget what led on.</summary>
    private static readonly TimeSpan OldWalk = TimeSpan.FromHours(6);

    private long _version;
    private bool _isForgotten;

    public Bookmark Current { get; private set; } = new();

    /// <summary>Holds as long as nobody else moved it: what another node committed meanwhile makes an append of ours a conflict.</summary>
    public StateExpectation Expectation => new(Bookmark.StateName(source), request, _version);

    public async Task LoadAsync(IJournalStore store, CancellationToken cancellation)
    {
        var row = await store.GetStateAsync(Bookmark.StateName(source), request, cancellation);
        (Current, _version) = row is null ? (new Bookmark(), 0) : (Bookmark.Read(row.Value), row.Version);
    }

    /// <summary>The walk to go on with under this <see cref="Pager.Style"/>; null: begin one.</summary>
    public PageWalk? Resume(DateTimeOffset now, string? style) =>
        _isForgotten || (now - Current.Walk?.At)?.Duration() > OldWalk || Current.Walk?.Paging != style ? null : Current.Walk;

    /// <summary>Does not go on with the walk that is under way: what led on leads nowhere.</summary>
    public void Forget() => _isForgotten = true;

    public StateWrite Write(Bookmark next) => new(Bookmark.StateName(source), request, next.ToBytes());

    /// <summary>What is on disk now.</summary>
    public void Moved(Bookmark next, long version) => (Current, _version, _isForgotten) = (next, version, false);
}
