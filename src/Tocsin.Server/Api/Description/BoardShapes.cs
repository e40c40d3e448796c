using Microsoft.OpenApi;
using static Tocsin.Server.Api.Description.Shapes;

namespace Tocsin.Server.Api.Description;

/// <summary>The board in the API's description. Written out, not derived: its answers are kept as bytes, and no type of the code has their shape.</summary>
internal static class BoardShapes
{
    public static void AddTo(OpenApiDocument document)
    {
        var schemas = document.Components!.Schemas!;
        schemas["BoardIncident"] = new OpenApiSchema
        {
            Type = JsonSchemaType.Object,
            Description = "The record as it came, each name once, with what Tocsin understood of it",
            Required = new HashSet<string>(["type", "priority", "event_id"], StringComparer.Ordinal),
            Properties = new Dictionary<string, IOpenApiSchema>(StringComparer.Ordinal)
            {
                ["type"] = Text(),
                ["priority"] = Choice(null, Priorities.Names),
                ["event_id"] = Uuid(what: "Tocsin's own id: GET /events/{id}"),
                ["timestamp"] = Any("As the record has it; Unix seconds where it has none"),
                ["truncated"] = Any("true: a record over 4 KiB, or one that cannot be shown, of which only this is"),
                ["data"] = Any("The record, where it is no object; else the record's own"),
            },
            AdditionalProperties = Any("Every other field of the record, untouched"),
        };
        schemas["BoardList"] = Object("The incidents of one employee and priority", ["count", "incidents"],
            ("count", Number("All that the filter leaves, also those that per_priority does not show")), ("incidents", List(Ref(document, "BoardIncident"), "Ascending by time")));
        schemas["BoardEmployee"] = Object("One employee's four lists, always all of them, in this order", [.. Priorities.Names],
            [.. Priorities.Names.Select(name => (name, Ref(document, "BoardList")))]);
        schemas["Board"] = new OpenApiSchema { Type = JsonSchemaType.Object, Description = "By employee; unknown comes last", AdditionalProperties = Ref(document, "BoardEmployee") };
    }
}
