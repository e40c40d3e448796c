using Tocsin.Journal;
using Tocsin.Server.Api.Description;

namespace Tocsin.Server.Api;

/// <summary>
/// What a request to <c>/events</c> or <c>/alerts</c> asks: a query that goes on where its cursor says, and sees the journal as it was at the first
/// page. <paramref name="Limit"/>: most events of the answer, null for all.
/// </summary>
internal sealed record EventWalk(EventQuery Query, int? Limit, DateTimeOffset AsOf, string FilterText)
{
    private const int DefaultLimit = 100;

    public static QueryParameter[] Parameters { get; } =
    [
        .. EventFilterReader.Parameters,
        new("order", "desc (default): the newest first; asc: the oldest first", QueryValue.OneOf("desc", "asc")),
        new("order_by", "time (default), then sequence; sequence: in the order of the journal", QueryValue.OneOf("time", "sequence")),
        new("limit", $"Events on a page, 1 to {EventQuery.MaxLimit}, {DefaultLimit} when left out; of an export any number, all when left out", QueryValue.Whole(1, int.MaxValue)),
        new("cursor", "Where the last page ended, from its Link header", QueryValue.Text),
    ];

    /// <summary>Null and a problem when the query cannot be used.</summary>
    public static EventWalk? Read(HttpRequest request, bool alerts, EventFormat format, DateTimeOffset now, long head, out Problem? problem)
    {
        var first = new QueryReader(request.Query, now);
        var text = $"{(alerts ? "alerts" : "events")}?{PageCursor.FilterText(request.QueryString)}";
        EventCursor? cursor = null;
        if (first.Text("cursor") is { } given && (cursor = EventCursor.Read(given, text, head, out var reason)) is null)
            first.Fail("cursor", reason!);
        if ((problem = first.Problem) is not null)
            return null;

        var reader = new QueryReader(request.Query, cursor?.AsOf ?? now);
        var filter = EventFilterReader.Read(reader, request.QueryString);
        if (alerts)
            filter = OfAlerts(reader, filter);
        var limit = format == EventFormat.Json ? reader.Number("limit", 1, EventQuery.MaxLimit) ?? DefaultLimit : reader.Number("limit", 1, int.MaxValue);
        var query = new EventQuery
        {
            Filter = filter,
            Ascending = reader.Choice("order", "desc", "asc") == 1,
            BySequence = reader.Choice("order_by", "time", "sequence") == 1,
            Limit = Math.Min(limit ?? EventQuery.MaxLimit, EventQuery.MaxLimit),
            After = cursor?.After,
            Ceiling = cursor?.Ceiling ?? head,
        };
        problem = reader.Problem;
        return problem is null ? new EventWalk(query, limit, reader.Now, text) : null;
    }

    /// <summary>The Link to what comes behind this page; null at the end.</summary>
    public string? Link(HttpRequest request, EventPage page) =>
        page.Next is { } next ? PageCursor.Link(request, new EventCursor(next, Query.Ceiling!.Value, AsOf).Write(FilterText)) : null;

    private static EventFilter OfAlerts(QueryReader reader, EventFilter filter)
    {
        if (filter.Kinds.Any(kind => kind != EventKind.Alert))
            reader.Fail("kind", "these are alerts; the other kinds are at /events");
        return filter with { Kinds = [EventKind.Alert] };
    }
}
