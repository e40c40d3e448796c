namespace Tocsin.Collect;

/// <summary>A header as it may be shown.</summary>
/// <param name="Name">As sent.</param>
/// <param name="Value">Secrets replaced by ***, at most 1024 characters.</param>
public sealed record ExchangeHeader(string Name, string Value);

/// <summary>One request to an upstream and its answer, as they may be shown: no secret of the source stands in it, and no body.</summary>
public sealed record Exchange
{
    /// <summary>Method and URL.</summary>
    public required string Request { get; init; }

    public required IReadOnlyList<ExchangeHeader> RequestHeaders { get; init; }

    /// <summary>Null when no answer came.</summary>
    public int? Status { get; init; }

    public IReadOnlyList<ExchangeHeader> ResponseHeaders { get; init; } = [];

    /// <summary>Headers of either side beyond those that are kept.</summary>
    public int HeadersLeftOut { get; init; }

    /// <summary>Size of the body, inflated; null when it was not read to its end.</summary>
    public long? Bytes { get; init; }

    /// <summary>From the request to the end of the body.</summary>
    public required TimeSpan Took { get; init; }
}
