using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;
using Tocsin.Access;
using Tocsin.Collect;
using Tocsin.Collect.Push;
using Tocsin.Enrich.Geo;
using Tocsin.Journal;
using Tocsin.Server.Api.Description;

namespace Tocsin.Server.Api;

/// <summary>
/// <c>POST /event</c> and <c>POST /events</c>: one door with two names. An answer in the 200s is given after the commit that holds the events; what was
/// accepted is committed even when the sender has gone.
/// </summary>
internal sealed class PushApi
{
    private const string Json = "application/json";
    private readonly EventJournal _journal;
    private readonly IPushQueue _queue;
    private readonly TimeProvider _time;
    private readonly PushReader _reader;
    private readonly BodyMemory _bodies = new(BodyMemory.DefaultMaxBytes);

    public PushApi(EventJournal journal, IPushQueue queue, IEnumerable<SourceDefinition> sources, Countries countries, TimeProvider time)
    {
        (_journal, _queue, _time) = (journal, queue, time);
        // In any case: a name that only looks like a source's would mislead whoever reads it.
        var reserved = sources.Select(source => source.Name).Append(EventFilter.OwnSource).ToHashSet(StringComparer.OrdinalIgnoreCase);
        _reader = new PushReader(journal.Store.Info, reserved.Contains, countries, queue.Repeats);
    }

    public void Map(IEndpointRouteBuilder routes)
    {
        foreach (var (path, name) in new[] { ("/event", "pushEvent"), ("/events", "pushEvents") })
            routes.MapPost(path, (Delegate)PushAsync).Needs(Scope.Ingest, PushLimits.MaxBodyBytes).DescribedAsPush(name);
    }

    private Task PushAsync(HttpContext context)
    {
        if (Call(context, out var call, out var gzip) is { } problem)
            return problem.ExecuteAsync(context);
        var reading = context.Request.BodyReader.ReadAsync();
        if (!reading.IsCompletedSuccessfully)
            return GatherAsync(context, reading, call, gzip);
        // A small body is here already, in one piece: it is read where it lies.
        var first = reading.Result;
        return !gzip && TryRead(context, first, call) is { } batch ? AppendAsync(context, batch) : GatherAsync(context, new ValueTask<ReadResult>(first), call, gzip);
    }

    private async Task GatherAsync(HttpContext context, ValueTask<ReadResult> reading, PushCall call, bool gzip)
    {
        PushBatch? batch;
        try
        {
            var first = await reading;
            batch = gzip ? null : TryRead(context, first, call);
            if (batch is null)
            {
                context.Request.BodyReader.AdvanceTo(first.Buffer.Start);
                using var body = await PushBody.ReadAsync(context.Request, gzip, _bodies, _time);
                if (body.Problem is { } problem)
                {
                    if (problem.Status == StatusCodes.Status429TooManyRequests)
                        context.Response.Headers.RetryAfter = "1";
                    // What is still to come of it is not waited for.
                    if (problem.Status == StatusCodes.Status408RequestTimeout)
                        context.Response.Headers.Connection = "close";
                    await problem.ExecuteAsync(context);
                    return;
                }
                batch = _reader.Read(body.Bytes, call);
            }
        }
        catch (ConnectionResetException)
        {
            // The sender has gone in the middle of its body: nothing was taken, and nobody is there to be told.
            return;
        }
        await AppendAsync(context, batch);
    }

    /// <summary>Null when the body is not all here in one piece; it is then left as it is.</summary>
    private PushBatch? TryRead(HttpContext context, ReadResult result, PushCall call)
    {
        if (!result.IsCompleted || !result.Buffer.IsSingleSegment)
            return null;
        var batch = _reader.Read(result.Buffer.FirstSpan, call);
        context.Request.BodyReader.AdvanceTo(result.Buffer.End);
        return batch;
    }

    private async Task AppendAsync(HttpContext context, PushBatch batch)
    {
        // What could not be read has no kind and no source that is known: it counts as its sender's audit events.
        if (batch.Rejects.Count > 0)
            _journal.Metrics?.Rejected(EventKind.Audit, context.Caller()!.Name, batch.Rejects.Count);
        if (batch.Refusal is { } refusal)
        {
            await PushAnswer.Refused(refusal).ExecuteAsync(context);
            return;
        }
        var respondAsync = Preference.RespondAsync(context.Request.Headers);
        if (!_queue.TryOffer(new Pushed(context.Caller()!.Name, batch.Events, batch.Key), respondAsync, out var done))
        {
            await QueueFull(context).ExecuteAsync(context);
            return;
        }
        // A repeat waits here for its own place in the queue, behind the first: when it is answered the first is durable too.
        if (await done is { } result)
        {
            await PushAnswer.WriteAsync(context, batch, result);
            return;
        }
        if (respondAsync)
            context.Response.Headers["Preference-Applied"] = Preference.Async;
        PushAnswer.WriteAccepted(context.Response, batch);
    }

    private Problem QueueFull(HttpContext context)
    {
        var headers = context.Response.Headers;
        headers.RetryAfter = "1";
        // The form of draft-ietf-httpapi-ratelimit-headers: how many events may wait, and for how many there is room within t seconds.
        var state = _queue.State;
        headers["RateLimit-Policy"] = $"\"queue\";q={state.Capacity}";
        headers["RateLimit"] = $"\"queue\";r={Math.Max(0, state.Capacity - state.Depth)};t=1";
        return new Problem(StatusCodes.Status429TooManyRequests, "queue_full", "As many events wait to be committed as may; nothing of this request was taken, send it again in a second.");
    }

    /// <summary>Reads the headers; gives the problem that one of them has.</summary>
    private Problem? Call(HttpContext context, out PushCall call, out bool gzip)
    {
        var headers = context.Request.Headers;
        (call, gzip) = (default, false);
        if (!TryMediaType(headers.ContentType, out var lines))
            return new Problem(StatusCodes.Status415UnsupportedMediaType, "unsupported_media_type",
                "Send application/json or application/x-ndjson (or application/jsonl, application/ndjson), in UTF-8.");
        if (headers.ContentEncoding is { Count: > 0 } encoding && !TryEncoding(encoding, out gzip))
        {
            context.Response.Headers.AcceptEncoding = "gzip";
            return new Problem(StatusCodes.Status415UnsupportedMediaType, "unsupported_encoding", "A body may be compressed with gzip, once, or not at all.");
        }
        string? key = null;
        if (headers.TryGetValue("Idempotency-Key", out var keys) && !IsKey(keys, out key))
            return new Problem(StatusCodes.Status400BadRequest, "invalid_idempotency_key", $"Idempotency-Key must have 1 to {PushLimits.MaxIdempotencyKeyCharacters} printable characters, and be given once.");
        call = new PushCall(context.Caller()!.Name, lines, key, _time.GetUtcNow());
        return null;
    }

    private static bool IsKey(StringValues keys, out string? key)
    {
        key = keys.Count == 1 ? keys[0] : null;
        return key is { Length: > 0 and <= PushLimits.MaxIdempotencyKeyCharacters } && !key.Any(char.IsControl);
    }

    private static bool TryEncoding(StringValues encoding, out bool gzip)
    {
        var text = encoding.ToString();
        gzip = text.Equals("gzip", StringComparison.OrdinalIgnoreCase) || text.Equals("x-gzip", StringComparison.OrdinalIgnoreCase);
        return gzip || text.Length == 0 || text.Equals("identity", StringComparison.OrdinalIgnoreCase);
    }

    private static bool TryMediaType(string? contentType, out bool lines)
    {
        lines = false;
        if (string.Equals(contentType, Json, StringComparison.OrdinalIgnoreCase))
            return true;
        if (!MediaTypeHeaderValue.TryParse(contentType, out var type) || (type.Charset.HasValue && !type.Charset.Equals("utf-8", StringComparison.OrdinalIgnoreCase) && !type.Charset.Equals("\"utf-8\"", StringComparison.OrdinalIgnoreCase)))
            return false;
        lines = type.MediaType.Equals("application/x-ndjson", StringComparison.OrdinalIgnoreCase) || type.MediaType.Equals("application/ndjson", StringComparison.OrdinalIgnoreCase)
            || type.MediaType.Equals("application/jsonl", StringComparison.OrdinalIgnoreCase);
        return lines || type.MediaType.Equals(Json, StringComparison.OrdinalIgnoreCase);
    }
}
