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

    /// <summary>The caller of a request; null when its token is not known. Two headers are never the one that is right.</summary>
    public static Caller? Authenticate(this AccessControl access, HttpRequest request)
    {
        var header = request.Headers.Authorization;
        return header.Count > 1 ? null : access.Authenticate((string?)header);
    }
}

/// <summary>
/// Holds every route to its rules before its handler runs: the token (wrong ones are counted), the scope, and the names of the query. A route without rules does not
/// answer: forgetting them must not open a door.
/// </summary>
internal sealed class RouteRulesMiddleware(RequestDelegate next, AccessControl access, GuessThrottle guesses)
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
        if (access.Authenticate(context.Request) is not { } caller)
        {
            var wait = guesses.Guessed(context.Connection.RemoteIpAddress);
            return scope == Scope.None ? null
                : wait is { } time ? TooMany(context, time)
                : Unauthorized(context, "The token is not known.");
        }
        context.Items[typeof(Caller)] = caller;
        if (caller.May(scope))
            return null;
        if (string.IsNullOrEmpty(context.Request.Headers.Authorization))
            return Unauthorized(context, "This needs a token: send Authorization: Bearer TOKEN. The admin token stands in admin.token in the data folder.");
        var missing = (scope & ~caller.Scopes).Names();
        context.Response.Headers.WWWAuthenticate = $"Bearer realm=\"tocsin\", error=\"insufficient_scope\", scope=\"{string.Join(' ', missing)}\"";
        return new Problem(StatusCodes.Status403Forbidden, "missing_scope", $"The token {caller.Name} lacks the scope {string.Join(" and ", missing)}.");
    }

    private static Problem Unauthorized(HttpContext context, string detail)
    {
        context.Response.Headers.WWWAuthenticate = "Bearer realm=\"tocsin\"";
        return new Problem(StatusCodes.Status401Unauthorized, "unauthorized", detail);
    }

    private static Problem TooMany(HttpContext context, TimeSpan wait)
    {
        var seconds = Math.Max(1, (int)Math.Ceiling(wait.TotalSeconds));
        context.Response.Headers.RetryAfter = seconds.ToString(System.Globalization.CultureInfo.InvariantCulture);
        return new Problem(StatusCodes.Status429TooManyRequests, Problem.TooManyAttempts,
            $"The token is not known, nor were the last {GuessThrottle.MaxGuesses} and more from this address: wrong ones are looked at again in {seconds} s.");
    }
}
