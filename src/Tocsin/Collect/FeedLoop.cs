using Microsoft.Extensions.Logging;
using Polly;
using Polly.Retry;

namespace Tocsin.Collect;

/// <summary>How one feed's poll ended: its last failure, or null when it went well, and what all its attempts counted.</summary>
internal readonly record struct FeedPoll(FetchFailure? Failure, SourceCounts Counts);

/// <summary>
/// One feed of a source: asks until it has an answer or its attempts are used up, with exponential back-off and jitter, or when the upstream
/// said to come back. Never two at once; while it waits to ask again it can be told to ask now.
/// </summary>
internal sealed partial class FeedLoop
{
    private readonly SourceStatus.FeedStatus _status;
    private readonly Func<CancellationToken, Task<FetchFailure?>> _poll;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly string _source;
    private readonly ResiliencePipeline<FetchFailure?> _pipeline;
    private readonly Lock _gate = new();
    private bool _busy;
    private long _refusedAt;
    private TimeSpan _leaveAlone;

    // The source of the pipeline's token; Hurry may use it, as _wait, only while the feed waits.
    private CancellationTokenSource? _waiter;
    private CancellationTokenSource? _wait;
    private TaskCompletionSource _firstAttempt = new();

    /// <summary><paramref name="poll"/> is one attempt: fetch, understand, commit; null when it went well.</summary>
    public FeedLoop(SourceDefinition source, SourceStatus.FeedStatus status, TimeProvider time, ILogger logger, Func<CancellationToken, Task<FetchFailure?>> poll)
    {
        (_source, _status, _time, _logger, _poll) = (source.Name, status, time, logger, poll);
        _pipeline = new ResiliencePipelineBuilder<FetchFailure?> { TimeProvider = time }
            .AddRetry(new RetryStrategyOptions<FetchFailure?>
            {
                MaxRetryAttempts = Math.Max(1, source.Retry.Attempts - 1),
                BackoffType = DelayBackoffType.Exponential,
                UseJitter = true,
                Delay = source.Retry.MinWait,
                MaxDelay = source.Retry.MaxWait,
                ShouldHandle = outcome => ValueTask.FromResult(source.Retry.Attempts > 1 && outcome.Outcome.Result is { IsTransient: true }),
                // Retry-After: 0 is no leave to ask without a pause.
                DelayGenerator = outcome => ValueTask.FromResult<TimeSpan?>(
                    outcome.Outcome.Result?.RetryAfter is not { } wait ? null : wait > source.Retry.MinWait ? wait : source.Retry.MinWait),
                OnRetry = _ => { BeginWait(); return ValueTask.CompletedTask; },
            }).Build();
    }

    /// <summary>Completes when the running poll has its first answer or failure.</summary>
    public Task FirstAttempt => _firstAttempt.Task;

    /// <summary>
    /// Starts a poll when none is running. False when one is under way, or, unless
    /// <paramref name="now"/>, when the upstream asked to be left alone for longer than the attempts lasted.
    /// </summary>
    public bool TryStart(bool now, CancellationToken cancellation, out Task<FeedPoll> poll)
    {
        poll = Task.FromResult(new FeedPoll(null, new SourceCounts()));
        lock (_gate)
        {
            if (_busy || (!now && _time.GetElapsedTime(_refusedAt) < _leaveAlone))
                return false;
            _busy = true;
            _firstAttempt = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
        poll = RunAsync(cancellation);
        return true;
    }

    /// <summary>Tells a poll that waits to ask again to ask at once, with all its attempts. False when none waits.</summary>
    public bool Hurry()
    {
        lock (_gate)
        {
            if (_wait is null)
                return false;
            // Not Cancel(): it would run the poll's continuation here, under the lock.
            _ = _wait.CancelAsync();
            _wait = null;
            return true;
        }
    }

    private async Task<FeedPoll> RunAsync(CancellationToken cancellation)
    {
        var before = _status.Counts;
        try
        {
            while (true)
            {
                using var wait = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
                try
                {
                    var failure = await _pipeline.ExecuteAsync((state, token) => state.Self.AttemptAsync(state.Stop), (Self: this, Stop: cancellation), Waiter(wait));
                    // Before the next poll may start, whose counts are not this one's.
                    return new FeedPoll(failure, _status.Counts - before);
                }
                catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
                {
                    // Told to ask now: begin again with all attempts.
                }
            }
        }
        finally
        {
            lock (_gate)
            {
                _busy = false;
                (_waiter, _wait) = (null, null);
            }
            _status.Ended();
            _firstAttempt.TrySetResult();
        }
    }

    private async ValueTask<FetchFailure?> AttemptAsync(CancellationToken cancellation)
    {
        lock (_gate)
            _wait = null;
        _status.Calling();
        var failure = await PollAsync(cancellation);
        if (failure is not null)
        {
            _status.Failed(failure);
            Log.CallFailed(_logger, _source, _status.Name, failure.Kind, failure.Message);
        }
        // Measured, not by the clock: that may be set back.
        (_refusedAt, _leaveAlone) = (_time.GetTimestamp(), failure?.RetryAfter ?? TimeSpan.Zero);
        _firstAttempt.TrySetResult();
        return failure;
    }

    /// <summary>A mistake of ours must not end the source: it is a failure like any other, seen in its state.</summary>
    private async Task<FetchFailure?> PollAsync(CancellationToken cancellation)
    {
        try
        {
            return await _poll(cancellation);
        }
        catch (Exception error) when (!cancellation.IsCancellationRequested)
        {
            Log.Bug(_logger, _source, _status.Name, error);
            return new FetchFailure(FetchFailureKind.Internal, "something went wrong in Tocsin; its log says more");
        }
    }

    private CancellationToken Waiter(CancellationTokenSource wait)
    {
        lock (_gate)
            _waiter = wait;
        return wait.Token;
    }

    private void BeginWait()
    {
        _status.Waiting();
        lock (_gate)
            _wait = _waiter;
    }

    private static partial class Log
    {
        [LoggerMessage(10, LogLevel.Warning, "Source {Source}, {Feed}: {Kind}: {Message}")]
        public static partial void CallFailed(ILogger logger, string source, string feed, FetchFailureKind kind, string message);

        [LoggerMessage(12, LogLevel.Error, "Source {Source}, {Feed}: a mistake in Tocsin")]
        public static partial void Bug(ILogger logger, string source, string feed, Exception error);
    }
}
