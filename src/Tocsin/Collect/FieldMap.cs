using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Json;

namespace Tocsin.Collect;

/// <summary>Turns a source's records into what Tocsin understands of them. Pure and thread-safe; never throws on a record.</summary>
public sealed class FieldMap(SourceDefinition source)
{
    /// <summary>As for pushed events (the contract's "An event in").</summary>
    private const int MaxTypeCharacters = 200;

    private const int MaxExternalIdCharacters = 512;

    /// <summary>It becomes a key of the board and stands in addresses and cursors.</summary>
    private const int MaxUserIdCharacters = 512;

    /// <summary>Enough of a value to recognise it; reasons are kept and shown.</summary>
    private const int MaxShownCharacters = 200;

    /// <summary>Maps a record of <paramref name="request"/>'s answer.</summary>
    public MapResult Map(JsonElement record, RequestDefinition request)
    {
        try
        {
            return MapObject(record, request);
        }
        catch (InvalidOperationException)
        {
            // The only way to learn that an escaped text is no Unicode (a lone surrogate) is to read it.
            return MapResult.Reject("a text in the record is not valid Unicode");
        }
    }

    /// <summary>The version that a record names; null when its map entry reads none, or none is there.</summary>
    public string? Version(JsonElement record)
    {
        try
        {
            return EntryOf(record) is { Version: { } rule } ? Text(rule, record) : null;
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }

    /// <summary>The scalar at a path as text; null when there is none.</summary>
    public static string? TextAt(FieldPath path, JsonElement record) => path.TryGet(record, out var found) && IsScalar(found) ? TextOf(found) : null;

    /// <summary>The instant at a path, read as a mapped time is; null when there is none.</summary>
    public static EventTime? TimeAt(FieldPath path, JsonElement record) =>
        path.TryGet(record, out var found) && IsScalar(found) && TryTime(found.ValueKind, TextOf(found), out var time) ? time : null;

    private MapDefinition? EntryOf(JsonElement record) => source.Maps.FirstOrDefault(entry => entry.When.All(condition => Holds(condition, record)));

    private MapResult MapObject(JsonElement record, RequestDefinition request)
    {
        if (record.ValueKind != JsonValueKind.Object)
            return MapResult.Reject($"the record is not an object: {Shown(record)}");
        if (EntryOf(record) is not { } map)
            return MapResult.Reject("no map entry matches");
        if (!TryTime(map.Time, record, out var time, out var reason) || !TryExternalId(map.ExternalId, record, out var externalId, out reason))
            return MapResult.Reject(reason);
        var type = Text(map.Type, record) ?? request.Set.GetValueOrDefault("type") ?? source.Name;
        if (type.Length > MaxTypeCharacters)
            return MapResult.Reject($"type must have 1 to {MaxTypeCharacters} characters, found {Cut($"\"{type}\"")}");
        var (who, whoIsId) = Who(map.UserId, record);
        if (who?.Length > MaxUserIdCharacters)
            return MapResult.Reject($"user_id must have at most {MaxUserIdCharacters} characters, found {Cut($"\"{who}\"")}");
        var (priority, unknownPriority) = PriorityOf(map.Priority, record, request);
        return MapResult.FromMapped(new MappedRecord
        {
            ExternalId = externalId,
            Type = type,
            Device = Text(map.Device, record) ?? request.Set.GetValueOrDefault("device"),
            Priority = priority,
            UnknownPriority = unknownPriority,
            Time = time,
            Who = who ?? request.Set.GetValueOrDefault("user_id"),
            WhoIsId = whoIsId,
            Description = Text(map.Description, record) ?? request.Set.GetValueOrDefault("description"),
            SrcIp = Text(map.SrcIp, record) ?? request.Set.GetValueOrDefault("src_ip"),
            DstIp = Text(map.DstIp, record) ?? request.Set.GetValueOrDefault("dst_ip"),
        });
    }

    private static bool Holds(WhenCondition condition, JsonElement record) =>
        condition.Path.TryGet(record, out var value) && IsScalar(value) && condition.Values.Contains(TextOf(value));

    private static bool TryTime(FieldRule rule, JsonElement record, out EventTime time, [NotNullWhen(false)] out string? reason)
    {
        time = default;
        reason = null;
        if (!TryFirst(rule, record, IsPresent, out var found))
            reason = $"time is absent: {Names(rule)}";
        else if (Translate(rule, found) is not { } text || !TryTime(found.ValueKind, text, out time))
            reason = $"time is neither RFC 3339 nor Unix seconds: {Shown(found)}";
        return reason is null;
    }

    private static bool TryTime(JsonValueKind kind, string text, out EventTime time)
    {
        time = default;
        return kind switch
        {
            JsonValueKind.Number => EventTime.TryParseNumber(Encoding.UTF8.GetBytes(text), out time),
            JsonValueKind.String => EventTime.TryParse(text, out time) || EventTime.TryParseNumber(Encoding.UTF8.GetBytes(text), out time),
            _ => false,
        };
    }

    private static bool TryExternalId(FieldRule? rule, JsonElement record, out string? id, [NotNullWhen(false)] out string? reason)
    {
        id = null;
        reason = null;
        if (rule is null)
            return true;
        if (!TryFirst(rule, record, IsPresent, out var found))
            reason = $"external_id is absent: {Names(rule)}";
        else if (found.ValueKind is not (JsonValueKind.String or JsonValueKind.Number))
            reason = $"external_id is neither text nor number: {Shown(found)}";
        else if ((id = Translate(rule, found)) is not { Length: > 0 and <= MaxExternalIdCharacters })
            reason = $"external_id must have 1 to {MaxExternalIdCharacters} characters: {Shown(found)}";
        return reason is null;
    }

    private static (string? Who, bool IsId) Who(FieldRule? rule, JsonElement record)
    {
        if (rule is null)
            return (null, false);
        if (rule.Literal is not null)
            return (rule.Literal, false);
        // What cannot name a person counts as absent, so that the next path has its turn.
        return TryFirst(rule, record, static value => value.ValueKind == JsonValueKind.Number || IsNonEmptyText(value), out var found)
            ? (Translate(rule, found), found.ValueKind == JsonValueKind.Number && rule.Values is null)
            : (null, false);
    }

    private static (Priority Priority, bool Unknown) PriorityOf(FieldRule? rule, JsonElement record, RequestDefinition request)
    {
        if (rule?.Literal is not null)
            return (Priorities.Parse(rule.Literal), false);
        if (rule is null || !TryFirst(rule, record, IsPresent, out var found))
            return (Priorities.Parse(request.Set.GetValueOrDefault("priority")), false);
        // A bare number or a truth value is no priority's name; only `values` can say what it means.
        var named = rule.Values is not null || found.ValueKind == JsonValueKind.String ? Priorities.Parse(Translate(rule, found)) : Priority.None;
        if (named == Priority.None)
            named = Priorities.Parse(rule.Else);
        return (named, named == Priority.None);
    }

    private static string? Text(FieldRule? rule, JsonElement record) =>
        rule is null ? null
        // An empty text says nothing, so the next path has its turn; a table of values may say what it means.
        : rule.Literal ?? (TryFirst(rule, record, rule.Values is null ? SaysSomething : IsScalar, out var found) ? Translate(rule, found) : null);

    private static bool TryFirst(FieldRule rule, JsonElement record, Func<JsonElement, bool> counts, out JsonElement found)
    {
        foreach (var path in rule.Paths)
            if (path.TryGet(record, out found) && counts(found))
                return true;
        found = default;
        return false;
    }

    private static string? Translate(FieldRule rule, JsonElement found)
    {
        if (!IsScalar(found))
            return rule.Else;
        var text = TextOf(found);
        return rule.Values is null ? text : rule.Values.GetValueOrDefault(text) ?? rule.Else;
    }

    private static bool IsPresent(JsonElement value) => value.ValueKind != JsonValueKind.Null;

    private static bool IsScalar(JsonElement value) =>
        value.ValueKind is JsonValueKind.String or JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False;

    private static bool SaysSomething(JsonElement value) => IsScalar(value) && (value.ValueKind != JsonValueKind.String || !value.ValueEquals(""u8));

    private static bool IsNonEmptyText(JsonElement value) => value.ValueKind == JsonValueKind.String && !value.ValueEquals(""u8);

    /// <summary>Numbers keep their raw text: no id and no digit is ever rounded.</summary>
    private static string TextOf(JsonElement scalar) =>
        scalar.ValueKind == JsonValueKind.String ? scalar.GetString()! : scalar.GetRawText();

    private static string Names(FieldRule rule) => Cut(string.Join(", ", rule.Paths));

    private static string Shown(JsonElement value) => Cut(value.GetRawText());

    private static string Cut(string text)
    {
        if (text.Length <= MaxShownCharacters)
            return text;
        // Half of a surrogate pair could not be stored as UTF-8.
        return text[..(char.IsHighSurrogate(text[MaxShownCharacters - 1]) ? MaxShownCharacters - 1 : MaxShownCharacters)] + "…";
    }
}
