using System.Text.Json;

namespace Tocsin.SystemTests.Kit;

/// <summary>Equality of JSON as it was written: numbers by their digits, objects with the order of their names.</summary>
internal static class JsonText
{
    private static readonly JsonDocumentOptions Deep = new() { MaxDepth = 128 };

    public static JsonElement Parse(ReadOnlyMemory<byte> utf8)
    {
        using var document = JsonDocument.Parse(utf8, Deep);
        return document.RootElement.Clone();
    }

    public static bool IsJson(ReadOnlyMemory<byte> utf8)
    {
        try
        {
            Parse(utf8);
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    /// <summary>Null when they are equal; else where they differ.</summary>
    public static string? Difference(JsonElement expected, JsonElement actual, string at = "$")
    {
        if (expected.ValueKind != actual.ValueKind)
            return $"{at}: {expected.ValueKind} became {actual.ValueKind}";
        switch (expected.ValueKind)
        {
            case JsonValueKind.Object:
                var (names, found) = (expected.EnumerateObject().ToArray(), actual.EnumerateObject().ToArray());
                if (!names.Select(property => property.Name).SequenceEqual(found.Select(property => property.Name), StringComparer.Ordinal))
                    return $"{at}: other names";
                return names.Zip(found).Select(pair => Difference(pair.First.Value, pair.Second.Value, $"{at}.{pair.First.Name}")).FirstOrDefault(difference => difference is not null);
            case JsonValueKind.Array:
                if (expected.GetArrayLength() != actual.GetArrayLength())
                    return $"{at}: {expected.GetArrayLength()} items became {actual.GetArrayLength()}";
                return expected.EnumerateArray().Zip(actual.EnumerateArray()).Select((pair, i) => Difference(pair.First, pair.Second, $"{at}[{i}]")).FirstOrDefault(difference => difference is not null);
            case JsonValueKind.Number:
                return expected.GetRawText() == actual.GetRawText() ? null : $"{at}: {expected.GetRawText()} became {actual.GetRawText()}";
            case JsonValueKind.String:
                return expected.GetString() == actual.GetString() ? null : $"{at}: {expected.GetRawText()} became {actual.GetRawText()}";
            default:
                return null;
        }
    }
}
