namespace Tocsin.Journal;

/// <summary>A pushed request as its commit needs it: what the door has read of it, decided once.</summary>
/// <param name="Sender">The token's name.</param>
/// <param name="Events">The good events in their order, with their ids and when they were received.</param>
/// <param name="Key">What makes all of it one request under an Idempotency-Key; null without one.</param>
public readonly record struct Pushed(string Sender, IReadOnlyList<Entry> Events, PushKey? Key);

/// <summary>
/// An Idempotency-Key as it is kept: <paramref name="First"/> is the id that its first event without an external_id has, and <paramref name="Content"/>
/// stands for all of the request. <paramref name="IsHeld"/>: such an event is in it, and holds the key. Where each event has an external_id a row of
/// state must hold it.
/// </summary>
public sealed record PushKey(EventId First, long Content, bool IsHeld);
