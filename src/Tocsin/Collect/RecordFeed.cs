using Tocsin.Journal;

namespace Tocsin.Collect;

/// <summary>
/// One request of a source, polled: fetch a page, wait for this poll's identities, turn the records into events, commit them with what is kept aside
/// and the bookmark, and go on to the next page while there is one. While a page is committed the next is understood, and the one behind it fetched where
/// it can be guessed. A repeat of a known record adds nothing, so a crash at any point repeats at most work.
/// </summary>
internal sealed class RecordFeed(
    RequestDefinition request, UpstreamClient upstream, RecordReader reader, PageKeeper keeper, FeedBookmark? bookmark, SourceStatus.FeedStatus status,
    IJournalStore store, TimeProvider time)
{
    private readonly SourceDefinition _source = reader.Source;
    private WalkTotals _totals = new();
    private (string Ask, Task<FetchResult> Answer)? _ahead;

    /// <summary>Set at the start of each poll: completes when the identities have answered, failed or timed out.</summary>
    public Task Identities { get; set; } = Task.CompletedTask;

    public async Task LoadAsync(CancellationToken cancellation)
    {
        if (bookmark is null)
            return;
        await bookmark.LoadAsync(store, cancellation);
        status.MovedTo(bookmark.Current.Position);
    }

    public async Task<FetchFailure?> PollAsync(CancellationToken cancellation)
    {
        var now = time.GetUtcNow();
        var walk = bookmark?.Resume(now, Pager.Style(_source.Paging));
        if (walk is null || !_totals.IsOpen)
            _totals = new WalkTotals { IsWhole = walk is null };
        walk ??= Begin(now);
        var pager = new Pager(_source.Paging, _source.Cursor);
        var keeping = Task.FromResult<FetchFailure?>(null);
        try
        {
            for (var pages = 1; ; pages++)
            {
                var isLast = pages >= (_source.Paging?.MaxPages ?? 1);
                var fetched = await FetchAsync(pager, walk, isLast, cancellation);
                // In order: a page is kept before the one that followed it.
                if (await keeping is { } notKept)
                    return notKept;
                if (fetched.Failure is { } failure)
                    return await FailAsync(fetched.Page, walk, failure, cancellation);
                walk = walk with { Mark = fetched.Next, At = time.GetUtcNow(), Reached = ReachedPosition.Later(_source.Cursor, walk.Reached, Reached(fetched, walk)) };
                keeping = KeepAsync(fetched.Page!, walk, cancellation);
                if (fetched.Next is null || isLast)
                    return await keeping;
            }
        }
        catch (Exception) when (!cancellation.IsCancellationRequested)
        {
            // What led here may be what broke it, and is kept for hours: begun anew, once a commit under way can no longer bring it back.
            await ((Task)keeping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            bookmark?.Forget();
            throw;
        }
        finally
        {
            _ahead = null;
            // What stops the fetching must not leave a commit behind that a later poll would meet.
            await ((Task)keeping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Ends a walk that cannot go on. A page that came whole is kept all the same, and the bookmark stays.</summary>
    private async Task<FetchFailure> FailAsync(RecordPage? page, PageWalk walk, FetchFailure failure, CancellationToken cancellation)
    {
        if (!failure.IsTransient)
            bookmark?.Forget();
        return page is not null && await KeepAsync(page, walk, cancellation, leadsOn: false) is { } notKept ? notKept : failure;
    }

    /// <summary>A feed that gives nothing is asked from the same instant again: what comes meanwhile must not be slept over.</summary>
    private PageWalk Begin(DateTimeOffset now)
    {
        var position = bookmark?.Current.Position;
        return _source.Cursor is not { } cursor ? new PageWalk { Paging = Pager.Style(_source.Paging) } : new PageWalk
        {
            Paging = Pager.Style(_source.Paging),
            Asked = CursorText.Ask(cursor, position, now),
            Reached = cursor.IsTime ? CursorText.Start(cursor, position, now).ToString() : position,
        };
    }

    private async Task<(RecordPage? Page, string? Next, FetchFailure? Failure)> FetchAsync(Pager pager, PageWalk walk, bool isLast, CancellationToken cancellation)
    {
        var ask = pager.Request(request.Get, walk.Asked, walk.Mark);
        var fetched = await (_ahead is { } ahead && ahead.Ask == ask ? ahead.Answer : GetAsync(ask, cancellation));
        _ahead = null;
        if (fetched.Failure is not null)
            return pager.IsBehindTheLast(walk.Mark, fetched.Failure) ? (RecordPage.Empty, null, null) : (null, null, fetched.Failure);
        var (answer, malformed) = Answer.Parse(fetched.Body!);
        if (answer is null)
            return (null, null, malformed);
        using (answer)
        {
            if (!isLast)
                FetchAhead(pager, walk, reader.Count(answer), cancellation);
            await Identities.WaitAsync(cancellation);
            var (page, misplaced) = reader.Read(answer, request);
            if (page is null)
                return (null, null, misplaced);
            var seen = new PageSeen(answer.Root, fetched.Link, fetched.Url!, page);
            var (next, circling) = pager.After(walk.Mark, seen);
            return (page, next, circling);
        }
    }

    /// <summary>A page as full as it was asked for is surely not the last: the upstream may work on the next one already.</summary>
    private void FetchAhead(Pager pager, PageWalk walk, int records, CancellationToken cancellation)
    {
        if (pager.Guess(walk.Mark, records) is not { } mark)
            return;
        var ask = pager.Request(request.Get, walk.Asked, mark);
        _ahead = (ask, GetAsync(ask, cancellation));
    }

    private Task<FetchResult> GetAsync(string ask, CancellationToken cancellation) =>
        ask.StartsWith('/') ? upstream.GetAsync(ask, cancellation) : upstream.GetAsync(new Uri(ask), cancellation);

    /// <summary>An opaque bookmark without a field is what leads on; at the end of the pages, what led to the last of them.</summary>
    private string? Reached((RecordPage? Page, string? Next, FetchFailure? Failure) fetched, PageWalk walk) =>
        _source.Cursor is { IsTime: false, Field: null } ? fetched.Next ?? walk.Mark : fetched.Page!.Reached;

    private async Task<FetchFailure?> KeepAsync(RecordPage page, PageWalk walk, CancellationToken cancellation, bool leadsOn = true)
    {
        var isEnd = walk.Mark is null && leadsOn;
        try
        {
            if (await keeper.KeepAsync(page, bookmark is null || !leadsOn ? null : Next(walk), cancellation) is not { } kept)
            {
                if (bookmark is not null)
                    await bookmark.LoadAsync(store, cancellation);
                return new FetchFailure(FetchFailureKind.StoreUnavailable, "another node polls this feed, or moved its bookmark; beginning from there");
            }
            _totals.Add(page.Records, kept.Counts);
            if (kept.Refused.Total > 0)
            {
                status.Took(kept.Counts, page.Newest);
                return new FetchFailure(FetchFailureKind.TooManyRejects,
                    $"{kept.Refused.Total} records can neither be mapped nor kept aside: {kept.Refused.Why}. See /sources/{_source.Name}/rejects and mend the map");
            }
            // What led nowhere is counted as the failure that it is.
            var polls = leadsOn ? 1 : 0;
            status.Took(kept.Counts with { Polls = polls, Succeeded = polls, PossibleGaps = isEnd && MayHaveGap() ? 1 : 0 }, page.Newest);
            status.MovedTo(bookmark?.Current.Position);
            _totals.IsOpen = !isEnd;
            if (isEnd)
                status.Succeeded(time.GetUtcNow(), _totals.Records);
            else if (leadsOn)
                status.GoesOn();
            return null;
        }
        catch (JournalUnavailableException error)
        {
            return new FetchFailure(FetchFailureKind.StoreUnavailable, $"the store cannot write now: {error.Message}");
        }
    }

    private Bookmark Next(PageWalk walk) => walk.Mark is not null
        ? bookmark!.Current with { Walk = walk }
        : new Bookmark { Position = walk.Reached };

    /// <summary>An opaque bookmark leads on from what was given: nothing of it comes again.</summary>
    private bool MayHaveGap() =>
        status.HadRecords && _totals is { IsWhole: true, Records: > 0, Known: 0 } && _source.Cursor is not { IsTime: false };
}

/// <summary>What a walk has brought so far.</summary>
internal sealed class WalkTotals
{
    /// <summary>False when the walk began before the service did.</summary>
    public bool IsWhole { get; init; }

    /// <summary>True when there are pages to come.</summary>
    public bool IsOpen { get; set; }

    public long Records { get; private set; }

    /// <summary>Records that were in the journal before.</summary>
    public long Known { get; private set; }

    public void Add(int records, SourceCounts counts)
    {
        Records += records;
        Known += counts.Duplicates + counts.Changed + counts.Superseded;
    }
}
