using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.AspNetCore.Routing.Patterns;
using Microsoft.OpenApi;

namespace Tocsin.Server.Api.Description;

/// <summary>
/// <c>GET /openapi/v1.json</c>: made from the routes, their rules, their answers and the types of the code. A test holds every answer to what is said here.
/// </summary>
internal static class ApiDescription
{
    private const string Version = "v1";

    public static void Add(IServiceCollection services) => services.AddOpenApi(Version, options =>
    {
        options.OpenApiVersion = OpenApiSpecVersion.OpenApi3_1;
        options.CreateSchemaReferenceId = type => SchemaName(OpenApiOptions.CreateDefaultSchemaReferenceId(type));
        options.AddSchemaTransformer((schema, context, _) =>
        {
            Mend(schema, context);
            return Task.CompletedTask;
        });
        options.AddOperationTransformer((operation, context, _) =>
        {
            Describe(operation, context);
            return Task.CompletedTask;
        });
        options.AddDocumentTransformer((document, _, _) =>
        {
            Finish(document);
            return Task.CompletedTask;
        });
    });

    /// <summary>A type is called what it describes: the ends that tell types apart within the code tell a reader nothing.</summary>
    private static string? SchemaName(string? type)
    {
        foreach (var end in new[] { "Description", "View", "Answer" })
            if (type?.EndsWith(end, StringComparison.Ordinal) == true)
                return type[..^end.Length];
        return type;
    }

    private static void Finish(OpenApiDocument document)
    {
        document.Info = new OpenApiInfo
        {
            Title = "Tocsin",
            Version = ServerVersion.Text,
            Description = "Security incidents by employee, and every event. Errors are application/problem+json (RFC 9457). Times are RFC 3339 UTC. Where there is GET there is HEAD, which answers the same without a body. "
                + "Another method is 405 and Allow says which there are.",
            License = new OpenApiLicense { Name = "Apache-2.0", Identifier = "Apache-2.0" },
        };
        document.Servers = [];
        document.Components ??= new OpenApiComponents();
        document.Components.SecuritySchemes = new Dictionary<string, IOpenApiSecurityScheme>(StringComparer.Ordinal)
        {
            ["token"] = new OpenApiSecurityScheme { Type = SecuritySchemeType.Http, Scheme = "bearer", Description = "The admin token stands in admin.token in the data folder; tocsin token create makes others. Where auth.anonymous_read is on, reads need none." },
            ["session"] = new OpenApiSecurityScheme { Type = SecuritySchemeType.ApiKey, In = ParameterLocation.Cookie, Name = Callers.Cookie, Description = $"A browser that signed in (POST /session). Every change needs the header {SameOrigin.Header}: 1 beside it." },
        };
        CommonAnswers.AddTo(document);
        BoardShapes.AddTo(document);
        PushShapes.AddTo(document);
    }

    private static void Describe(OpenApiOperation operation, OpenApiOperationTransformerContext context)
    {
        var (metadata, document) = (context.Description.ActionDescriptor.EndpointMetadata, context.Document!);
        if (metadata.OfType<RouteRules>().FirstOrDefault() is not { } rules)
            return;
        operation.Parameters ??= [];
        // The framework lists those that a handler binds, and leaves out the others.
        foreach (var parameter in operation.Parameters.Where(parameter => parameter.In == ParameterLocation.Path).ToArray())
            operation.Parameters.Remove(parameter);
        foreach (var part in RoutePatternFactory.Parse(context.Description.RelativePath!).Parameters)
            operation.Parameters.Add(PathParameter(part.Name));
        foreach (var parameter in rules.Query)
            operation.Parameters.Add(QueryParameter(parameter));
        operation.Responses ??= [];
        // The framework says 200 where nobody says anything.
        var answers = metadata.OfType<Answer>().ToArray();
        foreach (var status in operation.Responses.Keys.Where(key => !Array.Exists(answers, answer => Key(answer.Status) == key)).ToArray())
            operation.Responses.Remove(status);
        foreach (var answer in answers)
            operation.Responses[Key(answer.Status)] = answer.IsProblem ? CommonAnswers.Problem(document, answer.Status, answer.What, answer.Headers) : Success(operation, answer, document);
        foreach (var status in Common(rules, operation.RequestBody is not null || Array.Exists(answers, answer => answer.Status == 415)))
            operation.Responses.TryAdd(Key(status), CommonAnswers.Problem(document, status, null, []));
        operation.Responses = Sorted(operation.Responses);
        operation.Security = rules.Scope == Access.Scope.None ? [] : [
            new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference("token", document)] = [] },
            new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference("session", document)] = [] },
        ];
    }

    private static OpenApiParameter PathParameter(string name)
    {
        var (what, schema) = name switch
        {
            "id" => ("Tocsin's own id", Shapes.Uuid()),
            "user_id" => ("The employee, as the board names them; unknown: those nobody was found for", Shapes.Text()),
            _ => ("Its name", Shapes.Text()),
        };
        return new OpenApiParameter { Name = name, In = ParameterLocation.Path, Required = true, Description = what, Schema = schema };
    }

    private static OpenApiResponses Sorted(OpenApiResponses responses)
    {
        var sorted = new OpenApiResponses();
        foreach (var (status, response) in responses.OrderBy(response => response.Key, StringComparer.Ordinal))
            sorted.Add(status, response);
        return sorted;
    }

    /// <summary>What every route of such rules answers beside its own.</summary>
    private static IEnumerable<int> Common(RouteRules rules, bool hasBody) =>
        [400, .. rules.Scope == Access.Scope.None ? Array.Empty<int>() : [401, 403, 429], .. hasBody ? [408, 413, 415] : Array.Empty<int>(), 500];

    private static OpenApiResponse Success(OpenApiOperation operation, Answer answer, OpenApiDocument document)
    {
        var response = operation.Responses!.GetValueOrDefault(Key(answer.Status)) as OpenApiResponse ?? new OpenApiResponse();
        response.Description = answer.What;
        foreach (var (name, header) in CommonAnswers.HeadersOf(document, answer.Headers) ?? [])
            (response.Headers ??= new Dictionary<string, IOpenApiHeader>(StringComparer.Ordinal))[name] = header;
        if (answer.MediaType is not null)
            (response.Content ??= new Dictionary<string, OpenApiMediaType>(StringComparer.Ordinal))[answer.MediaType] = new OpenApiMediaType { Schema = answer.Schema?.Invoke(document) };
        return response;
    }

    /// <summary>Names that go on (data.*) are told as the members of one object: data[path] would be another name.</summary>
    private static OpenApiParameter QueryParameter(QueryParameter parameter)
    {
        var isOpen = parameter.Name.EndsWith(".*", StringComparison.Ordinal);
        var schema = parameter.Value.ToSchema();
        return new OpenApiParameter
        {
            Name = parameter.Name,
            In = ParameterLocation.Query,
            Description = parameter.Description,
            Explode = true,
            Schema = isOpen
                ? new OpenApiSchema { Type = JsonSchemaType.Object, PatternProperties = new Dictionary<string, IOpenApiSchema>(StringComparer.Ordinal) { ["^data\\..+"] = schema }, AdditionalPropertiesAllowed = false }
                : schema,
        };
    }

    /// <summary>What the framework does not see: times have a converter of ours, all numbers count or measure, members that are always written are required.</summary>
    private static void Mend(OpenApiSchema schema, OpenApiSchemaTransformerContext context)
    {
        var type = context.JsonTypeInfo.Type;
        if ((Nullable.GetUnderlyingType(type) ?? type) == typeof(DateTimeOffset))
            (schema.Type, schema.Format) = (JsonSchemaType.String | (type == typeof(DateTimeOffset) ? JsonSchemaType.String : JsonSchemaType.Null), "date-time");
        if (schema.Type is { } kind && (kind.HasFlag(JsonSchemaType.Integer) || kind.HasFlag(JsonSchemaType.Number)))
            (schema.Minimum, schema.Pattern, schema.Default) = ("0", null, null);
        var allowed = context.JsonPropertyInfo?.AttributeProvider?.GetCustomAttributes(typeof(AllowedValuesAttribute), inherit: true).OfType<AllowedValuesAttribute>().FirstOrDefault();
        if (allowed is not null)
            Allow(schema.Items as OpenApiSchema ?? schema, allowed.Values);
        if (context.JsonPropertyInfo?.AttributeProvider?.GetCustomAttributes(typeof(RangeAttribute), inherit: true) is [RangeAttribute range])
            (schema.Type, schema.Minimum, schema.Maximum) = (JsonSchemaType.Integer, $"{range.Minimum}", $"{range.Maximum}");
        if (type.GetCustomAttributes(typeof(RequestBodyAttribute), inherit: false) is [RequestBodyAttribute body])
            Require(schema, body.Required);
        else if (schema.Properties is not null && context.JsonTypeInfo.Properties.Count > 0)
            schema.Required = context.JsonTypeInfo.Properties.Where(property => !MayBeAbsent(property.AttributeProvider)).Select(property => property.Name).ToHashSet(StringComparer.Ordinal);
    }

    private static void Allow(OpenApiSchema schema, object?[] values)
    {
        schema.Enum = [.. values.Select(value => value is null ? JsonNullSentinel.JsonNull : (JsonNode)(string)value)];
        if (!values.Contains(null))
            schema.Type &= ~JsonSchemaType.Null;
    }

    private static void Require(OpenApiSchema schema, IReadOnlyList<string> members)
    {
        schema.Required = members.Count == 0 ? null : members.ToHashSet(StringComparer.Ordinal);
        foreach (var member in members)
            if (schema.Properties?[member] is OpenApiSchema { Type: not null } property)
                property.Type &= ~JsonSchemaType.Null;
    }

    private static bool MayBeAbsent(System.Reflection.ICustomAttributeProvider? property) => property?.IsDefined(typeof(JsonIgnoreAttribute), inherit: true) == true;

    private static string Key(int status) => status.ToString(CultureInfo.InvariantCulture);
}
