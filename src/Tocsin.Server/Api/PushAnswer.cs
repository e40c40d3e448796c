using System.Text.Encodings.Web;
using System.Text.Json;
using Tocsin.Collect.Push;
using Tocsin.Journal;

namespace Tocsin.Server.Api;

/// <summary>Says what became of a push, once it is on disk.</summary>
internal static class PushAnswer
{
    /// <summary>Longer batches are answered with their rejects and duplicates only.</summary>
    private const int MaxFullResults = 1_000;

    private const string Conflict = "idempotency_conflict";
    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    public static Task WriteAsync(HttpContext context, PushBatch batch, AppendResult result)
    {
        if (!batch.IsBatch)
            return OneAsync(context, (SecurityEvent)batch.Events[0], result);
        var counts = Count(batch, result);
        if (counts.Created + counts.Duplicates == 0)
            return AllRejected(batch, result).ExecuteAsync(context);
        WriteBatch(context.Response, batch, result, counts);
        return Task.CompletedTask;
    }

    /// <summary>Says that a request is kept for good and not committed yet, with the ids that its events will have.</summary>
    public static void WriteAccepted(HttpResponse response, PushBatch batch)
    {
        response.StatusCode = StatusCodes.Status202Accepted;
        response.ContentType = "application/json";
        using var json = new Utf8JsonWriter(response.BodyWriter, Options);
        json.WriteStartObject();
        if (!batch.IsBatch)
        {
            var id = ((SecurityEvent)batch.Events[0]).Id.ToString();
            response.Headers.Location = "/events/" + id;
            json.WriteString("id"u8, id);
            json.WriteString("status"u8, "accepted"u8);
        }
        else
        {
            json.WriteNumber("accepted"u8, batch.Events.Count);
            json.WriteNumber("rejected"u8, batch.Rejects.Count);
            WriteResults(json, batch, null);
        }
        json.WriteEndObject();
    }

    /// <summary>The problem of a request of which nothing is taken.</summary>
    public static Problem Refused(PushRefusal refusal) => new(refusal.Kind switch
    {
        PushRefusalKind.Malformed => StatusCodes.Status400BadRequest,
        PushRefusalKind.TooLarge => StatusCodes.Status413PayloadTooLarge,
        PushRefusalKind.Forbidden => StatusCodes.Status403Forbidden,
        _ => StatusCodes.Status422UnprocessableEntity,
    }, refusal.Code, refusal.Detail, refusal.Errors.Count == 0 ? null : [.. refusal.Errors.Select(error => new ProblemError(error.Pointer, error.Code, error.Detail))]);

    private static Task OneAsync(HttpContext context, SecurityEvent e, AppendResult result)
    {
        if (StatusOf(result, 0) == EntryStatus.Changed)
        {
            var byKey = IsOfKey(e, result);
            return new Problem(StatusCodes.Status409Conflict, Conflict, Sentence(ConflictOf(byKey)), [new ProblemError(byKey ? "" : "/external_id", Conflict, ConflictOf(byKey))])
                .ExecuteAsync(context);
        }
        var (response, entry) = (context.Response, result.Entries[0]);
        var created = entry.Status == EntryStatus.Created;
        response.StatusCode = created ? StatusCodes.Status201Created : StatusCodes.Status200OK;
        response.ContentType = "application/json";
        var id = e.Id.ToString();
        response.Headers.Location = "/events/" + id;
        using var json = new Utf8JsonWriter(response.BodyWriter, Options);
        json.WriteStartObject();
        json.WriteString("id"u8, id);
        json.WriteNumber("sequence"u8, entry.Sequence);
        json.WriteString("status"u8, created ? "created"u8 : "duplicate"u8);
        json.WriteEndObject();
        response.ContentLength = json.BytesPending;
        json.Flush();
        return Task.CompletedTask;
    }

    private static void WriteBatch(HttpResponse response, PushBatch batch, AppendResult result, (int Created, int Duplicates) counts)
    {
        response.StatusCode = StatusCodes.Status200OK;
        response.ContentType = "application/json";
        using var json = new Utf8JsonWriter(response.BodyWriter, Options);
        json.WriteStartObject();
        json.WriteNumber("created"u8, counts.Created);
        json.WriteNumber("duplicates"u8, counts.Duplicates);
        json.WriteNumber("rejected"u8, batch.Count - counts.Created - counts.Duplicates);
        WriteResults(json, batch, result);
        json.WriteEndObject();
    }

    /// <summary>What became of each event, in their order; without a result they are accepted.</summary>
    private static void WriteResults(Utf8JsonWriter json, PushBatch batch, AppendResult? result)
    {
        json.WriteStartArray("results"u8);
        var (all, rejects) = (batch.Count <= MaxFullResults, batch.Rejects);
        for (int i = 0, r = 0; i < batch.Events.Count || r < rejects.Count;)
            if (r < rejects.Count && (i == batch.Events.Count || rejects[r].Index < batch.Indexes[i]))
                WriteReject(json, rejects[r].Index, null, rejects[r++].Errors);
            else
                WriteResult(json, batch, result, i++, all);
        json.WriteEndArray();
    }

    private static void WriteResult(Utf8JsonWriter json, PushBatch batch, AppendResult? result, int i, bool all)
    {
        var (e, index) = ((SecurityEvent)batch.Events[i], batch.Indexes[i]);
        if (result is null)
        {
            if (!all)
                return;
            WriteHead(json, index, e, "accepted"u8);
            json.WriteEndObject();
            return;
        }
        var status = StatusOf(result, i);
        if (status == EntryStatus.Changed)
            WriteReject(json, index, e, [ConflictAt(e, index, result)]);
        else if (all || status == EntryStatus.Duplicate)
        {
            WriteHead(json, index, e, status == EntryStatus.Created ? "created"u8 : "duplicate"u8);
            json.WriteEndObject();
        }
    }

    private static void WriteReject(Utf8JsonWriter json, int index, SecurityEvent? e, IReadOnlyList<PushError> errors)
    {
        WriteHead(json, index, e, "rejected"u8);
        json.WriteStartArray("errors"u8);
        foreach (var error in errors)
        {
            json.WriteStartObject();
            json.WriteString("pointer"u8, error.Pointer);
            json.WriteString("code"u8, error.Code);
            json.WriteString("detail"u8, error.Detail);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteHead(Utf8JsonWriter json, int index, SecurityEvent? e, ReadOnlySpan<byte> status)
    {
        json.WriteStartObject();
        json.WriteNumber("index"u8, index);
        Span<byte> id = stackalloc byte[36];
        if (e is not null && e.Id.Value.TryFormat(id, out _))
            json.WriteString("id"u8, id);
        else
            json.WriteNull("id"u8);
        json.WriteString("status"u8, status);
    }

    private static Problem AllRejected(PushBatch batch, AppendResult result)
    {
        // What was stored with other content joins the rejects, and is answered as they are.
        for (var i = 0; i < batch.Events.Count; i++)
            batch.Rejects.Add(new PushReject(batch.Indexes[i], [ConflictAt((SecurityEvent)batch.Events[i], batch.Indexes[i], result)]));
        batch.Rejects.Sort(static (a, b) => a.Index.CompareTo(b.Index));
        batch.Events.Clear();
        var refusal = PushRefusal.Of(batch);
        return Refused(result.Status == AppendStatus.OtherContent ? refusal with { Code = Conflict, Detail = Sentence(OtherRequest) } : refusal);
    }

    private static (int Created, int Duplicates) Count(PushBatch batch, AppendResult result)
    {
        var (created, duplicates) = (0, 0);
        for (var i = 0; i < batch.Events.Count; i++)
            switch (StatusOf(result, i))
            {
                case EntryStatus.Created:
                    created++;
                    break;
                case EntryStatus.Duplicate:
                    duplicates++;
                    break;
            }
        return (created, duplicates);
    }

    /// <summary>Of a request under an Idempotency-Key that was used for another nothing was written: each of its events is in conflict.</summary>
    private static EntryStatus StatusOf(AppendResult result, int i) => result.Status == AppendStatus.OtherContent ? EntryStatus.Changed : result.Entries[i].Status;

    private static PushError ConflictAt(SecurityEvent e, int index, AppendResult result) =>
        new($"/events/{index}{(IsOfKey(e, result) ? "" : "/external_id")}", Conflict, ConflictOf(IsOfKey(e, result)));

    private const string OtherRequest = "this Idempotency-Key was used for another request: expected a new key, or the same request";

    /// <summary>True when it is the Idempotency-Key that stands against an event, not its external_id.</summary>
    private static bool IsOfKey(SecurityEvent e, AppendResult result) => e.ExternalId is null || result.Status == AppendStatus.OtherContent;

    private static string ConflictOf(bool isOfKey) =>
        isOfKey ? OtherRequest : "this external_id is there already with other content: expected a new one, or the same content";

    private static string Sentence(string detail) => $"{char.ToUpperInvariant(detail[0])}{detail[1..]}.";
}
