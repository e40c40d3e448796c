namespace Tocsin.Journal;

/// <summary>
/// One transaction: entries, state, and what the caller read before it decided. Either all of it is committed or nothing.
/// If a version in <see cref="Expect"/> has moved, nothing is written and the caller starts over: that fences off a node that
/// slept past its lease, and lets a page and its cursor commit together.
/// </summary>
public sealed record Append
{
    /// <summary>Most entries in one append.</summary>
    public const int MaxEntries = 10_000;

    /// <summary>Events and amendments, in the order of the sequences they will get.</summary>
    public IReadOnlyList<Entry> Entries { get; init; } = [];

    /// <summary>State to write or delete.</summary>
    public IReadOnlyList<StateWrite> State { get; init; } = [];

    /// <summary>Versions that must still hold when the transaction begins.</summary>
    public IReadOnlyList<StateExpectation> Expect { get; init; } = [];

    /// <summary>
    /// True: when one of the keyed events without an external id is there already with other content, nothing of this append is written (a request under
    /// an Idempotency-Key that was used for another). Its result is then <see cref="AppendStatus.OtherContent"/>. An event with an external id has a
    /// name of its own: it is judged alone, as ever.
    /// </summary>
    public bool RefuseOtherContent { get; init; }
}

/// <summary>Writes one row of state, or deletes it when <paramref name="Value"/> is null.</summary>
public sealed record StateWrite(string Name, string Key, byte[]? Value);

/// <summary>The version of a row as the caller read it; 0 when there was no row.</summary>
public sealed record StateExpectation(string Name, string Key, long Version);

/// <summary>
/// A named keyed row of state. <paramref name="Version"/> grows with every commit that writes the row and never repeats for
/// it, not even when the row is deleted and made again.
/// </summary>
public sealed record StateRow(string Name, string Key, long Version, byte[] Value);

/// <summary>What became of an append.</summary>
public enum AppendStatus
{
    /// <summary>It is on disk.</summary>
    Committed,

    /// <summary>An expected version had moved: nothing was written.</summary>
    Conflict,

    /// <summary>An amendment targets a sequence that holds no event: nothing was written.</summary>
    UnknownTarget,

    /// <summary>An event is there already with other content, and <see cref="Append.RefuseOtherContent"/> was asked for: nothing was written.</summary>
    OtherContent,
}

/// <summary>What became of one entry of a committed append.</summary>
public enum EntryStatus
{
    /// <summary>New: it got the sequence.</summary>
    Created,

    /// <summary>An event with this id is already there: it has the sequence.</summary>
    Duplicate,

    /// <summary>
    /// An event with this id is already there, with other content: it has the sequence, and stays as it is. Compared is the fingerprint it was first
    /// committed with, also where a <see cref="Revision"/> has taken its place since; <see cref="IJournalStore.FindAsync(EventId, CancellationToken)"/> tells
    /// the newest, and so whether this content is known.
    /// </summary>
    Changed,

    /// <summary>An amendment whose <see cref="Amendment.Only"/> holds no more: nothing of it was written, and it has the sequence of its target.</summary>
    Moot,
}

/// <summary>The outcome of one entry; <paramref name="Sequence"/> is the stored entry's, also for repeats.</summary>
public readonly record struct EntryResult(EntryStatus Status, long Sequence);

/// <summary>
/// The outcome of an append. When <see cref="Status"/> is <see cref="AppendStatus.Committed"/> everything in it is durable
/// (written through to disk), and <see cref="Entries"/> answers the entries one to one.
/// </summary>
public sealed record AppendResult(AppendStatus Status, IReadOnlyList<EntryResult> Entries)
{
    /// <summary>The version that the state rows written by this append now have.</summary>
    public long StateVersion { get; init; }
}
