using System.Globalization;
using Tocsin.Access;
using Tocsin.Journal;
using Tocsin.Projections;
using Tocsin.Server.Api.Description;

namespace Tocsin.Server.Api;

/// <summary><c>GET /events/stream</c>: what is committed, as it is, as server-sent events.</summary>
internal sealed class StreamApi(LiveTail tail, Callers callers, StreamMetrics metrics, TimeProvider time, CancellationToken stop)
{
    private const string LastEventId = "last_event_id";

    /// <summary>Seconds after which a client that found no place may come again.</summary>
    private const string RetryAfterSeconds = "10";

    private readonly CallerStreams _open = new();

    public void Map(IEndpointRouteBuilder routes) =>
        routes.MapGet("/events/stream", (Delegate)StreamAsync)
            .Needs(Scope.Read, [.. EventFilterReader.Parameters, new(LastEventId, "As the header Last-Event-ID, for clients that cannot send it: goes on after this sequence", QueryValue.Matching("^[0-9]+$"))])
            .Named("streamEvents", "Events", "Events as they are committed (server-sent events); a change of an earlier one is named amended. Last-Event-ID resumes without a gap")
            .GivesStream();

    private async Task StreamAsync(HttpContext context)
    {
        var query = new QueryReader(context.Request.Query, time.GetUtcNow());
        var filter = EventFilterReader.Read(query, context.Request.QueryString);
        var after = After(context.Request, query);
        if (query.Problem is { } problem)
        {
            await problem.ExecuteAsync(context);
            return;
        }
        var caller = context.Caller()!.Name;
        if (!_open.TryOpen(caller))
        {
            await RefuseAsync(context, StatusCodes.Status429TooManyRequests, $"{CallerStreams.MaxOfOne:N0} streams of {caller} are open, and one token may not have more: close those that nobody reads.");
            return;
        }
        try
        {
            await FollowAsync(context, filter, after);
        }
        finally
        {
            _open.Close(caller);
        }
    }

    private async Task FollowAsync(HttpContext context, EventFilter filter, long? after)
    {
        if (!tail.TrySubscribe(after, out var reader))
        {
            await RefuseAsync(context, StatusCodes.Status503ServiceUnavailable, $"{LiveTail.MaxReaders:N0} streams are open, and more are not served at once.");
            return;
        }
        using (reader)
        {
            WriteHeaders(context.Response);
            if (Pages.IsHead(context))
                return;
            var session = new StreamSession(context, filter, reader, time, MayStill);
            var end = await session.RunAsync(after > reader.Position, stop);
            if (end == StreamEnd.TooSlow)
                metrics.Dropped();
        }
    }

    private static Task RefuseAsync(HttpContext context, int status, string detail)
    {
        context.Response.Headers.RetryAfter = RetryAfterSeconds;
        return new Problem(status, "too_many_streams", detail).ExecuteAsync(context);
    }

    /// <summary>Where to begin. The header wins: a browser that reconnects sends it, and the parameter as it first was.</summary>
    private static long? After(HttpRequest request, QueryReader query)
    {
        var header = request.Headers["Last-Event-ID"].ToString();
        var asked = query.Text(LastEventId);
        var text = header.Length > 0 ? header : asked;
        if (text is null)
            return null;
        if (long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var after))
            return after;
        query.Fail(header.Length > 0 ? "Last-Event-ID" : LastEventId, "expected a sequence, as the id of an event in this stream");
        return null;
    }

    /// <summary>
    /// A token may be revoked, or expire, and a session end, while the stream goes on. Where reading is open to all, too: who was somebody does not go on as nobody.
    /// </summary>
    private bool MayStill(HttpContext context) => callers.Of(context.Request) is { } caller && caller.May(Scope.Read) && caller == context.Caller();

    private static void WriteHeaders(HttpResponse response)
    {
        response.ContentType = "text/event-stream";
        response.Headers.CacheControl = "no-store";
        // Proxies that gather an answer before they pass it on (nginx) leave this one alone.
        response.Headers["X-Accel-Buffering"] = "no";
    }
}
