using Tocsin.Journal;

namespace Tocsin.Engines.RabbitMq;

/// <summary>One message that came from the broker to be committed.</summary>
internal sealed class Delivery
{
    public required ulong Tag { get; init; }

    /// <summary>It was given out before: it may have been committed then.</summary>
    public required bool IsAgain { get; init; }

    /// <summary>The message's id; made by the node that published it, whose name stands before the slash.</summary>
    public required string Id { get; init; }

    /// <summary>The journal that it is for; null when nobody said.</summary>
    public string? Journal { get; init; }

    /// <summary>Where the node that published it hears of its commit; null when it does not.</summary>
    public string? ReplyTo { get; init; }

    /// <summary>The request.</summary>
    public Pushed Pushed { get; init; }

    /// <summary>The size of the message.</summary>
    public required int Bytes { get; init; }

    /// <summary>Its sender waits for no commit.</summary>
    public bool RespondAsync { get; init; }

    /// <summary>Its bytes, when they are no request, or none for this journal.</summary>
    public byte[]? Unreadable { get; init; }

    /// <summary>Why it cannot be stored, now and ever; null as long as it may.</summary>
    public string? Defect { get; set; }

    public int Weight => Unreadable is null ? Pushed.Events.Count : 1;
}
