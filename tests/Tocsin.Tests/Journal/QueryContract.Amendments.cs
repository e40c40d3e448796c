using Tocsin.Journal;

namespace Tocsin.Tests.Journal;

public abstract partial class QueryContract
{
    [Fact]
    public async Task An_amended_event_is_found_under_its_new_value_and_not_under_the_old()
    {
        await CommitAsync(Event() with { UserId = "old" }, Event() with { UserId = "old" }, Event());
        await CommitAsync(Some.Amendment(1, "new", Priority.Critical));
        await CommitAsync(Some.Amendment(3, "old"));
        async Task CheckAllAsync()
        {
            (await FoundAsync(filter => filter with { UserIds = ["old"] })).ShouldBe([2, 3]);
            (await FoundAsync(filter => filter with { UserIds = ["new"] })).ShouldBe([1]);
            (await FoundAsync(filter => filter with { UserIds = ["new", "old"] })).ShouldBe([1, 2, 3]);
            (await FoundAsync(filter => filter with { UserIds = ["unknown"] })).ShouldBeEmpty();
            (await FoundAsync(filter => filter with { Priorities = [Priority.Critical] })).ShouldBe([1]);
            (await FoundAsync(filter => filter with { Priorities = [Priority.Low] })).ShouldBe([2, 3]);
            (await FoundAsync(filter => filter with { Priorities = [Priority.Low], UserIds = ["new"] })).ShouldBeEmpty();
            (await FoundAsync(filter => filter with { Priorities = [Priority.Critical], UserIds = ["new"] })).ShouldBe([1]);
            // The new person is text as the old one was.
            (await FoundAsync(filter => filter with { Texts = ["NEW"] })).ShouldBe([1]);
            (await FoundAsync(filter => filter with { Texts = ["old"] })).ShouldBe([2, 3]);
            await CheckCountAsync(new StatsQuery { By = StatsField.UserId });
            await CheckCountAsync(new StatsQuery { By = StatsField.Priority, Filter = new() { UserIds = ["new", "old"] } });
        }
        await CheckAllAsync();
        await ReopenAsync();
        await CheckAllAsync();
    }

    [Fact]
    public async Task The_newest_amendment_of_each_field_holds_also_when_it_goes_back()
    {
        await CommitAsync(Event() with { UserId = "a", Priority = Priority.None });
        (string? UserId, Priority? Priority)[] steps = [("b", null), (null, Priority.High), ("c", Priority.Low), ("a", null), (null, Priority.None), ("unknown", null), ("", Priority.High)];
        (string UserId, Priority Priority)[] reads = [("b", Priority.None), ("b", Priority.High), ("c", Priority.Low), ("a", Priority.Low), ("a", Priority.None), ("unknown", Priority.None), ("", Priority.High)];
        foreach (var (step, read) in steps.Zip(reads))
        {
            await CommitAsync(Some.Amendment(1, step.UserId, step.Priority));
            var found = await CheckAsync(Query(filter => filter with { UserIds = [read.UserId], Priorities = [read.Priority] }));
            (found.Events.Single().Event.UserId, found.Events[0].Event.Priority).ShouldBe(read);
            foreach (var user in (string[])["a", "b", "c", "unknown", ""])
                (await FoundAsync(filter => filter with { UserIds = [user] })).Length.ShouldBe(user == read.UserId ? 1 : 0);
            foreach (var priority in Enum.GetValues<Priority>())
                (await FoundAsync(filter => filter with { Priorities = [priority] })).Length.ShouldBe(priority == read.Priority ? 1 : 0);
        }
        // What it was, step by step.
        for (var ceiling = 1L; ceiling <= _oracle.Head; ceiling++)
            foreach (var user in (string[])["a", "b", "c", "unknown", ""])
                await CheckAsync(Query(filter => filter with { UserIds = [user] }) with { Ceiling = ceiling });
    }

    [Fact]
    public async Task Twice_amended_in_one_append_is_as_the_later_says()
    {
        await CommitAsync(Event(), Event());
        await CommitAsync(Some.Amendment(1, "a", Priority.High), Some.Amendment(1, "b"), Some.Amendment(2, "b"), Some.Amendment(2, priority: Priority.None));
        (await FoundAsync(filter => filter with { UserIds = ["a"] })).ShouldBeEmpty();
        (await FoundAsync(filter => filter with { UserIds = ["b"] })).ShouldBe([1, 2]);
        (await FoundAsync(filter => filter with { UserIds = ["b"], Priorities = [Priority.High] })).ShouldBe([1]);
        (await FoundAsync(filter => filter with { Priorities = [Priority.None] })).ShouldBe([2]);
    }

    /// <summary>Old events are amended to values that their stretch of the journal never held, and the only holders of a value lose it.</summary>
    [Fact]
    public async Task An_amendment_reaches_the_oldest_event_of_a_large_journal()
    {
        await CommitAsync([.. Enumerable.Range(0, 5).Select(i => Event("2020-01-01T00:00:00Z") with { UserId = $"first {i}", Priority = Priority.None })]);
        var corpus = await FillAsync(17);
        await CheckOldAsync("seed 17, before");
        await CommitAsync(Some.Amendment(1, "newest", Priority.Critical), Some.Amendment(2, "4506"), Some.Amendment(3, priority: Priority.High), Some.Amendment(4, "first 0"));
        await CheckOldAsync("seed 17, amended");
        await CommitAsync(Event("2019-01-01T00:00:00Z") with { UserId = "newest" }, Some.Amendment(1, "first 0"), Some.Amendment(4, "first 3"), corpus.Event(0));
        await CheckOldAsync("seed 17, and back");
        await ReopenAsync();
        await CheckOldAsync("seed 17, reopened");
        await CommitAsync(Some.Amendment(1, "newest"));
        await CheckOldAsync("seed 17, after that");
    }

    /// <summary>Times move out of what their part of the journal holds, to both sides: ranges, orders, places and counts go by the new ones.</summary>
    [Fact]
    public async Task A_newer_version_is_found_where_it_stands_now_and_by_what_it_says_now()
    {
        var first = Event("2021-08-18T02:00:00Z") with
        {
            UserId = "old", Type = "old.type", Device = "old", SrcIp = "10.9.9.9", DstIp = "10.9.9.8", Country = "FR", Description = "old words", Data = Some.Record("""{"a":"old"}"""),
        };
        await CommitAsync(first, first with { Id = Some.Id(900_001) }, first with { Id = Some.Id(900_002) }, first with { Id = Some.Id(900_003) });
        await FillAsync(19);
        var newer = first with
        {
            UserId = "new", Type = "new.type", Device = "new", SrcIp = "10.8.8.8", DstIp = null, Country = "NZ", Description = "new words", Data = Some.Record("""{"a":"new"}"""), Priority = Priority.Critical,
        };
        var before = _oracle.Head;
        await CommitAsync(Some.Revision(1, newer with { Time = Time("1900-01-01T00:00:00.000000001Z") }), Some.Revision(2, newer with { Time = Time("2999-01-01T00:00:00Z") }));
        await CheckMovedAsync(before, "amended");
        await ReopenAsync();
        await CheckMovedAsync(before, "reopened");
        await CommitAsync(Some.Revision(1, newer with { Time = Time("2999-01-01T00:00:00.5Z") }), Some.Revision(2, first), Some.Amendment(3, "new"), Event("2998-01-01T00:00:00Z"));
        await CheckMovedAsync(before, "again");
        await CheckMovedAsync(before + 2, "again");
        await ReopenAsync();
        await CheckMovedAsync(before, "again, reopened");
    }

    private async Task CheckMovedAsync(long before, string of)
    {
        (string Name, Func<EventFilter, string, EventFilter> Narrow)[] filters =
        [
            ("user", (filter, word) => filter with { UserIds = [word] }), ("type", (filter, word) => filter with { Types = [$"{word}.*"] }), ("device", (filter, word) => filter with { Devices = [word] }),
            ("q", (filter, word) => filter with { Texts = [$"{word} WORDS"] }), ("data", (filter, word) => filter with { Data = [new DataFilter(FieldPath.Parse("a"), [word])] }),
            ("ip", (filter, word) => filter with { Ips = [Range(word == "old" ? "10.9.9.8" : "10.8.8.8")] }), ("country", (filter, word) => filter with { Countries = [word == "old" ? "FR" : "NZ"], Devices = ["old", "new"] }),
        ];
        foreach (var (name, narrow) in filters)
            foreach (var word in (string[])["old", "new"])
                foreach (var ceiling in (long?[])[null, before])
                    for (var way = 0; way < 4; way++)
                        await CheckAsync(Query(filter => narrow(filter, word), (way & 1) > 0) with { BySequence = (way & 2) > 0, Ceiling = ceiling }, $"{of}, {name}");
        foreach (var (since, until) in ((string?, string?)[])[(null, "1901-01-01T00:00:00Z"), ("2998-06-01T00:00:00Z", null), ("2021-08-18T02:00:00Z", "2021-08-18T02:00:00.1Z"), ("2999-01-01T00:00:00.5Z", null)])
        {
            EventFilter Between(EventFilter filter) => filter with { Since = since is null ? null : Time(since), Until = until is null ? null : Time(until), Devices = ["old", "new"] };
            foreach (var ceiling in (long?[])[null, before])
                await CheckAsync(Query(Between) with { Ceiling = ceiling }, of);
            await CheckCountAsync(new StatsQuery { By = StatsField.UserId, Every = TimeSpan.FromDays(30), Filter = Between(new()) }, of);
        }
        foreach (var ascending in new[] { true, false })
            foreach (var ceiling in new[] { before, _oracle.Head })
                await WalkAsync(new EventQuery { Ascending = ascending, Ceiling = ceiling, Limit = 300 }, of);
    }

    private async Task CheckOldAsync(string of)
    {
        string[] users = ["first 0", "first 1", "first 2", "first 3", "newest", "4506"];
        foreach (var user in users)
            foreach (var ascending in new[] { true, false })
            {
                await CheckAsync(Query(filter => filter with { UserIds = [user] }, ascending), of);
                await CheckAsync(Query(filter => filter with { UserIds = [user], Until = Time("2020-06-01T00:00:00Z") }, ascending) with { Limit = 3 }, of);
                await CheckAsync(Query(filter => filter with { UserIds = [user], Types = ["intrusion"] }, ascending) with { BySequence = true, Limit = 4 }, of);
            }
        foreach (var priority in Enum.GetValues<Priority>())
            await CheckAsync(Query(filter => filter with { Priorities = [priority], Until = Time("2020-06-01T00:00:00Z") }), of);
        await CheckCountAsync(new StatsQuery { By = StatsField.UserId, Filter = new() { UserIds = users } }, of);
        await CheckCountAsync(new StatsQuery { By = StatsField.Priority, Every = TimeSpan.FromDays(30), Filter = new() { Until = Time("2020-06-01T00:00:00Z") } }, of);
    }
}
