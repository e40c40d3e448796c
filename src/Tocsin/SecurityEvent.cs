namespace Tocsin;

/// <summary>
/// Something that happened, as Tocsin understands it, with the record it was made from. Once in the journal it is never
/// rewritten: what is learned later is an <see cref="Amendment"/>.
/// </summary>
public sealed record SecurityEvent : Entry
{
    /// <summary>Tocsin's own id. A version 8 id makes the journal refuse a second event with it as a duplicate.</summary>
    public required EventId Id { get; init; }

    /// <summary>The sender's or the upstream's id, to 512 characters; null when it has none.</summary>
    public string? ExternalId { get; init; }

    public required EventKind Kind { get; init; }

    /// <summary>What happened: open-ended, <c>a.b</c> by convention, 1 to 200 characters.</summary>
    public required string Type { get; init; }

    /// <summary>The configured feed or the sender.</summary>
    public required string Source { get; init; }

    /// <summary>What reported the record inside a feed (ECS <c>observer</c>); null when unknown.</summary>
    public string? Device { get; init; }

    public Priority Priority { get; init; }

    /// <summary>When it happened, with the precision that came in.</summary>
    public required EventTime Time { get; init; }

    /// <summary>When Tocsin got it.</summary>
    public required DateTimeOffset ReceivedAt { get; init; }

    /// <summary>The person or account it concerns; null when nobody was found.</summary>
    public string? UserId { get; init; }

    public string? Description { get; init; }

    public string? SrcIp { get; init; }

    public string? DstIp { get; init; }

    /// <summary>ISO 3166-1 alpha-2 country of the remote party.</summary>
    public string? Country { get; init; }

    /// <summary>By which rule <see cref="UserId"/> was found.</summary>
    public Attribution Attribution { get; init; } = Attribution.Nobody;

    /// <summary>
    /// A keyed hash of the content, to tell a repeat from another content under the same id; 0 where the id itself is made
    /// from the content.
    /// </summary>
    public long Fingerprint { get; init; }

    /// <summary>The record as it came.</summary>
    public RawRecord Data { get; init; }

    /// <inheritdoc/>
    public override long Bytes => Data.Utf8.Length + (Description?.Length ?? 0);
}
