using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Unicode;

namespace Tocsin.Collect;

/// <summary>
/// An upstream's answer, parsed: JSON of at most 64 levels. What is wrong with the whole is a failure; what is wrong with one record
/// (its text is no UTF-8, a name stands twice in it) is that record's own.
/// </summary>
internal sealed class Answer : IDisposable
{
    private const int MaxDepth = 64;

    /// <summary>Most tokens of an answer: each costs the parser 12 bytes, so 32 MiB of <c>{},</c> would cost half a gigabyte.</summary>
    private const int MaxTokens = 5_000_000;

    /// <summary>Smaller answers cannot hold that many.</summary>
    private const int CountedBytes = MaxTokens;

    private static readonly byte[] ByteOrderMark = [0xEF, 0xBB, 0xBF];
    private static readonly JsonDocumentOptions Strict = new() { MaxDepth = MaxDepth, AllowDuplicateProperties = false };
    private static readonly JsonDocumentOptions Lenient = new() { MaxDepth = MaxDepth };

    private readonly JsonDocument _document;
    private readonly bool _suspect;

    private Answer(JsonDocument document, bool suspect) => (_document, _suspect) = (document, suspect);

    public JsonElement Root => _document.RootElement;

    public static (Answer? Answer, FetchFailure? Failure) Parse(byte[] body)
    {
        var text = body.AsMemory(body.AsSpan().StartsWith(ByteOrderMark) ? ByteOrderMark.Length : 0);
        if (text.Span.Trim(" \t\r\n"u8).IsEmpty)
            return (null, new FetchFailure(FetchFailureKind.Malformed, "the answer is empty"));
        if (text.Length > CountedBytes && HasTooManyTokens(text.Span))
            return (null, new FetchFailure(FetchFailureKind.TooLarge, $"the answer holds more than {MaxTokens:N0} JSON tokens"));
        var valid = Utf8.IsValid(text.Span);
        try
        {
            return (new Answer(JsonDocument.Parse(text, Strict), !valid), null);
        }
        catch (Exception first) when (first is JsonException or InvalidOperationException)
        {
            try
            {
                return (new Answer(JsonDocument.Parse(text, Lenient), suspect: true), null);
            }
            catch (JsonException error)
            {
                return (null, new FetchFailure(FetchFailureKind.Malformed, $"the answer is no JSON: {Sentence(error)}"));
            }
        }
    }

    /// <summary>The bytes of a record as they came.</summary>
    public static ReadOnlySpan<byte> Raw(JsonElement record) => JsonMarshal.GetRawUtf8Value(record);

    /// <summary>Why this record cannot be trusted; null when it can.</summary>
    public string? Defect(JsonElement record)
    {
        if (!_suspect)
            return null;
        var raw = Raw(record).ToArray();
        if (!Utf8.IsValid(raw))
            return "the record's text is not valid UTF-8";
        try
        {
            JsonDocument.Parse(raw, Strict).Dispose();
            return null;
        }
        catch (JsonException)
        {
            return "a name stands twice in the record";
        }
        catch (InvalidOperationException)
        {
            return "a text in the record is not valid Unicode";
        }
    }

    private static bool HasTooManyTokens(ReadOnlySpan<byte> text)
    {
        var reader = new Utf8JsonReader(text, new JsonReaderOptions { MaxDepth = MaxDepth });
        try
        {
            for (var tokens = 0; reader.Read(); tokens++)
                if (tokens >= MaxTokens)
                    return true;
        }
        catch (JsonException)
        {
            // What is wrong with it the parser says in a moment, with the place.
        }
        return false;
    }

    public void Dispose() => _document.Dispose();

    private static string Sentence(JsonException error) =>
        $"{error.Message.Split(". LineNumber")[0].Split(" LineNumber")[0].TrimEnd('.')} (line {error.LineNumber + 1}, byte {error.BytePositionInLine})";
}
