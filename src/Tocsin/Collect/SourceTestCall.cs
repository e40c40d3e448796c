namespace Tocsin.Collect;

/// <summary>One request of a trial run: what was asked, what came, and what Tocsin makes of it.</summary>
public sealed record SourceTestCall
{
    /// <summary>The request's name in the file, without secrets.</summary>
    public required string Request { get; init; }

    /// <summary>The calls it took, with redirects and the fetching of a token, without secrets.</summary>
    public IReadOnlyList<Exchange> Exchanges { get; init; } = [];

    /// <summary>Null when it went well.</summary>
    public string? Error { get; init; }

    public required TimeSpan Took { get; init; }

    /// <summary>Size of the answer, inflated.</summary>
    public int Bytes { get; init; }

    /// <summary>Records, or identities.</summary>
    public int Records { get; init; }

    /// <summary>The first events as they would be kept.</summary>
    public IReadOnlyList<SecurityEvent> Events { get; init; } = [];

    /// <summary>Events whose person was found, by the rule that found it, and those nobody was found for.</summary>
    public IReadOnlyDictionary<string, int> People { get; init; } = new Dictionary<string, int>(StringComparer.Ordinal);

    public int UnknownPriorities { get; init; }

    /// <summary>Fields of the records that the map does not read (they are kept in <c>data</c>).</summary>
    public IReadOnlyList<string> Unmapped { get; init; } = [];

    /// <summary>Why records would be kept aside.</summary>
    public IReadOnlyList<SourceTestReject> Rejects { get; init; } = [];

    /// <summary>The bookmark once this answer is kept; null where the source has none, or nothing moved it.</summary>
    public string? NextCursor { get; init; }

    /// <summary>What is asked next: the page that follows, else the next poll; null where each poll asks the same. Secrets are hidden.</summary>
    public string? NextRequest { get; init; }

    /// <summary>True when another page follows, which a trial run does not ask for.</summary>
    public bool HasMore { get; init; }

    /// <summary>True when nothing failed and nothing would be kept aside.</summary>
    public bool IsOk => Error is null && Rejects.Count == 0;
}

/// <summary>A reason for which records would be kept aside, how many, and the first of them (cut).</summary>
public sealed record SourceTestReject(string Reason, int Count, string Example);
