namespace Tocsin.Collect;

/// <summary>Why a call to an upstream did not give an answer that can be used.</summary>
public enum FetchFailureKind
{
    /// <summary>No connection, or it broke.</summary>
    Unreachable,

    /// <summary>No whole answer within the source's time-out.</summary>
    TimedOut,

    /// <summary>The upstream said 5xx or 408.</summary>
    ServerError,

    /// <summary>The upstream said 429.</summary>
    RateLimited,

    /// <summary>The upstream said 401 or 403.</summary>
    Unauthorised,

    /// <summary>The upstream said 404. Some say so for a page behind the last.</summary>
    NotFound,

    /// <summary>Another status than 200.</summary>
    UnexpectedStatus,

    /// <summary>The upstream sent us elsewhere: another origin, or round in circles.</summary>
    Redirected,

    /// <summary>The address is not public and the source does not allow it.</summary>
    AddressRefused,

    /// <summary>The answer is larger than the source's <c>max_body</c>.</summary>
    TooLarge,

    /// <summary>The answer is no JSON, is cut, or has no records where the source says they are.</summary>
    Malformed,

    /// <summary>The answer came, and the store could not take it.</summary>
    StoreUnavailable,

    /// <summary>More records cannot be mapped than are kept aside.</summary>
    TooManyRejects,

    /// <summary>A mistake in Tocsin itself; the log says more.</summary>
    Internal,
}

/// <summary>A failed call: its kind, a sentence without secrets, and when the upstream wants to be asked again.</summary>
public sealed record FetchFailure(FetchFailureKind Kind, string Message, TimeSpan? RetryAfter = null)
{
    /// <summary>The status that the upstream answered; null when that was not what failed.</summary>
    internal int? Status { get; init; }

    /// <summary>True when asking again soon may help. What needs a person, or would only hurt, waits for the next poll.</summary>
    public bool IsTransient => Kind is FetchFailureKind.Unreachable or FetchFailureKind.TimedOut or FetchFailureKind.ServerError
        or FetchFailureKind.RateLimited or FetchFailureKind.Malformed or FetchFailureKind.StoreUnavailable;
}

/// <summary>What a call gave: the inflated body, or why there is none.</summary>
internal readonly record struct FetchResult(byte[]? Body, FetchFailure? Failure)
{
    /// <summary>The URL that gave the answer, after redirects; null when none did.</summary>
    public Uri? Url { get; init; }

    /// <summary>The answer's Link headers, joined by commas, whole and at most 16 KiB; null when it has none.</summary>
    public string? Link { get; init; }

    public static implicit operator FetchResult(FetchFailure failure) => new(null, failure);
}
