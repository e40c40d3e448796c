using System.ComponentModel.DataAnnotations;
using Tocsin.Access;
using Tocsin.Collect.Reading;
using Tocsin.Server.Api.Description;

namespace Tocsin.Server.Api;

/// <summary><c>/tokens</c>: who may what, until when.</summary>
internal sealed class TokensApi(TokenStore tokens)
{
    private static readonly TimeSpan MinLifetime = TimeSpan.FromSeconds(1);

    /// <summary>Ten years, with the leap days that may be in them.</summary>
    private static readonly TimeSpan MaxLifetime = TimeSpan.FromDays(3653);

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/tokens", List).Needs(Scope.Tokens).Named("listTokens", "Tokens", "Every token by name, without its secret")
            .Gives<IReadOnlyList<TokenView>>(200, "The tokens");
        routes.MapGet("/tokens/{name}", Get).Needs(Scope.Tokens).Named("getToken", "Tokens", "One token, without its secret")
            .Gives<TokenView>(200, "The token").Refuses(404);
        routes.MapPost("/tokens", CreateAsync).Needs(Scope.Tokens).Named("createToken", "Tokens", "Makes a token: the only answer that holds its secret")
            .Accepts<TokenRequest>("application/json").Gives<MadeToken>(201, "The token with its secret", "Location").Refuses(409).Refuses(422).Refuses(503);
        routes.MapDelete("/tokens/{name}", RevokeAsync).Needs(Scope.Tokens).Named("revokeToken", "Tokens", "Revokes a token: from now on it is not known")
            .Gives(204, "It is revoked").Refuses(404).Refuses(409).Refuses(503);
    }

    private IResult List(HttpContext context)
    {
        context.Response.Headers.CacheControl = "no-store";
        return Results.Ok(tokens.List().Select(View));
    }

    private IResult Get(string name, HttpContext context)
    {
        context.Response.Headers.CacheControl = "no-store";
        return tokens.Find(name) is { } token ? Results.Ok(View(token)) : Unknown();
    }

    private async Task<IResult> CreateAsync(TokenRequest body, HttpContext context)
    {
        var errors = new List<ProblemError>();
        if (tokens.NameDefect(body.Name) is { } defect)
            errors.Add(new ProblemError("/name", "invalid", defect));
        var scopes = Scopes(body.Scopes, errors);
        TimeSpan? lifetime = null;
        if (body.Expires is { } text)
        {
            if (Quantity.TryParseDuration(text, out var span) && span >= MinLifetime && span <= MaxLifetime)
                lifetime = span;
            else
                errors.Add(new ProblemError("/expires", "invalid", "expected 1s to 3653d (ten years), like 12h or 90d, or null for never"));
        }
        if (errors.Count > 0)
            return new Problem(StatusCodes.Status422UnprocessableEntity, "invalid_token", "The token cannot be made.", errors);
        var made = await tokens.CreateAsync(body.Name!, scopes, lifetime, context.Actor(), context.RequestAborted);
        switch (made.Outcome)
        {
            case TokenOutcome.Taken:
                return new Problem(StatusCodes.Status409Conflict, "name_taken", $"There is a token named {body.Name}: choose another name, or revoke that one first.",
                    [new ProblemError("/name", "taken", "expected a name that no token has")]);
            case TokenOutcome.Full:
                return new Problem(StatusCodes.Status422UnprocessableEntity, "too_many_tokens", $"There are {TokenStore.MaxTokens} tokens, and no more may be: revoke some that nobody uses.");
        }
        context.Response.Headers.CacheControl = "no-store";
        var view = View(made.Token!);
        return Results.Created($"/tokens/{view.Name}", new MadeToken(made.Secret!, view.Name, view.Scopes, view.CreatedAt, view.ExpiresAt, view.LastUsedAt));
    }

    private async Task<IResult> RevokeAsync(string name, HttpContext context)
    {
        if (name == "admin")
            return new Problem(StatusCodes.Status409Conflict, "admin_token",
                "The admin token cannot be revoked here: start Tocsin with another in TOCSIN_ADMIN_TOKEN, and this one is not known any more.");
        return await tokens.RevokeAsync(name, context.Actor(), context.RequestAborted) ? Results.NoContent() : Unknown();
    }

    private static Scope Scopes(IReadOnlyList<string?>? names, List<ProblemError> errors)
    {
        var scopes = Scope.None;
        var known = string.Join(", ", ScopeNames.All);
        if (names is null or [])
            errors.Add(new ProblemError("/scopes", "invalid", $"expected one or more of {known}"));
        for (var i = 0; i < names?.Count; i++)
            if (ScopeNames.TryParse(names[i], out var scope))
                scopes |= scope;
            else
                errors.Add(new ProblemError($"/scopes/{i}", "invalid", $"expected one of {known}"));
        return scopes;
    }

    // Not by the name that was asked for: who takes a secret for a name must not find it in an answer, or in a log of answers.
    private static Problem Unknown() => Problem.NotFound("There is no token of this name; GET /tokens lists them.");

    private static TokenView View(AccessToken token) => new(token.Name, token.Scopes.Names(), token.CreatedAt, token.ExpiresAt, token.LastUsedAt);
}

/// <summary>A token to be made: what it may, and for how long (<c>90d</c>; absent or null: for good).</summary>
[RequestBody("name", "scopes")]
internal sealed record TokenRequest(
    string? Name, [property: AllowedValues("ingest", "read", "operate", "metrics", "admin")] IReadOnlyList<string?>? Scopes, string? Expires);

/// <summary>A token as everybody who may ask sees it.</summary>
internal sealed record TokenView(
    string Name, [property: AllowedValues("ingest", "read", "operate", "metrics", "admin")] IReadOnlyList<string> Scopes, DateTimeOffset? CreatedAt, DateTimeOffset? ExpiresAt, DateTimeOffset? LastUsedAt);

/// <summary>A token as it is shown once.</summary>
internal sealed record MadeToken(
    string Token, string Name, [property: AllowedValues("ingest", "read", "operate", "metrics", "admin")] IReadOnlyList<string> Scopes, DateTimeOffset? CreatedAt, DateTimeOffset? ExpiresAt, DateTimeOffset? LastUsedAt)
{
    /// <summary>Prints no secret.</summary>
    public override string ToString() => $"token {Name} ***";
}
