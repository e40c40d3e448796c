using System.Text.Json;
using Tocsin.Journal;

namespace Tocsin.Collect;

/// <summary>
/// The visible state of one source, kept across restarts. Any thread may read; its feeds write under one lock that is never held across I/O.
/// </summary>
internal sealed class SourceStatus(SourceDefinition source, SourceSchedule configured)
{
    /// <summary>Polls kept in the history.</summary>
    public const int MaxHistory = 100;

    private readonly Lock _gate = new();
    private readonly List<FeedStatus> _feeds = [];
    private SourceCounts _counts = new();
    private DateTimeOffset? _lastSync;
    private EventTime? _lastEventTime;
    private DateTimeOffset? _nextRun;
    private SourceSchedule _schedule = configured;
    private long _runs;

    public static string StateName => "source-status";

    public static string HistoryName(string source) => $"syncs/{source}";

    /// <summary>Whether and how often it is polled.</summary>
    public SourceSchedule Schedule
    {
        get => Volatile.Read(ref _schedule);
        set => Volatile.Write(ref _schedule, value);
    }

    public FeedStatus AddFeed(string name)
    {
        var feed = new FeedStatus(this, name);
        _feeds.Add(feed);
        return feed;
    }

    /// <summary>Takes over what was kept, before polls begin.</summary>
    public async Task LoadAsync(IJournalStore store, CancellationToken cancellation)
    {
        if (await ReadAsync(store, cancellation) is not { } view)
            return;
        var runs = 0L;
        await foreach (var run in store.AllStateAsync(HistoryName(source.Name), cancellation))
            runs = Math.Max(runs, JsonDocument.Parse(run.Value).RootElement.GetProperty("run").GetInt64());
        lock (_gate)
        {
            _runs = runs;
            Restore(view, isFollowed: false);
        }
    }

    /// <summary>Shows the source as the node that polls it last said it stands, unless it is this one.</summary>
    public async Task FollowAsync(SourceLease lease, IJournalStore store, CancellationToken cancellation)
    {
        if (await ReadAsync(store, cancellation) is not { } view)
            return;
        lock (_gate)
            if (!lease.IsHeld)
                Restore(view, isFollowed: true);
    }

    private async Task<SourceView?> ReadAsync(IJournalStore store, CancellationToken cancellation) =>
        await store.GetStateAsync(StateName, source.Name, cancellation) is { } row ? JsonSerializer.Deserialize(row.Value, SourceJson.Default.SourceView) : null;

    private void Restore(SourceView view, bool isFollowed)
    {
        (_counts, _lastSync, _lastEventTime) = (view.Counts, view.LastSync, EventTime.TryParse(view.LastEventTime, out var newest) ? newest : null);
        _nextRun = isFollowed ? view.NextRun : null;
        foreach (var feed in _feeds)
            if (view.Feeds.FirstOrDefault(stored => stored.Name == feed.Name) is { } stored)
                feed.Restore(stored, isFollowed);
    }

    /// <summary>What to write at the end of a poll: the state as it stands, and one row of history (the oldest gives its place).</summary>
    public IReadOnlyList<StateWrite> Writes(SyncRun run)
    {
        long number;
        lock (_gate)
            number = ++_runs;
        var history = JsonSerializer.SerializeToNode(run, SourceJson.Default.SyncRun)!.AsObject();
        history["run"] = number;
        return
        [
            Write(View()),
            new StateWrite(HistoryName(source.Name), (number % MaxHistory).ToString("D3"), System.Text.Encoding.UTF8.GetBytes(history.ToJsonString())),
        ];
    }

    /// <summary>The row that shows a view to a later start, and to other nodes.</summary>
    public static StateWrite Write(SourceView view) => new(StateName, view.Name, JsonSerializer.SerializeToUtf8Bytes(view, SourceJson.Default.SourceView));

    /// <summary>When the next poll is due.</summary>
    public void DueAt(DateTimeOffset next)
    {
        lock (_gate)
            _nextRun = next;
    }

    public void Began(DateTimeOffset now)
    {
        lock (_gate)
            _lastSync = now;
    }

    public SourceView View()
    {
        lock (_gate)
        {
            var feeds = _feeds.ConvertAll(feed => feed.View());
            var schedule = Schedule;
            var worst = feeds.Where(feed => feed.LastError is not null).MaxBy(feed => feed.ConsecutiveFailures);
            return new SourceView
            {
                Name = source.Name,
                Kind = source.Kind.Name(),
                Status = schedule.Enabled ? feeds.Max(feed => feed.Status) : SourcePhase.Paused,
                Enabled = schedule.Enabled,
                EverySeconds = schedule.Every.TotalSeconds,
                LastSync = _lastSync,
                LastSuccess = feeds.Exists(feed => feed.LastSuccess is null) ? null : feeds.Min(feed => feed.LastSuccess),
                LastEventTime = _lastEventTime?.ToString(),
                Cursor = feeds.Select(feed => feed.Cursor).OfType<string>().Min(StringComparer.Ordinal),
                LastError = worst is null ? null : $"{worst.Name}: {worst.LastError}",
                ConsecutiveFailures = worst?.ConsecutiveFailures ?? 0,
                NextRun = schedule.Enabled ? _nextRun : null,
                Counts = _counts,
                Feeds = feeds,
            };
        }
    }

    /// <summary>One feed's part. Its methods take the source's lock.</summary>
    internal sealed class FeedStatus(SourceStatus owner, string name)
    {
        private SourcePhase _phase = SourcePhase.Idle;
        private DateTimeOffset? _lastSuccess;
        private string? _lastError;
        private int _consecutiveFailures;
        private long _records;
        private string? _cursor;
        private SourceCounts _counts = new();

        public string Name { get; } = name;

        /// <summary>True when an earlier answer held records: then a new one that shares none may mean that some were missed.</summary>
        public bool HadRecords
        {
            get
            {
                lock (owner._gate)
                    return _lastSuccess is not null && _records > 0;
            }
        }

        /// <summary>Its own part of the source's counts, since the service began.</summary>
        public SourceCounts Counts
        {
            get
            {
                lock (owner._gate)
                    return _counts;
            }
        }

        public void Calling() => Set(SourcePhase.Syncing);

        public void Waiting() => Set(SourcePhase.Retrying);

        public void Ended()
        {
            lock (owner._gate)
                _phase = _lastError is null ? SourcePhase.Idle : SourcePhase.Failed;
        }

        public void Failed(FetchFailure failure)
        {
            lock (owner._gate)
            {
                Add(new SourceCounts(Polls: 1, Failed: 1));
                _consecutiveFailures++;
                _lastError = failure.Message;
            }
        }

        /// <summary>All there was to ask for is in: <paramref name="total"/> records in as many answers as it took.</summary>
        public void Succeeded(DateTimeOffset now, long total)
        {
            lock (owner._gate)
                (_lastSuccess, _lastError, _consecutiveFailures, _records) = (now, null, 0, total);
        }

        /// <summary>An answer is in and more are to come: what failed before has passed.</summary>
        public void GoesOn()
        {
            lock (owner._gate)
                (_lastError, _consecutiveFailures) = (null, 0);
        }

        /// <summary>Counts an answer, or what of it was taken in.</summary>
        public void Took(SourceCounts counts, EventTime? newest)
        {
            lock (owner._gate)
            {
                Add(counts);
                if (newest is { } time && (owner._lastEventTime is not { } last || time > last))
                    owner._lastEventTime = time;
            }
        }

        /// <summary>Where the next poll begins, for people to see; null for a feed without a bookmark.</summary>
        public void MovedTo(string? cursor)
        {
            lock (owner._gate)
                _cursor = cursor;
        }

        /// <summary>A failure stays one across a restart, until a call goes well. What another node does is shown as it says.</summary>
        public void Restore(FeedView stored, bool isFollowed)
        {
            (_lastSuccess, _records, _lastError, _consecutiveFailures, _cursor) = (stored.LastSuccess, stored.Records, stored.LastError, stored.ConsecutiveFailures, stored.Cursor);
            _phase = isFollowed ? stored.Status : _lastError is null ? SourcePhase.Idle : SourcePhase.Failed;
        }

        public FeedView View() => new()
        {
            Name = Name, Status = _phase, LastSuccess = _lastSuccess, LastError = _lastError, ConsecutiveFailures = _consecutiveFailures, Records = _records,
            Cursor = _cursor,
        };

        private void Add(SourceCounts counts)
        {
            _counts += counts;
            owner._counts += counts;
        }

        private void Set(SourcePhase phase)
        {
            lock (owner._gate)
                _phase = phase;
        }
    }
}
