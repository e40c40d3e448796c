using Microsoft.OpenApi;

namespace Tocsin.Server.Api.Description;

/// <summary>
/// One answer of a route, for the description: what it means, its headers, and the shape of its body where no type of the code has it. A refusal is
/// problem+json.
/// </summary>
internal sealed record Answer(int Status, string? What, params string[] Headers)
{
    public string? MediaType { get; init; }

    /// <summary>Null: as the type says that the route produces, or no body.</summary>
    public Func<OpenApiDocument, IOpenApiSchema>? Schema { get; init; }

    /// <summary>True when a handler's refusal: problem+json.</summary>
    public bool IsProblem { get; init; }
}

/// <summary>Says a route's answers beside its handler. What all routes answer (400, 401, 403, 429, 500) is said once, in <see cref="ApiDescription"/>.</summary>
internal static class Answers
{
    /// <summary>The name of the operation, for those who make a client of the description: it must not change.</summary>
    public static RouteHandlerBuilder Named(this RouteHandlerBuilder route, string name, string tag, string summary) =>
        route.WithName(name).WithTags(tag).WithSummary(summary);

    /// <summary>An answer whose body is a type of the code.</summary>
    public static RouteHandlerBuilder Gives<T>(this RouteHandlerBuilder route, int status, string what, params string[] headers) =>
        route.Produces<T>(status, "application/json").WithMetadata(new Answer(status, what, headers));

    /// <summary>An answer whose body is a type of the code, or one that <paramref name="schema"/> names beside it.</summary>
    public static RouteHandlerBuilder Gives<T>(this RouteHandlerBuilder route, int status, string what, Func<OpenApiDocument, IOpenApiSchema> schema) =>
        route.Produces<T>(status, "application/json").WithMetadata(new Answer(status, what) { MediaType = "application/json", Schema = schema });

    /// <summary>An answer whose body is written by hand, or that has none.</summary>
    public static RouteHandlerBuilder Gives(
        this RouteHandlerBuilder route, int status, string what, string? mediaType = null, Func<OpenApiDocument, IOpenApiSchema>? schema = null, params string[] headers) =>
        route.WithMetadata(new Answer(status, what, headers) { MediaType = mediaType, Schema = schema });

    /// <summary>A refusal, as problem+json.</summary>
    public static RouteHandlerBuilder Refuses(this RouteHandlerBuilder route, int status, string? what = null, params string[] headers) =>
        route.WithMetadata(new Answer(status, what, headers) { IsProblem = true });
}
