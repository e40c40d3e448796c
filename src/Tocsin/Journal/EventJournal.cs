using System.Diagnostics.CodeAnalysis;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;

namespace Tocsin.Journal;

/// <summary>
/// The journal as the stages use it: a bounded queue of appends in front of the store, drained by one writer that commits whatever waits
/// as one group (one sync for many callers), and a signal for those who follow the sequence. Safe for any number of threads.
/// </summary>
public sealed partial class EventJournal : IAsyncDisposable
{
    /// <summary>Most entries and rows of state in one transaction: more would make everybody wait for the largest.</summary>
    private const int MaxGroupWeight = 20_000;

    /// <summary>Most bytes of records in one transaction.</summary>
    private const long MaxGroupBytes = 16 << 20;

    /// <summary>Bytes of records that may wait. A larger append goes in when nothing else waits.</summary>
    private const long MaxQueuedBytes = 64 << 20;

    private readonly int _capacity;
    private readonly ILogger<EventJournal> _logger;
    private readonly Channel<PendingAppend> _queue = Channel.CreateUnbounded<PendingAppend>(new UnboundedChannelOptions { SingleReader = true });
    private readonly Task _writer;

    // How much waits, and who waits for room. Guarded by _room.
    private readonly Lock _room = new();
    private readonly Queue<PendingAppend> _waiting = new();
    private int _queued;
    private long _queuedBytes;

    private readonly RecentEntries _recent = new();
    private TaskCompletionSource _advanced = NewSignal();

    /// <summary>
    /// Starts the writer. <paramref name="capacity"/>: entries that may wait before <see cref="AppendAsync"/> makes callers wait.
    /// <paramref name="metrics"/>: where it counts what it commits.
    /// </summary>
    public EventJournal(IJournalStore store, int capacity, ILogger<EventJournal> logger, JournalMetrics? metrics = null)
    {
        (Store, _capacity, _logger, Metrics) = (store, capacity, logger, metrics);
        metrics?.Observe(this);
        store.Changed = Follow;
        _writer = Task.Run(WriteAsync);
    }

    /// <summary>
    /// Another process wrote rows of state of these names. Told on a thread of the store: whoever listens returns at once. Never with an engine that keeps
    /// others out.
    /// </summary>
    public Action<IReadOnlyList<string>>? StateChanged { get; set; }

    /// <summary>The store, for reading. Only this class commits to it.</summary>
    public IJournalStore Store { get; }

    /// <summary>The last committed sequence.</summary>
    public long Head => Store.Head;

    /// <summary>Entries that wait for their commit.</summary>
    public int QueueDepth => Volatile.Read(ref _queued);

    /// <summary>Entries that may wait.</summary>
    public int QueueCapacity => _capacity;

    /// <summary>What it counts; null when nobody asked for it.</summary>
    public JournalMetrics? Metrics { get; }

    /// <summary>Why the last commit failed; null when it did not.</summary>
    public string? LastError { get; private set; }

    /// <summary>
    /// Completes when the append is durable or known not to be written. Waits for room when the queue is full. Cancelling stops the
    /// waiting, not a commit that is under way. Throws <see cref="JournalUnavailableException"/> when the store cannot write now: nothing
    /// of the append was written.
    /// </summary>
    public Task<AppendResult> AppendAsync(Append append, CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(append.Entries.Count, Append.MaxEntries);
        return EnterAsync(new PendingAppend(append), cancellation);
    }

    /// <summary>
    /// As <see cref="AppendAsync"/> for several appends that are committed together, in their order, or not at all: what follows one that was not written is not
    /// written either. An error that is not <see cref="JournalUnavailableException"/> says that one of them cannot be stored at all.
    /// </summary>
    public async Task<IReadOnlyList<AppendResult>> AppendTogetherAsync(IReadOnlyList<Append> appends, CancellationToken cancellation)
    {
        if (appends.Count == 0)
            return [];
        var pending = new PendingAppend(appends);
        await EnterAsync(pending, cancellation);
        return pending.Results!;
    }

    /// <summary>
    /// As <see cref="AppendAsync"/>, but never waits for room: false when the queue holds as many entries or bytes as it may, and nothing of the append is
    /// kept then. For callers who can be told to come again. What was accepted is committed even if nobody waits for it.
    /// </summary>
    public bool TryAppend(Append append, [NotNullWhen(true)] out Task<AppendResult>? done)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(append.Entries.Count, Append.MaxEntries);
        var pending = new PendingAppend(append);
        done = null;
        lock (_room)
        {
            if (_waiting.Count > 0 || !Fits(pending))
                return false;
            Accept(pending);
        }
        done = pending.Done.Task;
        return true;
    }

    /// <summary>
    /// Entries after <paramref name="after"/> in order, as <see cref="IJournalStore.ReadAsync"/> gives them. Whoever follows closely gets what was
    /// committed lately from memory, without asking the store.
    /// </summary>
    public ValueTask<IReadOnlyList<Sequenced>> ReadAsync(long after, int limit, CancellationToken cancellation) =>
        _recent.Read(after, limit) is { } entries ? ValueTask.FromResult(entries) : Store.ReadAsync(after, limit, cancellation);

    /// <summary>Completes when <see cref="Head"/> is past <paramref name="after"/>.</summary>
    public async Task WaitPastAsync(long after, CancellationToken cancellation)
    {
        while (true)
        {
            var signal = Volatile.Read(ref _advanced);
            if (Head > after)
                return;
            await signal.Task.WaitAsync(cancellation);
        }
    }

    /// <summary>Takes no more, commits what was accepted, and closes the store.</summary>
    public async ValueTask DisposeAsync()
    {
        _queue.Writer.TryComplete();
        await _writer;
        await Store.DisposeAsync();
    }

    private async Task<AppendResult> EnterAsync(PendingAppend pending, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        lock (_room)
        {
            if (_waiting.Count == 0 && Fits(pending))
                Accept(pending);
            else
                _waiting.Enqueue(pending);
        }
        try
        {
            return await pending.Done.Task.WaitAsync(cancellation);
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            pending.GivenUp = true;
            Release(0, 0);
            throw;
        }
    }

    private async Task WriteAsync()
    {
        var group = new List<PendingAppend>();
        while (await _queue.Reader.WaitToReadAsync())
        {
            var weight = 0;
            var bytes = 0L;
            while (weight < MaxGroupWeight && bytes < MaxGroupBytes && _queue.Reader.TryRead(out var pending))
            {
                group.Add(pending);
                weight += pending.Weight;
                bytes += pending.Bytes;
            }
            await CommitAsync(group);
            Release(weight, bytes);
            group.Clear();
        }
    }

    private async Task CommitAsync(List<PendingAppend> group)
    {
        var began = Metrics?.Begin() ?? 0;
        var appends = AppendsOf(group);
        IReadOnlyList<AppendResult> results;
        try
        {
            results = await Store.CommitAsync(appends, CancellationToken.None);
        }
        catch (Exception error) when (error is not JournalUnavailableException && group.Count > 1)
        {
            // One of them cannot be stored at all. Nothing was written: each goes alone, so that only that one fails.
            foreach (var pending in group)
                await CommitAsync([pending]);
            return;
        }
        catch (Exception error)
        {
            // Said once, however many callers try meanwhile: the log may lie on the disk that is full.
            if (LastError != error.Message)
                Log.CommitFailed(_logger, group.Count, error.Message);
            LastError = error.Message;
            Metrics?.Failed();
            foreach (var pending in group)
                pending.Done.SetException(error);
            return;
        }
        if (LastError is not null)
            Log.CommitsAgain(_logger);
        LastError = null;
        _recent.Add(appends, results);
        Interlocked.Exchange(ref _advanced, NewSignal()).SetResult();
        Metrics?.Committed(began, appends, results);
        var at = 0;
        foreach (var pending in group)
        {
            if (pending.Together is { } together)
                pending.Results = [.. results.Skip(at).Take(together.Count)];
            pending.Done.SetResult(results[at]);
            at += pending.Together?.Count ?? 1;
        }
    }

    private static List<Append> AppendsOf(List<PendingAppend> group)
    {
        var appends = new List<Append>(group.Count);
        foreach (var pending in group)
            if (pending.Together is { } together)
                appends.AddRange(together);
            else
                appends.Add(pending.Append);
        return appends;
    }

    /// <summary>Another process has committed: those who follow the sequence look again.</summary>
    private void Follow(JournalChange change)
    {
        Interlocked.Exchange(ref _advanced, NewSignal()).SetResult();
        if (change.StateNames.Count > 0)
            StateChanged?.Invoke(change.StateNames);
    }

    /// <summary>Takes what is done out of the count and lets those who wait into the queue, in the order in which they came.</summary>
    private void Release(int weight, long bytes)
    {
        lock (_room)
        {
            _queued -= weight;
            _queuedBytes -= bytes;
            while (_waiting.TryPeek(out var next) && (next.GivenUp || Fits(next)))
            {
                _waiting.Dequeue();
                if (!next.GivenUp)
                    Accept(next);
            }
        }
    }

    private void Accept(PendingAppend pending)
    {
        if (_queue.Writer.TryWrite(pending))
        {
            _queued += pending.Weight;
            _queuedBytes += pending.Bytes;
        }
        else
            pending.Done.SetException(new JournalUnavailableException("The journal is closing."));
    }

    /// <summary>An append larger than the whole queue goes in when nothing else waits.</summary>
    private bool Fits(PendingAppend pending) => _queued == 0 || (_queued + pending.Weight <= _capacity && _queuedBytes + pending.Bytes <= MaxQueuedBytes);

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Error, "The journal could not commit {Appends} appends, nothing of them was written: {Error}")]
        public static partial void CommitFailed(ILogger logger, int appends, string error);

        [LoggerMessage(2, LogLevel.Information, "The journal commits again")]
        public static partial void CommitsAgain(ILogger logger);
    }
}
