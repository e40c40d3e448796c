using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using static Tocsin.Server.Api.Description.Shapes;

namespace Tocsin.Server.Api.Description;

// Only describe, for /openapi: what is sent is written by Projections/EventJson, Collect/RejectRow and Collect/SourceStatus.

/// <summary>An event as it reads now; absent values are null. data is any JSON, as it came.</summary>
internal sealed record EventDescription(
    Guid Id, string? ExternalId, long Sequence, [property: AllowedValues("incident", "alert", "audit")] string Kind, string Type, string Source, string? Device,
    [property: AllowedValues("low", "medium", "high", "critical", null)] string? Priority, DateTimeOffset Time,
    DateTimeOffset ReceivedAt, string? UserId, string? Description, string? SrcIp, string? DstIp, string? Country, AttributionDescription? Attribution, object? Data);

/// <summary>By which rule and directory, or row of owners, a person was found, and the address or name that was looked up.</summary>
internal sealed record AttributionDescription([property: AllowedValues("record", "identity", "unresolved", "owner")] string Rule, string? Source, string? Address);

/// <summary>
/// A record that could not be mapped, with the reason and the request it came from; how many polls had it since when. truncated: true where it is larger than
/// is kept (an event's maximum; of an accepted push 64 KiB): record is then its beginning, as text.
/// </summary>
internal sealed record RejectDescription(
    object? Record, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] bool Truncated, string Reason, string Request, DateTimeOffset Time, long Count);

/// <summary>One poll of a source, by its number: what came of it. feeds: those asked; others were busy with an earlier poll.</summary>
internal sealed record SyncDescription(
    long Run, DateTimeOffset StartedAt, DateTimeOffset FinishedAt, [property: AllowedValues("schedule", "request")] string Trigger, int Feeds, int FailedFeeds, Collect.SourceCounts Counts, string? Error);

/// <summary>Answers that hold events.</summary>
internal static class EventAnswers
{
    /// <summary>A page as JSON, everything that matches as NDJSON or CSV.</summary>
    public static RouteHandlerBuilder GivesEvents(this RouteHandlerBuilder route) => route
        .Gives<EventDescription[]>(200, "A page as JSON, everything that matches as NDJSON or CSV (with Content-Disposition, and without Link)", "Tocsin-Sequence", "Link", "Tocsin-Partial", "Content-Disposition")
        .Gives(200, "A page as JSON, everything that matches as NDJSON or CSV (with Content-Disposition, and without Link)", EventFormat.NdJson.MediaType(),
            _ => Text("One event a line, each as #/components/schemas/Event", least: 0))
        .Gives(200, "A page as JSON, everything that matches as NDJSON or CSV (with Content-Disposition, and without Link)", EventFormat.Csv.MediaType(),
            _ => Text("A row of names, then a row an event; the attribution in three columns, data as JSON"))
        .Refuses(406).Refuses(503);

    /// <summary>Events as they are committed.</summary>
    public static RouteHandlerBuilder GivesStream(this RouteHandlerBuilder route) => route
        .Gives(200, "Server-sent events, until one side ends it", "text/event-stream",
            _ => Text("data: an event, as #/components/schemas/Event; id: its sequence. event: amended is one that was committed before, as it reads now; event: too_slow is the last, for a reader that did not keep up"))
        .Refuses(429, "The token has half of all streams open").Refuses(503);
}
