using Microsoft.OpenApi;
using Tocsin.Projections;

namespace Tocsin.Server.Api;

/// <summary>An event out, as <see cref="EventJson"/> writes it: only for the API's description.</summary>
internal sealed record EventDescription(
    Guid Id, string? ExternalId, long Sequence, string Kind, string Type, string Source, string? Device, string? Priority, DateTimeOffset Time,
    DateTimeOffset ReceivedAt, string? UserId, string? Description, string? SrcIp, string? DstIp, string? Country, AttributionDescription? Attribution, object? Data);

/// <summary>By which rule and directory a person was found, and the address that was looked up.</summary>
internal sealed record AttributionDescription(string Rule, string? Source, string? Address);

/// <summary>Describes answers that come as JSON, NDJSON or CSV.</summary>
internal static class EventDescriptions
{
    public static RouteHandlerBuilder Describe<T>(this RouteHandlerBuilder route) => route
        .Produces<T>(200, EventFormat.Json.MediaType()).ProducesProblem(400).ProducesProblem(401)
        .AddOpenApiOperationTransformer((operation, _, _) =>
        {
            foreach (var format in new[] { EventFormat.NdJson, EventFormat.Csv })
                operation.Responses?["200"].Content?.Add(format.MediaType(), new OpenApiMediaType { Schema = new OpenApiSchema { Type = JsonSchemaType.String } });
            return Task.CompletedTask;
        });
}
