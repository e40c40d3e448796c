using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace Tocsin.Server.Api;

/// <summary>
/// Requests of the push door that were refused as a whole, by the code of the problem, since the start: for <c>/metrics</c>, and for <c>/health</c>, which
/// whoever may read may ask. Codes are words of this program, so there are few.
/// </summary>
internal sealed class RefusedPushes(Meter meter)
{
    private readonly ConcurrentDictionary<string, long> _counts = new(StringComparer.Ordinal);

    private readonly Counter<long> _counter = meter.CreateCounter<long>("tocsin_http_refused_pushes_total", null, "Requests of the push door that were refused as a whole, by the code of the problem.");

    /// <summary>The most frequent first.</summary>
    public IReadOnlyList<RefusedPush> Counts =>
        [.. _counts.Select(pair => new RefusedPush(pair.Key, pair.Value)).OrderByDescending(row => row.Count).ThenBy(row => row.Code, StringComparer.Ordinal)];

    public void Add(string code)
    {
        _counts.AddOrUpdate(code, 1, static (_, count) => count + 1);
        _counter.Add(1, new KeyValuePair<string, object?>("code", code));
    }
}

/// <summary>How many pushes were refused with a code.</summary>
internal sealed record RefusedPush(string Code, long Count);
