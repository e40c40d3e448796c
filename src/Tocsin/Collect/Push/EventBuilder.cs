using System.Text;
using System.Text.Json;
using Tocsin.Enrich;
using Tocsin.Enrich.Geo;
using Tocsin.Journal;

namespace Tocsin.Collect.Push;

/// <summary>
/// Makes an event of its members, or says what is wrong with each of them. Names and people that repeat share their strings. For one thread.
/// </summary>
internal sealed class EventBuilder(EventMembers members, PushErrors errors)
{
    private const int CachedStrings = 1024;

    /// <summary>A text that names an instant with nine digits and an offset is shorter; a fraction may be longer.</summary>
    private const int MaxTimeCharacters = 64;

    private readonly StringCache _strings = new(CachedStrings);

    private string _type = "";
    private EventKind _kind;
    private string? _device;
    private Priority _priority;
    private EventTime _time;
    private string? _userId;
    private string? _description;
    private string? _srcIp;
    private string? _dstIp;

    /// <summary>The source that was read, else the sender.</summary>
    public string Source { get; private set; } = "";

    /// <summary>The external id that was read; null when there is none.</summary>
    public string? ExternalId { get; private set; }

    /// <summary>The record that was read.</summary>
    public RawRecord Data { get; private set; }

    /// <summary>Reads what the members hold; false when something is wrong with it.</summary>
    public bool TryRead(ReadOnlySpan<byte> text, PushCall call, Func<string, bool> isReserved)
    {
        _type = TypeOf(text);
        ExternalId = Text(text, PushField.ExternalId, PushLimits.MaxExternalIdCharacters, numbers: true);
        _kind = KindOf(text);
        Source = SourceOf(text, call, isReserved);
        _device = Text(text, PushField.Device, PushLimits.MaxNameCharacters);
        _priority = PriorityOf(text);
        _time = TimeOf(text, call);
        _userId = Text(text, PushField.UserId, PushLimits.MaxUserIdCharacters, numbers: true);
        _description = DescriptionOf(text);
        _srcIp = AddressOf(text, PushField.SrcIp);
        _dstIp = AddressOf(text, PushField.DstIp);
        Data = DataOf(text);
        return !errors.Any;
    }

    /// <summary>Lets go of the record: it may be large, and this thread may not read another for long.</summary>
    public void Forget() => Data = RawRecord.None;

    /// <summary>The event that was read last.</summary>
    public SecurityEvent Event(EventId id, long fingerprint, DateTimeOffset receivedAt, Countries countries) => new()
    {
        Id = id,
        ExternalId = ExternalId,
        Kind = _kind,
        Type = _type,
        Source = Source,
        Device = _device,
        Priority = _priority,
        Time = _time,
        ReceivedAt = receivedAt,
        UserId = _userId,
        Description = _description,
        SrcIp = _srcIp,
        DstIp = _dstIp,
        Country = countries.Of(_srcIp, _dstIp),
        Attribution = _userId is null ? Attribution.Nobody : Attribution.FromRecord,
        Fingerprint = fingerprint,
        Data = Data,
    };

    private string TypeOf(ReadOnlySpan<byte> text)
    {
        var type = Text(text, PushField.Type, PushLimits.MaxTypeCharacters);
        if (type is null && !members.TryGet(PushField.Type, out _))
            errors.AddAt("type"u8, "required", $"expected a text of 1 to {PushLimits.MaxTypeCharacters} characters, the event has none");
        else if (type?.StartsWith(EventFilter.OwnTypePrefix, StringComparison.OrdinalIgnoreCase) == true)
            Refuse(text, PushField.Type, PushErrors.ReservedType, "types that begin with tocsin. are Tocsin's own");
        return type ?? "";
    }

    private string SourceOf(ReadOnlySpan<byte> text, PushCall call, Func<string, bool> isReserved)
    {
        var source = Text(text, PushField.Source, PushLimits.MaxNameCharacters) ?? call.Sender;
        if (!isReserved(source))
            return source;
        if (members.TryGet(PushField.Source, out _))
            Refuse(text, PushField.Source, PushErrors.ReservedSource, $"\"{source}\" is Tocsin's own or a configured source: expected another name");
        else
            errors.AddAt("source"u8, PushErrors.ReservedSource, $"the token's name \"{source}\" is Tocsin's own or a configured source: expected a source of another name");
        return source;
    }

    private EventKind KindOf(ReadOnlySpan<byte> text)
    {
        if (!members.TryGet(PushField.Kind, out var member))
            return EventKind.Audit;
        if (member.Kind == JsonTokenType.String && EventKinds.Parse(String(member.Value(text))) is { } kind)
            return kind;
        Refuse(text, PushField.Kind, "invalid", "expected \"incident\", \"alert\" or \"audit\"");
        return default;
    }

    private Priority PriorityOf(ReadOnlySpan<byte> text)
    {
        if (!members.TryGet(PushField.Priority, out var member))
            return Priority.None;
        var value = member.Value(text);
        if (member.Kind == JsonTokenType.String && Priorities.Parse(String(value)) is var named and not Priority.None)
            return named;
        if (member.Kind == JsonTokenType.Number && value.Length == 1 && value[0] is >= (byte)'1' and <= (byte)'4')
            return (Priority)(value[0] - '0');
        Refuse(text, PushField.Priority, "invalid", "expected \"low\", \"medium\", \"high\" or \"critical\", or 1 (low) to 4 (critical)");
        return Priority.None;
    }

    private EventTime TimeOf(ReadOnlySpan<byte> text, PushCall call)
    {
        if (!members.TryGet(PushField.Time, out var member))
            return EventTime.From(call.ReceivedAt, 3);
        var value = member.Value(text);
        if (member.Kind == JsonTokenType.Number && EventTime.TryParseNumber(value, out var time))
            return time;
        Span<char> chars = stackalloc char[MaxTimeCharacters];
        if (member.Kind == JsonTokenType.String && value.Length - 2 <= chars.Length && Ascii.ToUtf16(value[1..^1], chars, out var length) == System.Buffers.OperationStatus.Done
            && (EventTime.TryParse(chars[..length], out time) || EventTime.TryParseNumber(value[1..^1], out time)))
            return time;
        Refuse(text, PushField.Time, "invalid", "expected RFC 3339 with an offset, like 2026-01-31T12:00:00Z, or Unix seconds (from 1e11 milliseconds), in the years 1 to 9999");
        return default;
    }

    private string? DescriptionOf(ReadOnlySpan<byte> text)
    {
        if (!members.TryGet(PushField.Description, out var member))
            return null;
        var description = member.Kind == JsonTokenType.String ? Decoded(member.Value(text)) : null;
        if (description is not null && description.Length <= PushLimits.MaxDescriptionCharacters)
            return description;
        Refuse(text, PushField.Description, description is null ? "invalid" : "too_long", $"expected a text of at most {PushLimits.MaxDescriptionCharacters} characters");
        return null;
    }

    private string? AddressOf(ReadOnlySpan<byte> text, PushField field)
    {
        if (!members.TryGet(field, out var member))
            return null;
        // Four decimals are canonical as they stand.
        if (member.Kind == JsonTokenType.String && String(member.Value(text)) is var address && IpRange.TryAddress(address, out _))
            return address.Contains(':', StringComparison.Ordinal) ? Address.Normalise(address) : address;
        Refuse(text, field, "invalid", "expected an IPv4 or IPv6 address as text");
        return null;
    }

    /// <summary>The bytes as they came, in an array of their own: what is read from the network goes back to its pool.</summary>
    private RawRecord DataOf(ReadOnlySpan<byte> text)
    {
        var others = members.Others;
        if (!members.TryGet(PushField.Data, out var data))
            return others.Count == 0 ? RawRecord.None : new RawRecord(ObjectOf(text, others));
        foreach (var other in others)
            errors.AddAt(other.Name(text), "unknown_field", "there is no field of this name: beside data, expected the contract's fields only");
        return errors.Any ? RawRecord.None : new RawRecord(data.Value(text).ToArray());
    }

    private static byte[] ObjectOf(ReadOnlySpan<byte> text, List<Member> others)
    {
        var length = 1;
        foreach (var other in others)
            length += other.NameEnd - other.NameStart + other.End - other.Start + 2;
        var json = new byte[length];
        var at = 0;
        foreach (var other in others)
        {
            json[at++] = at == 1 ? (byte)'{' : (byte)',';
            text[other.NameStart..other.NameEnd].CopyTo(json.AsSpan(at));
            at += other.NameEnd - other.NameStart;
            json[at++] = (byte)':';
            other.Value(text).CopyTo(json.AsSpan(at));
            at += other.End - other.Start;
        }
        json[at] = (byte)'}';
        return json;
    }

    /// <summary>A name or id: not empty, not too long, without control characters. Null when absent or wrong.</summary>
    private string? Text(ReadOnlySpan<byte> text, PushField field, int max, bool numbers = false)
    {
        if (!members.TryGet(field, out var member))
            return null;
        var value = member.Value(text);
        var read = member.Kind == JsonTokenType.String ? String(value) : member.Kind == JsonTokenType.Number && numbers ? Encoding.ASCII.GetString(value) : null;
        if (read is { Length: > 0 } && read.Length <= max && read.AsSpan().IndexOfAnyInRange('\0', '\u001f') < 0 && !read.Contains('\u007f', StringComparison.Ordinal))
            return read;
        var code = read is null ? "invalid" : read.Length > max ? "too_long" : "invalid";
        Refuse(text, field, code, $"expected a text of 1 to {max} characters without control characters{(numbers ? ", or a number" : "")}");
        return null;
    }

    private string String(ReadOnlySpan<byte> value) => value.Contains((byte)'\\') ? Decoded(value) : _strings.Get(value[1..^1]);

    private static string Decoded(ReadOnlySpan<byte> value)
    {
        var json = new Utf8JsonReader(value);
        json.Read();
        return json.GetString()!;
    }

    private void Refuse(ReadOnlySpan<byte> text, PushField field, string code, string detail)
    {
        members.TryGet(field, out var member);
        errors.AddAt(member.Name(text), code, code.StartsWith("reserved", StringComparison.Ordinal) ? detail : $"{detail}; found {DefectException.Shown(member.Value(text))}");
    }
}
