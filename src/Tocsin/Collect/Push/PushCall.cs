using Tocsin.Journal;

namespace Tocsin.Collect.Push;

/// <summary>Who pushes, and how.</summary>
/// <param name="Sender">The token's name: the source of events that name none, and the space of its Idempotency-Keys.</param>
/// <param name="IsLines">The body is one event a line, not one JSON text.</param>
/// <param name="IdempotencyKey">1 to <see cref="PushLimits.MaxIdempotencyKeyCharacters"/> characters; null when none was given.</param>
/// <param name="ReceivedAt">When the request was received.</param>
public readonly record struct PushCall(string Sender, bool IsLines, string? IdempotencyKey, DateTimeOffset ReceivedAt);

/// <summary>What was read from a body: events to append, in their order, and what is not taken.</summary>
public sealed class PushBatch
{
    /// <summary>False: the body was one bare object.</summary>
    public bool IsBatch { get; internal set; }

    /// <summary>Set when nothing of the request is taken.</summary>
    public PushRefusal? Refusal { get; internal set; }

    /// <summary>The events that are good, in their order.</summary>
    public List<Entry> Events { get; } = new(1);

    /// <summary>The place in the request of each of <see cref="Events"/>.</summary>
    public List<int> Indexes { get; } = new(1);

    /// <summary>The events that are not, in their order.</summary>
    public List<PushReject> Rejects { get; } = [];

    /// <summary>Events of the request, good and bad.</summary>
    public int Count => Events.Count + Rejects.Count;

    /// <summary>What makes all of it one request under an Idempotency-Key; null without one.</summary>
    public PushKey? Key { get; internal set; }
}
