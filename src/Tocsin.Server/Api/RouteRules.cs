using Microsoft.AspNetCore.Http.Metadata;
using Tocsin.Access;
using Tocsin.Server.Api.Description;

namespace Tocsin.Server.Api;

/// <summary>
/// One query parameter of a route, for the check of names and for the API's description. A name that ends with <c>.*</c> stands for all that begin
/// so and go on.
/// </summary>
internal sealed record QueryParameter(string Name, string Description, QueryValue Value)
{
    public bool IsCalled(string name) =>
        name == Name || (Name.EndsWith(".*", StringComparison.Ordinal) && name.Length >= Name.Length && name.AsSpan().StartsWith(Name.AsSpan(0, Name.Length - 1), StringComparison.Ordinal));
}

/// <summary>What a route asks of its callers.</summary>
internal sealed record RouteRules(Scope Scope, IReadOnlyList<QueryParameter> Query) : IRequestSizeLimitMetadata
{
    /// <summary>The largest body: 64 KiB unless a route says that it takes more. A longer one is 413, unread.</summary>
    public long? MaxRequestBodySize { get; init; } = 64 << 10;

    /// <summary>False: the token does not matter, so that a wrong one is neither counted nor refused (a probe with an old token must not fail).</summary>
    public bool LooksAtToken { get; init; } = true;

    /// <summary>Open to anyone, with the same answer for all.</summary>
    public static RouteRules Open { get; } = new(Scope.None, []) { LooksAtToken = false };

    /// <summary>Open to anyone; whose token is known gets more. The handler asks <see cref="RouteRulesExtensions.Caller"/>.</summary>
    public static RouteRules OpenWithMore { get; } = new(Scope.None, []);
}

/// <summary>Says a route's rules beside its handler.</summary>
internal static class RouteRulesExtensions
{
    public static TBuilder Needs<TBuilder>(this TBuilder route, Scope scope, params QueryParameter[] query)
        where TBuilder : IEndpointConventionBuilder => route.WithMetadata(new RouteRules(scope, query));

    /// <summary>For a route that takes larger bodies than others.</summary>
    public static TBuilder Needs<TBuilder>(this TBuilder route, Scope scope, long maxBodyBytes)
        where TBuilder : IEndpointConventionBuilder => route.WithMetadata(new RouteRules(scope, []) { MaxRequestBodySize = maxBodyBytes });

    /// <summary>Who calls; null behind a token that is not known.</summary>
    public static Caller? Caller(this HttpContext context) => (Caller?)context.Items[typeof(Caller)];

    /// <summary>Who calls, and from where, for the record of what they do.</summary>
    public static Actor Actor(this HttpContext context) =>
        Access.Actor.At(context.Caller()?.Name ?? "anonymous", context.Connection.RemoteIpAddress);

    /// <summary>The session by whose cookie they came; null when they came with a token, or with neither.</summary>
    public static AccessSession? AccessSession(this HttpContext context) => (AccessSession?)context.Items[typeof(AccessSession)];
}

/// <summary>
/// Holds every route to its rules before its handler runs: the token (wrong ones are counted), where a change by cookie comes from, the scope, and the names of the query.
/// A route without rules does not answer: forgetting them must not open a door.
/// </summary>
internal sealed class RouteRulesMiddleware(RequestDelegate next, Callers callers, GuessThrottle guesses)
{
    public Task InvokeAsync(HttpContext context)
    {
        if (context.GetEndpoint() is not { } endpoint)
            return next(context);
        if (endpoint.Metadata.GetMetadata<RouteRules>() is not { } rules)
            return endpoint.DisplayName is "405 HTTP Method Not Supported" or "415 HTTP Unsupported Media Type"
                ? next(context)
                : throw new InvalidOperationException($"The route {endpoint.DisplayName} has no rules.");
        if (rules.LooksAtToken && Refuse(context, rules.Scope) is { } refused)
            return refused.ExecuteAsync(context);
        foreach (var name in context.Request.Query.Keys)
            if (!rules.Query.Any(parameter => parameter.IsCalled(name)))
                return Problem.Query(name, rules.Query.Count == 0
                    ? "this route takes no query parameters"
                    : $"there is none of this name; known are {string.Join(", ", rules.Query.Select(parameter => parameter.Name))}").ExecuteAsync(context);
        return next(context);
    }

    /// <summary>Null when the caller may. The caller is then in <see cref="HttpContext.Items"/> for the handler.</summary>
    private Problem? Refuse(HttpContext context, Scope scope)
    {
        if (callers.Of(context.Request, out var session) is not { } caller)
        {
            if (scope != Scope.None)
                return TokenRefusals.Wrong(context, guesses, "The token is not known.");
            guesses.Guessed(context.Connection.RemoteIpAddress);
            return null;
        }
        if (session is not null && IsChange(context.Request) && SameOrigin.RefuseChange(context.Request) is { } foreign)
            return foreign;
        context.Items[typeof(Caller)] = caller;
        context.Items[typeof(AccessSession)] = session;
        if (caller.May(scope))
            return null;
        if (session is null && string.IsNullOrEmpty(context.Request.Headers.Authorization))
            return TokenRefusals.Unauthorized(context, callers.IsForeignHost(context.Request)
                ? "Without a token this can be read under an address, as localhost, or under a host that stands in urls; by another name send Authorization: Bearer TOKEN."
                : "This needs a token: send Authorization: Bearer TOKEN. The admin token stands in admin.token in the data folder.");
        var missing = (scope & ~caller.Scopes).Names();
        context.Response.Headers.WWWAuthenticate = $"Bearer realm=\"tocsin\", error=\"insufficient_scope\", scope=\"{string.Join(' ', missing)}\"";
        return new Problem(StatusCodes.Status403Forbidden, "missing_scope", $"The token {caller.Name} lacks the scope {string.Join(" and ", missing)}.");
    }

    /// <summary>Whatever is not known to change nothing.</summary>
    private static bool IsChange(HttpRequest request) => !HttpMethods.IsGet(request.Method) && !HttpMethods.IsHead(request.Method) && !HttpMethods.IsOptions(request.Method);
}
