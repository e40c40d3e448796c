namespace Tocsin;

/// <summary>
/// What a newer version of an upstream's record says, in place of what the event said. All of it holds, also what is null: a field that the newer version
/// no longer has is gone. What says which event it is (id, external id, kind, source, time of receipt) is no part of it and stays.
/// </summary>
public sealed record Revision
{
    /// <summary>What happened: open-ended, <c>a.b</c> by convention, 1 to 200 characters.</summary>
    public required string Type { get; init; }

    /// <summary>What reported the record inside a feed; null when unknown.</summary>
    public string? Device { get; init; }

    public Priority Priority { get; init; }

    /// <summary>When it happened, with the precision that came in.</summary>
    public required EventTime Time { get; init; }

    /// <summary>The person or account it concerns; null when nobody was found.</summary>
    public string? UserId { get; init; }

    public string? Description { get; init; }

    public string? SrcIp { get; init; }

    public string? DstIp { get; init; }

    /// <summary>ISO 3166-1 alpha-2 country of the remote party.</summary>
    public string? Country { get; init; }

    /// <summary>By which rule <see cref="UserId"/> was found.</summary>
    public required Attribution Attribution { get; init; }

    /// <summary>The newer record as it came, within the limits of an event's (1 MiB), which the doors keep.</summary>
    public required RawRecord Data { get; init; }

    /// <summary>A keyed hash of the newer content, made as <see cref="SecurityEvent.Fingerprint"/> is.</summary>
    public long Fingerprint { get; init; }

    /// <summary>The event as it reads with this version.</summary>
    public SecurityEvent Apply(SecurityEvent target) => target with
    {
        Type = Type,
        Device = Device,
        Priority = Priority,
        Time = Time,
        UserId = UserId,
        Description = Description,
        SrcIp = SrcIp,
        DstIp = DstIp,
        Country = Country,
        Attribution = Attribution,
        Data = Data,
        Fingerprint = Fingerprint,
    };
}
