using System.Diagnostics.Metrics;
using System.Globalization;

namespace Tocsin.Server.Api;

/// <summary>
/// Counts and measures every request, before everything else. By the template of its route, never its path: what no route matches is <c>other</c>.
/// An answer that is complete at once costs no allocation.
/// </summary>
internal sealed class HttpMetrics(RequestDelegate next, Meter meter, RefusedPushes refused, TimeProvider time)
{
    private const string Other = "other";
    private static readonly string[] PushRoutes = ["/event", "/events"];
    private static readonly string[] Statuses = [.. Enumerable.Range(0, 600).Select(status => status.ToString(CultureInfo.InvariantCulture))];

    private readonly Counter<long> _requests = meter.CreateCounter<long>("tocsin_http_requests_total", null, "Requests answered.");

    private readonly Histogram<double> _duration = meter.CreateHistogram(
        "tocsin_http_request_duration_seconds", null, "From the first byte read to the last one written.", null,
        new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] });

    public Task InvokeAsync(HttpContext context)
    {
        var began = time.GetTimestamp();
        var method = NameOf(context.Request.Method);
        var served = next(context);
        if (!served.IsCompletedSuccessfully)
            return WaitAsync(served, context, method, began);
        Record(context, method, began);
        return Task.CompletedTask;
    }

    private async Task WaitAsync(Task served, HttpContext context, string method, long began)
    {
        try
        {
            await served;
        }
        finally
        {
            Record(context, method, began);
        }
    }

    private void Record(HttpContext context, string method, long began)
    {
        var route = RouteOf(context);
        var status = context.Response.StatusCode;
        _requests.Add(1, new("route", route), new("method", method), new("status", (uint)status < Statuses.Length ? Statuses[status] : Other));
        _duration.Record(time.GetElapsedTime(began).TotalSeconds, new KeyValuePair<string, object?>("route", route));
        if (method == "POST" && PushRoutes.Contains(route) && context.Items.TryGetValue(typeof(Problem), out var problem))
            refused.Add(((Problem)problem!).Code);
    }

    /// <summary>The board's fast path answers before a route is found.</summary>
    private static string RouteOf(HttpContext context) =>
        context.GetEndpoint() is { } endpoint ? (endpoint as RouteEndpoint)?.RoutePattern.RawText ?? Other
        : context.Request.Path.Value == BoardFastPath.Path ? BoardFastPath.Path
        : Other;

    /// <summary>Anybody can make up a method.</summary>
    private static string NameOf(string method) => method switch
    {
        "GET" => "GET",
        "POST" => "POST",
        "HEAD" => "HEAD",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => Other,
    };
}
