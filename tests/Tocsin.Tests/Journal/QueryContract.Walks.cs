using Tocsin.Journal;

namespace Tocsin.Tests.Journal;

public abstract partial class QueryContract
{
    private static readonly string[] OddTimes =
    [
        "2021-08-18T02:38:31.5Z", "9999-12-31T23:59:59.999999999Z", "2021-08-18T02:38:31.500000002Z", "2021-08-18T02:38:31.500000001Z", "0001-01-01T00:00:00Z",
        "2021-08-18T02:38:31.500Z", "1969-12-31T23:59:59.999999999Z", "2021-08-18T02:38:31.500000001Z", "1970-01-01T00:00:00Z", "2021-08-18T02:38:31.5000001Z",
        "0001-01-01T00:00:00.000000001Z", "2021-08-18T02:38:31.4999999Z", "9999-12-31T23:59:59.999999998Z", "2021-08-18T02:38:31.500000000Z",
    ];

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Times_order_to_the_nanosecond_and_equal_ones_by_sequence(bool ascending)
    {
        await CommitAsync([.. OddTimes.Select(time => Event(time))]);
        long[] order = [5, 11, 7, 9, 12, 1, 6, 14, 4, 8, 3, 10, 13, 2];
        for (var limit = 1; limit <= OddTimes.Length + 1; limit++)
        {
            var seen = await WalkAsync(new EventQuery { Ascending = ascending, Limit = limit });
            seen.Select(e => e.Sequence).ShouldBe(ascending ? order : order.Reverse());
            seen = await WalkAsync(new EventQuery { Ascending = ascending, Limit = limit, BySequence = true });
            seen.Select(e => e.Sequence).ShouldBe(ascending ? order.Order() : order.OrderDescending());
        }
    }

    [Fact]
    public async Task A_thousand_of_one_instant_are_walked_by_sequence()
    {
        for (var i = 0; i < 3; i++)
            await CommitAsync([.. Enumerable.Range(0, 350).Select(_ => Event())]);
        foreach (var ascending in new[] { true, false })
        {
            await WalkAsync(new EventQuery { Ascending = ascending, Limit = 100 });
            await WalkAsync(new EventQuery { Ascending = ascending, Limit = 349 });
            (await WalkAsync(new EventQuery { Ascending = ascending, Limit = 1000 })).Count.ShouldBe(1050);
        }
    }

    [Fact]
    public async Task A_place_between_events_is_as_good_as_one_at_an_event()
    {
        await CommitAsync([.. OddTimes.Select(time => Event(time))]);
        foreach (var time in OddTimes.Append("2021-08-18T02:38:31.500000003Z").Append("1800-01-01T00:00:00Z"))
            foreach (var sequence in (long[])[0, 3, 8, 99, long.MaxValue])
                for (var way = 0; way < 4; way++)
                    await CheckAsync(new EventQuery { Ascending = (way & 1) > 0, BySequence = (way & 2) > 0, Limit = 4, After = new EventPosition(Time(time), sequence) });
    }

    [Fact]
    public async Task A_ceiling_hides_what_came_later_and_none_is_all_there_is()
    {
        await CommitAsync(Event(), Event("0001-01-01T00:00:00Z"));
        await CommitAsync(Some.Amendment(1, "7"), Event());
        await CommitAsync(Some.Amendment(1, "8"), Some.Amendment(4, "7"));
        foreach (var user in (string[])["unknown", "7", "8"])
            for (var ceiling = 0L; ceiling < 8; ceiling++)
                await CheckAsync(Query(filter => filter with { UserIds = [user] }) with { Ceiling = ceiling });
        (await CheckAsync(new EventQuery { Ceiling = 0 })).Next.ShouldBeNull();
        (await CheckAsync(new EventQuery { Ceiling = long.MaxValue })).Events.Count.ShouldBe(3);
    }

    /// <summary>Each matching event once and in order, whatever the size of pages; also when the size changes on the way.</summary>
    [Theory]
    [InlineData(6)]
    public async Task A_walk_gives_each_event_once(int seed)
    {
        var corpus = await FillAsync(seed);
        var few = new EventFilter { UserIds = ["07"], Kinds = [EventKind.Alert], Countries = ["FR"] };
        var some = new EventFilter { Types = ["auth.*"], UserIds = ["4506", "unknown"], Priorities = [Priority.High] };
        for (var way = 0; way < 4; way++)
        {
            var query = new EventQuery { Ascending = (way & 1) > 0, BySequence = (way & 2) > 0 };
            await WalkAsync(query with { Filter = few, Limit = 1 }, $"seed {seed}");
            await WalkAsync(query with { Filter = some, Limit = 7 }, $"seed {seed}");
            await WalkAsync(query with { Filter = some with { Texts = ["needle"] }, Limit = 20 }, $"seed {seed}");
            (await WalkAsync(query with { Limit = EventQuery.MaxLimit }, $"seed {seed}")).Count.ShouldBeGreaterThan(2_000);
            await WalkAsync(query with { Limit = 333, Ceiling = corpus.Next((int)_oracle.Head) }, $"seed {seed}");
        }
    }

    /// <summary>
    /// Between the pages come events that are earlier, later and equal in time, and amendments that move events into the filter and out of it: the
    /// walk gives what was there at its ceiling, as it read then.
    /// </summary>
    [Theory]
    [InlineData(8, true, false)]
    [InlineData(9, false, false)]
    [InlineData(10, true, true)]
    [InlineData(11, false, true)]
    public async Task A_walk_with_a_ceiling_sees_nothing_of_what_is_written_meanwhile(int seed, bool ascending, bool bySequence)
    {
        var corpus = await FillAsync(seed);
        var targets = _oracle.Events().Select(e => e.Sequence).ToArray();
        var filters = new EventFilter[]
        {
            new() { UserIds = ["4506"], Priorities = [Priority.High, Priority.Low] }, new() { Priorities = [Priority.Critical], Types = ["auth.*"] }, new() { UserIds = ["unknown", "7"] },
            new() { Texts = ["4506"], Kinds = [EventKind.Alert, EventKind.Audit] },
        };
        foreach (var filter in filters)
        {
            var query = new EventQuery { Filter = filter, Ascending = ascending, BySequence = bySequence, Ceiling = _oracle.Head };
            query = query with { Limit = Math.Max(1, _oracle.All(query).Count / 4) };
            await WalkAsync(query, $"seed {seed}", async _ =>
            {
                await CommitAsync(
                [
                    .. Enumerable.Range(0, 40).Select(_ => corpus.Event(corpus.Next(CorpusEvents))),
                    .. Enumerable.Range(0, 60).Select(_ => corpus.Amendment(targets)),
                ]);
                // Those who come without a ceiling see it all.
                await CheckAsync(query with { Ceiling = null, After = null, Limit = 50 }, $"seed {seed}");
            });
        }
    }

    [Fact]
    public async Task A_walk_by_sequence_without_a_ceiling_goes_on_to_what_came_meanwhile()
    {
        await CommitAsync(Event(), Event(), Event("0001-01-01T00:00:00Z"));
        var page = await CheckAsync(new EventQuery { BySequence = true, Ascending = true, Limit = 2 });
        await CommitAsync(Event("1800-01-01T00:00:00Z"), Event());
        (await CheckAsync(new EventQuery { BySequence = true, Ascending = true, After = page.Next })).Events.Select(e => e.Sequence).ShouldBe([3, 4, 5]);
    }

    /// <summary>An engine may not look at its watch at all; if it does, it says where it stopped, and what follows from there is the rest.</summary>
    [Theory]
    [InlineData(12, true, false)]
    [InlineData(13, false, false)]
    [InlineData(15, false, true)]
    public async Task A_page_whose_time_is_up_says_where_to_go_on(int seed, bool ascending, bool bySequence)
    {
        await FillAsync(seed);
        foreach (var filter in (EventFilter[])[new(), new() { UserIds = ["07"] }, new() { Texts = ["no such"] }, new() { Sources = ["nobody"] }])
        {
            var query = new EventQuery { Filter = filter, Ascending = ascending, BySequence = bySequence, Limit = 20, Deadline = TimeSpan.Zero };
            var of = $"seed {seed}: {QueryOracle.Describe(query)}";
            var expected = _oracle.All(query);
            var page = await Store.QueryAsync(query, default);
            QueryOracle.Same(page.Events, [.. expected.Take(page.Events.Count)], of);
            if (page.IsPartial)
                page.Events.Count.ShouldBeLessThan(query.Limit, of);
            else
                page.Events.Count.ShouldBe(Math.Min(query.Limit, expected.Count), of);
            if (page.Next is not { } next)
                page.Events.Count.ShouldBe(expected.Count, of);
            else
                QueryOracle.Same(
                    [.. page.Events, .. await WalkAllAsync(query with { After = next, Deadline = null, Limit = EventQuery.MaxLimit })], expected, $"{of} and on from {next.Time}#{next.Sequence}");
        }
    }

    /// <summary>Deadline after deadline still comes to an end, with nothing lost and nothing twice.</summary>
    [Fact]
    public async Task A_walk_of_pages_whose_time_is_up_comes_to_its_end()
    {
        await FillAsync(16);
        var query = new EventQuery { Filter = new() { Types = ["auth.x", "denial"], Texts = ["needle"] }, Limit = 50, Deadline = TimeSpan.Zero };
        QueryOracle.Same(await WalkAllAsync(query), _oracle.All(query), "seed 16");
    }

    /// <summary>To the end, without a word about what the pages hold.</summary>
    private async Task<List<StoredEvent>> WalkAllAsync(EventQuery query)
    {
        var seen = new List<StoredEvent>();
        for (var pages = 0; pages < CorpusEvents; pages++)
        {
            var page = await Store.QueryAsync(query, default);
            seen.AddRange(page.Events);
            if (page.Next is null)
                return seen;
            query = query with { After = page.Next };
        }
        throw new InvalidOperationException($"The walk has no end: {QueryOracle.Describe(query)}");
    }
}
