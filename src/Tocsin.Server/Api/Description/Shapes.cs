using System.Text.Json.Nodes;
using Microsoft.OpenApi;

namespace Tocsin.Server.Api.Description;

/// <summary>Small parts of schemas.</summary>
internal static class Shapes
{
    /// <summary>An object that has these members and no others.</summary>
    public static OpenApiSchema Object(string what, string[] required, params (string Name, IOpenApiSchema Schema)[] members) => new()
    {
        Type = JsonSchemaType.Object,
        Description = what,
        Required = required.ToHashSet(StringComparer.Ordinal),
        Properties = members.ToDictionary(member => member.Name, member => member.Schema, StringComparer.Ordinal),
        AdditionalPropertiesAllowed = false,
    };

    public static OpenApiSchema List(IOpenApiSchema item, string? what = null) => new() { Type = JsonSchemaType.Array, Items = item, Description = what };

    public static OpenApiSchema OneOf(params IOpenApiSchema[] schemas) => new() { OneOf = schemas };

    public static IOpenApiSchema Ref(OpenApiDocument document, string name) => new OpenApiSchemaReference(name, document);

    public static OpenApiSchema Text(string? what = null, int? most = null, int least = 1) =>
        new() { Type = JsonSchemaType.String, Description = what, MinLength = least == 0 ? null : least, MaxLength = most };

    public static OpenApiSchema TextOrNumber(string what, int most) => new() { Type = JsonSchemaType.String | JsonSchemaType.Number, Description = what, MinLength = 1, MaxLength = most };

    public static OpenApiSchema Choice(string? what, params IEnumerable<string> values) =>
        new() { Type = JsonSchemaType.String, Description = what, Enum = [.. values.Select(value => (JsonNode)value)] };

    public static OpenApiSchema Uuid(JsonSchemaType or = default, string? what = null) => new() { Type = JsonSchemaType.String | or, Format = "uuid", Description = what };

    public static OpenApiSchema Number(string? what = null, long min = 0, long? max = null) => new()
    {
        Type = JsonSchemaType.Integer, Format = "int64", Description = what,
        Minimum = min.ToString(System.Globalization.CultureInfo.InvariantCulture), Maximum = max?.ToString(System.Globalization.CultureInfo.InvariantCulture),
    };

    public static OpenApiSchema Time(JsonSchemaType or = default) => new() { Type = JsonSchemaType.String | or, Format = "date-time" };

    public static OpenApiSchema Any(string what) => new() { Description = what };
}
