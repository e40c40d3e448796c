using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Tocsin.Tests.Server;

/// <summary>
/// Holds a value to a schema: the part of JSON Schema 2020-12 that the API's description uses. A keyword that is not known is an error: what is not
/// checked must not look as if it were.
/// </summary>
internal sealed class JsonSchema(JsonElement document)
{
    private static readonly string[] Silent = ["description", "examples", "default"];
    private static readonly TimeSpan PatternDeadline = TimeSpan.FromSeconds(1);

    /// <summary>A pattern of a test's own, which no text keeps busy.</summary>
    public static Regex Pattern(string pattern) => new(pattern, RegexOptions.ExplicitCapture, PatternDeadline);

    /// <summary>What is wrong with the value, each with its place; empty when it fits.</summary>
    public List<string> Errors(JsonElement value, JsonElement schema, string place = "")
    {
        var errors = new List<string>();
        foreach (var keyword in schema.EnumerateObject())
            Check(value, schema, keyword.Name, keyword.Value, place, errors);
        return errors;
    }

    /// <summary>What a reference within the document leads to.</summary>
    public JsonElement Resolve(JsonElement element)
    {
        while (element.ValueKind == JsonValueKind.Object && element.TryGetProperty("$ref", out var reference))
        {
            var path = reference.GetString()!;
            path.ShouldStartWith("#/");
            element = document;
            foreach (var name in path[2..].Split('/'))
                element.TryGetProperty(name.Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal), out element).ShouldBeTrue($"{path} leads nowhere");
        }
        return element;
    }

    private void Check(JsonElement value, JsonElement schema, string name, JsonElement rule, string place, List<string> errors)
    {
        switch (name)
        {
            case "$ref":
                errors.AddRange(Errors(value, Resolve(schema), place));
                break;
            case "type":
                Fail(!Strings(rule).Any(type => IsOf(value, type)), $"is {value.ValueKind}, not {rule}");
                break;
            case "enum":
                Fail(!rule.EnumerateArray().Any(one => JsonElement.DeepEquals(one, value)), $"{value} is none of {rule}");
                break;
            case "const":
                Fail(!JsonElement.DeepEquals(rule, value), $"{value} is not {rule}");
                break;
            case "oneOf" or "anyOf" or "allOf":
                CheckGroup(value, name, rule, place, errors);
                break;
            case "minimum" or "maximum":
                Fail(value.ValueKind == JsonValueKind.Number && value.GetDecimal().CompareTo(rule.GetDecimal()) * (name == "minimum" ? 1 : -1) < 0, $"{value} is beyond the {name} {rule}");
                break;
            case "minLength" or "maxLength":
                Fail(value.ValueKind == JsonValueKind.String && IsBeyond(new StringInfo(value.GetString()!).LengthInTextElements, name, rule), $"its length is beyond {name} {rule}");
                break;
            case "minItems" or "maxItems":
                Fail(value.ValueKind == JsonValueKind.Array && IsBeyond(value.GetArrayLength(), name, rule), $"its length is beyond {name} {rule}");
                break;
            case "pattern":
                Fail(value.ValueKind == JsonValueKind.String && !IsMatch(value.GetString()!, rule), $"{value} does not match {rule}");
                break;
            case "format":
                Fail(!IsFormat(value, rule.GetString()!), $"{value} is no {rule}");
                break;
            case "items":
                for (var i = 0; value.ValueKind == JsonValueKind.Array && i < value.GetArrayLength(); i++)
                    errors.AddRange(Errors(value[i], rule, $"{place}/{i}"));
                break;
            case "required":
                foreach (var member in Strings(rule))
                    Fail(value.ValueKind == JsonValueKind.Object && !value.TryGetProperty(member, out _), $"has no {member}");
                break;
            case "properties":
                foreach (var member in Members(value))
                    if (rule.TryGetProperty(member.Name, out var own))
                        errors.AddRange(Errors(member.Value, own, $"{place}/{member.Name}"));
                break;
            case "patternProperties":
                foreach (var member in Members(value))
                    foreach (var pattern in rule.EnumerateObject().Where(pattern => Regex.IsMatch(member.Name, pattern.Name, RegexOptions.None, PatternDeadline)))
                        errors.AddRange(Errors(member.Value, pattern.Value, $"{place}/{member.Name}"));
                break;
            case "additionalProperties":
                foreach (var member in Members(value).Where(member => IsAdditional(member.Name, schema)))
                    if (rule.ValueKind == JsonValueKind.False)
                        errors.Add($"{place}: has a member {member.Name} that is not described");
                    else if (rule.ValueKind == JsonValueKind.Object)
                        errors.AddRange(Errors(member.Value, rule, $"{place}/{member.Name}"));
                break;
            default:
                Fail(!Silent.Contains(name), $"the keyword {name} is not known here");
                break;
        }

        void Fail(bool isWrong, string what)
        {
            if (isWrong)
                errors.Add($"{place}: {what}");
        }
    }

    private void CheckGroup(JsonElement value, string name, JsonElement rule, string place, List<string> errors)
    {
        var each = rule.EnumerateArray().Select(one => Errors(value, one, place)).ToArray();
        var fit = each.Count(one => one.Count == 0);
        if (name switch { "oneOf" => fit != 1, "anyOf" => fit == 0, _ => fit < each.Length })
            errors.Add($"{place}: {fit} of {name} fit: {string.Join(" | ", each.Select(one => string.Join("; ", one)))}");
    }

    private static bool IsAdditional(string name, JsonElement schema) =>
        !(schema.TryGetProperty("properties", out var properties) && properties.TryGetProperty(name, out _))
        && !(schema.TryGetProperty("patternProperties", out var patterns) && patterns.EnumerateObject().Any(pattern => Regex.IsMatch(name, pattern.Name, RegexOptions.None, PatternDeadline)));

    private static JsonProperty[] Members(JsonElement value) => value.ValueKind == JsonValueKind.Object ? [.. value.EnumerateObject()] : [];

    private static IEnumerable<string> Strings(JsonElement rule) => rule.ValueKind == JsonValueKind.Array ? rule.EnumerateArray().Select(one => one.GetString()!) : [rule.GetString()!];

    private static bool IsBeyond(int length, string name, JsonElement rule) => name.StartsWith("min", StringComparison.Ordinal) ? length < rule.GetInt32() : length > rule.GetInt32();

    private static bool IsMatch(string text, JsonElement pattern) => Regex.IsMatch(text, pattern.GetString()!, RegexOptions.ECMAScript, PatternDeadline);

    private static bool IsOf(JsonElement value, string type) => type switch
    {
        "null" => value.ValueKind == JsonValueKind.Null,
        "boolean" => value.ValueKind is JsonValueKind.True or JsonValueKind.False,
        "string" => value.ValueKind == JsonValueKind.String,
        "number" => value.ValueKind == JsonValueKind.Number,
        "integer" => value.ValueKind == JsonValueKind.Number && value.TryGetDecimal(out var number) && number == decimal.Truncate(number),
        "array" => value.ValueKind == JsonValueKind.Array,
        "object" => value.ValueKind == JsonValueKind.Object,
        _ => throw new ArgumentException($"there is no type {type}", nameof(type)),
    };

    private static bool IsFormat(JsonElement value, string format) => (format, value.ValueKind) switch
    {
        ("uuid", JsonValueKind.String) => Guid.TryParseExact(value.GetString(), "D", out _),
        ("date-time", JsonValueKind.String) => Regex.IsMatch(value.GetString()!, @"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$", RegexOptions.None, PatternDeadline),
        ("int32", JsonValueKind.Number) => value.TryGetInt32(out _),
        ("int64", JsonValueKind.Number) => value.TryGetInt64(out _),
        ("double", JsonValueKind.Number) => true,
        ("uuid" or "date-time" or "int32" or "int64" or "double", _) => true,
        _ => false,
    };
}
