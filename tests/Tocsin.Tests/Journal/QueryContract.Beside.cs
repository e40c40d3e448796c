using Tocsin.Journal;

namespace Tocsin.Tests.Journal;

public abstract partial class QueryContract
{
    [Fact]
    public async Task Who_no_longer_waits_is_not_answered()
    {
        await CommitAsync(Event());
        var cancelled = new CancellationToken(canceled: true);
        await Should.ThrowAsync<OperationCanceledException>(() => Store.QueryAsync(new EventQuery(), cancelled).AsTask());
        await Should.ThrowAsync<OperationCanceledException>(() => Store.QueryAsync(Query(filter => filter with { Texts = ["x"] }), cancelled).AsTask());
        await Should.ThrowAsync<OperationCanceledException>(() => Store.CountAsync(new StatsQuery(), cancelled).AsTask());
        await Should.ThrowAsync<OperationCanceledException>(() => Store.FindAsync(((SecurityEvent)_oracle.Entries[0]).Id, cancelled).AsTask());
        // One who gave up spoils nothing for the next.
        (await CheckAsync(new EventQuery())).Events.Count.ShouldBe(1);
    }

    /// <summary>
    /// Each append holds ten events that belong together and an amendment for each of the ten before, which moves them as one: whatever moment a reader
    /// meets, it sees whole tens and each in one place.
    /// </summary>
    [Fact]
    public async Task Readers_beside_a_writer_see_whole_appends()
    {
        const int Appends = 60;
        var (appends, ten) = (new List<Append>(), 10);
        for (var i = 0; i < Appends; i++)
            appends.Add(new Append
            {
                Entries =
                [
                    .. Enumerable.Range(0, ten).Select(n => Event($"2021-08-{1 + ((i * 7 + n) % 28):D2}T00:00:00Z") with { Device = $"batch {i}", UserId = "new" }),
                    .. i == 0 ? [] : Enumerable.Range(1, ten).Select(n => Some.Amendment(i == 1 ? n : ((i - 2) * 2 * ten) + ten + n, "amended")),
                ],
            });
        var written = Task.Run(async () =>
        {
            foreach (var append in appends)
                (await Store.CommitAsync([append], default))[0].Status.ShouldBe(AppendStatus.Committed);
        });
        var readers = Enumerable.Range(0, 3).Select(reader => Task.Run(async () =>
        {
            var seen = 0L;
            for (var last = false; ; last = written.IsCompleted)
            {
                seen = await CheckWholeAsync(reader, seen, ten);
                if (last)
                    break;
            }
        })).ToArray();
        await Until.DoneAsync(written);
        await Until.DoneAsync(Task.WhenAll(readers));

        appends.ForEach(append => _oracle.Add(append.Entries));
        (await FoundAsync(filter => filter with { UserIds = ["new"] })).Length.ShouldBe(ten);
        await CheckCountAsync(new StatsQuery { By = StatsField.UserId });
    }

    private async Task<long> CheckWholeAsync(int reader, long seen, int ten)
    {
        var head = Store.Head;
        var page = await Store.QueryAsync(new EventQuery { Limit = EventQuery.MaxLimit, Ascending = reader == 0, BySequence = reader == 1 }, default);
        ((long)page.Events.Count).ShouldBeGreaterThanOrEqualTo(seen);
        page.Events.Select(e => e.Sequence).Distinct().Count().ShouldBe(page.Events.Count);
        page.Events.GroupBy(e => e.Event.Device).ShouldAllBe(batch => batch.Count() == ten && batch.Select(e => e.Event.UserId).Distinct().Count() == 1);
        page.Events.Count(e => e.Event.UserId == "new").ShouldBe(page.Events.Count == 0 ? 0 : ten);
        if (head > 0)
            page.Events.Max(e => e.Sequence).ShouldBeGreaterThanOrEqualTo(head - (2 * ten) + 1);

        var newest = await Store.QueryAsync(Query(filter => filter with { UserIds = ["new"] }), default);
        newest.Events.Select(e => e.Event.Device).Distinct().Count().ShouldBe(newest.Events.Count / ten);
        newest.Events.Count.ShouldBe(page.Events.Count == 0 && newest.Events.Count == 0 ? 0 : ten);

        var counted = await Store.CountAsync(new StatsQuery { By = StatsField.UserId }, default);
        (counted.Total % ten).ShouldBe(0);
        counted.Total.ShouldBeGreaterThanOrEqualTo(page.Events.Count);
        counted.Values.SingleOrDefault(value => value.Value == "new").Count.ShouldBe(counted.Total == 0 ? 0 : ten);
        // As many events as that sequence holds, and none of an append behind it.
        counted.Sequence.ShouldBe(counted.Total == 0 ? 0 : (counted.Total * 2) - ten);
        return page.Events.Count;
    }
}
