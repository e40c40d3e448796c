using System.Globalization;
using Tocsin.Access;
using Tocsin.Enrich;
using Tocsin.Server.Api.Description;
using Tocsin.Server.Enrichment;

namespace Tocsin.Server.Api;

/// <summary><c>GET /people</c>: who the people are whose ids stand in events.</summary>
internal sealed class PeopleApi(EnrichmentFiles files)
{
    private const int MaxLimit = 1_000;
    private const int DefaultLimit = 100;
    private const int MaxTextCharacters = 200;

    public void Map(IEndpointRouteBuilder routes) => routes.MapGet("/people", Get)
        .Needs(Scope.Read, new("user_id", "Only these; repeat for several", QueryValue.Text.Many()), new("employee_id", "Alias of user_id", QueryValue.Text.Many()), new("user", "Alias of user_id", QueryValue.Text.Many()), new("q", "Text anywhere in id, name, email, team or manager, in any case", QueryValue.Text),
            new("limit", $"1 to {MaxLimit}, {DefaultLimit} when left out", QueryValue.Whole(1, MaxLimit)), new("cursor", "Where the last page ended", QueryValue.Text))
        .Named("listPeople", "People", "Names, emails, teams and managers of users, by id; as the file of people says, empty when none is configured")
        .Gives<IReadOnlyList<Person>>(200, "A page of them", "Link", "ETag").Gives(304, "They are as the caller has them", null, null, "ETag");

    private IResult Get(HttpContext context)
    {
        var reader = new QueryReader(context.Request.Query, default);
        var ids = reader.Texts(EventFilterReader.UserNames);
        var text = reader.Text("q");
        var limit = reader.Number("limit", 1, MaxLimit) ?? DefaultLimit;
        var filter = PageCursor.FilterText(context.Request.QueryString);
        string? after = null;
        if (reader.Text("cursor") is { } cursor && (after = PageCursor.Read(cursor, filter, out var reason)) is null)
            reader.Fail("cursor", reason!);
        if (text?.Length > MaxTextCharacters)
            reader.Fail("q", $"expected at most {MaxTextCharacters} characters");
        if (reader.Problem is { } problem)
            return problem;
        var people = files.People;
        var tag = $"\"{people.Fingerprint.ToString("x16", CultureInfo.InvariantCulture)}\"";
        context.Response.Headers.ETag = tag;
        context.Response.Headers.CacheControl = "no-cache";
        if (BoardEncoding.Matches(context.Request.Headers.IfNoneMatch, tag))
            return Results.StatusCode(StatusCodes.Status304NotModified);
        var page = people.List(ids, text, after, limit + 1);
        if (page.Count > limit)
            context.Response.Headers.Link = PageCursor.Link(context.Request, PageCursor.Write(filter, page[limit - 1].UserId));
        return Results.Ok(page.Take(limit));
    }
}
