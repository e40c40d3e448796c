using System.ComponentModel.DataAnnotations;
using Tocsin.Access;
using Tocsin.Server.Api.Description;
using Tocsin.Server.Configuration;

namespace Tocsin.Server.Api;

/// <summary><c>/session</c>: the dashboard's sign-in with a token, or in the demo with the code of the link that it prints.</summary>
internal sealed class SessionApi(
    AccessControl access, Callers callers, SessionStore sessions, TokenStore tokens, GuessThrottle guesses, SignInCode? code, ServerOptions options, TimeProvider time)
{
    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/session", Get).WithMetadata(RouteRules.OpenWithMore).Named("getSession", "Session", "Who calls, and what they may do")
            .Gives<SessionView>(200, "The caller", "Set-Cookie?");
        routes.MapPost("/session", SignInAsync).WithMetadata(RouteRules.Open).Named("signIn", "Session", "Signs a browser in with a token: the answer sets a cookie that stands for it")
            .Accepts<SignInRequest>("application/json").Gives<SessionView>(200, "Signed in", "Set-Cookie")
            .Refuses(401, "The token is not known, or the code was used or is too old").Refuses(403, "Another page than the dashboard sent this").Refuses(422).Refuses(429).Refuses(503);
        routes.MapDelete("/session", (Delegate)SignOutAsync).WithMetadata(RouteRules.OpenWithMore).Named("signOut", "Session", "Signs out: the cookie is good no more")
            .Gives(204, "Signed out, or was not signed in", null, null, "Set-Cookie").Refuses(403, $"It came by cookie without the header {SameOrigin.Header}: 1").Refuses(503);
    }

    private IResult Get(HttpContext context)
    {
        context.Response.Headers.CacheControl = "no-store";
        // Here and nowhere else: a late answer to another call would take away the cookie of a sign-in that was made meanwhile.
        if (context.Request.Cookies.ContainsKey(Callers.Cookie) && callers.SessionOf(context.Request) is null)
            ClearCookie(context);
        var caller = context.Caller();
        var isSignedIn = context.AccessSession() is not null || (caller is not null && context.Request.Headers.Authorization.ToString().Length > 0);
        return Results.Ok(isSignedIn
            ? View(context, caller!.Name, caller.Scopes, context.AccessSession()?.ExpiresAt ?? tokens.Find(caller.Name)?.ExpiresAt)
            : View(context, null, caller?.Scopes ?? Scope.None, null));
    }

    private async Task<IResult> SignInAsync(SignInRequest body, HttpContext context)
    {
        if (SameOrigin.RefuseForeign(context.Request) is { } foreign)
            return foreign;
        if (string.IsNullOrEmpty(body.Token) == string.IsNullOrEmpty(body.Code))
            return new Problem(StatusCodes.Status422UnprocessableEntity, "invalid_sign_in", "Send the token to sign in with.",
                [new ProblemError("/token", "invalid", "expected a token, or the code of a sign-in link in its place")]);
        var isCode = !string.IsNullOrEmpty(body.Code);
        var token = !isCode ? access.Recognise(body.Token) : code?.TryUse(body.Code!) == true ? access.Admin : null;
        if (token is null)
            return TokenRefusals.Wrong(context, guesses, isCode ? "The sign-in link was used, or is too old: sign in with a token." : "The token is not known.");
        var (actor, replaced) = (Actor.At(token.Name, context.Connection.RemoteIpAddress), callers.SessionOf(context.Request)?.Session);
        var opened = await sessions.OpenAsync(token, actor, isCode ? "a sign-in link" : "its token", replaced, context.RequestAborted);
        context.Response.Headers.CacheControl = "no-store";
        context.Response.Cookies.Append(Callers.Cookie, opened.Id, Cookie(context, opened.Session.ExpiresAt - time.GetUtcNow()));
        return Results.Ok(View(context, token.Name, token.Scopes, opened.Session.ExpiresAt));
    }

    private async Task<IResult> SignOutAsync(HttpContext context)
    {
        // Also when a token came beside the cookie and is who calls: the browser's session is what is to end.
        if (callers.SessionOf(context.Request) is { } signedIn)
            await sessions.CloseAsync(signedIn.Session, Actor.At(signedIn.Caller.Name, context.Connection.RemoteIpAddress), context.RequestAborted);
        context.Response.Headers.CacheControl = "no-store";
        ClearCookie(context);
        return Results.NoContent();
    }

    private SessionView View(HttpContext context, string? name, Scope scopes, DateTimeOffset? expiresAt) =>
        new(name is not null, name, scopes.Names(), expiresAt, options.AnonymousRead && !callers.IsForeignHost(context.Request), options.DemoMock is not null, ServerVersion.Text);

    private static void ClearCookie(HttpContext context) => context.Response.Cookies.Delete(Callers.Cookie, Cookie(context));

    /// <summary>TLS ends at a proxy more often than here: the origin a browser states says whether its page came by https.</summary>
    private static CookieOptions Cookie(HttpContext context, TimeSpan? lifetime = null) => new()
    {
        HttpOnly = true,
        SameSite = SameSiteMode.Strict,
        Path = "/",
        MaxAge = lifetime is { } left ? TimeSpan.FromSeconds(Math.Ceiling(left.TotalSeconds)) : null,
        Secure = context.Request.IsHttps || context.Request.Headers.Origin.ToString().StartsWith("https://", StringComparison.OrdinalIgnoreCase),
    };
}

/// <summary>What one signs in with: a token, or the code of a sign-in link, and not both.</summary>
[RequestBody]
internal sealed record SignInRequest(string? Token, string? Code)
{
    /// <summary>Prints no secret.</summary>
    public override string ToString() => "sign-in ***";
}

/// <summary>Who calls, and what they may do: a page offers no more. <c>signed_in</c> is false for those who come without a token; their scopes are what is open to all.</summary>
internal sealed record SessionView(
    bool SignedIn, string? Name, [property: AllowedValues("ingest", "read", "operate", "metrics", "admin")] IReadOnlyList<string> Scopes, DateTimeOffset? ExpiresAt, bool AnonymousRead, bool Demo, string Version);
