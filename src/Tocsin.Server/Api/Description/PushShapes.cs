using Microsoft.OpenApi;
using Tocsin.Collect.Push;
using static Tocsin.Server.Api.Description.Shapes;

namespace Tocsin.Server.Api.Description;

/// <summary>
/// The push door in the API's description. Written out, not derived: bodies are read token by token, and no type of the code has their shape.
/// </summary>
internal static class PushShapes
{
    private static readonly (int Status, string What, string[] Headers)[] Refusals =
    [
        (400, "Not JSON: broken, a name twice, half a surrogate pair, not UTF-8; or a header or a query parameter that cannot be used", []),
        (403, "The token lacks the scope ingest (WWW-Authenticate says so); or one event under a source or type that is reserved", ["WWW-Authenticate?"]),
        (408, "The body was not here after a minute; nothing of it was taken", []),
        (409, "One event: the same external_id or Idempotency-Key with other content", []),
        (413, "Over 10 MiB inflated, 10,000 events, 1 MiB an event or depth 64", []),
        (415, "Another media type or content encoding", ["Accept-Encoding"]),
        (422, "No good event in it; errors say where and what was expected", []),
        (429, "As many events wait as may, and nothing of this was taken; or too many unknown tokens from this address", ["RateLimit", "RateLimit-Policy"]),
        (503, "The store cannot write now; or the broker in front of it cannot take this now, or holds as much as it may", []),
    ];

    public static void DescribedAsPush(this RouteHandlerBuilder route, string name)
    {
        route.Named(name, "Events", "Stores one event or a batch; answers when it is on disk")
            .WithDescription("A bare object is one event. An array, or one object a line as application/x-ndjson, is a batch: good events are kept beside bad ones. Bodies may be gzip. With an external_id, or under an Idempotency-Key, a repeat is stored once.")
            .Gives(200, "A batch of which something is stored; or one event that was there already (Location is its address)", "application/json",
                document => OneOf(Ref(document, "PushedBatch"), Ref(document, "PushedEvent")), "Location?")
            .Gives(201, "One event, created", "application/json", document => Ref(document, "PushedEvent"), "Location")
            .Gives(202, "With a broker in front of the store: kept for good by it and stored soon, under these ids", "application/json",
                document => OneOf(Ref(document, "AcceptedBatch"), Ref(document, "AcceptedEvent")), "Location?", "Preference-Applied?");
        foreach (var (status, what, headers) in Refusals)
            route.Refuses(status, what, headers);
        route.AddOpenApiOperationTransformer((operation, context, _) =>
        {
            DescribeRequest(operation, context.Document!);
            return Task.CompletedTask;
        });
    }

    public static void AddTo(OpenApiDocument document)
    {
        var schemas = document.Components!.Schemas!;
        schemas["NewEvent"] = NewEvent();
        schemas["PushedEvent"] = Object("What became of one event", ["id", "sequence", "status"],
            ("id", Uuid()), ("sequence", Number(min: 1)), ("status", Choice("duplicate: id and sequence are the first one's", "created", "duplicate")));
        schemas["AcceptedEvent"] = Object("One event that is kept and not stored yet", ["id", "status"], ("id", Uuid()), ("status", Choice(null, "accepted")));
        schemas["AcceptedBatch"] = Object("A batch that is kept and not stored yet", ["accepted", "rejected", "results"], ("accepted", Number()), ("rejected", Number()),
            ("results", List(Ref(document, "PushResult"), "Only rejects of more than 1,000 events")));
        schemas["PushResult"] = Object("What became of one event of a batch", ["index", "id", "status"], ("index", Number("Its place in the request, from 0")),
            ("id", Uuid(JsonSchemaType.Null, "Null where it was never an event")), ("status", Choice(null, "created", "duplicate", "rejected", "accepted")), ("errors", List(Ref(document, "ProblemError"), "Of a rejected one")));
        schemas["PushedBatch"] = Object("What became of a batch", ["created", "duplicates", "rejected", "results"], ("created", Number()), ("duplicates", Number()), ("rejected", Number()),
            ("results", List(Ref(document, "PushResult"), "Only rejects and duplicates of more than 1,000 events")));
    }

    private static void DescribeRequest(OpenApiOperation operation, OpenApiDocument document)
    {
        operation.Parameters ??= [];
        operation.Parameters.Add(new OpenApiParameter
        {
            Name = "Idempotency-Key",
            In = ParameterLocation.Header,
            Description = "Per token, covers the request: a repeat gets the same ids and rejects",
            Schema = Text(most: PushLimits.MaxIdempotencyKeyCharacters),
        });
        operation.Parameters.Add(new OpenApiParameter
        {
            Name = "Prefer",
            In = ParameterLocation.Header,
            Description = "respond-async: do not wait for the commit where a broker keeps the request; other preferences are not looked at",
            Schema = Text(),
        });
        operation.RequestBody = new OpenApiRequestBody
        {
            Required = true,
            Content = new Dictionary<string, OpenApiMediaType>(StringComparer.Ordinal)
            {
                ["application/json"] = new()
                {
                    Schema = OneOf(Ref(document, "NewEvent"), new OpenApiSchema { Type = JsonSchemaType.Array, Items = Ref(document, "NewEvent"), MinItems = 1, MaxItems = PushLimits.MaxEvents }),
                    Example = System.Text.Json.Nodes.JsonNode.Parse("""{"type":"account_created","user_id":"1234","data":{"response":"data_here"}}"""),
                },
                ["application/x-ndjson"] = new() { Schema = Text("One event a line, each as #/components/schemas/NewEvent") },
            },
        };
    }

    private static OpenApiSchema NewEvent()
    {
        var schema = Object("An event to be stored. A member of another name becomes part of data where there is none; beside data it is refused", [],
            ("type", Text("What happened, a.b by convention", PushLimits.MaxTypeCharacters)), ("event_type", Text("Alias of type", PushLimits.MaxTypeCharacters)),
            ("external_id", TextOrNumber("Your own id, unique within the source", PushLimits.MaxExternalIdCharacters)), ("id", TextOrNumber("Alias of external_id", PushLimits.MaxExternalIdCharacters)),
            ("kind", Choice("audit when left out", EventKinds.Names)),
            ("source", Text("The token's name when left out; not that of a configured source", PushLimits.MaxNameCharacters)),
            ("device", Text("What reported it", PushLimits.MaxNameCharacters)),
            ("priority", Priority("In any case")), ("severity", Priority("Alias of priority")), ("criticality", Priority("Alias of priority")),
            ("time", Time("Now when left out")), ("timestamp", Time("Alias of time")), ("created_at", Time("Alias of time")),
            ("user_id", TextOrNumber("The person or account", PushLimits.MaxUserIdCharacters)), ("employee_id", TextOrNumber("Alias of user_id", PushLimits.MaxUserIdCharacters)),
            ("user", TextOrNumber("Alias of user_id", PushLimits.MaxUserIdCharacters)),
            ("description", Text("In words", PushLimits.MaxDescriptionCharacters, 0)),
            ("src_ip", Text("An IP address")), ("dst_ip", Text("An IP address")),
            ("data", Any("Any JSON, comes back equal")), ("variant_data", Any("Alias of data")));
        schema.AdditionalPropertiesAllowed = true;
        foreach (var (name, member) in schema.Properties!)
            if (name is not ("type" or "event_type"))
                AllowNull((OpenApiSchema)member);
        schema.AnyOf = [new OpenApiSchema { Required = new HashSet<string>(["type"], StringComparer.Ordinal) }, new OpenApiSchema { Required = new HashSet<string>(["event_type"], StringComparer.Ordinal) }];
        return schema;
    }

    /// <summary>Null is as good as absent.</summary>
    private static void AllowNull(OpenApiSchema schema)
    {
        if (schema.Type is not null)
            schema.Type |= JsonSchemaType.Null;
        schema.Enum?.Add(JsonNullSentinel.JsonNull);
        schema.OneOf?.Add(new OpenApiSchema { Type = JsonSchemaType.Null });
    }

    private static OpenApiSchema Priority(string what) => new()
    {
        Description = what,
        OneOf = [Choice(null, Priorities.Names), Number("1 low to 4 critical", 1, 4)],
    };

    private static OpenApiSchema Time(string what) =>
        new() { Type = JsonSchemaType.String | JsonSchemaType.Number, Description = $"RFC 3339, or Unix seconds (from 1e11 milliseconds). {what}" };
}
