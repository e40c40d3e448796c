using System.Collections.Concurrent;
using Tocsin.Engines.Sqlite;
using Tocsin.Journal;

namespace Tocsin.Tests;

/// <summary>
/// The real SQLite store, with a hand on its commits: they can be held, made to fail, and are counted. What it reads is the store's own.
/// </summary>
internal sealed class TestStore(string folder) : IJournalStore
{
    private readonly SqliteJournalStore _store = SqliteJournalStore.Open(folder, TimeProvider.System);
    private readonly ConcurrentDictionary<string, int> _runs = new(StringComparer.Ordinal);
    private int _stateReadsDone;
    private TaskCompletionSource? _hold;
    private TaskCompletionSource _held = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>What a commit throws instead of being made; null: it is made.</summary>
    public Func<IReadOnlyList<Append>, Exception?> Refuse { get; set; } = _ => null;

    /// <summary>What every read throws; null: it is made.</summary>
    public Func<Exception?> RefuseRead { get; set; } = () => null;

    /// <summary>Looks at rows of state that were answered.</summary>
    public int StateReadsDone => Volatile.Read(ref _stateReadsDone);

    /// <summary>Looks at rows of state wait for this.</summary>
    public Task StateReads { get; set; } = Task.CompletedTask;

    /// <summary>Answers a page instead of the store; null: the store does.</summary>
    public Func<EventQuery, EventPage?> Page { get; set; } = _ => null;

    /// <summary>Answers a count instead of the store; null: the store does.</summary>
    public Func<StatsQuery, EventStats?> Count { get; set; } = _ => null;

    /// <summary>The size of each group that was committed, in appends.</summary>
    public List<int> Groups { get; } = [];

    public JournalInfo Info => _store.Info;

    public long Head => _store.Head;

    public Action<JournalChange>? Changed { get; set; }

    /// <summary>Completes when a commit stands and waits for <see cref="LetGo"/>.</summary>
    public Task Held => _held.Task;

    /// <summary>The next commit waits until it is let go.</summary>
    public void Hold()
    {
        _held = new(TaskCreationOptions.RunContinuationsAsynchronously);
        _hold = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    public void LetGo() => Interlocked.Exchange(ref _hold, null)?.SetResult();

    public async ValueTask<IReadOnlyList<AppendResult>> CommitAsync(IReadOnlyList<Append> group, CancellationToken cancellation)
    {
        if (_hold is { } hold)
        {
            _held.SetResult();
            await hold.Task;
        }
        if (Refuse(group) is { } error)
            throw error;
        var results = await _store.CommitAsync(group, cancellation);
        Groups.Add(group.Count);
        foreach (var write in group.SelectMany(append => append.State))
            if (write.Name.StartsWith("syncs/", StringComparison.Ordinal))
                _runs.AddOrUpdate(write.Name["syncs/".Length..], 1, (_, runs) => runs + 1);
        return results;
    }

    /// <summary>Polls of a source that have ended and left their row of history.</summary>
    public int Runs(string source) => _runs.GetValueOrDefault(source);

    /// <summary>How many had ended before this store was opened.</summary>
    public void Runs(string source, int before) => _runs[source] = before;

    public ValueTask<IReadOnlyList<Sequenced>> ReadAsync(long after, int limit, CancellationToken cancellation) => Read().ReadAsync(after, limit, cancellation);

    public ValueTask<SecurityEvent?> FindAsync(long sequence, CancellationToken cancellation) => Read().FindAsync(sequence, cancellation);

    public ValueTask<StoredEvent?> FindAsync(EventId id, CancellationToken cancellation) => Read().FindAsync(id, cancellation);

    public ValueTask<EventPage> QueryAsync(EventQuery query, CancellationToken cancellation) =>
        Page(query) is { } page ? ValueTask.FromResult(page) : Read().QueryAsync(query, cancellation);

    public ValueTask<EventStats> CountAsync(StatsQuery query, CancellationToken cancellation) =>
        Count(query) is { } stats ? ValueTask.FromResult(stats) : Read().CountAsync(query, cancellation);

    public ValueTask<long> FindStartAsync(long count, CancellationToken cancellation) => Read().FindStartAsync(count, cancellation);

    public async ValueTask<StateRow?> GetStateAsync(string name, string key, CancellationToken cancellation)
    {
        await StateReads.WaitAsync(cancellation);
        var row = await Read().GetStateAsync(name, key, cancellation);
        Interlocked.Increment(ref _stateReadsDone);
        return row;
    }

    public ValueTask<IReadOnlyList<string>> ListStateNamesAsync(CancellationToken cancellation) => Read().ListStateNamesAsync(cancellation);

    public ValueTask<IReadOnlyList<StateRow>> ListStateAsync(string name, string? afterKey, int limit, CancellationToken cancellation) =>
        Read().ListStateAsync(name, afterKey, limit, cancellation);

    public ValueTask<IReadOnlyList<UnresolvedEvent>> ListUnresolvedAsync(string address, long after, int limit, CancellationToken cancellation) =>
        Read().ListUnresolvedAsync(address, after, limit, cancellation);

    public ValueTask<IReadOnlyList<UnresolvedAddress>> ListUnresolvedAddressesAsync(string? afterAddress, int limit, CancellationToken cancellation) =>
        Read().ListUnresolvedAddressesAsync(afterAddress, limit, cancellation);

    public ValueTask<IReadOnlyList<UnresolvedAddress>> TopUnresolvedAddressesAsync(int limit, CancellationToken cancellation) =>
        Read().TopUnresolvedAddressesAsync(limit, cancellation);

    public ValueTask DisposeAsync() => _store.DisposeAsync();

    private SqliteJournalStore Read() => RefuseRead() is { } error ? throw error : _store;
}
