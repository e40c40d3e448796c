using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Tocsin.Projections;

/// <summary>
/// An event as the API shows it: one JSON object on one line, absent values null, data with its own bytes (a line break between its tokens
/// becomes a space, so that a line stays a line).
/// </summary>
public static class EventJson
{
    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };
    private static readonly SearchValues<byte> LineBreaks = SearchValues.Create("\r\n"u8);

    [ThreadStatic]
    private static Utf8JsonWriter? _writer;

    /// <summary>Appends the event.</summary>
    public static void Write(long sequence, SecurityEvent e, IBufferWriter<byte> output)
    {
        var json = _writer ??= new Utf8JsonWriter(output, Options);
        json.Reset(output);
        json.WriteStartObject();
        Span<byte> id = stackalloc byte[36];
        e.Id.Value.TryFormat(id, out _);
        json.WriteString("id"u8, id);
        json.WriteString("external_id"u8, e.ExternalId);
        json.WriteNumber("sequence"u8, sequence);
        json.WriteString("kind"u8, e.Kind.Name());
        json.WriteString("type"u8, e.Type);
        json.WriteString("source"u8, e.Source);
        json.WriteString("device"u8, e.Device);
        json.WriteString("priority"u8, e.Priority.Name());
        WriteTime(json, "time"u8, e.Time);
        WriteTime(json, "received_at"u8, EventTime.From(e.ReceivedAt, 3));
        json.WriteString("user_id"u8, e.UserId);
        json.WriteString("description"u8, e.Description);
        json.WriteString("src_ip"u8, e.SrcIp);
        json.WriteString("dst_ip"u8, e.DstIp);
        json.WriteString("country"u8, e.Country);
        WriteAttribution(json, e.Attribution);
        json.WritePropertyName("data"u8);
        WriteData(json, e.Data.Utf8.Span);
        json.WriteEndObject();
        json.Flush();
    }

    private static void WriteTime(Utf8JsonWriter json, ReadOnlySpan<byte> name, EventTime time)
    {
        Span<byte> text = stackalloc byte[EventTime.MaxTextBytes];
        json.WriteString(name, text[..time.Format(text)]);
    }

    private static void WriteAttribution(Utf8JsonWriter json, Attribution attribution)
    {
        json.WritePropertyName("attribution"u8);
        if (attribution.RuleName is not { } rule)
        {
            json.WriteNullValue();
            return;
        }
        json.WriteStartObject();
        json.WriteString("rule"u8, rule);
        json.WriteString("source"u8, attribution.Source);
        json.WriteString("address"u8, attribution.Address);
        json.WriteEndObject();
    }

    private static void WriteData(Utf8JsonWriter json, ReadOnlySpan<byte> data)
    {
        if (data.IsEmpty)
            json.WriteNullValue();
        else if (data.IndexOfAny(LineBreaks) < 0)
            json.WriteRawValue(data, skipInputValidation: true);
        else
            WriteOnOneLine(json, data);
    }

    private static void WriteOnOneLine(Utf8JsonWriter json, ReadOnlySpan<byte> data)
    {
        var line = ArrayPool<byte>.Shared.Rent(data.Length);
        try
        {
            // Within strings line breaks are escaped, by the grammar: these stand between tokens.
            data.CopyTo(line);
            line.AsSpan(0, data.Length).ReplaceAny(LineBreaks, (byte)' ');
            json.WriteRawValue(line.AsSpan(0, data.Length), skipInputValidation: true);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(line);
        }
    }
}
