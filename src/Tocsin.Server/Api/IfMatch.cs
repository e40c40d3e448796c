using Microsoft.Net.Http.Headers;
using Microsoft.OpenApi;
using Tocsin.Server.Api.Description;

namespace Tocsin.Server.Api;

/// <summary>
/// Changes on the condition that nobody else changed it meanwhile (If-Match, RFC 9110, 13.1.1). A tag is made of the version of the row of state behind: it stays
/// across restarts and moves with each change.
/// </summary>
internal static class IfMatch
{
    /// <summary>The entity tag of a version, for an answer that no cache may keep: it names what can be changed, and the rest of the answer moves without it.</summary>
    public static void Tag(HttpContext context, long version)
    {
        context.Response.Headers.ETag = TagOf(version).ToString();
        context.Response.Headers.CacheControl = "no-store";
    }

    /// <summary>Says of a version whether the caller means to replace it; null when any will do. What is no list of tags matches none.</summary>
    public static Func<long, bool>? Of(HttpRequest request)
    {
        var header = request.Headers.IfMatch;
        if (header.Count == 0)
            return null;
        return EntityTagHeaderValue.TryParseStrictList([.. header.OfType<string>()], out var tags)
            ? version => tags.Any(tag => tag.Equals(EntityTagHeaderValue.Any) || tag.Compare(TagOf(version), useStrongComparison: true))
            : static _ => false;
    }

    /// <summary>It was changed meanwhile.</summary>
    public static Problem Refused(string path) => new(StatusCodes.Status412PreconditionFailed, "precondition_failed",
        $"If-Match names another state than the present one, and nothing was changed: GET {path} and look at it and its ETag again.");

    /// <summary>The description of a change that <see cref="Of"/> looks at.</summary>
    public static RouteHandlerBuilder TakesIfMatch(this RouteHandlerBuilder route) => route.Refuses(412).AddOpenApiOperationTransformer((operation, _, _) =>
    {
        (operation.Parameters ??= []).Add(new OpenApiParameter
        {
            Name = "If-Match",
            In = ParameterLocation.Header,
            Description = "The ETag of the state that is to be changed: when it was changed meanwhile, this is refused. Left out or *: whatever it is",
            Schema = Shapes.Text(),
        });
        return Task.CompletedTask;
    });

    private static EntityTagHeaderValue TagOf(long version) => new($"\"v{version}\"");
}
