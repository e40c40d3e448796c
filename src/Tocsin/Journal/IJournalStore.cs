namespace Tocsin.Journal;

/// <summary>
/// The engine behind the journal. Two engines, one contract: tests/Tocsin.Tests/Journal/JournalContract.cs says it as tests.
/// <para>
/// Order: sequences are 1, 2, 3 ... without a gap, in the order of commits. Durability: when <see cref="CommitAsync"/> has
/// returned, everything it reports as committed survives kill -9 and power loss. Threads: one caller commits at a time;
/// reads may run beside it and each other, and see only what is committed.
/// </para>
/// </summary>
public interface IJournalStore : IAsyncDisposable
{
    /// <summary>Who this store is.</summary>
    JournalInfo Info { get; }

    /// <summary>The last committed sequence, those of other processes included; 0 when the journal is empty.</summary>
    long Head { get; }

    /// <summary>
    /// Told when another process has committed to the same journal, on a thread of the store, one call at a time; never by an engine that keeps others out.
    /// Whoever is told reads what is new; it may be told of something that is known already.
    /// </summary>
    Action<JournalChange>? Changed { get; set; }

    /// <summary>
    /// Commits the appends together with one sync, each as if alone and in order: a conflict or an unknown target in one does
    /// not touch the others. Throws <see cref="JournalUnavailableException"/> when the store cannot write now (disk full, connection
    /// lost): then nothing of the group is in the journal; only when the power fails in the very commit that failed, or a server is lost in it and stays away,
    /// may it be found there after all, and a caller who repeats keyed events is safe from that too.
    /// </summary>
    ValueTask<IReadOnlyList<AppendResult>> CommitAsync(IReadOnlyList<Append> group, CancellationToken cancellation);

    /// <summary>
    /// Entries after <paramref name="after"/> in order, as first committed (amendments not applied), at most <paramref name="limit"/>
    /// (1 to 10,000), and fewer where records, of events or of revisions, are large. Empty at the head only.
    /// </summary>
    ValueTask<IReadOnlyList<Sequenced>> ReadAsync(long after, int limit, CancellationToken cancellation);

    /// <summary>One event with its amendments applied; null when there is none at this sequence.</summary>
    ValueTask<SecurityEvent?> FindAsync(long sequence, CancellationToken cancellation);

    /// <summary>The event with this id, its amendments applied (record and fingerprint are those of the newest revision); null when there is none.</summary>
    ValueTask<StoredEvent?> FindAsync(EventId id, CancellationToken cancellation);

    /// <summary>
    /// A page of the events that a filter takes, as they read with the amendments up to the query's ceiling. A walk of such pages gives every event
    /// that was there when it began exactly once. No read transaction is held from page to page.
    /// </summary>
    ValueTask<EventPage> QueryAsync(EventQuery query, CancellationToken cancellation);

    /// <summary>Counts the events that a filter takes.</summary>
    ValueTask<EventStats> CountAsync(StatsQuery query, CancellationToken cancellation);

    /// <summary>
    /// A sequence, cheap to find, such that at least <paramref name="count"/> events committed with a priority come after it, or all of them: where
    /// a reader begins who wants the newest <paramref name="count"/>.
    /// </summary>
    ValueTask<long> FindStartAsync(long count, CancellationToken cancellation);

    /// <summary>One row of state; null when there is none.</summary>
    ValueTask<StateRow?> GetStateAsync(string name, string key, CancellationToken cancellation);

    /// <summary>The names of which there are rows of state, in ordinal order.</summary>
    ValueTask<IReadOnlyList<string>> ListStateNamesAsync(CancellationToken cancellation);

    /// <summary>Rows of state of one name, by key in ordinal order, after <paramref name="afterKey"/> (null: from the first), at most <paramref name="limit"/>.</summary>
    ValueTask<IReadOnlyList<StateRow>> ListStateAsync(string name, string? afterKey, int limit, CancellationToken cancellation);

    /// <summary>
    /// Events without a person whose attribution is <see cref="AttributionRule.Unresolved"/> with this address, after a sequence, in order, as they
    /// read with their amendments: one that names a person takes its target out of here, a revision may move it to another address or time, or back in.
    /// </summary>
    ValueTask<IReadOnlyList<UnresolvedEvent>> ListUnresolvedAsync(string address, long after, int limit, CancellationToken cancellation);

    /// <summary>Unresolved addresses in ordinal order after <paramref name="afterAddress"/> (null: from the first), with their number of events.</summary>
    ValueTask<IReadOnlyList<UnresolvedAddress>> ListUnresolvedAddressesAsync(string? afterAddress, int limit, CancellationToken cancellation);

    /// <summary>The unresolved addresses with the most events, most first.</summary>
    ValueTask<IReadOnlyList<UnresolvedAddress>> TopUnresolvedAddressesAsync(int limit, CancellationToken cancellation);
}

/// <summary>
/// Who a journal is: the engine and its version, an id made with the journal, and the secret key of its dedupe hashes
/// (32 bytes, never shown).
/// </summary>
public sealed record JournalInfo(string Engine, string EngineVersion, Guid Id, byte[] DedupeKey);

/// <summary>Another process committed: the head is at least here, and it wrote rows of state of these names.</summary>
public sealed record JournalChange(long Head, IReadOnlyList<string> StateNames);

/// <summary>An event nobody was found for, yet.</summary>
public sealed record UnresolvedEvent(long Sequence, string Source, EventTime Time);

/// <summary>An address nobody was found for, and the number of its events.</summary>
public sealed record UnresolvedAddress(string Address, long Count);

/// <summary>The store cannot write (or read) now; nothing of what was asked was written, and it may work later.</summary>
public sealed class JournalUnavailableException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>The store cannot be opened as it stands; the message says in one sentence what to do. Nothing was changed.</summary>
public sealed class JournalOpenException(string message, Exception? inner = null) : Exception(message, inner);
