using Microsoft.Extensions.Logging;
using Tocsin.Enrich;
using Tocsin.Enrich.Geo;
using Tocsin.Journal;

namespace Tocsin.Collect;

/// <summary>What collecting needs from the other stages.</summary>
internal sealed record CollectStages(
    EventJournal Journal, IdentityDirectory Directory, Countries Countries, IdentityStore Identities, LateAttribution Late, TimeProvider Time, ILogger Logger, SourceLeases? Leases);

/// <summary>
/// One source: its schedule, its feeds, its state. A poll starts every feed that is not still busy with the last one, so that a feed in trouble
/// holds back neither its neighbours nor other sources.
/// </summary>
internal sealed partial class SourceRunner : IDisposable
{
    private readonly CollectStages _stages;
    private readonly SourceJournal _journal;
    private readonly UpstreamClient _upstream;
    private readonly RejectStore _rejects;
    private readonly List<(RecordFeed Feed, FeedLoop Loop)> _feeds = [];
    private readonly FeedLoop? _identities;
    private readonly RejectRetry _retry;
    private readonly Lock _gate = new();
    private readonly HashSet<Task> _running = [];
    private TaskCompletionSource _rescheduled = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private CancellationToken _stop;
    private long _scheduleVersion;
    private long _request;

    public SourceRunner(SourceDefinition source, TimeSpan defaultInterval, CollectStages stages)
    {
        (Source, _stages) = (source, stages);
        Lease = stages.Leases?.Of(source.Name);
        _journal = new SourceJournal(stages.Journal, Lease);
        Status = new SourceStatus(source, new SourceSchedule(source.Enabled, source.Every ?? defaultInterval));
        Change = new KeptSetting<ScheduleChange>(stages.Journal, ScheduleChange.StateName, source.Name, new ScheduleChange(null, null), SourceJson.Default.ScheduleChange);
        _upstream = new UpstreamClient(source, stages.Time);
        _rejects = new RejectStore(source.Name);
        if (source.Identities is { } definition)
        {
            var status = Status.AddFeed(IdentityFeed.Name);
            var feed = new IdentityFeed(source, definition, _upstream, stages.Identities, _rejects, status, _journal, stages.Time);
            _identities = new FeedLoop(source, status, stages.Time, stages.Logger, feed.PollAsync);
        }
        var reader = new RecordReader(source, new DedupeKey(stages.Journal.Store.Info), stages.Directory, stages.Countries, stages.Time);
        var retried = new List<RetriedFeed>();
        foreach (var request in source.Requests)
        {
            var status = Status.AddFeed(request.Id);
            var bookmark = source.Cursor is null && source.Paging is null ? null : new FeedBookmark(source.Name, request.Id);
            var keeper = new PageKeeper(request, reader, _rejects, bookmark, _journal, stages.Directory, stages.Late, stages.Time);
            var feed = new RecordFeed(request, _upstream, reader, keeper, bookmark, status, stages.Journal.Store, stages.Time);
            _feeds.Add((feed, new FeedLoop(source, status, stages.Time, stages.Logger, feed.PollAsync)));
            retried.Add(new RetriedFeed(request, keeper, status));
        }
        _retry = new RejectRetry(source, reader, retried, stages.Journal.Store, stages.Logger);
    }

    public SourceDefinition Source { get; }

    public SourceStatus Status { get; }

    /// <summary>Whether this node polls it; null where one process has the journal to itself.</summary>
    public SourceLease? Lease { get; }

    /// <summary>What was changed of its schedule while the service ran. It is in use after the next <see cref="Reschedule"/>.</summary>
    public KeptSetting<ScheduleChange> Change { get; }

    /// <summary>The version of <see cref="Change"/> that is in use, or an earlier one: never a later.</summary>
    public long ScheduleVersion => Volatile.Read(ref _scheduleVersion);

    /// <summary>True when the interval of all sources does not concern it.</summary>
    public bool HasOwnInterval => (Change.Current.Value.Every ?? Source.Every) is not null;

    public async Task LoadAsync(CancellationToken cancellation)
    {
        await Change.LoadAsync(cancellation);
        await Status.LoadAsync(_stages.Journal.Store, cancellation);
        await _rejects.LoadAsync(_stages.Journal.Store, cancellation);
        foreach (var (feed, _) in _feeds)
            await feed.LoadAsync(cancellation);
    }

    /// <summary>Maps again what was kept aside: the map may have been mended. Before <see cref="RunAsync"/>.</summary>
    public Task RetryRejectsAsync(CancellationToken cancellation) => _retry.RunAsync(cancellation);

    /// <summary>Shows other nodes how the source stands.</summary>
    public Task ShowAsync(StateWrite view, CancellationToken cancellation) => _journal.AppendAsync(new Append { State = [view] }, cancellation);

    /// <summary>True when another node asked for a poll since this was last called.</summary>
    public async Task<bool> IsAskedAsync(string stateName, CancellationToken cancellation)
    {
        var version = (await _stages.Journal.Store.GetStateAsync(stateName, Source.Name, cancellation))?.Version ?? 0;
        return Interlocked.Exchange(ref _request, version) != version;
    }

    /// <summary>Polls at once and then every interval, measured from start to start, until cancelled; ends when the last poll has ended.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        _stop = cancellation;
        DateTimeOffset? last = null;
        while (!cancellation.IsCancellationRequested)
        {
            // Taken before the schedule is read, so that a change in between is not slept over.
            var changed = _rescheduled.Task;
            var (enabled, every) = Status.Schedule;
            var now = _stages.Time.GetUtcNow();
            if (last > now)
                last = now; // The clock was set back: the old time of the next run may be years away.
            var next = last + every ?? now;
            Status.DueAt(next);
            if (enabled && now >= next)
            {
                Poll("schedule", now: false);
                // The rhythm is kept; runs that were missed (the machine slept) are not made up for.
                last = next + (every * Math.Floor((now - next) / every));
                continue;
            }
            await WaitAsync(enabled ? next - now : Timeout.InfiniteTimeSpan, changed, cancellation);
        }
        Task[] running;
        lock (_gate)
            running = [.. _running];
        await Task.WhenAll(running);
    }

    /// <summary>Polls now. True when something was started, or told not to wait; false when every feed is busy asking.</summary>
    public bool PollNow()
    {
        var hurried = _identities?.Hurry() ?? false;
        foreach (var (_, loop) in _feeds)
            hurried |= loop.Hurry();
        return Poll("request", now: true) || hurried;
    }

    /// <summary>
    /// Puts the schedule into use, at once, counted from the last start: what was changed, else what the file says, else <paramref name="interval"/>. One
    /// caller at a time.
    /// </summary>
    public void Reschedule(TimeSpan interval)
    {
        var (change, version) = Change.Current;
        Status.Schedule = new SourceSchedule(change.Enabled ?? Source.Enabled, change.Every ?? Source.Every ?? interval);
        Volatile.Write(ref _scheduleVersion, version);
        Interlocked.Exchange(ref _rescheduled, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).SetResult();
    }

    public void Dispose() => _upstream.Dispose();

    private async Task WaitAsync(TimeSpan wait, Task changed, CancellationToken cancellation)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        await Task.WhenAny(Task.Delay(wait, _stages.Time, either.Token), changed);
        await either.CancelAsync();
    }

    private bool Poll(string trigger, bool now)
    {
        var began = _stages.Time.GetUtcNow();
        var started = new List<Task<FeedPoll>>();
        if (_identities is not null && _identities.TryStart(now, _stop, out var identities))
            started.Add(identities);
        foreach (var (feed, loop) in _feeds)
        {
            feed.Identities = _identities?.FirstAttempt ?? Task.CompletedTask;
            if (loop.TryStart(now, _stop, out var records))
                started.Add(records);
        }
        if (started.Count == 0)
            return false;
        Status.Began(began);
        var finish = FinishAsync(trigger, began, started);
        lock (_gate)
            _running.Add(finish);
        _ = finish.ContinueWith(Forget, TaskScheduler.Default);
        return true;
    }

    private void Forget(Task finished)
    {
        lock (_gate)
            _running.Remove(finished);
    }

    /// <summary>Waits for the poll's feeds, then keeps the state and a row of history.</summary>
    private async Task FinishAsync(string trigger, DateTimeOffset began, List<Task<FeedPoll>> feeds)
    {
        try
        {
            var polls = await Task.WhenAll(feeds);
            var failures = polls.Select(poll => poll.Failure).OfType<FetchFailure>().ToArray();
            var run = new SyncRun
            {
                StartedAt = began,
                FinishedAt = _stages.Time.GetUtcNow(),
                Trigger = trigger,
                Feeds = feeds.Count,
                FailedFeeds = failures.Length,
                Counts = polls.Aggregate(new SourceCounts(), static (sum, poll) => sum + poll.Counts),
                Error = failures.FirstOrDefault()?.Message,
            };
            await _journal.AppendAsync(new Append { State = Status.Writes(run) }, CancellationToken.None);
        }
        catch (OperationCanceledException)
        {
            // Stopping: what was committed stays, and the next start polls anew.
        }
        catch (Exception error)
        {
            Log.StateNotKept(_stages.Logger, Source.Name, error.Message);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(11, LogLevel.Warning, "Source {Source}: its state could not be kept: {Error}")]
        public static partial void StateNotKept(ILogger logger, string source, string error);
    }
}
