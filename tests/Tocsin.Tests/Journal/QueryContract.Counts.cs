using Tocsin.Journal;

namespace Tocsin.Tests.Journal;

public abstract partial class QueryContract
{
    private static readonly TimeSpan[] Lengths =
    [
        TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(90), TimeSpan.FromHours(1), TimeSpan.FromDays(1), TimeSpan.FromDays(7), TimeSpan.FromSeconds(1_000_003),
    ];

    [Fact]
    public async Task Values_are_counted_most_frequent_first_then_by_name_and_none_before_them()
    {
        await CommitAsync([.. new[] { "b", "a", "A", "", null, "é", "a", "z" }.Select(device => Event() with { Device = device })]);
        var all = await CheckCountAsync(new StatsQuery { By = StatsField.Device });
        all.Values.ShouldBe([new("a", 2), new(null, 1), new("", 1), new("A", 1), new("b", 1), new("z", 1), new("é", 1)]);
        (all.Total, all.Others, all.Series.Count, all.Sequence).ShouldBe((8, 0, 0, 8));
        for (var limit = 1; limit < 9; limit++)
            await CheckCountAsync(new StatsQuery { By = StatsField.Device, Limit = limit, Every = TimeSpan.FromMinutes(1) });
        var two = await CheckCountAsync(new StatsQuery { By = StatsField.Device, Limit = 2, Every = TimeSpan.FromMinutes(1) });
        (two.Values.Count, two.Others).ShouldBe((2, 5));
        two.Series.Single().Counts.ShouldBe([2, 1]);
        two.Series[0].Others.ShouldBe(5);
    }

    [Fact]
    public async Task Steps_begin_at_multiples_since_1970_also_before_and_at_the_ends_of_time()
    {
        string[] times =
        [
            "1969-12-31T23:59:59.999999999Z", "1970-01-01T00:00:00Z", "1969-12-31T23:00:00Z", "1969-12-31T22:59:59Z", "2021-08-18T02:00:00Z", "2021-08-18T02:59:59.999999999Z", "2021-08-18T03:00:00Z",
            "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999999Z",
        ];
        await CommitAsync([.. times.Select(time => Event(time))]);
        var hours = await CheckCountAsync(new StatsQuery { Every = TimeSpan.FromHours(1) });
        hours.Series.Select(step => (step.Start.ToString("yyyy-MM-dd HH:mm"), step.Counts.Single())).ShouldBe(
            [("0001-01-01 00:00", 1), ("1969-12-31 22:00", 1), ("1969-12-31 23:00", 2), ("1970-01-01 00:00", 1), ("2021-08-18 02:00", 2), ("2021-08-18 03:00", 1), ("9999-12-31 23:00", 1)]);
        foreach (var every in Lengths)
            await CheckCountAsync(new StatsQuery { By = StatsField.Kind, Every = every });
        // A week begins on a Thursday, as 1970 did; the first of the calendar has lost its first days.
        var weeks = await CheckCountAsync(new StatsQuery { Every = TimeSpan.FromDays(7) });
        weeks.Series.Select(step => step.Start.ToString("yyyy-MM-dd")).ShouldBe(["0001-01-01", "1969-12-25", "1970-01-01", "2021-08-12", "9999-12-30"]);
    }

    [Fact]
    public async Task Nothing_counted_is_an_answer()
    {
        await CommitAsync(Event());
        var none = await CheckCountAsync(new StatsQuery { Filter = new() { Types = ["none"] }, Every = TimeSpan.FromHours(1) });
        (none.Total, none.Values.Count, none.Others, none.Series.Count).ShouldBe((0, 0, 0, 0));
    }

    /// <summary>By each field, with every filter and any two, some limits and steps.</summary>
    [Fact]
    public async Task Counts_are_those_of_the_oracle()
    {
        const int seed = 18;
        var corpus = await FillAsync(seed);
        var filters = corpus.Filters([.. _oracle.Events().Select(e => e.Event)]);
        foreach (var by in Enum.GetValues<StatsField>())
        {
            await CheckCountAsync(new StatsQuery { By = by, Limit = StatsQuery.MaxValues }, $"seed {seed}");
            await CheckCountAsync(new StatsQuery { By = by, Limit = 3, Filter = new() { Sources = [EventFilter.OwnSource, "elevate"] } }, $"seed {seed}");
            foreach (var (name, narrow) in filters)
                await CheckCountAsync(RandomCount(corpus, narrow(corpus.Next(2) == 0 ? new() : corpus.One(filters).Narrow(new()))) with { By = by }, $"seed {seed}: {name}");
        }
    }

    /// <summary>An engine may not look at its watch; if it does, it counts no more than there is.</summary>
    [Fact]
    public async Task A_count_whose_time_is_up_says_so()
    {
        await FillAsync(20);
        var query = new StatsQuery { By = StatsField.Type, Every = TimeSpan.FromDays(365), Deadline = TimeSpan.Zero };
        var counted = await Store.CountAsync(query, default);
        var all = _oracle.Count(query);
        if (!counted.IsPartial)
            QueryOracle.Same(counted, all, "seed 20");
        counted.Total.ShouldBeLessThanOrEqualTo(all.Total);
        counted.Total.ShouldBe(counted.Values.Sum(value => value.Count) + counted.Others);
        counted.Series.Sum(step => step.Counts.Sum() + step.Others).ShouldBeLessThanOrEqualTo(counted.Total);
    }

    private async Task<EventStats> CheckCountAsync(StatsQuery query, string of = "")
    {
        of = $"{of} {QueryOracle.Describe(query)}";
        var counted = await Store.CountAsync(query, default);
        QueryOracle.Same(counted, _oracle.Count(query), of);
        counted.Total.ShouldBe(counted.Values.Sum(value => value.Count) + counted.Others, of);
        return counted;
    }

    private static StatsQuery RandomCount(QueryCorpus corpus, EventFilter filter)
    {
        // A short step goes with a short window: a series has an end.
        var every = corpus.Next(3) == 0 ? (TimeSpan?)null : corpus.One(Lengths);
        if (every is { } length && length < TimeSpan.FromDays(7))
        {
            var since = filter.Since is { } begin && begin > Time("2021-01-01T00:00:00Z") && begin < Time("2022-01-01T00:00:00Z") ? begin : Time("2021-08-18T02:38:31.5Z");
            filter = filter with { Since = since, Until = EventTime.FromStored(since.UnixTicks + (length.Ticks * corpus.Next(StatsQuery.MaxSteps)), 700) };
        }
        return new() { Filter = filter, By = (StatsField)corpus.Next(7), Every = every, Limit = corpus.One([1, 2, 5, 100, StatsQuery.MaxValues]) };
    }
}
