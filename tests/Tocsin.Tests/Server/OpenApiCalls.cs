using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Tocsin.Tests.Server;

/// <summary>One operation of the description.</summary>
internal sealed record OpenApiOperation(string Id, HttpMethod Method, string Path, JsonElement Element);

/// <summary>Calls operations by their name, and holds what is sent and what comes back to the description.</summary>
internal sealed class OpenApiCalls
{
    /// <summary>Headers of HTTP itself, and those every answer has: the description does not repeat them.</summary>
    private static readonly string[] Plain =
    [
        "Content-Type", "Content-Length", "Transfer-Encoding", "Date", "Connection", "Cache-Control", "Vary", "X-Content-Type-Options", "Content-Security-Policy", "Referrer-Policy", "X-Accel-Buffering",
    ];

    private readonly JsonElement _document;
    private readonly JsonSchema _schemas;

    public OpenApiCalls(JsonElement document)
    {
        (_document, _schemas) = (document, new JsonSchema(document));
        Operations = [.. document.GetProperty("paths").EnumerateObject().SelectMany(path => path.Value.EnumerateObject()
            .Select(method => new OpenApiOperation(method.Value.GetProperty("operationId").GetString()!, new HttpMethod(method.Name.ToUpperInvariant()), path.Name, method.Value)))];
    }

    public IReadOnlyList<OpenApiOperation> Operations { get; }

    /// <summary>Which answers of which operations were seen.</summary>
    public HashSet<(string Id, string Status)> Seen { get; } = [];

    public async Task<JsonElement> CallAsync(HttpClient client, string id, int status, string path, HttpContent? body = null, params (string Name, string Value)[] headers)
    {
        var operation = Operations.Single(one => one.Id == id);
        var place = $"{id} {path} -> {status}";
        JsonSchema.Pattern($"^{JsonSchema.Pattern(@"\{[^}]+\}").Replace(operation.Path, "[^/]+")}$").IsMatch(path.Split('?')[0]).ShouldBeTrue(place);
        using var request = new HttpRequestMessage(operation.Method, path) { Content = body };
        foreach (var (name, value) in headers)
            request.Headers.TryAddWithoutValidation(name, value);
        // A body that is refused unread must not break the pipe before the answer is there.
        request.Headers.ExpectContinue = status == 413 ? true : null;
        if (status < 400)
            await CheckRequestAsync(operation, request, place);
        using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        ((int)response.StatusCode).ShouldBe(status, place);
        return await CheckAsync(operation, response, place);
    }

    private async Task CheckRequestAsync(OpenApiOperation operation, HttpRequestMessage request, string place)
    {
        var parameters = operation.Element.TryGetProperty("parameters", out var list) ? list.EnumerateArray().ToArray() : [];
        foreach (var pair in new Uri(new Uri("http://x"), request.RequestUri!).Query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var (name, value) = (Uri.UnescapeDataString(pair.Split('=')[0]), Uri.UnescapeDataString(pair.Split('=')[1]));
            var isData = name.StartsWith("data.", StringComparison.Ordinal);
            var parameter = parameters.Single(one => one.GetProperty("in").GetString() == "query" && one.GetProperty("name").GetString() == (isData ? "data.*" : name));
            var schema = parameter.GetProperty("schema");
            if (isData)
                Fits(JsonSerializer.SerializeToElement(new Dictionary<string, string>(StringComparer.Ordinal) { [name] = value }), schema, place);
            else
                Fits(Value(value, schema.TryGetProperty("items", out var items) ? items : schema), items.ValueKind == JsonValueKind.Object ? items : schema, $"{place} {name}");
        }
        if (request.Content is null)
            return;
        var media = operation.Element.GetProperty("requestBody").GetProperty("content").GetProperty(request.Content.Headers.ContentType!.MediaType!);
        if (request.Content.Headers.ContentType.MediaType == "application/json" && request.Content.Headers.ContentEncoding.Count == 0)
            Fits(JsonElement.Parse(await request.Content.ReadAsStringAsync()), media.GetProperty("schema"), $"{place} request");
    }

    private async Task<JsonElement> CheckAsync(OpenApiOperation operation, HttpResponseMessage response, string place)
    {
        var status = ((int)response.StatusCode).ToString(CultureInfo.InvariantCulture);
        operation.Element.GetProperty("responses").TryGetProperty(status, out var described).ShouldBeTrue($"{place}: this status is not described");
        described = _schemas.Resolve(described);
        Seen.Add((operation.Id, status));
        CheckHeaders(response, described, place);
        if (!described.TryGetProperty("content", out var content))
        {
            (await response.Content.ReadAsByteArrayAsync()).ShouldBeEmpty(place);
            return default;
        }
        var type = response.Content.Headers.ContentType.ShouldNotBeNull(place).MediaType!;
        content.TryGetProperty(type, out var media).ShouldBeTrue($"{place}: {type} is not described");
        var schema = media.GetProperty("schema");
        if (type.EndsWith("json", StringComparison.Ordinal) && type != "application/x-ndjson")
        {
            var json = JsonElement.Parse(await response.Content.ReadAsStringAsync());
            Fits(json, schema, place);
            return json;
        }
        var text = type == "text/event-stream" ? await FramesAsync(response, 3) : await response.Content.ReadAsStringAsync();
        Fits(JsonSerializer.SerializeToElement(text), schema, place);
        foreach (var line in type switch { "application/x-ndjson" => Lines(text, ""), "text/event-stream" => Lines(text, "data: "), _ => [] })
            Fits(JsonElement.Parse(line), _document.GetProperty("components").GetProperty("schemas").GetProperty("Event"), place);
        return JsonSerializer.SerializeToElement(text);
    }

    private void CheckHeaders(HttpResponseMessage response, JsonElement described, string place)
    {
        var headers = response.Headers.Concat(response.Content.Headers).ToDictionary(header => header.Key, header => string.Join(", ", header.Value), StringComparer.OrdinalIgnoreCase);
        var known = described.TryGetProperty("headers", out var list) ? list.EnumerateObject().ToArray() : [];
        foreach (var name in headers.Keys.Except(Plain, StringComparer.OrdinalIgnoreCase))
            known.ShouldContain(header => header.Name.Equals(name, StringComparison.OrdinalIgnoreCase), $"{place}: the header {name} is not described");
        foreach (var header in known)
        {
            var rule = _schemas.Resolve(header.Value);
            if (headers.TryGetValue(header.Name, out var value))
                Fits(Value(value, rule.GetProperty("schema")), rule.GetProperty("schema"), $"{place} {header.Name}");
            else
                (rule.TryGetProperty("required", out var required) && required.GetBoolean()).ShouldBeFalse($"{place}: the header {header.Name} is missing");
        }
    }

    private void Fits(JsonElement value, JsonElement schema, string place) => _schemas.Errors(value, schema).ShouldBeEmpty(place);

    /// <summary>A text as the value it stands for.</summary>
    private static JsonElement Value(string text, JsonElement schema) =>
        schema.TryGetProperty("type", out var type) && type.ValueKind == JsonValueKind.String && type.GetString() is "integer" or "boolean" ? JsonElement.Parse(text) : JsonSerializer.SerializeToElement(text);

    private static IEnumerable<string> Lines(string text, string start) =>
        text.Split('\n').Where(line => line.Length > start.Length && line.StartsWith(start, StringComparison.Ordinal)).Select(line => line[start.Length..]);

    private static async Task<string> FramesAsync(HttpResponseMessage response, int events)
    {
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());
        var text = new StringBuilder();
        while (events > 0 && await reader.ReadLineAsync() is { } line)
        {
            text.Append(line).Append('\n');
            events -= line.StartsWith("data: ", StringComparison.Ordinal) ? 1 : 0;
        }
        return text.ToString();
    }
}
