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

    /// <summary>In place of an interval: what was changed of it is taken back.</summary>
    private const string AsInFile = "file";

    private static readonly TimeSpan MinEvery = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan MaxEvery = TimeSpan.FromDays(1);

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/sources", () => collector.View()).Needs(Scope.Read).Named("listSources", "Sources", "Every source as it stands")
            .Gives<IReadOnlyList<SourceView>>(200, "The sources");
        routes.MapGet("/sources/{name}", Get).Needs(Scope.Read).Named("getSource", "Sources", "One source as it stands")
            .WithDescription("The ETag is that of what can be changed, whether and how often it is polled: it moves with PATCH, not with polls.")
            .Gives<SourceView>(200, "The source", "ETag").Refuses(404);
        routes.MapGet("/sources/{name}/syncs", SyncsAsync).Needs(Scope.Read).Named("listSyncs", "Sources", "The last 100 polls, newest first")
            .Gives<IReadOnlyList<SyncDescription>>(200, "The polls").Refuses(404).Refuses(503);
        routes.MapGet("/sources/{name}/rejects", RejectsAsync).Needs(Scope.Read, new("limit", $"1 to {MaxRejectsPerPage}, {DefaultRejects} when left out", QueryValue.Whole(1, MaxRejectsPerPage)), new("cursor", "Where the last page ended", QueryValue.Text))
            .Named("listRejects", "Sources", "Records that could not be mapped, each once, with the reason")
            .WithDescription("Fewer than limit where records are large: the Link header says whether more follow.")
            .Gives<IReadOnlyList<RejectDescription>>(200, "A page of them", "Link").Refuses(404).Refuses(503);
        routes.MapPatch("/sources/{name}", PatchAsync).Needs(Scope.Operate).Named("changeSource", "Sources", "Pauses, resumes or reschedules a source, for good")
            .WithDescription("Applies at once and survives a restart. An every that is set here wins over the source's file, which wins over /config; every: \"file\" takes it back. What is absent or null stays as it is.")
            .Accepts<SourceChange>("application/json").Gives<SourceView>(200, "The source as it is now", "ETag").TakesIfMatch().Refuses(404).Refuses(422).Refuses(503);
        routes.MapPost("/sync", (Delegate)SyncAsync).Needs(Scope.Operate, new QueryParameter("source", "Only this one; all when left out; repeat for several", QueryValue.Text.Many()))
            .Named("sync", "Sources", "Polls now; a source that waits to retry starts at once")
            .Gives<SyncStarted>(202, "Some were started").Gives<SyncStarted>(409, "Nothing was started: all were polling already").Refuses(404).Refuses(503);
    }

    private IResult Get(string name, HttpContext context)
    {
        // Before the view: a tag must not be newer than what stands under it.
        var version = collector.ScheduleVersion(name);
        if (collector.View(name) is not { } view)
            return Unknown(name);
        IfMatch.Tag(context, version);
        return Results.Ok(view);
    }

    private async Task<IResult> SyncsAsync(string name, CancellationToken cancellation) =>
        collector.View(name) is null ? Unknown(name) : Results.Ok(await collector.HistoryAsync(name, cancellation));

    private async Task<IResult> RejectsAsync(string name, HttpContext context, TimeProvider time)
    {
        var reader = new QueryReader(context.Request.Query, time.GetUtcNow());
        var limit = reader.Number("limit", 1, MaxRejectsPerPage) ?? DefaultRejects;
        string? after = null;
        if (reader.Text("cursor") is { } cursor && (after = PageCursor.Read(cursor, name, out var reason)) is null)
            reader.Fail("cursor", reason!);
        if (reader.Problem is { } problem)
            return problem;
        var (rows, hasMore) = await collector.RejectsAsync(name, after, limit, context.RequestAborted);
        // Whoever pushes has rejects, too, under the name of its token, once there is one.
        if (rows.Count == 0 && after is null && collector.View(name) is null)
            return Unknown(name);
        if (hasMore)
            context.Response.Headers.Link = $"</sources/{name}/rejects?limit={limit}&cursor={PageCursor.Write(name, rows[^1].Key)}>; rel=\"next\"";
        return Results.Bytes(JsonArray(rows), "application/json");
    }

    /// <summary>The rows as they stand: a writer that looked into them would fail on what made a record a reject (no Unicode, too deep).</summary>
    private static ReadOnlyMemory<byte> JsonArray(IReadOnlyList<StateRow> rows)
    {
        var array = new ArrayBufferWriter<byte>(2 + rows.Sum(row => row.Value.Length + 1));
        array.Write("["u8);
        foreach (var row in rows)
        {
            if (array.WrittenCount > 1)
                array.Write(","u8);
            array.Write(row.Value);
        }
        array.Write("]"u8);
        return array.WrittenMemory;
    }

    private async Task<IResult> PatchAsync(string name, SourceChange body, HttpContext context)
    {
        TimeSpan? every = null;
        if (body.Every is not (null or AsInFile))
        {
            if (!Quantity.TryParseDuration(body.Every, out var asked) || asked < MinEvery || asked > MaxEvery)
                return new Problem(StatusCodes.Status422UnprocessableEntity, "invalid_schedule", "The schedule cannot be used.",
                    [new ProblemError("/every", "invalid", $"expected {Quantity.Format(MinEvery)} to {Quantity.Format(MaxEvery)}, like 30s or 5m, or {AsInFile}: as its file says")]);
            every = asked;
        }
        var done = await collector.RescheduleAsync(
            name, earlier => new ScheduleChange(body.Enabled ?? earlier.Enabled, body.Every is null ? earlier.Every : every), Record(name, body, context.Actor()), IfMatch.Of(context.Request));
        return done == SettingChange.Refused ? IfMatch.Refused($"/sources/{name}") : Get(name, context);
    }

    private SecurityEvent Record(string name, SourceChange change, Actor actor)
    {
        var enabled = change.Enabled switch { true => "enabled", false => "paused", null => null };
        var every = change.Every switch { null => null, AsInFile => "polled as often as its file says", _ => $"polled every {change.Every}" };
        return actions.Event(OwnActionType.SourceChanged, actor, $"{actor.Name} changed the source {name}: {string.Join(", ", new[] { enabled, every }.OfType<string>())}.", data =>
        {
            data.WriteString("source"u8, name);
            if (change.Enabled is { } on)
                data.WriteBoolean("enabled"u8, on);
            if (change.Every is not null)
                data.WriteString("every"u8, change.Every);
        });
    }

    private async Task<IResult> SyncAsync(HttpContext context)
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
            (await collector.PollNowAsync(name, context.RequestAborted) == true ? started.Started : started.AlreadyRunning).Add(name);
        return Results.Json(started, statusCode: started.Started.Count > 0 ? StatusCodes.Status202Accepted : StatusCodes.Status409Conflict);
    }

    private Problem Unknown(string name) => Problem.NotFound(
        $"There is no source named {name}; there {(collector.Sources.Count == 0 ? "are none" : "is " + string.Join(", ", collector.Sources.Select(source => source.Name)))}.");
}

/// <summary>A change of a source's schedule; what is absent stays as it is. Every: an interval (<c>30s</c>), or <c>file</c> to take back the one that was set.</summary>
[RequestBody]
internal sealed record SourceChange(bool? Enabled, string? Every);

/// <summary>Which sources were told to poll, and which were polling already.</summary>
internal sealed record SyncStarted(List<string> Started, List<string> AlreadyRunning);
