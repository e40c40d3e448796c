namespace Tocsin.Collect;

/// <summary>What a source's map finds in a record. The person is not looked up yet.</summary>
public sealed record MappedRecord
{
    /// <summary>1 to 512 characters; null when the source maps none.</summary>
    public string? ExternalId { get; init; }

    /// <summary>1 to 200 characters: the map's, else the request's, else the source's name.</summary>
    public required string Type { get; init; }

    public string? Device { get; init; }

    public Priority Priority { get; init; }

    /// <summary>True when the record names a priority that is none of the four: to be counted, not to be lost.</summary>
    public bool UnknownPriority { get; init; }

    public required EventTime Time { get; init; }

    /// <summary>The text found for <c>user_id</c>, an id or an address; null when no path was present.</summary>
    public string? Who { get; init; }

    /// <summary>True when <see cref="Who"/> was a JSON number: an id, never an address.</summary>
    public bool WhoIsId { get; init; }

    public string? Description { get; init; }

    public string? SrcIp { get; init; }

    public string? DstIp { get; init; }
}

/// <summary>Either what was found, or why the record has to be kept aside.</summary>
public readonly record struct MapResult
{
    private MapResult(MappedRecord? mapped, string? rejectReason)
    {
        Mapped = mapped;
        RejectReason = rejectReason;
    }

    /// <summary>Null when the record cannot be mapped.</summary>
    public MappedRecord? Mapped { get; }

    /// <summary>Names the field and what stood there, the latter cut to 200 characters; null when the record is mapped.</summary>
    public string? RejectReason { get; }

    public static MapResult FromMapped(MappedRecord mapped) => new(mapped, null);

    public static MapResult Reject(string reason) => new(null, reason);
}
