using Microsoft.Extensions.Logging.Abstractions;
using Tocsin.Journal;

namespace Tocsin.Tests.Journal;

/// <summary>What another node wrote is read anew, by whom it concerns, until it could be.</summary>
public sealed class StateFollowerTests : IAsyncDisposable
{
    private readonly FakeTimeProvider _time = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly StateFollower _follower;
    private readonly List<string> _read = [];
    private Task _running = Task.CompletedTask;

    public StateFollowerTests() => _follower = new StateFollower(_time, NullLogger<StateFollower>.Instance);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(() => _running);
        _stop.Dispose();
    }

    [Fact]
    public async Task Parts_are_told_of_their_own_names_and_of_what_begins_with_a_prefix()
    {
        _follower.On(["tokens"], Note("exact"));
        _follower.On(["identities/"], Note("prefix"));
        Start();
        _follower.Changed(["tokens", "tokens2", "identities/a", "identities", "sessions"]);
        await Until.TrueAsync(() => Read().Count == 2);
        Read().ShouldBe(["exact tokens", "prefix identities/a"], ignoreOrder: true);
    }

    [Fact]
    public async Task Names_of_one_part_that_change_together_are_read_once_and_no_part_waits_for_another()
    {
        var gate = new TaskCompletionSource();
        _follower.On(["identities/"], (_, _) => gate.Task);
        _follower.On(["tokens", "token_uses"], Note("both"));
        _follower.Changed(["identities/a", "token_uses", "tokens"]);
        Start();
        await Until.TrueAsync(() => Read().Count == 1);
        _follower.Changed(["token_uses"]);
        await Until.TrueAsync(() => Read().Count == 2);
        Read().ShouldBe(["both tokens", "both tokens"]);
        gate.SetResult();
    }

    [Fact]
    public async Task A_part_that_could_not_read_because_the_store_is_away_is_told_again()
    {
        var isAway = true;
        var tries = 0;
        _follower.On(["tokens"], (_, _) =>
        {
            Interlocked.Increment(ref tries);
            return isAway ? throw new JournalUnavailableException("away") : Note("read")("tokens", default);
        });
        Start();
        _follower.Changed(["tokens"]);
        await Until.TrueAsync(() => Volatile.Read(ref tries) == 1);
        await Until.DoneAsync(_time.UntilTimerAsync(TimeSpan.FromSeconds(1)));
        isAway = false;
        _time.Advance(TimeSpan.FromSeconds(1));
        await Until.TrueAsync(() => Read().Count == 1);
    }

    [Fact]
    public async Task What_cannot_be_used_keeps_nothing_else_from_being_followed_and_what_changes_meanwhile_is_read_once_more()
    {
        var gate = new TaskCompletionSource();
        _follower.On(["bad"], (_, _) => throw new FormatException());
        _follower.On(["slow"], async (name, token) =>
        {
            await Note("slow")(name, token);
            await gate.Task;
        });
        Start();
        _follower.Changed(["bad", "slow"]);
        await Until.TrueAsync(() => Read().Count == 1);
        _follower.Changed(["slow"]);
        _follower.Changed(["slow"]);
        gate.SetResult();
        await Until.TrueAsync(() => Read().Count == 2);
        _follower.Changed(["slow"]);
        await Until.TrueAsync(() => Read().Count == 3);
    }

    private void Start() => _running = _follower.RunAsync(_stop.Token);

    private Func<string, CancellationToken, Task> Note(string part) => (name, _) =>
    {
        lock (_read)
            _read.Add($"{part} {name}");
        return Task.CompletedTask;
    };

    private List<string> Read()
    {
        lock (_read)
            return [.. _read];
    }
}
