using System.Text.Json.Nodes;
using Microsoft.OpenApi;
using Tocsin.Collect.Push;

namespace Tocsin.Server.Api;

/// <summary>
/// The push door in the API's description. Written out, not derived: bodies are read token by token, and no type of the code has their shape.
/// </summary>
internal static class PushDescription
{
    private static readonly (int Status, string What)[] Problems =
    [
        (400, "Not JSON: broken, a name twice, half a surrogate pair, not UTF-8; or a header that cannot be used"),
        (401, "No token, or an unknown one"),
        (403, "The token lacks the scope ingest; or one event under a source or type that is reserved"),
        (409, "The same external_id or Idempotency-Key with other content"),
        (413, "Over 10 MiB inflated, 10,000 events, 1 MiB an event or depth 64"),
        (415, "Another media type or content encoding"),
        (422, "No good event in it; errors say where and what was expected"),
        (429, "As many events wait as may: Retry-After says when to come again"),
        (503, "The store cannot write now"),
    ];

    public static void DescribedAsPush<TBuilder>(this TBuilder route)
        where TBuilder : IEndpointConventionBuilder
    {
        route.WithTags("Events").WithSummary("Stores one event or a batch; answers when it is on disk")
            .WithDescription("A bare object is one event. An array, or one object a line as application/x-ndjson, is a batch: good events are kept beside bad ones. Bodies may be gzip. With an external_id, or under an Idempotency-Key, a repeat is stored once.");
        route.AddOpenApiOperationTransformer((operation, _, _) =>
        {
            Describe(operation);
            return Task.CompletedTask;
        });
    }

    private static void Describe(OpenApiOperation operation)
    {
        operation.Parameters ??= [];
        operation.Parameters.Add(new OpenApiParameter
        {
            Name = "Idempotency-Key",
            In = ParameterLocation.Header,
            Description = "Per token, covers the request: a repeat gets the same ids",
            Schema = new OpenApiSchema { Type = JsonSchemaType.String, MinLength = 1, MaxLength = PushLimits.MaxIdempotencyKeyCharacters },
        });
        var one = Event();
        operation.RequestBody = new OpenApiRequestBody
        {
            Required = true,
            Content = new Dictionary<string, OpenApiMediaType>(StringComparer.Ordinal)
            {
                ["application/json"] = new() { Schema = new OpenApiSchema { OneOf = [one, new OpenApiSchema { Type = JsonSchemaType.Array, Items = one, MinItems = 1, MaxItems = PushLimits.MaxEvents }] } },
                ["application/x-ndjson"] = new() { Schema = new OpenApiSchema { Type = JsonSchemaType.String, Description = "One event a line" } },
            },
        };
        operation.Responses = new OpenApiResponses
        {
            ["200"] = Answer("A batch, or one event that was there already", "application/json", new OpenApiSchema { OneOf = [Batch(), One("duplicate")] }),
            ["201"] = Answer("One event, created; Location is its address", "application/json", One("created")),
        };
        foreach (var (status, what) in Problems)
            operation.Responses[status.ToString(System.Globalization.CultureInfo.InvariantCulture)] = Answer(what, "application/problem+json", Problem());
    }

    private static OpenApiSchema Event() => Object(["type"], ("type", Text("What happened, a.b by convention; also event_type", PushLimits.MaxTypeCharacters)),
        ("external_id", TextOrNumber("Your own id, unique within the source; also id", PushLimits.MaxExternalIdCharacters)),
        ("kind", Choice("audit when left out", "incident", "alert", "audit")),
        ("source", Text("The token's name when left out; not that of a configured source", PushLimits.MaxNameCharacters)),
        ("device", Text("What reported it", PushLimits.MaxNameCharacters)),
        ("priority", new OpenApiSchema { OneOf = [Choice("In any case; also severity, criticality", "low", "medium", "high", "critical"), new OpenApiSchema { Type = JsonSchemaType.Integer, Minimum = "1", Maximum = "4" }] }),
        ("time", new OpenApiSchema { Type = JsonSchemaType.String | JsonSchemaType.Number, Description = "RFC 3339, or Unix seconds (from 1e11 milliseconds); now when left out; also timestamp, created_at" }),
        ("user_id", TextOrNumber("The person or account; also employee_id, user", PushLimits.MaxUserIdCharacters)),
        ("description", Text("In words", PushLimits.MaxDescriptionCharacters, 0)),
        ("src_ip", Text("An IP address")), ("dst_ip", Text("An IP address")),
        ("data", new OpenApiSchema { Description = "Any JSON, comes back equal; also variant_data. Members of other names become data when there is none" }));

    private static OpenApiSchema One(string status) => Object(["id", "sequence", "status"], ("id", Uuid()), ("sequence", Number()), ("status", Choice("", status)));

    private static OpenApiSchema Batch() => Object(["created", "duplicates", "rejected", "results"], ("created", Number()), ("duplicates", Number()), ("rejected", Number()),
        ("results", new OpenApiSchema
        {
            Type = JsonSchemaType.Array,
            Description = "Only rejects and duplicates of more than 1,000 events",
            Items = Object(["index", "id", "status"], ("index", Number()), ("id", Uuid(JsonSchemaType.Null)), ("status", Choice("", "created", "duplicate", "rejected")), ("errors", Errors())),
        }));

    private static OpenApiSchema Problem() => Object(["type", "title", "status", "detail", "code", "trace_id"], ("type", Text("")), ("title", Text("")), ("status", Number()),
        ("detail", Text("")), ("code", Text("")), ("trace_id", Text("")), ("errors", Errors()));

    private static OpenApiSchema Errors() => new()
    {
        Type = JsonSchemaType.Array,
        Items = Object(["pointer", "code", "detail"], ("pointer", Text("", least: 0)), ("code", Text("")), ("detail", Text(""))),
    };

    private static OpenApiResponse Answer(string what, string mediaType, OpenApiSchema schema) => new()
    {
        Description = what,
        Content = new Dictionary<string, OpenApiMediaType>(StringComparer.Ordinal) { [mediaType] = new() { Schema = schema } },
    };

    private static OpenApiSchema Object(string[] required, params (string Name, OpenApiSchema Schema)[] properties) => new()
    {
        Type = JsonSchemaType.Object,
        Required = required.ToHashSet(StringComparer.Ordinal),
        Properties = properties.ToDictionary(property => property.Name, property => (IOpenApiSchema)property.Schema, StringComparer.Ordinal),
    };

    private static OpenApiSchema Text(string what, int? most = null, int least = 1) => new() { Type = JsonSchemaType.String, Description = what, MinLength = least, MaxLength = most };

    private static OpenApiSchema TextOrNumber(string what, int most) => new() { Type = JsonSchemaType.String | JsonSchemaType.Number, Description = what, MaxLength = most };

    private static OpenApiSchema Choice(string what, params string[] values) => new() { Type = JsonSchemaType.String, Description = what, Enum = [.. values.Select(value => (JsonNode)value)] };

    private static OpenApiSchema Uuid(JsonSchemaType or = default) => new() { Type = JsonSchemaType.String | or, Format = "uuid" };

    private static OpenApiSchema Number() => new() { Type = JsonSchemaType.Integer, Minimum = "0" };
}
