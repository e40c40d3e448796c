using System.Text.Json;
using System.Text.Json.Serialization;

namespace Tocsin;

/// <summary>Instants of our own as JSON: written as RFC 3339 in UTC to the millisecond; read in any form that <see cref="EventTime"/> reads.</summary>
public sealed class UtcTimeConverter : JsonConverter<DateTimeOffset>
{
    public override DateTimeOffset Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType switch
        {
            JsonTokenType.String when EventTime.TryParse(reader.GetString(), out var time) => time.ToDateTimeOffset(),
            JsonTokenType.Number when EventTime.TryParseNumber(reader.ValueSpan, out var time) => time.ToDateTimeOffset(),
            _ => throw new JsonException("expected a time: RFC 3339 with an offset, or Unix seconds"),
        };

    public override void Write(Utf8JsonWriter writer, DateTimeOffset value, JsonSerializerOptions options) =>
        writer.WriteStringValue(EventTime.From(value, 3).ToString());
}
