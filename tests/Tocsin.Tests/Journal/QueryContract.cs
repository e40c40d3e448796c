using Tocsin.Journal;

namespace Tocsin.Tests.Journal;

/// <summary>
/// What every engine must answer to queries: for each, exactly what <see cref="QueryOracle"/> works out. An engine's test class derives from this one
/// and says how to open a store; reopening the same place must find the same journal. Where an engine keeps its events in parts, the class should open
/// it with parts of some <see cref="RowsOfAPart"/> events, so that the corpus spans several.
/// </summary>
public abstract partial class QueryContract : IAsyncLifetime
{
    /// <summary>A size of parts at which the corpus fills several and the small journals of most tests do not fill one.</summary>
    protected const int RowsOfAPart = 500;

    private const int CorpusEvents = 2_400;

    private readonly QueryOracle _oracle = new();

    protected IJournalStore Store { get; private set; } = null!;

    protected abstract ValueTask<IJournalStore> OpenAsync();

    public async ValueTask InitializeAsync() => Store = await OpenAsync();

    public virtual async ValueTask DisposeAsync()
    {
        await Store.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    protected async Task ReopenAsync()
    {
        await Store.DisposeAsync();
        Store = await OpenAsync();
    }

    private static long _ids = 1_000;

    private static SecurityEvent Event(string time = "2021-08-18T02:38:31Z") =>
        Some.Event(id: Interlocked.Increment(ref _ids)) with { Time = Time(time), UserId = null, Priority = Priority.Low, Data = Some.Record("{}") };

    private static EventTime Time(string text) => EventTime.TryParse(text, out var time) ? time : throw new ArgumentException(text);

    private static IpRange Range(string text) => IpRange.TryParse(text, out var range) ? range : throw new ArgumentException(text);

    private static EventQuery Query(Func<EventFilter, EventFilter> narrow, bool ascending = true) =>
        new() { Filter = narrow(new EventFilter()), Ascending = ascending, Limit = EventQuery.MaxLimit };

    /// <summary>Commits in one append and tells the oracle.</summary>
    private async Task CommitAsync(params Entry[] entries)
    {
        var result = (await Store.CommitAsync([new Append { Entries = entries }], default))[0];
        result.Status.ShouldBe(AppendStatus.Committed);
        result.Entries.ShouldAllBe(entry => entry.Status == EntryStatus.Created);
        _oracle.Add(entries);
        Store.Head.ShouldBe(_oracle.Head);
    }

    /// <summary>Some thousand events with amendments between them, committed in batches of all sizes.</summary>
    private async Task<QueryCorpus> FillAsync(int seed)
    {
        var corpus = new QueryCorpus(seed);
        var events = new List<long>();
        var batch = new List<Entry>();
        for (var place = 0; place < CorpusEvents; place++)
        {
            batch.Add(corpus.Event(place));
            // An amendment needs an event of an earlier append.
            if (events.Count > 0 && corpus.Next(8) == 0)
                batch.Add(corpus.Amendment(events));
            if (corpus.Next(60) > 0 && place < CorpusEvents - 1)
                continue;
            var first = _oracle.Head + 1;
            await CommitAsync([.. batch]);
            events.AddRange(batch.Select((entry, i) => (entry, Sequence: first + i)).Where(e => e.entry is SecurityEvent).Select(e => e.Sequence));
            batch.Clear();
        }
        return corpus;
    }

    /// <summary>Asks for one page: it must begin what the oracle gives, and be as long as it may.</summary>
    private async Task<EventPage> CheckAsync(EventQuery query, string of = "")
    {
        of = $"{of} {QueryOracle.Describe(query)}";
        var rest = _oracle.Rest(query);
        var page = await Store.QueryAsync(query, default);
        page.IsPartial.ShouldBeFalse(of);
        QueryOracle.Same(page.Events, [.. rest.Take(query.Limit)], of);
        CheckNext(page, rest.Count, of);
        return page;
    }

    /// <summary>More to come means to say where; the end says so, at the latest on an empty page behind a full one.</summary>
    private static void CheckNext(EventPage page, int rest, string of)
    {
        if (rest > page.Events.Count)
            page.Next.ShouldNotBeNull(of);
        if (page.Next is not { } next)
            return;
        page.Events.ShouldNotBeEmpty(of);
        (next.Time.CompareTo(page.Events[^1].Event.Time), next.Sequence).ShouldBe((0, page.Events[^1].Sequence), of);
    }

    /// <summary>Walks from page to page to the end; between them <paramref name="meanwhile"/> happens.</summary>
    private async Task<List<StoredEvent>> WalkAsync(EventQuery query, string of = "", Func<int, Task>? meanwhile = null)
    {
        var expected = _oracle.Rest(query);
        var seen = new List<StoredEvent>();
        for (var pages = 0; ; pages++)
        {
            var page = await Store.QueryAsync(query, default);
            seen.AddRange(page.Events);
            page.Events.Count.ShouldBeLessThanOrEqualTo(query.Limit, of);
            if (page.Next is null)
                break;
            (page.IsPartial || page.Events.Count == query.Limit).ShouldBeTrue($"{of} {QueryOracle.Describe(query)}: a page that is not the last is full");
            pages.ShouldBeLessThan(expected.Count + 10, of);
            query = query with { After = page.Next };
            if (meanwhile is not null)
                await meanwhile(pages);
        }
        QueryOracle.Same(seen, expected, $"{of} {QueryOracle.Describe(query)}");
        return seen;
    }

    /// <summary>The sequences that a filter takes, oldest first, checked against the oracle.</summary>
    private async Task<long[]> FoundAsync(Func<EventFilter, EventFilter> narrow)
    {
        await CheckAsync(Query(narrow, ascending: false));
        return [.. (await CheckAsync(Query(narrow) with { BySequence = true })).Events.Select(e => e.Sequence)];
    }
}
