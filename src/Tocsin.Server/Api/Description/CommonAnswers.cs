using System.Globalization;
using Microsoft.OpenApi;
using static Tocsin.Server.Api.Description.Shapes;

namespace Tocsin.Server.Api.Description;

/// <summary>Headers and refusals that many routes share: said once, as components.</summary>
internal static class CommonAnswers
{
    /// <summary>The headers by name: what they say, their values, and whether an answer that lists one always has it.</summary>
    private static readonly (string Name, string What, Func<OpenApiSchema> Schema, bool Always)[] Headers =
    [
        ("Accept-Encoding", "The codings a body may have, when that was the reason", () => Choice(null, "gzip"), false),
        ("Content-Disposition", "The name of the file an export makes", () => Text(), false),
        ("ETag", "Which state this shows: the board takes it in If-None-Match (unchanged is 304), changes in If-Match (changed meanwhile is 412)", () => Text(), true),
        ("Link", "Where the next page is, rel=next; absent on the last one", () => new() { Type = JsonSchemaType.String, Pattern = "^<[^>]+>; rel=\"next\"$" }, false),
        ("Location", "The address of what was made", () => Text(), true),
        ("Preference-Applied", "Which wish of Prefer was followed", () => Choice(null, "respond-async"), false),
        ("RateLimit", "Room in the queue of events, when that is full", () => Text(), false),
        ("RateLimit-Policy", "Length of the queue of events, when that is full", () => Text(), false),
        ("Retry-After", "Seconds after which to come again", () => Number(min: 1), true),
        ("Set-Cookie", "The session's cookie, or its end", () => Text(), true),
        ("Tocsin-As-Of", "The oldest last success of the sources; absent before each has one", () => new() { Type = JsonSchemaType.String, Format = "date-time" }, false),
        ("Tocsin-Floor", "The first sequence on the board, when board.max cut it", () => Number(), false),
        ("Tocsin-Incomplete", "Sources that have not finished once, by name, with commas; absent when all have", () => Text(), false),
        ("Tocsin-Partial", "deadline: not all was looked at; Link goes on from there", () => Choice(null, "deadline"), false),
        ("Tocsin-Sequence", "How far in the journal this answer has read", () => Number(), true),
        ("WWW-Authenticate", "The scheme, and the scopes that are missing", () => Text(), true),
    ];

    /// <summary>The refusals: a component each, named as its status is; with the headers they have.</summary>
    private static readonly (int Status, string What, string[] Headers)[] Problems =
    [
        (400, "A query parameter that is not known or cannot be read, or a body that is not the JSON this route takes; errors say which and what was expected", []),
        (401, "No token, or an unknown one", ["WWW-Authenticate"]),
        (403, "The token lacks the scope, and detail names it (missing_scope); or a change came by cookie without the header X-Tocsin-Session, or from another page (csrf)", ["WWW-Authenticate?"]),
        (404, "There is none of this name", []),
        (406, "Accept names no media type that this route has", []),
        (408, "The body came too slowly", []),
        (409, "It is in conflict with what is there", []),
        (412, "It was changed since the state that If-Match names", []),
        (413, "The body is larger than this route takes", []),
        (415, "A body of another media type", []),
        (422, "The body is JSON, and says what cannot be; errors say where and what was expected", []),
        (429, "Unknown tokens from this address, too many of them within a minute", ["Retry-After"]),
        (500, "Something went wrong here; the log says more under trace_id", []),
        (503, "The store cannot answer now, or too many ask at once", ["Retry-After"]),
    ];

    public static void AddTo(OpenApiDocument document)
    {
        var components = document.Components!;
        components.Schemas ??= new Dictionary<string, IOpenApiSchema>(StringComparer.Ordinal);
        components.Schemas["ProblemError"] = Object("One field or parameter at fault", ["pointer", "code", "detail"],
            ("pointer", Text("Where: a JSON pointer into the body (/events/3/time), or the name of the parameter", least: 0)),
            ("code", Text("Which rule")), ("detail", Text("What was expected")));
        components.Schemas["Problem"] = Object("An error, as RFC 9457 has it", ["type", "title", "status", "detail", "code", "trace_id"],
            ("type", Text()), ("title", Text()), ("status", Number(min: 400, max: 599)), ("detail", Text("What was wrong, in words")), ("code", Text("What was wrong, for programs")),
            ("trace_id", Text("Where the log says more")), ("errors", List(Ref(document, "ProblemError"))));
        components.Headers = Headers.ToDictionary(header => header.Name, header => (IOpenApiHeader)new OpenApiHeader { Description = header.What, Required = header.Always, Schema = header.Schema() }, StringComparer.Ordinal);
        components.Responses = Problems.ToDictionary(problem => Name(problem.Status), problem => (IOpenApiResponse)Refusal(document, problem.What, problem.Headers), StringComparer.Ordinal);
    }

    /// <summary>A refusal as a reference; written out where it has other headers, or says something of its own.</summary>
    public static IOpenApiResponse Problem(OpenApiDocument document, int status, string? what, string[] headers)
    {
        var common = Array.Find(Problems, problem => problem.Status == status);
        return what is null && headers.Length == 0
            ? new OpenApiResponseReference(Name(status), document)
            : Refusal(document, what ?? common.What, [.. common.Headers.Where(name => !headers.Contains(name) && !headers.Contains(name + '?')), .. headers]);
    }

    /// <summary>Headers by name; one that this answer does not always have ends with a question mark.</summary>
    public static Dictionary<string, IOpenApiHeader>? HeadersOf(OpenApiDocument document, string[] names) => names.Length == 0
        ? null
        : names.ToDictionary(name => name.TrimEnd('?'), name => (IOpenApiHeader)(name.EndsWith('?') ? Sometimes(name.TrimEnd('?')) : new OpenApiHeaderReference(name, document)), StringComparer.Ordinal);

    private static OpenApiHeader Sometimes(string name) =>
        Array.Find(Headers, header => header.Name == name) is var (_, what, schema, _) ? new OpenApiHeader { Description = what, Schema = schema() } : throw new ArgumentException(name);

    private static OpenApiResponse Refusal(OpenApiDocument document, string what, string[] headers) => new()
    {
        Description = what,
        Headers = HeadersOf(document, headers),
        Content = new Dictionary<string, OpenApiMediaType>(StringComparer.Ordinal) { ["application/problem+json"] = new() { Schema = Ref(document, "Problem") } },
    };

    private static string Name(int status) => "Problem" + status.ToString(CultureInfo.InvariantCulture);
}
