using System.Buffers;
using Tocsin.Access;
using Tocsin.Collect;
using Tocsin.Collect.Reading;
using Tocsin.Journal;
using Tocsin.Server.Api.Description;

namespace Tocsin.Server.Api;

/// <summary><c>/sources</c> and below, and <c>POST /sync</c>.</summary>
internal sealed class SourcesApi(Collector collector, OwnActions actions)
{
    private const int MaxRejectsPerPage = 1_000;
    private const int DefaultRejects = 100;
    private static readonly TimeSpan MinEvery = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan MaxEvery = TimeSpan.FromDays(1);

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/sources", () => collector.View()).Needs(Scope.Read).Named("listSources", "Sources", "Every source as it stands")
            .Gives<IReadOnlyList<SourceView>>(200, "The sources");
        routes.MapGet("/sources/{name}", Get).Needs(Scope.Read).Named("getSource", "Sources", "One source as it stands")
            .Gives<SourceView>(200, "The source").Refuses(404);
        routes.MapGet("/sources/{name}/syncs", SyncsAsync).Needs(Scope.Read).Named("listSyncs", "Sources", "The last 100 polls, newest first")
            .Gives<IReadOnlyList<SyncDescription>>(200, "The polls").Refuses(404).Refuses(503);
        routes.MapGet("/sources/{name}/rejects", RejectsAsync).Needs(Scope.Read, new("limit", $"1 to {MaxRejectsPerPage}, {DefaultRejects} when left out", QueryValue.Whole(1, MaxRejectsPerPage)), new("cursor", "Where the last page ended", QueryValue.Text))
            .Named("listRejects", "Sources", "Records that could not be mapped, each once, with the reason")
            .Gives<IReadOnlyList<RejectDescription>>(200, "A page of them", "Link").Refuses(404).Refuses(503);
        routes.MapPatch("/sources/{name}", PatchAsync).Needs(Scope.Operate).Named("changeSource", "Sources", "Pauses, resumes or reschedules a source, for good")
            .Accepts<SourceChange>("application/json").Gives<SourceView>(200, "The source as it is now").Refuses(404).Refuses(422).Refuses(503);
        routes.MapPost("/sync", Sync).Needs(Scope.Operate, new QueryParameter("source", "Only this one; all when left out; repeat for several", QueryValue.Text.Many()))
            .Named("sync", "Sources", "Polls now; a source that waits to retry starts at once")
            .Gives<SyncStarted>(202, "Some were started").Gives<SyncStarted>(409, "Nothing was started: all were polling already").Refuses(404);
    }

    private IResult Get(string name) => collector.View(name) is { } view ? Results.Ok(view) : Unknown(name);

    private async Task<IResult> SyncsAsync(string name, CancellationToken cancellation) =>
        collector.View(name) is null ? Unknown(name) : Results.Ok(await collector.HistoryAsync(name, cancellation));

    private async Task<IResult> RejectsAsync(string name, HttpContext context, TimeProvider time)
    {
        if (collector.View(name) is null)
            return Unknown(name);
        var reader = new QueryReader(context.Request.Query, time.GetUtcNow());
        var limit = reader.Number("limit", 1, MaxRejectsPerPage) ?? DefaultRejects;
        string? after = null;
        if (reader.Text("cursor") is { } cursor && (after = PageCursor.Read(cursor, name, out var reason)) is null)
            reader.Fail("cursor", reason!);
        if (reader.Problem is { } problem)
            return problem;
        var rows = await collector.RejectsAsync(name, after, limit + 1, context.RequestAborted);
        if (rows.Count > limit)
            context.Response.Headers.Link = $"</sources/{name}/rejects?limit={limit}&cursor={PageCursor.Write(name, rows[limit - 1].Key)}>; rel=\"next\"";
        return Results.Bytes(JsonArray(rows.Take(limit)), "application/json");
    }

    /// <summary>The rows as they stand: a writer that looked into them would fail on what made a record a reject (no Unicode, too deep).</summary>
    private static byte[] JsonArray(IEnumerable<StateRow> rows)
    {
        var array = new ArrayBufferWriter<byte>(64 << 10);
        array.Write("["u8);
        foreach (var row in rows)
        {
            if (array.WrittenCount > 1)
                array.Write(","u8);
            array.Write(row.Value);
        }
        array.Write("]"u8);
        return array.WrittenSpan.ToArray();
    }

    private async Task<IResult> PatchAsync(string name, SourceChange body, HttpContext context)
    {
        var every = TimeSpan.Zero;
        if (body.Every is not null && (!Quantity.TryParseDuration(body.Every, out every) || every < MinEvery || every > MaxEvery))
            return new Problem(StatusCodes.Status422UnprocessableEntity, "invalid_schedule", "The schedule cannot be used.",
                [new ProblemError("/every", "invalid", $"expected {Quantity.Format(MinEvery)} to {Quantity.Format(MaxEvery)}, like 30s or 5m")]);
        var record = body.Enabled is null && body.Every is null ? null : Record(name, body, context.Actor());
        return await collector.RescheduleAsync(name, body.Enabled, body.Every is null ? null : every, context.RequestAborted, record) is { } view
            ? Results.Ok(view)
            : Unknown(name);
    }

    private SecurityEvent Record(string name, SourceChange change, Actor actor)
    {
        var enabled = change.Enabled switch { true => "enabled", false => "paused", null => null };
        var every = change.Every is null ? null : $"polled every {change.Every}";
        return actions.Event(OwnActionType.SourceChanged, actor, $"{actor.Name} changed the source {name}: {string.Join(", ", new[] { enabled, every }.OfType<string>())}.", data =>
        {
            data.WriteString("source"u8, name);
            if (change.Enabled is { } on)
                data.WriteBoolean("enabled"u8, on);
            if (change.Every is not null)
                data.WriteString("every"u8, change.Every);
        });
    }

    private IResult Sync(HttpContext context)
    {
        var reader = new QueryReader(context.Request.Query, default);
        var asked = reader.Texts("source");
        if (reader.Problem is { } problem)
            return problem;
        if (asked.FirstOrDefault(name => collector.View(name) is null) is { } unknown)
            return Unknown(unknown);
        var names = asked.Count > 0 ? asked.Distinct() : collector.View().Where(source => source.Enabled).Select(source => source.Name);
        var started = new SyncStarted([], []);
        foreach (var name in names)
            (collector.PollNow(name) == true ? started.Started : started.AlreadyRunning).Add(name);
        return Results.Json(started, statusCode: started.Started.Count > 0 ? StatusCodes.Status202Accepted : StatusCodes.Status409Conflict);
    }

    private Problem Unknown(string name) => Problem.NotFound(
        $"There is no source named {name}; there {(collector.Sources.Count == 0 ? "are none" : "is " + string.Join(", ", collector.Sources.Select(source => source.Name)))}.");
}

/// <summary>A change of a source's schedule; what is absent stays as it is.</summary>
[RequestBody]
internal sealed record SourceChange(bool? Enabled, string? Every);

/// <summary>Which sources were told to poll, and which were polling already.</summary>
internal sealed record SyncStarted(List<string> Started, List<string> AlreadyRunning);
