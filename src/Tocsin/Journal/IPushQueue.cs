using System.Diagnostics.CodeAnalysis;

namespace Tocsin.Journal;

/// <summary>
/// What the push door offers its requests to: the journal's own queue, or a broker in front of it. Thread-safe. A request that was offered is either told to
/// be kept for good, or told not to be known to be kept; nothing is dropped in silence.
/// </summary>
public interface IPushQueue : IAsyncDisposable
{
    /// <summary>How it is: answered from memory.</summary>
    PushQueueState State { get; }

    /// <summary>
    /// True when a request may be committed more than once: its events then need ids by which the journal knows them again, all of them.
    /// </summary>
    bool Repeats { get; }

    /// <summary>
    /// Offers a request; false when as much waits as may, and nothing of it was taken. <paramref name="done"/> gives what its commit came to; null when the
    /// request is kept for good and its commit is still to come. It throws <see cref="QueueUnavailableException"/> or
    /// <see cref="JournalUnavailableException"/> when the request is not known to be kept: whoever sends it again is safe under ids of its own.
    /// <paramref name="respondAsync"/>: the sender does not want to wait for the commit where being kept is enough.
    /// </summary>
    bool TryOffer(Pushed pushed, bool respondAsync, [NotNullWhen(true)] out Task<AppendResult?>? done);

    /// <summary>Does what the queue has to do while the service runs, until cancelled.</summary>
    Task RunAsync(CancellationToken cancellation);
}

/// <summary>How a queue in front of the journal is.</summary>
/// <param name="Engine">Its name.</param>
/// <param name="Depth">What waits in it.</param>
/// <param name="Capacity">What may wait in it.</param>
public sealed record PushQueueState(string Engine, int Depth, int Capacity)
{
    /// <summary>Why it cannot be relied on now; null when it can.</summary>
    public string? Error { get; init; }

    /// <summary>Requests that were set aside because they cannot be stored; null where the engine has no such place.</summary>
    public int? DeadLetters { get; init; }
}

/// <summary>The queue cannot take requests now, and may later. What was offered is not known to be kept.</summary>
public sealed class QueueUnavailableException(string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>True when it is well and holds as much as it may.</summary>
    public bool IsFull { get; init; }
}

/// <summary>The queue cannot be used as it stands; the message says in one sentence what to do. Nothing was changed.</summary>
public sealed class QueueOpenException(string message, Exception? inner = null) : Exception(message, inner);
