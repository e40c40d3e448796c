using Microsoft.Net.Http.Headers;
using Tocsin.Access;
using Tocsin.Projections;
using Tocsin.Server.Api.Description;

namespace Tocsin.Server.Api;

/// <summary><c>GET /incidents</c> and <c>/incidents/{user_id}</c>: the board as bytes, with what it does and does not hold said in headers.</summary>
internal sealed class BoardApi(IncidentBoard board, Freshness freshness, TimeProvider time)
{
    private const int MaxEmployeesPerPage = 10_000;
    private const int MaxPerPriority = 10_000;

    private static readonly QueryParameter[] Filters =
    [
        .. EventFilterReader.BoardParameters,
        new("per_priority", "Show the newest N of each list; counts stay true", QueryValue.Whole(0, MaxPerPriority)),
    ];

    private static readonly QueryParameter[] Paging =
    [
        new("limit", $"Employees on a page, 1 to {MaxEmployeesPerPage}; all when left out", QueryValue.Whole(1, MaxEmployeesPerPage)),
        new("cursor", "Where the last page ended, from its Link header", QueryValue.Text),
    ];

    private static readonly string[] Headers = ["ETag", "Tocsin-Sequence", "Tocsin-As-Of", "Tocsin-Incomplete", "Tocsin-Floor"];

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/incidents", (Delegate)GetAllAsync).Needs(Scope.Read, [.. Filters, .. Paging])
            .Named("getBoard", "Board", "The board: employee -> priority -> incidents by time; kind incident unless asked otherwise")
            .Gives(200, "The board", "application/json", document => Shapes.Ref(document, "Board"), ["Link", .. Headers]).Gives(304, "As If-None-Match has it", headers: ["Link", .. Headers]);
        routes.MapGet("/incidents/{user_id}", (Delegate)GetOneAsync).Needs(Scope.Read, Filters)
            .Named("getEmployee", "Board", "One employee's four lists")
            .Gives(200, "The four lists", "application/json", document => Shapes.Ref(document, "BoardEmployee"), Headers).Gives(304, "As If-None-Match has it", headers: Headers)
            .Refuses(404, "Nothing on the board concerns this person, or the filter leaves nothing");
    }

    private Task GetAllAsync(HttpContext context)
    {
        var reader = new QueryReader(context.Request.Query, time.GetUtcNow());
        var query = ReadFilters(reader) with { Limit = reader.Number("limit", 1, MaxEmployeesPerPage) };
        var filter = PageCursor.FilterText(context.Request.QueryString);
        if (reader.Text("cursor") is { } cursor)
        {
            query = query with { After = PageCursor.Read(cursor, filter, out var reason) };
            if (query.After is null)
                reader.Fail("cursor", reason!);
        }
        if (reader.Problem is { } problem)
            return problem.ExecuteAsync(context);
        var fresh = freshness.Current;
        var answer = board.Get(query);
        if (answer.NextAfter is { } next)
            context.Response.Headers.Link = PageCursor.Link(context.Request, PageCursor.Write(filter, next));
        return WriteAsync(context, answer, fresh);
    }

    private Task GetOneAsync(HttpContext context)
    {
        var userId = (string)context.Request.RouteValues["user_id"]!;
        var reader = new QueryReader(context.Request.Query, time.GetUtcNow());
        var query = ReadFilters(reader);
        if (reader.Problem is { } problem)
            return problem.ExecuteAsync(context);
        var fresh = freshness.Current;
        return board.Employee(userId, query) is { } answer
            ? WriteAsync(context, answer, fresh)
            : Problem.NotFound("Nothing on the board concerns this person, or the filter leaves nothing.").ExecuteAsync(context);
    }

    private static BoardQuery ReadFilters(QueryReader reader)
    {
        var query = new BoardQuery
        {
            UserIds = EventFilterReader.UserIds(reader),
            Types = EventFilterReader.Types(reader),
            Sources = reader.Texts("source"),
            Since = reader.Time("since"),
            Until = reader.Time("until"),
            PerPriority = reader.Number("per_priority", 0, MaxPerPriority),
        };
        var kinds = EventFilterReader.Kinds(reader);
        return query with { Kinds = kinds.Count == 0 ? query.Kinds : [.. kinds.Distinct()], Priorities = EventFilterReader.Priorities(reader) };
    }

    private Task WriteAsync(HttpContext context, BoardAnswer answer, Freshness.Snapshot fresh)
    {
        var headers = context.Response.Headers;
        headers["Tocsin-Sequence"] = answer.Sequence.ToString(System.Globalization.CultureInfo.InvariantCulture);
        if (answer.Floor > 0)
            headers["Tocsin-Floor"] = answer.Floor.ToString(System.Globalization.CultureInfo.InvariantCulture);
        fresh.WriteTo(headers);
        var (body, encoding) = BoardEncoding.Choose(context.Request.Headers.AcceptEncoding, answer);
        headers.ETag = BoardEncoding.ETag(answer.ETag, encoding);
        headers.Vary = HeaderNames.AcceptEncoding;
        headers.CacheControl = "no-cache";
        if (BoardEncoding.Matches(context.Request.Headers.IfNoneMatch, headers.ETag.ToString()))
        {
            context.Response.StatusCode = StatusCodes.Status304NotModified;
            return Task.CompletedTask;
        }
        if (encoding is not null)
            headers.ContentEncoding = encoding;
        context.Response.ContentType = "application/json";
        context.Response.ContentLength = body!.Length;
        return body.WriteToAsync(context.Response.Body, context.RequestAborted).AsTask();
    }
}
