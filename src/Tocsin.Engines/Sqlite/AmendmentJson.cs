using System.Buffers;
using System.Text.Json;

namespace Tocsin.Engines.Sqlite;

/// <summary>The stored form of an amendment: only the fields that change.</summary>
internal static class AmendmentJson
{
    public static ReadOnlySpan<byte> Write(Amendment amendment)
    {
        var buffer = new ArrayBufferWriter<byte>(128);
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteNumber("at", amendment.At.UtcTicks - DateTime.UnixEpoch.Ticks);
            json.WriteString("by", amendment.By);
            if (amendment.UserId is not null)
                json.WriteString("user_id", amendment.UserId);
            if (amendment.Attribution is { } attribution)
            {
                json.WriteNumber("rule", (int)attribution.Rule);
                json.WriteString("rule_source", attribution.Source);
                json.WriteString("address", attribution.Address);
            }
            if (amendment.Priority is { } priority)
                json.WriteNumber("priority", (int)priority);
            json.WriteEndObject();
        }
        return buffer.WrittenSpan;
    }

    public static Amendment Read(long target, ReadOnlySpan<byte> utf8)
    {
        var reader = new Utf8JsonReader(utf8);
        var json = JsonElement.ParseValue(ref reader);
        return new Amendment
        {
            Target = target,
            At = new DateTimeOffset(json.GetProperty("at").GetInt64() + DateTime.UnixEpoch.Ticks, TimeSpan.Zero),
            By = json.GetProperty("by").GetString()!,
            UserId = Text("user_id"),
            Attribution = json.TryGetProperty("rule", out var rule)
                ? new Attribution((AttributionRule)rule.GetInt32(), Text("rule_source"), Text("address"))
                : null,
            Priority = json.TryGetProperty("priority", out var priority) ? (Priority)priority.GetInt32() : null,
        };

        string? Text(string name) => json.TryGetProperty(name, out var value) ? value.GetString() : null;
    }
}
