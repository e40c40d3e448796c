using System.Text.Json;
using System.Text.Unicode;

namespace Tocsin.Projections;

/// <summary>
/// An incident as the board shows it: the record's own properties, their bytes untouched, each name once; <c>priority</c> (in its place),
/// <c>type</c> and <c>event_id</c> as Tocsin understood them; <c>timestamp</c> where the record has none.
/// </summary>
internal static class BoardIncident
{
    /// <summary>A longer record shows <c>truncated</c> instead of its fields: one record must not outweigh the board.</summary>
    public const int MaxRecordBytes = 4096;

    private static readonly JsonReaderOptions AnyDepth = new() { MaxDepth = MaxRecordBytes };
    private static readonly byte[][] Names = [.. Priorities.Names.Select(n => System.Text.Encoding.UTF8.GetBytes(n))];

    private enum Field { Other, Priority, Type, EventId, Timestamp }

    /// <summary>Appends the text of an event.</summary>
    public static void Render(ByteBuffer to, SecurityEvent source, ReadOnlySpan<byte> escapedType) =>
        Render(to, source.Data, source.Time, source.Priority, source.Id.Value, escapedType);

    /// <summary>Appends what a newer version of the record makes of a text; its <c>event_id</c> stays.</summary>
    public static void Rewrite(ByteBuffer to, ReadOnlySpan<byte> incident, Revision revision, Priority priority, ReadOnlySpan<byte> escapedType)
    {
        var (start, end) = ValueOf("event_id"u8, incident);
        Render(to, revision.Data, revision.Time, priority, Guid.Parse(incident[start..end]), escapedType);
    }

    /// <summary>Appends a text with another priority; nothing else changes.</summary>
    public static void Reprioritise(ByteBuffer to, ReadOnlySpan<byte> incident, Priority priority)
    {
        var (start, end) = ValueOf("priority"u8, incident);
        to.Append(incident[..start]);
        to.Append(Names[(int)priority - 1]);
        to.Append(incident[end..]);
    }

    private static void Render(ByteBuffer to, RawRecord record, EventTime time, Priority priority, Guid id, ReadOnlySpan<byte> escapedType)
    {
        to.Append((byte)'{');
        var body = to.Count;
        var has = CopyRecord(to, record.Utf8.Span, priority);
        if (!has.Priority)
            AppendPriority(to, body, priority);
        AppendName(to, body, "\"type\":\""u8);
        to.Append(escapedType);
        to.Append((byte)'"');
        AppendName(to, body, "\"event_id\":\""u8);
        to.Append(id);
        to.Append((byte)'"');
        if (!has.Timestamp)
        {
            AppendName(to, body, "\"timestamp\":"u8);
            foreach (var digit in time.ToUnixSeconds())
                to.Append((byte)digit);
        }
        to.Append((byte)'}');
    }

    /// <summary>Where the text of a value that every incident has begins and ends, without its quotes.</summary>
    private static (int Start, int End) ValueOf(ReadOnlySpan<byte> name, ReadOnlySpan<byte> incident)
    {
        var reader = new Utf8JsonReader(incident, AnyDepth);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var isFound = reader.ValueTextEquals(name);
            reader.Read();
            if (isFound)
                return ((int)reader.TokenStartIndex + 1, (int)reader.BytesConsumed - 1);
            reader.Skip();
        }
        throw new InvalidOperationException($"An incident of the board has no {System.Text.Encoding.UTF8.GetString(name)}.");
    }

    private static (bool Priority, bool Timestamp) CopyRecord(ByteBuffer to, ReadOnlySpan<byte> record, Priority priority)
    {
        var body = to.Count;
        try
        {
            if (record.Length <= MaxRecordBytes && Utf8.IsValid(record))
                return record.IsEmpty ? default : CopyProperties(to, record, priority);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // No JSON, or a name that is half a surrogate pair: it cannot be shown, and must not make the whole answer unreadable.
            to.CutTo(body);
        }
        to.Append("\"truncated\":true"u8);
        return default;
    }

    private static (bool Priority, bool Timestamp) CopyProperties(ByteBuffer to, ReadOnlySpan<byte> record, Priority priority)
    {
        var body = to.Count;
        var reader = new Utf8JsonReader(record, AnyDepth);
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            AppendName(to, body, "\"data\":"u8);
            AppendValue(to, ref reader, record);
            reader.Read();
            return default;
        }
        var has = (Priority: false, Timestamp: false);
        var seen = new SeenNames(record);
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = record.Slice((int)reader.TokenStartIndex, reader.ValueSpan.Length + 2);
            var field = FieldOf(ref reader);
            var isShown = seen.Add(ref reader) && field is not (Field.Type or Field.EventId);
            reader.Read();
            if (isShown && field == Field.Priority)
            {
                has.Priority = true;
                AppendPriority(to, body, priority);
                reader.Skip();
            }
            else if (isShown)
            {
                has.Timestamp |= field == Field.Timestamp;
                AppendName(to, body, name);
                to.Append((byte)':');
                AppendValue(to, ref reader, record);
            }
            else
            {
                reader.Skip();
            }
        }
        reader.Read();
        return has;
    }

    private static Field FieldOf(ref Utf8JsonReader reader)
    {
        // An unescaped name is told by its length first: this runs for every property of every record.
        var length = reader.ValueIsEscaped ? 0 : reader.ValueSpan.Length;
        if (length is 0 or 8 && reader.ValueTextEquals("priority"u8))
            return Field.Priority;
        if (length is 0 or 9 && reader.ValueTextEquals("timestamp"u8))
            return Field.Timestamp;
        if (length is 0 or 4 && reader.ValueTextEquals("type"u8))
            return Field.Type;
        return length is 0 or 8 && reader.ValueTextEquals("event_id"u8) ? Field.EventId : Field.Other;
    }

    private static void AppendValue(ByteBuffer to, ref Utf8JsonReader reader, ReadOnlySpan<byte> record)
    {
        var start = (int)reader.TokenStartIndex;
        reader.Skip();
        to.Append(record[start..(int)reader.BytesConsumed]);
    }

    private static void AppendPriority(ByteBuffer to, int body, Priority priority)
    {
        AppendName(to, body, "\"priority\":\""u8);
        to.Append(Names[(int)priority - 1]);
        to.Append((byte)'"');
    }

    private static void AppendName(ByteBuffer to, int body, ReadOnlySpan<byte> name)
    {
        if (to.Count > body)
            to.Append((byte)',');
        to.Append(name);
    }
}
