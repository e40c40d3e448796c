using System.Threading.Channels;
using Microsoft.Extensions.Logging.Abstractions;
using Tocsin.Collect;

namespace Tocsin.Tests.Collect;

public sealed class FeedLoopTests
{
    private static readonly FetchFailure Down = new(FetchFailureKind.ServerError, "500");
    private readonly FakeTimeProvider _time = new();
    private readonly Channel<TaskCompletionSource<FetchFailure?>> _attempts = Channel.CreateUnbounded<TaskCompletionSource<FetchFailure?>>();
    private SourceStatus _status = null!;

    [Fact]
    public async Task A_poll_that_goes_well_is_one_attempt()
    {
        var loop = Loop();
        loop.TryStart(true, default, out var poll).ShouldBeTrue();
        View().Status.ShouldBe(SourcePhase.Syncing);
        await AnswerAsync(null);
        (await Until.DoneAsync(poll)).Failure.ShouldBeNull();
        View().Status.ShouldBe(SourcePhase.Idle);
        _time.TimerCount.ShouldBe(0);
    }

    [Fact]
    public async Task Never_two_at_once()
    {
        var loop = Loop();
        loop.TryStart(true, default, out var poll).ShouldBeTrue();
        Enumerable.Range(0, 50).AsParallel().Count(_ => loop.TryStart(true, default, out var other) || !other.IsCompletedSuccessfully).ShouldBe(0);
        await AnswerAsync(null);
        await Until.DoneAsync(poll);
        Enumerable.Range(0, 50).AsParallel().Count(_ => loop.TryStart(true, default, out var other)).ShouldBe(1);
        await AnswerAsync(null);
        await Until.TrueAsync(() => View().Status == SourcePhase.Idle);
        _attempts.Reader.TryRead(out _).ShouldBeFalse();
    }

    [Fact]
    public async Task It_waits_longer_each_time_within_its_bounds_and_gives_up_after_its_attempts()
    {
        var loop = Loop(attempts: 6, min: 1, max: 10);
        loop.TryStart(true, default, out var poll);
        var waits = new List<double>();
        for (var i = 0; i < 5; i++)
        {
            await AnswerAsync(Down);
            waits.Add((await Until.DoneAsync(_time.UntilTimerAsync(_ => true))).TotalSeconds);
            View().Status.ShouldBe(SourcePhase.Retrying);
            poll.IsCompleted.ShouldBeFalse();
            _time.Advance(TimeSpan.FromSeconds(10));
        }
        await AnswerAsync(Down);
        (await Until.DoneAsync(poll)).ShouldBe(new FeedPoll(Down, new SourceCounts(Polls: 6, Failed: 6)));

        waits.ShouldAllBe(wait => wait > 0 && wait <= 10);
        waits.Distinct().Count().ShouldBeGreaterThan(1);
        View().Status.ShouldBe(SourcePhase.Failed);
        View().ConsecutiveFailures.ShouldBe(6);
        View().LastError.ShouldBe("/incidents/: 500");
        (View().Counts.Polls, View().Counts.Failed).ShouldBe((6, 6));
        _time.TimerCount.ShouldBe(0);
    }

    [Fact]
    public async Task Waits_differ_from_source_to_source_so_that_not_all_come_back_at_once()
    {
        var waits = new List<TimeSpan>();
        for (var i = 0; i < 20; i++)
        {
            var time = new FakeTimeProvider();
            var loop = new FeedLoop(SomeSource.Valid(SomeSource.Yaml()), new SourceStatus(SomeSource.Valid(SomeSource.Yaml()), new SourceSchedule(true, TimeSpan.FromSeconds(1))).AddFeed("f"), time, NullLogger.Instance, _ => Task.FromResult<FetchFailure?>(Down));
            loop.TryStart(true, default, out _);
            waits.Add(await Until.DoneAsync(time.UntilTimerAsync(_ => true)));
        }
        waits.Distinct().Count().ShouldBeGreaterThan(10);
        waits.ShouldAllBe(wait => wait > TimeSpan.Zero && wait <= TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task It_comes_back_when_the_upstream_said_also_beyond_its_own_longest_wait()
    {
        var loop = Loop(max: 10);
        loop.TryStart(true, default, out var poll);
        await AnswerAsync(Down with { RetryAfter = TimeSpan.FromMinutes(15) });
        await Until.DoneAsync(_time.UntilTimerAsync(TimeSpan.FromMinutes(15)));
        _time.Advance(TimeSpan.FromMinutes(14.9));
        _attempts.Reader.TryRead(out _).ShouldBeFalse();
        _time.Advance(TimeSpan.FromMinutes(0.1));
        await AnswerAsync(null);
        (await Until.DoneAsync(poll)).Failure.ShouldBeNull();
    }

    [Fact]
    public async Task An_upstream_that_says_at_once_is_not_hammered()
    {
        var loop = Loop(min: 2);
        loop.TryStart(true, default, out var poll);
        await AnswerAsync(Down with { RetryAfter = TimeSpan.Zero });
        await Until.DoneAsync(_time.UntilTimerAsync(TimeSpan.FromSeconds(2)));
        _time.Advance(TimeSpan.FromSeconds(2));
        await AnswerAsync(null);
        await Until.DoneAsync(poll);
    }

    [Fact]
    public async Task What_needs_a_person_is_not_asked_again()
    {
        var loop = Loop();
        loop.TryStart(true, default, out var poll);
        var denied = new FetchFailure(FetchFailureKind.Unauthorised, "401", TimeSpan.FromSeconds(1));
        await AnswerAsync(denied);
        (await Until.DoneAsync(poll)).Failure.ShouldBe(denied);
        _time.TimerCount.ShouldBe(0);
    }

    [Fact]
    public async Task One_attempt_is_one_attempt()
    {
        var loop = Loop(attempts: 1);
        loop.TryStart(true, default, out var poll);
        await AnswerAsync(Down);
        (await Until.DoneAsync(poll)).Failure.ShouldBe(Down);
        _time.TimerCount.ShouldBe(0);
    }

    [Fact]
    public async Task Told_to_hurry_while_it_waits_it_asks_at_once_with_all_its_attempts()
    {
        var loop = Loop(attempts: 3);
        loop.Hurry().ShouldBeFalse();
        loop.TryStart(true, default, out var poll);
        loop.Hurry().ShouldBeFalse();
        await AnswerAsync(Down);
        for (var i = 0; i < 5; i++)
        {
            await Until.DoneAsync(_time.UntilTimerAsync(_ => true));
            loop.Hurry().ShouldBeTrue();
            loop.Hurry().ShouldBeFalse();
            await AnswerAsync(Down);
        }
        await Until.DoneAsync(_time.UntilTimerAsync(_ => true));
        _time.Advance(TimeSpan.FromSeconds(30));
        await AnswerAsync(Down);
        await Until.DoneAsync(_time.UntilTimerAsync(_ => true));
        poll.IsCompleted.ShouldBeFalse();
        _time.Advance(TimeSpan.FromSeconds(30));
        await AnswerAsync(Down);
        (await Until.DoneAsync(poll)).Failure.ShouldBe(Down);
        loop.Hurry().ShouldBeFalse();
    }

    [Fact]
    public async Task The_first_attempt_is_told_whether_it_went_well_or_not()
    {
        var loop = Loop();
        loop.TryStart(true, default, out var poll);
        var first = loop.FirstAttempt;
        first.IsCompleted.ShouldBeFalse();
        await AnswerAsync(Down);
        await Until.DoneAsync(first);
        poll.IsCompleted.ShouldBeFalse();
    }

    [Fact]
    public async Task Stopping_ends_it_while_it_waits_to_ask_again()
    {
        using var stop = new CancellationTokenSource();
        var loop = Loop();
        loop.TryStart(true, stop.Token, out var poll);
        await AnswerAsync(Down);
        await Until.DoneAsync(_time.UntilTimerAsync(_ => true));
        await stop.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(Until.DoneAsync(poll));
        loop.FirstAttempt.IsCompleted.ShouldBeTrue();
        _time.TimerCount.ShouldBe(0);
    }

    [Fact]
    public async Task An_upstream_that_asked_to_be_left_alone_is_left_alone_by_the_schedule_and_not_by_a_person()
    {
        var loop = Loop(attempts: 1);
        loop.TryStart(now: false, default, out var poll).ShouldBeTrue();
        await AnswerAsync(Down with { RetryAfter = TimeSpan.FromMinutes(10) });
        await Until.DoneAsync(poll);
        loop.TryStart(now: false, default, out _).ShouldBeFalse();
        _time.Advance(TimeSpan.FromMinutes(9.9));
        loop.TryStart(now: false, default, out _).ShouldBeFalse();
        loop.TryStart(now: true, default, out poll).ShouldBeTrue();
        await AnswerAsync(Down with { RetryAfter = TimeSpan.FromMinutes(10) });
        await Until.DoneAsync(poll);
        _time.Advance(TimeSpan.FromMinutes(10));
        loop.TryStart(now: false, default, out poll).ShouldBeTrue();
        await AnswerAsync(null);
        await Until.DoneAsync(poll);
        loop.TryStart(now: false, default, out _).ShouldBeTrue();
    }

    [Fact]
    public async Task A_mistake_of_our_own_is_a_failure_that_is_seen_and_not_silence()
    {
        var loop = Loop();
        loop.TryStart(true, default, out var poll);
        (await _attempts.Reader.ReadAsync()).SetException(new InvalidCastException("at /home/secret"));
        var failure = (await Until.DoneAsync(poll)).Failure.ShouldNotBeNull();
        failure.IsTransient.ShouldBeFalse();
        failure.Message.ShouldNotContain("secret");
        View().Status.ShouldBe(SourcePhase.Failed);
        View().LastError.ShouldNotBeNull().ShouldContain("log says more");
        (View().Counts.Polls, View().Counts.Failed).ShouldBe((1, 1));
        loop.TryStart(true, default, out _).ShouldBeTrue();
    }

    private FeedLoop Loop(int attempts = 5, int min = 1, int max = 30)
    {
        var source = SomeSource.Valid(SomeSource.Yaml($"retry: {{ attempts: {attempts}, min_wait: {min}s, max_wait: {max}s }}"));
        _status = new SourceStatus(source, new SourceSchedule(true, TimeSpan.FromSeconds(1)));
        return new FeedLoop(source, _status.AddFeed("/incidents/"), _time, NullLogger.Instance, async _ =>
        {
            var attempt = new TaskCompletionSource<FetchFailure?>(TaskCreationOptions.RunContinuationsAsynchronously);
            _attempts.Writer.TryWrite(attempt);
            return await attempt.Task;
        });
    }

    private SourceView View() => _status.View();

    private async Task AnswerAsync(FetchFailure? failure) => (await Until.DoneAsync(_attempts.Reader.ReadAsync().AsTask())).SetResult(failure);
}
