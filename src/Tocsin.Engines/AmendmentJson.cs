using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Tocsin.Engines;

/// <summary>The stored form of an amendment: only the fields that change. The record of a revision is stored beside it, as its own bytes.</summary>
internal static class AmendmentJson
{
    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static ReadOnlySpan<byte> Write(Amendment amendment)
    {
        var buffer = new ArrayBufferWriter<byte>(128);
        using (var json = new Utf8JsonWriter(buffer, Options))
        {
            json.WriteStartObject();
            json.WriteNumber("at", amendment.At.UtcTicks - DateTime.UnixEpoch.Ticks);
            json.WriteString("by", amendment.By);
            WriteText(json, "user_id", amendment.UserId);
            if (amendment.Attribution is { } attribution)
                WriteAttribution(json, attribution);
            if (amendment.Priority is { } priority)
                json.WriteNumber("priority", (int)priority);
            if (amendment.Revision is { } revision)
                WriteRevision(json, revision);
            json.WriteEndObject();
        }
        return buffer.WrittenSpan;
    }

    /// <summary>The amendment, with <paramref name="data"/> as the record of its revision, when it has one.</summary>
    public static Amendment Read(long target, ReadOnlySpan<byte> utf8, RawRecord data)
    {
        var reader = new Utf8JsonReader(utf8);
        var json = JsonElement.ParseValue(ref reader);
        return new Amendment
        {
            Target = target,
            At = new DateTimeOffset(json.GetProperty("at").GetInt64() + DateTime.UnixEpoch.Ticks, TimeSpan.Zero),
            By = json.GetProperty("by").GetString()!,
            UserId = Text(json, "user_id"),
            Attribution = json.TryGetProperty("rule", out _) ? ReadAttribution(json) : null,
            Priority = json.TryGetProperty("priority", out var priority) ? (Priority)priority.GetInt32() : null,
            Revision = json.TryGetProperty("revision", out var revision) ? ReadRevision(revision, data) : null,
        };
    }

    private static void WriteRevision(Utf8JsonWriter json, Revision revision)
    {
        json.WriteStartObject("revision");
        json.WriteString("type", revision.Type);
        WriteText(json, "device", revision.Device);
        json.WriteNumber("priority", (int)revision.Priority);
        json.WriteNumber("time", revision.Time.UnixTicks);
        json.WriteNumber("precision", revision.Time.StoredPrecision);
        WriteText(json, "user_id", revision.UserId);
        WriteText(json, "description", revision.Description);
        WriteText(json, "src_ip", revision.SrcIp);
        WriteText(json, "dst_ip", revision.DstIp);
        WriteText(json, "country", revision.Country);
        WriteAttribution(json, revision.Attribution);
        json.WriteNumber("fingerprint", revision.Fingerprint);
        json.WriteEndObject();
    }

    private static Revision ReadRevision(JsonElement json, RawRecord data) => new()
    {
        Type = Text(json, "type")!,
        Device = Text(json, "device"),
        Priority = (Priority)json.GetProperty("priority").GetInt32(),
        Time = EventTime.FromStored(json.GetProperty("time").GetInt64(), json.GetProperty("precision").GetInt32()),
        UserId = Text(json, "user_id"),
        Description = Text(json, "description"),
        SrcIp = Text(json, "src_ip"),
        DstIp = Text(json, "dst_ip"),
        Country = Text(json, "country"),
        Attribution = ReadAttribution(json),
        Data = data,
        Fingerprint = json.GetProperty("fingerprint").GetInt64(),
    };

    private static void WriteAttribution(Utf8JsonWriter json, Attribution attribution)
    {
        json.WriteNumber("rule", (int)attribution.Rule);
        WriteText(json, "rule_source", attribution.Source);
        WriteText(json, "address", attribution.Address);
    }

    private static Attribution ReadAttribution(JsonElement json) =>
        new((AttributionRule)json.GetProperty("rule").GetInt32(), Text(json, "rule_source"), Text(json, "address"));

    private static void WriteText(Utf8JsonWriter json, string name, string? text)
    {
        if (text is not null)
            json.WriteString(name, text);
    }

    private static string? Text(JsonElement json, string name) => json.TryGetProperty(name, out var value) ? value.GetString() : null;
}
