using Microsoft.Extensions.Logging.Abstractions;
using Tocsin.Collect;
using Tocsin.Enrich;
using Tocsin.Journal;

namespace Tocsin.Tests.Collect;

/// <summary>One poll of an identity directory, from a file, with a real store behind it.</summary>
public sealed class IdentityFeedTests : IAsyncLifetime
{
    private readonly TempFolder _folder = new();
    private readonly FakeTimeProvider _time = new();
    private readonly IdentityDirectory _directory = new();
    private EventJournal _journal = null!;
    private IdentityStore _identities = null!;
    private SourceStatus _status = null!;

    public ValueTask InitializeAsync()
    {
        _journal = new EventJournal(new TestStore(_folder.Path), 100_000, NullLogger<EventJournal>.Instance);
        _identities = new IdentityStore(_journal, _directory, new LateAttribution(_journal, _directory, _time, NullLogger<LateAttribution>.Instance));
        return ValueTask.CompletedTask;
    }

    public async ValueTask DisposeAsync()
    {
        _identities.Dispose();
        await _journal.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task A_directory_that_is_full_fails_the_poll_and_nothing_of_the_answer_is_taken()
    {
        var many = Enumerable.Range(0, IdentityDirectory.MaxAddresses).ToDictionary(i => $"10.{i >> 16}.{(i >> 8) & 255}.{i & 255}", _ => "A", StringComparer.Ordinal);
        foreach (var change in _directory.Observe("example", many, _time.GetUtcNow()))
            _directory.Apply(change);
        var failure = (await PollAsync("ip,user_id\n10.0.0.1,B\n17.0.0.1,7\n")).ShouldNotBeNull();
        (failure.Kind, failure.IsTransient).ShouldBe((FetchFailureKind.TooLarge, false));
        failure.Message.ShouldContain("1,000,000 addresses");
        _directory.Find("10.0.0.1").Single().Holders.ShouldHaveSingleItem();
    }

    [Fact]
    public async Task A_mistake_of_ours_is_none_of_the_directorys()
    {
        _identities.Dispose();
        await Should.ThrowAsync<ObjectDisposedException>(() => PollAsync("ip,user_id\n17.0.0.1,7\n"));
    }

    [Fact]
    public async Task More_bad_rows_than_are_kept_are_counted_and_fail_the_poll_and_the_good_ones_are_taken()
    {
        var bad = string.Concat(Enumerable.Range(0, RejectStore.MaxKept + 5).Select(i => $"host-{i},7\n"));
        var failure = (await PollAsync($"ip,user_id\n17.0.0.1,7\n{bad}")).ShouldNotBeNull();
        failure.Kind.ShouldBe(FetchFailureKind.TooManyRejects);
        failure.Message.ShouldContain("5 identities can neither be used nor kept aside: 10,000 records are kept already");
        _status.View().Counts.Rejected.ShouldBe(RejectStore.MaxKept + 5);
        _directory.Count("example").ShouldBe(1);
        (await _journal.Store.ListStateAsync(RejectStore.StateName("example"), null, RejectStore.MaxKept + 1, default)).Count.ShouldBe(RejectStore.MaxKept);
    }

    private async Task<FetchFailure?> PollAsync(string csv)
    {
        var file = Path.Combine(_folder.Path, "who.csv");
        await File.WriteAllTextAsync(file, csv);
        var source = SomeSource.Valid(SomeSource.Yaml());
        _status = new SourceStatus(source, new SourceSchedule(true, TimeSpan.FromHours(1)));
        using var upstream = new UpstreamClient(source, _time);
        var feed = new IdentityFeed(
            source, new IdentitiesDefinition { File = file }, upstream, _identities, new RejectStore(source.Name), _status.AddFeed(IdentityFeed.Name), new SourceJournal(_journal, null), _time);
        return await feed.PollAsync(default);
    }
}
