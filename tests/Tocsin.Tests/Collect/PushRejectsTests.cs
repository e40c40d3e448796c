using Microsoft.Extensions.Logging.Abstractions;
using Tocsin.Collect.Push;
using Tocsin.Journal;

namespace Tocsin.Tests.Collect;

/// <summary>What was accepted and then found to be in conflict.</summary>
public sealed class PushRejectsTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task One_that_comes_again_and_again_leaves_the_room_to_others()
    {
        await using var journal = new EventJournal(new TestStore(_folder.Path), capacity: 1_000, NullLogger<EventJournal>.Instance);
        var rejects = new PushRejects(journal);
        const int Events = 2_500, Room = 10_000;
        for (var round = 0; round < 3 * Room / Events; round++)
            (await rejects.KeepAsync(Some(0, Events), Conflict, Tests.Some.Instant, default)).ShouldBe((Events, 0));
        for (var first = Events; first < Room; first += Events)
            (await rejects.KeepAsync(Some(first, Events), Conflict, Tests.Some.Instant, default)).ShouldBe((Events, 0));
        // Full: others find no room, and those that are there are kept still.
        (await rejects.KeepAsync(Some(Room, 10), Conflict, Tests.Some.Instant, default)).ShouldBe((10, 10));
        (await rejects.KeepAsync(Some(Room - 5, 10), Conflict, Tests.Some.Instant, default)).ShouldBe((10, 5));
        (await journal.Store.ListStateAsync("rejects/s", null, Room, default)).Count.ShouldBe(Room);
    }

    private static AppendResult Conflict { get; } = new(AppendStatus.OtherContent, []);

    private static Pushed Some(int first, int count) => new("s", [.. Enumerable.Range(first, count).Select(n => Tests.Some.Event(type: "t") with { Id = Tests.Some.Id(n), Fingerprint = n })], null);
}
