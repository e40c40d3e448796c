using Tocsin.Journal;

namespace Tocsin.Tests.Journal;

public abstract partial class QueryContract
{
    private static readonly int[] Limits = [1, 2, 7, 100, EventQuery.MaxLimit];

    /// <summary>Every filter alone, every two together and some three, in all orders, from the top and from within.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(20261120)]
    public async Task Any_filters_together_give_what_the_oracle_gives(int seed)
    {
        var corpus = await FillAsync(seed);
        var filters = corpus.Filters([.. _oracle.Events().Select(e => e.Event)]);
        var hits = new int[filters.Count];
        for (var a = 0; a < filters.Count; a++)
            for (var b = a; b < filters.Count; b++)
            {
                corpus.About(corpus.One(_oracle.Events()).Event);
                var filter = filters[b].Narrow(filters[a].Narrow(new EventFilter()));
                if (corpus.Next(5) == 0)
                    filter = corpus.One(filters).Narrow(filter);
                var query = RandomQuery(corpus, filter);
                var met = _oracle.All(query).Count > 0 ? 1 : 0;
                (hits[a], hits[b]) = (hits[a] + met, hits[b] + met);
                await CheckAsync(query, $"seed {seed}: {filters[a].Name}, {filters[b].Name}:");
            }
        // Filters that meet nothing prove little.
        hits.ShouldAllBe(count => count > 0, $"seed {seed}: {string.Join(' ', hits)}");
    }

    [Fact]
    public async Task A_restart_in_the_midst_changes_no_answer()
    {
        const int seed = 2;
        var corpus = await FillAsync(seed);
        await ReopenAsync();
        var filters = corpus.Filters([.. _oracle.Events().Select(e => e.Event)]);
        foreach (var (name, narrow) in filters)
            await CheckAsync(RandomQuery(corpus, narrow(new EventFilter())), $"seed {seed}: {name}, reopened:");

        // The newest part goes on where it stopped; what is amended now may be as old as the journal.
        var events = _oracle.Events().Select(e => e.Sequence).ToArray();
        await CommitAsync([.. corpus.Events(300), .. Enumerable.Range(0, 100).Select(_ => corpus.Amendment(events))]);
        foreach (var (name, narrow) in filters)
            await CheckAsync(RandomQuery(corpus, narrow(new EventFilter())), $"seed {seed}: {name}, after more:");
        await ReopenAsync();
        foreach (var (name, narrow) in filters)
        {
            await CheckAsync(RandomQuery(corpus, narrow(new EventFilter())), $"seed {seed}: {name}, reopened again:");
            await CheckCountAsync(RandomCount(corpus, narrow(new EventFilter())), $"seed {seed}: {name}, counted:");
        }
    }

    [Fact]
    public async Task An_event_of_a_large_journal_is_found_by_its_id()
    {
        const int seed = 4;
        var corpus = await FillAsync(seed);
        var events = _oracle.Events();
        foreach (var expected in Enumerable.Range(0, 25).Select(_ => corpus.One(events)).Append(events[0]).Append(events[^1]))
            QueryOracle.Same([(await Store.FindAsync(expected.Event.Id, default)).ShouldNotBeNull()], [expected], $"seed {seed}: {expected.Event.Id}");
        foreach (var known in events.Take(3))
            (await Store.FindAsync(new EventId(new Guid([.. known.Event.Id.Value.ToByteArray()[..15], 0])), default)).ShouldBeNull();
    }

    private EventQuery RandomQuery(QueryCorpus corpus, EventFilter filter)
    {
        var events = _oracle.Events();
        var query = new EventQuery
        {
            Filter = filter,
            Ascending = corpus.Next(2) == 0,
            BySequence = corpus.Next(3) == 0,
            Limit = corpus.One(Limits),
            Ceiling = corpus.Next(3) == 0 ? corpus.Next((int)_oracle.Head + 10) : null,
        };
        if (corpus.Next(2) == 0)
            return query;
        // From within: behind one that is found, or behind any that is there.
        var found = _oracle.All(query);
        var (sequence, e) = found.Count > 0 && corpus.Next(2) == 0 ? corpus.One(found) : corpus.One(events);
        return query with { After = new EventPosition(e.Time, sequence) };
    }
}
