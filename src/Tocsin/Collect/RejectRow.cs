using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;

namespace Tocsin.Collect;

/// <summary>What is kept aside, as it stands in the store and is given out.</summary>
internal static class RejectRow
{
    /// <summary>The most of a record that is kept: enough to see what it is.</summary>
    private const int MaxRecordBytes = 64 << 10;

    /// <summary>A record stands within the row, or within an object of ours there, and may be as deep as an answer itself: deeper than the default.</summary>
    private static readonly JsonDocumentOptions Deep = new() { MaxDepth = 1000 };

    public static JsonDocument Parse(ReadOnlyMemory<byte> row) => JsonDocument.Parse(row, Deep);

    public static byte[] Write(RejectedRecord reject, long count, DateTimeOffset firstSeen)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WritePropertyName("record");
            if (reject.Record.Length > MaxRecordBytes)
                json.WriteStringValue(Encoding.UTF8.GetString(reject.Record.AsSpan(0, MaxRecordBytes)) + "…");
            else if (Utf8.IsValid(reject.Record))
                json.WriteRawValue(reject.Record, skipInputValidation: true);
            else
                json.WriteStringValue(Encoding.UTF8.GetString(reject.Record));
            json.WriteString("reason", reject.Reason);
            json.WriteString("request", reject.Request);
            json.WriteString("time", EventTime.From(firstSeen, 3).ToString());
            json.WriteNumber("count", count);
            json.WriteEndObject();
        }
        return buffer.WrittenSpan.ToArray();
    }
}
