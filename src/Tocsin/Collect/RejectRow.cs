using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Unicode;

namespace Tocsin.Collect;

/// <summary>What is kept aside, as it stands in the store and is given out.</summary>
internal static class RejectRow
{
    /// <summary>What is kept of a record that is not kept whole: enough to see what it is.</summary>
    public const int CutBytes = 64 << 10;

    /// <summary>Room for what stands around the record.</summary>
    public const int OtherBytes = 1 << 10;

    /// <summary>A record stands within the row, or within an object of ours there, and may be as deep as an answer itself: deeper than the default.</summary>
    private static readonly JsonDocumentOptions Deep = new() { MaxDepth = 1000 };

    /// <summary>Nothing is escaped that JSON does not ask for: a record that is no UTF-8 would grow to six times its size.</summary>
    private static readonly JsonWriterOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static JsonDocument Parse(ReadOnlyMemory<byte> row) => JsonDocument.Parse(row, Deep);

    /// <summary>True when the row holds the beginning of its record only.</summary>
    public static bool IsCut(JsonElement row) => row.TryGetProperty("truncated", out _);

    /// <summary>A row. A record of more than <paramref name="wholeBytes"/> is cut, and the row says so.</summary>
    public static byte[] Write(RejectedRecord reject, long count, DateTimeOffset firstSeen, int wholeBytes)
    {
        var isCut = reject.Record.Length > wholeBytes;
        var buffer = new ArrayBufferWriter<byte>((isCut ? CutBytes : reject.Record.Length) + OtherBytes);
        using (var json = new Utf8JsonWriter(buffer, Plain))
        {
            json.WriteStartObject();
            json.WritePropertyName("record");
            if (isCut)
                json.WriteStringValue(Encoding.UTF8.GetString(reject.Record.AsSpan(0, CutBytes)) + "…");
            else if (Utf8.IsValid(reject.Record))
                json.WriteRawValue(reject.Record, skipInputValidation: true);
            else
                json.WriteStringValue(Encoding.UTF8.GetString(reject.Record));
            if (isCut)
                json.WriteBoolean("truncated", true);
            json.WriteString("reason", reject.Reason);
            json.WriteString("request", reject.Request);
            json.WriteString("time", EventTime.From(firstSeen, 3).ToString());
            json.WriteNumber("count", count);
            json.WriteEndObject();
        }
        return buffer.WrittenSpan.ToArray();
    }
}
