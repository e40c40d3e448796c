using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Json;

namespace Tocsin;

/// <summary>Where a value stands in a record: <c>a.b[0].c</c>, or <c>.</c> for the whole. Immutable, thread-safe.</summary>
public sealed class FieldPath
{
    /// <summary>Paths are written by people; a longer one is a mistake.</summary>
    private const int MaxLength = 500;

    private readonly string text;
    private readonly Step[] steps;

    private FieldPath(string text, Step[] steps)
    {
        this.text = text;
        this.steps = steps;
    }

    /// <summary>The path <c>.</c>.</summary>
    public static FieldPath Whole { get; } = new(".", []);

    /// <summary>Reads a path.</summary>
    /// <exception cref="FormatException">The text is no path.</exception>
    public static FieldPath Parse(string text) =>
        TryParse(text, out var path) ? path : throw new FormatException($"\"{text}\" is no path like a.b[0].c");

    /// <summary>Reads a path; false when the text is none.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out FieldPath? path)
    {
        path = text == "." ? Whole : null;
        if (path is not null)
            return true;
        if (text.Length is 0 or > MaxLength)
            return false;
        var read = new List<Step>();
        for (var at = 0; at < text.Length;)
            if (!TryStep(text, ref at, read))
                return false;
        path = new FieldPath(text, [.. read]);
        return true;
    }

    /// <summary>Follows the path; false when the record ends before the path does. A JSON null at its end is a value.</summary>
    public bool TryGet(JsonElement record, out JsonElement value)
    {
        value = record;
        foreach (var step in steps)
            if (!step.TryTake(value, out value))
                return false;
        return true;
    }

    public override string ToString() => text;

    private static bool TryStep(string text, ref int at, List<Step> read)
    {
        if (text[at] == '[')
        {
            var close = text.IndexOf(']', at);
            if (close < 0 || close - at > 7 || !int.TryParse(text.AsSpan(at + 1, close - at - 1), System.Globalization.NumberStyles.None, null, out var index))
                return false;
            read.Add(new Step(null, index));
            at = close + 1;
            return at == text.Length || text[at] is '.' or '[';
        }
        if (text[at] == '.')
        {
            if (at == 0)
                return false;
            at++;
        }
        var end = text.AsSpan(at).IndexOfAny('.', '[', ']') is var length and >= 0 ? at + length : text.Length;
        if (end == at || (end < text.Length && text[end] == ']'))
            return false;
        read.Add(new Step(Encoding.UTF8.GetBytes(text[at..end]), 0));
        at = end;
        return true;
    }

    private readonly record struct Step(byte[]? Name, int Index)
    {
        public bool TryTake(JsonElement from, out JsonElement value)
        {
            value = default;
            if (Name is not null)
                return from.ValueKind == JsonValueKind.Object && from.TryGetProperty(Name, out value);
            if (from.ValueKind != JsonValueKind.Array || Index >= from.GetArrayLength())
                return false;
            value = from[Index];
            return true;
        }
    }
}
