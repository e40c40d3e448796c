using System.Globalization;

namespace Tocsin.Collect;

/// <summary>Turns what can go wrong with a call into a <see cref="FetchFailure"/> whose sentence holds no secret.</summary>
internal static class CallFailure
{
    private static readonly TimeSpan MaxRetryAfter = TimeSpan.FromMinutes(15);

    /// <summary>The failure that an exception of the HTTP client means; null for a cancellation and for mistakes of ours.</summary>
    public static FetchFailure? Of(Exception error) => error switch
    {
        HttpRequestException { InnerException: AddressRefusedException refused } => new(FetchFailureKind.AddressRefused, refused.Message),
        HttpRequestException or IOException => new(FetchFailureKind.Unreachable, error.InnerException?.Message ?? error.Message),
        // Brotli's stream says InvalidOperation where gzip's says InvalidData.
        InvalidDataException or InvalidOperationException and not ObjectDisposedException =>
            new(FetchFailureKind.Malformed, $"the compressed answer cannot be inflated: {error.Message}"),
        _ => null,
    };

    public static FetchFailure TimedOut(TimeSpan timeout) =>
        new(FetchFailureKind.TimedOut, $"no whole answer within {timeout.TotalSeconds.ToString(CultureInfo.InvariantCulture)} s");

    /// <summary>The failure that an answer's status means, whatever the status.</summary>
    public static FetchFailure Of(HttpResponseMessage response, TimeProvider time)
    {
        var status = (int)response.StatusCode;
        var kind = status switch
        {
            429 => FetchFailureKind.RateLimited,
            401 or 403 => FetchFailureKind.Unauthorised,
            404 => FetchFailureKind.NotFound,
            408 or >= 500 => FetchFailureKind.ServerError,
            _ => FetchFailureKind.UnexpectedStatus,
        };
        var hint = kind == FetchFailureKind.Unauthorised ? ": check the source's auth" : "";
        return new FetchFailure(kind, $"the upstream answered {status} {response.StatusCode}{hint}", RetryAfter(response, time)) { Status = status };
    }

    /// <summary>Seconds or an HTTP date (RFC 9110, 10.2.3), at most <see cref="MaxRetryAfter"/>: an upstream must not be able to switch us off.</summary>
    private static TimeSpan? RetryAfter(HttpResponseMessage response, TimeProvider time)
    {
        if (!response.Headers.TryGetValues("Retry-After", out var values) || values.FirstOrDefault()?.Trim() is not { Length: > 0 } text)
            return null;
        if (text.All(char.IsAsciiDigit))
            return text.Length <= 6 ? Cap(TimeSpan.FromSeconds(int.Parse(text, CultureInfo.InvariantCulture))) : MaxRetryAfter;
        return response.Headers.RetryAfter?.Date is { } date ? Cap(date - time.GetUtcNow()) : null;
    }

    private static TimeSpan Cap(TimeSpan wait) => wait < TimeSpan.Zero ? TimeSpan.Zero : wait > MaxRetryAfter ? MaxRetryAfter : wait;
}
