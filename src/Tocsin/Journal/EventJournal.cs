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

    private readonly int _capacity;
    private readonly ILogger<EventJournal> _logger;
    private readonly Channel<Pending> _queue = Channel.CreateUnbounded<Pending>(new UnboundedChannelOptions { SingleReader = true });
    private readonly Task _writer;

    // How much waits, and who waits for room. Guarded by _room.
    private readonly Lock _room = new();
    private readonly Queue<Pending> _waiting = new();
    private int _queued;

    private TaskCompletionSource _advanced = NewSignal();

    /// <summary>Starts the writer. <paramref name="capacity"/>: entries that may wait before <see cref="AppendAsync"/> makes callers wait.</summary>
    public EventJournal(IJournalStore store, int capacity, ILogger<EventJournal> logger)
    {
        (Store, _capacity, _logger) = (store, capacity, logger);
        _writer = Task.Run(WriteAsync);
    }

    /// <summary>The store, for reading. Only this class commits to it.</summary>
    public IJournalStore Store { get; }

    /// <summary>The last committed sequence.</summary>
    public long Head => Store.Head;

    /// <summary>Entries that wait for their commit.</summary>
    public int QueueDepth => Volatile.Read(ref _queued);

    /// <summary>Entries that may wait.</summary>
    public int QueueCapacity => _capacity;

    /// <summary>Why the last commit failed; null when it did not.</summary>
    public string? LastError { get; private set; }

    /// <summary>
    /// Completes when the append is durable or known not to be written. Waits for room when the queue is full. Cancelling stops the
    /// waiting, not a commit that is under way. Throws <see cref="JournalUnavailableException"/> when the store cannot write now: nothing
    /// of the append was written.
    /// </summary>
    public async Task<AppendResult> AppendAsync(Append append, CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(append.Entries.Count, Append.MaxEntries);
        cancellation.ThrowIfCancellationRequested();
        var pending = new Pending(append);
        lock (_room)
        {
            if (_waiting.Count == 0 && Fits(pending.Weight))
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
            Release(0);
            throw;
        }
    }

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

    private async Task WriteAsync()
    {
        var group = new List<Pending>();
        while (await _queue.Reader.WaitToReadAsync())
        {
            var weight = 0;
            while (weight < MaxGroupWeight && _queue.Reader.TryRead(out var pending))
            {
                group.Add(pending);
                weight += pending.Weight;
            }
            await CommitAsync(group);
            Release(weight);
            group.Clear();
        }
    }

    private async Task CommitAsync(List<Pending> group)
    {
        IReadOnlyList<AppendResult> results;
        try
        {
            results = await Store.CommitAsync([.. group.Select(pending => pending.Append)], CancellationToken.None);
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
            LastError = error.Message;
            Log.CommitFailed(_logger, group.Count, error.Message);
            foreach (var pending in group)
                pending.Done.SetException(error);
            return;
        }
        LastError = null;
        Interlocked.Exchange(ref _advanced, NewSignal()).SetResult();
        for (var i = 0; i < group.Count; i++)
            group[i].Done.SetResult(results[i]);
    }

    /// <summary>Takes what is done out of the count and lets those who wait into the queue, in the order in which they came.</summary>
    private void Release(int weight)
    {
        lock (_room)
        {
            _queued -= weight;
            while (_waiting.TryPeek(out var next) && (next.GivenUp || Fits(next.Weight)))
            {
                _waiting.Dequeue();
                if (!next.GivenUp)
                    Accept(next);
            }
        }
    }

    private void Accept(Pending pending)
    {
        if (_queue.Writer.TryWrite(pending))
            _queued += pending.Weight;
        else
            pending.Done.SetException(new JournalUnavailableException("The journal is closing."));
    }

    /// <summary>An append larger than the whole queue goes in when nothing else waits.</summary>
    private bool Fits(int weight) => _queued == 0 || _queued + weight <= _capacity;

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private sealed class Pending(Append append)
    {
        public Append Append { get; } = append;

        public int Weight { get; } = append.Entries.Count + append.State.Count;

        public TaskCompletionSource<AppendResult> Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <summary>Its caller no longer waits: it needs no place. What was accepted already is committed all the same.</summary>
        public volatile bool GivenUp;
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Error, "The journal could not commit {Appends} appends, nothing of them was written: {Error}")]
        public static partial void CommitFailed(ILogger logger, int appends, string error);
    }
}
