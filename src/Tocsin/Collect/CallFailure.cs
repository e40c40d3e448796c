using System.Globalization;
using System.Net.Sockets;

namespace Tocsin.Collect;

/// <summary>Turns what can go wrong with a call into a <see cref="FetchFailure"/> whose sentence holds no secret.</summary>
internal static class CallFailure
{
    private static readonly TimeSpan MaxRetryAfter = TimeSpan.FromMinutes(15);

    /// <summary>The last second of the year 9999.</summary>
    private const long MaxUnixSeconds = 253_402_300_799;

    /// <summary>The failure that an exception of the HTTP client means; null for a cancellation and for mistakes of ours.</summary>
    public static FetchFailure? Of(Exception error) => error switch
    {
        HttpRequestException { InnerException: AddressRefusedException refused } => new(FetchFailureKind.AddressRefused, refused.Message),
        // The HTTP client lets a SocketException through as it is when a connection is reset as soon as it is made.
        HttpRequestException or IOException or SocketException => new(FetchFailureKind.Unreachable, error.InnerException?.Message ?? error.Message),
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
        var wait = RetryAfter(response, time);
        // Some say with a 403 that it was too much, and a wait: who may not ask at all is told no time.
        var kind = status switch
        {
            429 => FetchFailureKind.RateLimited,
            403 when wait is not null || IsSpent(response) => FetchFailureKind.RateLimited,
            401 or 403 => FetchFailureKind.Unauthorised,
            404 => FetchFailureKind.NotFound,
            408 or >= 500 => FetchFailureKind.ServerError,
            _ => FetchFailureKind.UnexpectedStatus,
        };
        var hint = kind == FetchFailureKind.Unauthorised ? ": check the source's auth" : "";
        // The registered words (RFC 9110), not those of the answer: anything may stand there.
        using var plain = new HttpResponseMessage(response.StatusCode);
        return new FetchFailure(kind, $"the upstream answered {$"{status} {plain.ReasonPhrase}".TrimEnd()}{hint}", kind == FetchFailureKind.RateLimited ? wait ?? Reset(response, time) : wait) { Status = status };
    }

    /// <summary>Seconds or an HTTP date (RFC 9110, 10.2.3), at most <see cref="MaxRetryAfter"/>: an upstream must not be able to switch us off.</summary>
    private static TimeSpan? RetryAfter(HttpResponseMessage response, TimeProvider time)
    {
        if (Header(response, "Retry-After") is not { Length: > 0 } text)
            return null;
        if (text.All(char.IsAsciiDigit))
            return text.Length <= 6 ? Cap(TimeSpan.FromSeconds(int.Parse(text, CultureInfo.InvariantCulture))) : MaxRetryAfter;
        return response.Headers.RetryAfter?.Date is { } date ? Cap(date - time.GetUtcNow()) : null;
    }

    private static bool IsSpent(HttpResponseMessage response) => Header(response, "X-RateLimit-Remaining") == "0";

    /// <summary>How long till the instant in Unix seconds at which a spent limit begins anew, capped as Retry-After is.</summary>
    private static TimeSpan? Reset(HttpResponseMessage response, TimeProvider time) =>
        IsSpent(response) && long.TryParse(Header(response, "X-RateLimit-Reset"), NumberStyles.None, CultureInfo.InvariantCulture, out var at)
            ? at > MaxUnixSeconds ? MaxRetryAfter : Cap(DateTimeOffset.FromUnixTimeSeconds(at) - time.GetUtcNow())
            : null;

    private static string? Header(HttpResponseMessage response, string name) => response.Headers.TryGetValues(name, out var values) ? values.FirstOrDefault()?.Trim() : null;

    private static TimeSpan Cap(TimeSpan wait) => wait < TimeSpan.Zero ? TimeSpan.Zero : wait > MaxRetryAfter ? MaxRetryAfter : wait;
}
