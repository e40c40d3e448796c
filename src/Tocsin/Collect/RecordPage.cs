using System.Text.Json;
using Tocsin.Enrich;
using Tocsin.Enrich.Geo;
using Tocsin.Journal;

namespace Tocsin.Collect;

/// <summary>A record that cannot be mapped: its bytes and the reason.</summary>
internal sealed record RejectedRecord(string Request, byte[] Record, string Reason);

/// <summary>
/// The records of one answer, understood: events ready for the journal, and what has to be kept aside. Of the latter no more are held than could
/// be kept; <paramref name="MoreRejects"/> counts the others. <paramref name="Reached"/>: where the bookmark may go once they are kept.
/// </summary>
internal sealed record RecordPage(
    IReadOnlyList<SecurityEvent> Events, IReadOnlyList<RejectedRecord> Rejects, int MoreRejects, int UnknownPriorities, string? Reached)
{
    public static readonly RecordPage Empty = new([], [], 0, 0, null);

    public int Records => Events.Count + Rejected;

    public int Rejected => Rejects.Count + MoreRejects;

    /// <summary>True when a record may come again under its id in another version.</summary>
    public bool HasVersions { get; init; }

    public EventTime? Newest => Events.Count == 0 ? null : Events.Max(e => e.Time);

    /// <summary>Its distinct records, to compare with another page of the same poll.</summary>
    public HashSet<PageItem> Items()
    {
        var items = new HashSet<PageItem>(Records);
        foreach (var e in Events)
            items.Add(new PageItem(e.Id, HasVersions ? e.Fingerprint : 0));
        foreach (var reject in Rejects)
        {
            var hash = new HashCode();
            hash.AddBytes(reject.Record);
            items.Add(new PageItem(default, hash.ToHashCode()));
        }
        return items;
    }
}

/// <summary>What tells a record of a page from others: its id, and where it may change, or has no id, its content.</summary>
internal readonly record struct PageItem(EventId Id, long Content);

/// <summary>Turns the records of an answer into events: map, attribute, and give each the id by which a repeat is known.</summary>
internal sealed class RecordReader(SourceDefinition source, DedupeKey dedupe, IdentityDirectory directory, Countries countries, TimeProvider time)
{
    /// <summary>The largest record that is kept as an event, as for pushed ones.</summary>
    public const int MaxRecordBytes = 1 << 20;

    private readonly FieldMap _map = new(source);

    /// <summary>
    /// Equal records without an id are told apart by their number in the answer. Not where an answer is one of several, or begins where the last one
    /// ended: the same record would have another number there.
    /// </summary>
    private readonly bool _numbersEquals = source.Cursor is null && source.Paging is null;

    /// <summary>True when its records name their versions.</summary>
    public bool HasVersions { get; } = source.Maps.Any(map => map.Version is not null);

    /// <summary>Whose records it reads.</summary>
    public SourceDefinition Source => source;

    /// <summary>How many records an answer holds; 0 where they do not stand where the source says.</summary>
    public int Count(Answer answer) => source.Records.TryGet(answer.Root, out var records) && records.ValueKind == JsonValueKind.Array ? records.GetArrayLength() : 0;

    /// <summary>Null and a failure when the records do not stand where the source says.</summary>
    public (RecordPage? Page, FetchFailure? Failure) Read(Answer answer, RequestDefinition request)
    {
        if (!source.Records.TryGet(answer.Root, out var records) || records.ValueKind != JsonValueKind.Array)
            return (null, new FetchFailure(FetchFailureKind.Malformed, $"the answer has no array at \"{source.Records}\""));
        var events = new List<SecurityEvent>(records.GetArrayLength());
        var rejects = new List<RejectedRecord>();
        var equals = new Dictionary<EventId, int>();
        var (unknownPriorities, moreRejects) = (0, 0);
        var now = time.GetUtcNow();
        var reached = new ReachedPosition(source.Cursor, now);
        foreach (var record in records.EnumerateArray())
        {
            var raw = Answer.Raw(record).ToArray();
            var (e, isUnknownPriority, reason) = Read(answer, record, raw, request, equals, now);
            if (e is not null)
            {
                unknownPriorities += isUnknownPriority ? 1 : 0;
                events.Add(e);
                reached.Take(record, e.Time);
            }
            else if (rejects.Count < RejectStore.MaxKept)
            {
                rejects.Add(new RejectedRecord(request.Id, raw, reason!));
            }
            else
            {
                moreRejects++;
            }
        }
        return (new RecordPage(events, rejects, moreRejects, unknownPriorities, reached.Position) { HasVersions = HasVersions }, null);
    }

    /// <summary>A record by itself, kept aside earlier; null while it still cannot be mapped.</summary>
    public SecurityEvent? ReadAgain(byte[] record, RequestDefinition request)
    {
        var (answer, _) = Answer.Parse(record);
        using (answer)
            return answer is null ? null : Read(answer, answer.Root, record, request, [], time.GetUtcNow()).Event;
    }

    /// <summary>The version that an event's record names; null when it names none.</summary>
    public string? VersionOf(SecurityEvent e)
    {
        using var record = JsonDocument.Parse(e.Data.Utf8);
        return _map.Version(record.RootElement);
    }

    private (SecurityEvent? Event, bool IsUnknownPriority, string? Reason) Read(
        Answer answer, JsonElement record, byte[] raw, RequestDefinition request, Dictionary<EventId, int> equals, DateTimeOffset now)
    {
        if ((raw.Length > MaxRecordBytes ? $"the record is larger than {MaxRecordBytes:N0} bytes" : answer.Defect(record)) is { } defect)
            return (null, false, defect);
        var result = _map.Map(record, request);
        return result.Mapped is { } mapped && TryId(mapped, request, record, equals) is { } id
            ? (Event(mapped, id.Id, id.Fingerprint, raw, now), mapped.UnknownPriority, null)
            : (null, false, result.RejectReason ?? "a text in the record is not valid Unicode");
    }

    /// <summary>Null when the record holds an escaped text that is no Unicode: reading it is the only way to learn that.</summary>
    private (EventId Id, long Fingerprint)? TryId(MappedRecord mapped, RequestDefinition request, JsonElement record, Dictionary<EventId, int> equals)
    {
        try
        {
            if (mapped.ExternalId is not null)
                return (dedupe.OfExternalId(source.Name, mapped.ExternalId), dedupe.Fingerprint(record));
            var id = dedupe.OfContent(source.Name, request.Id, record, 1);
            if (!_numbersEquals)
                return (id, 0);
            var ordinal = equals[id] = equals.GetValueOrDefault(id) + 1;
            return (ordinal == 1 ? id : dedupe.OfContent(source.Name, request.Id, record, ordinal), 0);
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }

    private SecurityEvent Event(MappedRecord mapped, EventId id, long fingerprint, byte[] raw, DateTimeOffset now)
    {
        var (userId, attribution) = directory.Resolve(source.Name, mapped.Who, mapped.WhoIsId, mapped.Time);
        return new SecurityEvent
        {
            Id = id,
            ExternalId = mapped.ExternalId,
            Kind = source.Kind,
            Type = mapped.Type,
            Source = source.Name,
            Device = mapped.Device,
            Priority = mapped.Priority,
            Time = mapped.Time,
            ReceivedAt = now,
            UserId = userId,
            Description = mapped.Description,
            SrcIp = mapped.SrcIp,
            DstIp = mapped.DstIp,
            Country = countries.Of(mapped.SrcIp, mapped.DstIp),
            Attribution = attribution,
            Fingerprint = fingerprint,
            Data = new RawRecord(raw),
        };
    }
}
