using Microsoft.AspNetCore.Http.Metadata;
using Tocsin.Access;

namespace Tocsin.Server.Api;

/// <summary>
/// One query parameter of a route, for the check of names and for the API's description. A name that ends with <c>.*</c> stands for all that begin
/// so and go on.
/// </summary>
internal sealed record QueryParameter(string Name, string Description)
{
    public bool IsCalled(string name) =>
        name == Name || (Name.EndsWith(".*", StringComparison.Ordinal) && name.Length >= Name.Length && name.AsSpan().StartsWith(Name.AsSpan(0, Name.Length - 1), StringComparison.Ordinal));
}

/// <summary>What a route asks of its callers.</summary>
internal sealed record RouteRules(Scope Scope, IReadOnlyList<QueryParameter> Query) : IRequestSizeLimitMetadata
{
    /// <summary>The largest body: 64 KiB unless a route says that it takes more. A longer one is 413, unread.</summary>
    public long? MaxRequestBodySize { get; init; } = 64 << 10;

    /// <summary>Open to anyone.</summary>
    public static RouteRules Open { get; } = new(Scope.None, []);
}

/// <summary>Says a route's rules beside its handler.</summary>
internal static class RouteRulesExtensions
{
    public static TBuilder Needs<TBuilder>(this TBuilder route, Scope scope, params QueryParameter[] query)
        where TBuilder : IEndpointConventionBuilder => route.WithMetadata(new RouteRules(scope, query));
}

/// <summary>
/// Holds every route to its rules before its handler runs: the token, the scope, and the names of the query. A route without rules does not
/// answer: forgetting them must not open a door.
/// </summary>
internal sealed class RouteRulesMiddleware(RequestDelegate next, AccessControl access)
{
    public Task InvokeAsync(HttpContext context)
    {
        if (context.GetEndpoint() is not { } endpoint)
            return next(context);
        if (endpoint.Metadata.GetMetadata<RouteRules>() is not { } rules)
            return endpoint.DisplayName is "405 HTTP Method Not Supported" or "415 HTTP Unsupported Media Type"
                ? next(context)
                : throw new InvalidOperationException($"The route {endpoint.DisplayName} has no rules.");
        if (Refuse(context, access, rules.Scope) is { } refused)
            return refused.ExecuteAsync(context);
        foreach (var name in context.Request.Query.Keys)
            if (!rules.Query.Any(parameter => parameter.IsCalled(name)))
                return Problem.Query(name, rules.Query.Count == 0
                    ? "this route takes no query parameters"
                    : $"there is none of this name; known are {string.Join(", ", rules.Query.Select(parameter => parameter.Name))}").ExecuteAsync(context);
        return next(context);
    }

    /// <summary>Null when the caller may. The caller is then in <see cref="HttpContext.Items"/> for the handler.</summary>
    public static Problem? Refuse(HttpContext context, AccessControl access, Scope scope)
    {
        var caller = access.Authenticate(context.Request.Headers.Authorization);
        if (caller is not null && caller.May(scope))
        {
            context.Items[typeof(Caller)] = caller;
            return null;
        }
        if (scope == Scope.None)
            return null;
        if (caller is null || string.IsNullOrEmpty(context.Request.Headers.Authorization))
        {
            context.Response.Headers.WWWAuthenticate = "Bearer realm=\"tocsin\"";
            return new Problem(StatusCodes.Status401Unauthorized, "unauthorized", caller is null
                ? "The token is not known."
                : "This needs a token: send Authorization: Bearer TOKEN. The admin token stands in admin.token in the data folder.");
        }
        return new Problem(StatusCodes.Status403Forbidden, "missing_scope", $"The token lacks the scope {scope.ToString().ToLowerInvariant()}.");
    }
}
