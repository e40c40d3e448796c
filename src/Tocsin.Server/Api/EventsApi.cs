using System.Buffers;
using System.Globalization;
using Microsoft.Net.Http.Headers;
using Tocsin.Access;
using Tocsin.Journal;
using Tocsin.Projections;
using Tocsin.Server.Api.Description;

namespace Tocsin.Server.Api;

/// <summary><c>GET /events</c>, <c>/events/{id}</c> and <c>/alerts</c>: pages of events as they stand in the journal, or all of them as an export.</summary>
internal sealed class EventsApi(EventJournal journal, EventExport export, TimeProvider time)
{
    /// <summary>How long is looked or counted for one answer; then it is what was found.</summary>
    public static readonly TimeSpan Deadline = TimeSpan.FromSeconds(4.5);

    /// <summary>About what an event takes beside its record.</summary>
    private const int EventBytes = 512;

    private readonly BodyMemory _pages = new(BodyMemory.DefaultMaxBytes);

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/events", (Delegate)((HttpContext context) => AnswerAsync(context, alerts: false))).Needs(Scope.Read, EventWalk.Parameters)
            .Named("listEvents", "Events", "All events, filtered; a page as JSON, everything that matches as NDJSON or CSV").GivesEvents();
        routes.MapGet("/alerts", (Delegate)((HttpContext context) => AnswerAsync(context, alerts: true))).Needs(Scope.Read, EventWalk.Parameters)
            .Named("listAlerts", "Events", "Events of kind alert, filtered; a page as JSON, everything that matches as NDJSON or CSV").GivesEvents();
        routes.MapGet("/events/{id}", GetAsync).Needs(Scope.Read).Named("getEvent", "Events", "One event by Tocsin's own id")
            .Gives<EventDescription>(200, "The event as it reads now").Refuses(404).Refuses(503);
    }

    private Task AnswerAsync(HttpContext context, bool alerts)
    {
        if (EventFormats.Choose(context.Request.Headers.Accept) is not { } format)
            return new Problem(StatusCodes.Status406NotAcceptable, "not_acceptable", "Events come as application/json, application/x-ndjson or text/csv; Accept names none of them.").ExecuteAsync(context);
        if (EventWalk.Read(context.Request, alerts, format, time.GetUtcNow(), journal.Head, out var problem) is not { } walk)
            return problem!.ExecuteAsync(context);
        return format == EventFormat.Json ? PageAsync(context, walk) : export.RunAsync(context, walk, format, alerts ? "alerts" : "events");
    }

    private async Task PageAsync(HttpContext context, EventWalk walk)
    {
        var page = await journal.Store.QueryAsync(walk.Query with { Deadline = Deadline }, context.RequestAborted);
        // A page stays in memory until its client has taken it: all of them together have a bound.
        var bytes = page.Events.Sum(static e => e.Event.Data.Utf8.Length + EventBytes);
        if (!_pages.TryTake(bytes))
        {
            context.Response.Headers.RetryAfter = "1";
            await new Problem(StatusCodes.Status503ServiceUnavailable, "busy", "Too many pages wait for clients that take them slowly; ask again in a second.").ExecuteAsync(context);
            return;
        }
        try
        {
            await WriteAsync(context, walk, page);
        }
        finally
        {
            _pages.GiveBack(bytes);
        }
    }

    private async Task WriteAsync(HttpContext context, EventWalk walk, EventPage page)
    {
        WriteHeaders(context.Response, walk);
        if (walk.Link(context.Request, page) is { } link)
            context.Response.Headers.Link = link;
        if (page.IsPartial)
            context.Response.Headers["Tocsin-Partial"] = "deadline";
        context.Response.ContentType = EventFormat.Json.MediaType();
        var output = context.Response.BodyWriter;
        output.Write("["u8);
        for (var i = 0; i < page.Events.Count; i++)
        {
            if (i > 0)
                output.Write(","u8);
            EventJson.Write(page.Events[i].Sequence, page.Events[i].Event, output);
            if (output.UnflushedBytes >= AnswerFlush.Bytes)
                await AnswerFlush.RunAsync(context, time);
        }
        output.Write("]"u8);
        await AnswerFlush.RunAsync(context, time);
    }

    private async Task GetAsync(string id, HttpContext context)
    {
        if (!EventId.TryParse(id, out var eventId))
        {
            await new Problem(StatusCodes.Status400BadRequest, "invalid_id", "The id of an event is a UUID with hyphens, like 0198c1d2-7a3b-7c4d-8e5f-0123456789ab. By another id: /events?external_id=.").ExecuteAsync(context);
            return;
        }
        if (await journal.Store.FindAsync(eventId, context.RequestAborted) is not { } found)
        {
            await Problem.NotFound("There is no event with this id.").ExecuteAsync(context);
            return;
        }
        context.Response.Headers.CacheControl = "no-cache";
        context.Response.ContentType = EventFormat.Json.MediaType();
        EventJson.Write(found.Sequence, found.Event, context.Response.BodyWriter);
        await context.Response.BodyWriter.FlushAsync(context.RequestAborted);
    }

    /// <summary>What every answer made of events says: how far it has read, and that it must be asked for again.</summary>
    public static void WriteHeaders(HttpResponse response, EventWalk walk)
    {
        response.Headers["Tocsin-Sequence"] = walk.Query.Ceiling!.Value.ToString(CultureInfo.InvariantCulture);
        response.Headers.CacheControl = "no-cache";
        response.Headers.Vary = HeaderNames.Accept;
    }
}
