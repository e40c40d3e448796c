using System.Text.Encodings.Web;
using System.Text.Json;

namespace Tocsin.Server.Commands;

/// <summary>JSON of the service as the commands read and show it: a record may be 64 deep, and stands some levels deep in an answer; the library's default is 64 in all.</summary>
internal static class DeepJson
{
    /// <summary>As deep as the journal looks into records.</summary>
    private const int MaxDepth = 256;

    private static readonly JsonDocumentOptions Reading = new() { MaxDepth = MaxDepth };
    private static readonly JsonSerializerOptions Writing = new() { MaxDepth = MaxDepth, WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static JsonElement Parse(ReadOnlySpan<byte> json) => JsonElement.Parse(json, Reading);

    public static JsonElement Parse(string json) => JsonElement.Parse(json, Reading);

    /// <summary>For people. Half a surrogate pair, which a pulled record may hold, cannot be written anew: then it is shown as it came.</summary>
    public static string Indented(JsonElement json)
    {
        try
        {
            return JsonSerializer.Serialize(json, Writing);
        }
        catch (JsonException)
        {
            return json.GetRawText();
        }
    }
}
