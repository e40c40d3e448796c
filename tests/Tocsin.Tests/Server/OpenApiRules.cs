using System.Text.Json;

namespace Tocsin.Tests.Server;

/// <summary>The rules of OpenAPI 3.1 that a document can break: what must be there, what may be, that names lead somewhere and are unique.</summary>
internal sealed class OpenApiRules(JsonElement document)
{
    private static readonly string[] Methods = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

    /// <summary>By object: the members it must have, and those it may.</summary>
    private static readonly Dictionary<string, (string[] Must, string[] May)> Objects = new(StringComparer.Ordinal)
    {
        ["document"] = (["openapi", "info", "paths"], ["jsonSchemaDialect", "servers", "webhooks", "components", "security", "tags", "externalDocs"]),
        ["info"] = (["title", "version"], ["summary", "description", "termsOfService", "contact", "license"]),
        ["license"] = (["name"], ["identifier", "url"]),
        ["components"] = ([], ["schemas", "responses", "parameters", "examples", "requestBodies", "headers", "securitySchemes", "links", "callbacks", "pathItems"]),
        ["operation"] = (["operationId", "responses", "summary", "tags"], ["description", "externalDocs", "parameters", "requestBody", "callbacks", "deprecated", "security", "servers"]),
        ["parameter"] = (["name", "in", "schema"], ["description", "required", "deprecated", "allowEmptyValue", "style", "explode", "allowReserved", "example", "examples"]),
        ["requestBody"] = (["content"], ["description", "required"]),
        ["response"] = (["description"], ["headers", "content", "links"]),
        ["header"] = (["schema"], ["description", "required", "deprecated", "style", "explode", "example", "examples"]),
        ["mediaType"] = (["schema"], ["example", "examples", "encoding"]),
        ["httpScheme"] = (["type", "scheme"], ["description", "bearerFormat"]),
        ["apiKeyScheme"] = (["type", "name", "in"], ["description"]),
        ["tag"] = (["name"], ["description", "externalDocs"]),
        ["reference"] = (["$ref"], ["summary", "description"]),
    };

    private readonly JsonSchema _schemas = new(document);
    private readonly List<string> _errors = [];

    /// <summary>Every rule that is broken, with its place.</summary>
    public IReadOnlyList<string> Broken()
    {
        Members("document", document, "#");
        Fail(!JsonSchema.Pattern(@"^3\.1\.\d+$").IsMatch(document.GetProperty("openapi").GetString()!), "#/openapi", "it is not 3.1");
        Members("info", document.GetProperty("info"), "#/info");
        if (document.GetProperty("info").TryGetProperty("license", out var license))
            Members("license", license, "#/info/license");
        CheckComponents(document.GetProperty("components"));
        var ids = new List<string>();
        foreach (var path in document.GetProperty("paths").EnumerateObject())
            CheckPath(path, ids);
        foreach (var twice in ids.GroupBy(id => id, StringComparer.Ordinal).Where(group => group.Count() > 1))
            Fail(true, "#/paths", $"the operationId {twice.Key} stands twice");
        CheckTags();
        CheckReferences(document, "#");
        return _errors;
    }

    private void CheckComponents(JsonElement components)
    {
        Members("components", components, "#/components");
        foreach (var kind in components.EnumerateObject())
            foreach (var component in kind.Value.EnumerateObject())
            {
                var place = $"#/components/{kind.Name}/{component.Name}";
                Fail(!JsonSchema.Pattern(@"^[a-zA-Z0-9._-]+$").IsMatch(component.Name), place, "a component cannot have this name");
                switch (kind.Name)
                {
                    case "schemas": CheckSchema(component.Value, place); break;
                    case "responses": CheckResponse(component.Value, place); break;
                    case "headers": CheckHeader(component.Value, place); break;
                    case "securitySchemes": Members(component.Value.GetProperty("type").GetString() + "Scheme", component.Value, place); break;
                    default: Fail(true, place, "components of this kind are not checked"); break;
                }
            }
    }

    private void CheckPath(JsonProperty path, List<string> ids)
    {
        Fail(!path.Name.StartsWith('/'), path.Name, "a path begins with a slash");
        foreach (var method in path.Value.EnumerateObject())
        {
            var place = $"{method.Name} {path.Name}";
            Fail(!Methods.Contains(method.Name), place, "it is no method");
            var operation = method.Value;
            Members("operation", operation, place);
            var id = operation.GetProperty("operationId").GetString()!;
            ids.Add(id);
            Fail(!JsonSchema.Pattern("^[a-z][a-zA-Z]+$").IsMatch(id), place, $"{id} is no readable operationId");
            CheckParameters(operation, path.Name, place);
            if (operation.TryGetProperty("requestBody", out var body))
            {
                Members("requestBody", body, place);
                CheckContent(body, place);
            }
            CheckResponses(operation, place);
        }
    }

    private void CheckParameters(JsonElement operation, string path, string place)
    {
        var parameters = operation.TryGetProperty("parameters", out var list) ? list.EnumerateArray().ToArray() : [];
        foreach (var parameter in parameters)
        {
            var (name, where) = (parameter.GetProperty("name").GetString()!, parameter.GetProperty("in").GetString()!);
            var at = $"{place} {where} {name}";
            Members("parameter", parameter, at);
            Fail(where is not ("path" or "query" or "header" or "cookie"), at, "it stands nowhere");
            Fail(where == "header" && name is "Accept" or "Content-Type" or "Authorization", at, "OpenAPI ignores a header parameter of this name");
            Fail(where == "path" && !(parameter.TryGetProperty("required", out var required) && required.GetBoolean()), at, "a path parameter is required");
            Fail(!parameter.TryGetProperty("description", out _), at, "it says nothing of itself");
            var schema = parameter.GetProperty("schema");
            CheckSchema(schema, at);
            Fail(schema.TryGetProperty("type", out var type) && type.ValueKind == JsonValueKind.String && type.GetString() == "array" && parameter.TryGetProperty("explode", out var explode) && !explode.GetBoolean(),
                at, "repeats are names of their own: explode");
        }
        Fail(parameters.GroupBy(parameter => (parameter.GetProperty("name").GetString(), parameter.GetProperty("in").GetString())).Any(group => group.Count() > 1), place, "a parameter stands twice");
        var inPath = JsonSchema.Pattern(@"\{[^}]+\}").Matches(path).Select(match => match.Value.Trim('{', '}')).Order(StringComparer.Ordinal);
        var declared = parameters.Where(parameter => parameter.GetProperty("in").GetString() == "path").Select(parameter => parameter.GetProperty("name").GetString()!).Order(StringComparer.Ordinal);
        Fail(!inPath.SequenceEqual(declared, StringComparer.Ordinal), place, "the path and its parameters name others");
    }

    private void CheckResponses(JsonElement operation, string place)
    {
        var responses = operation.GetProperty("responses").EnumerateObject().ToArray();
        Fail(!Array.Exists(responses, response => response.Name[0] == '2'), place, "it never succeeds");
        foreach (var response in responses)
        {
            Fail(!JsonSchema.Pattern("^([1-5](\\d\\d|XX)|default)$").IsMatch(response.Name), place, $"{response.Name} is no status");
            CheckResponse(response.Value, $"{place} {response.Name}");
        }
    }

    private void CheckResponse(JsonElement response, string place)
    {
        if (IsReference(response, place))
            return;
        Members("response", response, place);
        if (response.TryGetProperty("headers", out var headers))
            foreach (var header in headers.EnumerateObject())
                CheckHeader(header.Value, $"{place} {header.Name}");
        CheckContent(response, place);
    }

    private void CheckHeader(JsonElement header, string place)
    {
        if (IsReference(header, place))
            return;
        Members("header", header, place);
        CheckSchema(header.GetProperty("schema"), place);
    }

    private void CheckContent(JsonElement holder, string place)
    {
        if (!holder.TryGetProperty("content", out var content))
            return;
        foreach (var type in content.EnumerateObject())
        {
            Fail(!JsonSchema.Pattern("^[a-z]+/[a-z0-9.+-]+$").IsMatch(type.Name), place, $"{type.Name} is no media type");
            Members("mediaType", type.Value, $"{place} {type.Name}");
            CheckSchema(type.Value.GetProperty("schema"), $"{place} {type.Name}");
            if (type.Value.TryGetProperty("example", out var example))
                _errors.AddRange(_schemas.Errors(example, type.Value.GetProperty("schema"), $"{place} example"));
        }
    }

    /// <summary>The checker knows its keywords, and says so of any value: null will do, with what it says of null left out.</summary>
    private void CheckSchema(JsonElement schema, string place)
    {
        foreach (var keyword in schema.EnumerateObject())
            switch (keyword.Name)
            {
                case "properties" or "patternProperties":
                    foreach (var member in keyword.Value.EnumerateObject())
                        CheckSchema(member.Value, $"{place}/{member.Name}");
                    break;
                case "items":
                    CheckSchema(keyword.Value, $"{place}/items");
                    break;
                case "additionalProperties" when keyword.Value.ValueKind == JsonValueKind.Object:
                    CheckSchema(keyword.Value, $"{place}/*");
                    break;
                case "oneOf" or "anyOf" or "allOf":
                    foreach (var one in keyword.Value.EnumerateArray())
                        CheckSchema(one, $"{place}/{keyword.Name}");
                    break;
                case "$ref":
                    break;
                default:
                    _errors.AddRange(_schemas.Errors(JsonElement.Parse("null"), JsonSerializer.SerializeToElement(new Dictionary<string, JsonElement>(StringComparer.Ordinal) { [keyword.Name] = keyword.Value }), place)
                        .Where(error => error.Contains("is not known here", StringComparison.Ordinal)));
                    break;
            }
        if (schema.TryGetProperty("required", out var required) && schema.TryGetProperty("properties", out var properties))
            foreach (var name in required.EnumerateArray())
                Fail(!properties.TryGetProperty(name.GetString()!, out _), place, $"{name} is required, and not described");
    }

    private void CheckTags()
    {
        var known = document.GetProperty("tags").EnumerateArray().Select(tag => tag.GetProperty("name").GetString()).ToHashSet(StringComparer.Ordinal);
        foreach (var tag in document.GetProperty("tags").EnumerateArray())
            Members("tag", tag, "#/tags");
        foreach (var path in document.GetProperty("paths").EnumerateObject())
            foreach (var method in path.Value.EnumerateObject())
                Fail(!method.Value.GetProperty("tags").EnumerateArray().All(tag => known.Contains(tag.GetString())), path.Name, "it has a tag that is not listed");
    }

    private void CheckReferences(JsonElement element, string place)
    {
        if (element.ValueKind == JsonValueKind.Object && element.TryGetProperty("$ref", out var reference) && reference.ValueKind == JsonValueKind.String)
            _ = _schemas.Resolve(element);
        if (element.ValueKind == JsonValueKind.Object)
            foreach (var member in element.EnumerateObject())
                CheckReferences(member.Value, $"{place}/{member.Name}");
        if (element.ValueKind == JsonValueKind.Array)
            foreach (var item in element.EnumerateArray())
                CheckReferences(item, place);
    }

    private bool IsReference(JsonElement element, string place)
    {
        if (!element.TryGetProperty("$ref", out _))
            return false;
        Members("reference", element, place);
        return true;
    }

    private void Members(string kind, JsonElement element, string place)
    {
        var (must, may) = Objects[kind];
        var names = element.EnumerateObject().Select(member => member.Name).ToArray();
        foreach (var name in must.Except(names, StringComparer.Ordinal))
            Fail(true, place, $"the {kind} has no {name}");
        foreach (var name in names.Except([.. must, .. may], StringComparer.Ordinal))
            Fail(true, place, $"a {kind} has no member {name}");
    }

    private void Fail(bool isBroken, string place, string rule)
    {
        if (isBroken)
            _errors.Add($"{place}: {rule}");
    }
}
