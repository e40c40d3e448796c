using Tocsin.Collect;
using Tocsin.Journal;
using Tocsin.Tests.MockUpstream;

namespace Tocsin.Tests.Collect;

/// <summary>The source files that come with the product, polled over all their pages with a real store.</summary>
public sealed class ReadyMadeSourceTests : IDisposable
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);
    private readonly TempFolder _folder = new();
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2025, 1, 15, 12, 0, 0, TimeSpan.Zero));

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("alerts", 5, 3, "2025-01-15T10:04:00.500Z")]
    [InlineData("github-audit", 5, 2, "2025-01-15T10:04:00.500Z")]
    [InlineData("okta-system-log", 5, 3, "2025-01-15T10:04:00.500Z")]
    public async Task Every_record_of_every_page_is_kept_once_and_known_when_it_comes_again(string name, int records, int pages, string cursor)
    {
        await using var mock = await RunningMock.StartAsync(options => options with { ReplayDirectory = ReadyMade.Fixture(name) });
        var source = ReadyMade.Source(name, mock.Server.BaseAddress.AbsoluteUri.TrimEnd('/')) with { Every = Minute };
        await using var rig = new CollectorRig(_folder.Path, [source], _time);
        await rig.StartAsync();
        await FinishedAsync(rig, name, 1);

        var first = rig.Collector.View(name).ShouldNotBeNull();
        first.LastError.ShouldBeNull();
        (first.Counts.Events, first.Counts.Rejected, first.Counts.UnknownPriorities, first.Counts.Polls).ShouldBe((records, 0, 0, pages));
        first.Cursor.ShouldBe(cursor);

        await Until.DoneAsync(_time.UntilTimerAsync(Minute));
        _time.Advance(Minute);
        await FinishedAsync(rig, name, 2);
        var second = rig.Collector.View(name).ShouldNotBeNull();
        (second.Counts.Events, second.Counts.Duplicates, second.Counts.Changed, second.Counts.PossibleGaps).ShouldBe((records, records, 0, 0));
        var kept = (await rig.Journal.Store.QueryAsync(new EventQuery { Limit = 1000 }, TestContext.Current.CancellationToken)).Events;
        kept.Select(stored => stored.Event.ExternalId).Distinct().Count().ShouldBe(records);
        kept.Count.ShouldBe(records);
    }

    [Theory]
    [InlineData("alerts", "2025-01-15T09:59:00Z", "2025-01-14T12:00:00Z")]
    [InlineData("github-audit", "created:>=2025-01-15T09:49:00Z", "created:>=2025-01-14T12:00:00Z")]
    [InlineData("okta-system-log", "2025-01-15T09:59:00Z", "2025-01-14T12:00:00Z")]
    public void The_next_poll_begins_before_the_newest_record_by_the_overlap_and_the_first_a_day_back(string name, string next, string first)
    {
        var cursor = ReadyMade.Source(name).Cursor.ShouldNotBeNull();
        CursorText.Ask(cursor, "2025-01-15T10:04:00.500Z", _time.GetUtcNow()).ShouldBe(next);
        CursorText.Ask(cursor, null, _time.GetUtcNow()).ShouldBe(first);
    }

    [Fact]
    public void A_poll_of_GitHub_each_minute_stays_within_its_calls_an_hour()
    {
        var source = ReadyMade.Source("github-audit");
        var polls = TimeSpan.FromHours(1) / source.Every.ShouldNotBeNull();
        (polls * source.Paging.ShouldNotBeNull().MaxPages).ShouldBeLessThanOrEqualTo(1_750);
        source.Paging.Size.ShouldBe(100, "the most a page may have");
    }

    [Fact]
    public void What_GitHub_says_of_an_action_is_taken_as_it_is()
    {
        var mapped = ReadyMade.Map(ReadyMade.Source("github-audit"), """
            {"@timestamp":1736935200123,"_document_id":"d","action":"git.clone","actor":"ada","actor_ip":"198.51.100.24","org":"acme","repo":"acme/rocket","user_id":0}
            """).Mapped.ShouldNotBeNull();
        mapped.ShouldBe(new MappedRecord
        {
            ExternalId = "d", Type = "git.clone", Device = "acme/rocket", Time = mapped.Time, Who = "ada", SrcIp = "198.51.100.24",
        });
        mapped.Time.ToString().ShouldBe("2025-01-15T10:00:00.123Z");
    }

    [Theory]
    [InlineData("DEBUG", Priority.Low)]
    [InlineData("INFO", Priority.Low)]
    [InlineData("WARN", Priority.Medium)]
    [InlineData("ERROR", Priority.High)]
    [InlineData("FATAL", Priority.None)]
    public void Okta_s_severity_becomes_a_priority_and_a_new_one_none(string severity, Priority priority)
    {
        var mapped = ReadyMade.Map(ReadyMade.Source("okta-system-log"), $$"""
            {"uuid":"u","published":"2025-01-15T10:00:00.123Z","eventType":"e","severity":"{{severity}}","actor":{"alternateId":"ada@acme.example" },"client":null,
             "request":{"ipChain":[{"ip":"203.0.113.5"},{"ip":"192.0.2.1"}] } }
            """).Mapped.ShouldNotBeNull();
        (mapped.Priority, mapped.UnknownPriority).ShouldBe((priority, priority == Priority.None));
        (mapped.Who, mapped.SrcIp).ShouldBe(("ada@acme.example", "203.0.113.5"), "the chain begins with the client");
    }

    private static Task FinishedAsync(CollectorRig rig, string name, int runs) => Until.TrueAsync(() =>
        rig.Store.Runs(name) >= runs && rig.Collector.View(name)!.Status is not (SourcePhase.Syncing or SourcePhase.Retrying));
}
