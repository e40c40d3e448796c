using Microsoft.OpenApi;
using static Tocsin.Server.Api.Description.Shapes;

namespace Tocsin.Server.Api.Description;

/// <summary>Answers that are one of two things, by what was asked and who asked.</summary>
internal static class EitherShapes
{
    /// <summary><c>/health</c>: all of it for whoever may read, else the status.</summary>
    public static IOpenApiSchema Health(OpenApiDocument document) => OneOf(Ref(document, "HealthReport"), Object("The status alone", ["status"], ("status", Choice(null, "healthy", "degraded", "unhealthy"))));

    /// <summary><c>/identities</c>: who held an address, or addresses that nobody is known to have held.</summary>
    public static IOpenApiSchema Identities(OpenApiDocument document) => List(OneOf(
        Object("Who held it, from which directory; open ends are null", ["ip", "user_id", "from", "to", "source"],
            ("ip", Text()), ("user_id", Text()), ("from", Time(JsonSchemaType.Null)), ("to", Time(JsonSchemaType.Null)), ("source", Text())),
        Object("An address nobody was found for", ["ip", "count"], ("ip", Text()), ("count", Number("Its events", 1)))));
}
