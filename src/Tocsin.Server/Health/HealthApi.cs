using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using Tocsin.Access;
using Tocsin.Collect;
using Tocsin.Journal;
using Tocsin.Projections;
using Tocsin.Server.Api;
using Tocsin.Server.Api.Description;
using Tocsin.Server.Enrichment;

namespace Tocsin.Server.Health;

/// <summary><c>/health</c>, <c>/livez</c> and <c>/readyz</c>: answered from memory.</summary>
internal sealed class HealthApi(
    EventJournal journal, IPushQueue queue, StoreProbe probe, Collector collector, IncidentBoard board, BoardFeeder feeder, EnrichmentFiles files, RefusedPushes pushes, SourceLeases? leases, TimeProvider time)
{
    private readonly long _startedAt = time.GetTimestamp();

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/health", Get).WithMetadata(RouteRules.OpenWithMore)
            .Named("getHealth", "Health", "How the service is: the status alone without a token, all of it with one")
            .Gives<HealthReport>(200, "healthy, or degraded: a source or the broker fails, or a file is refused", EitherShapes.Health).Gives<HealthReport>(503, "unhealthy: the store cannot be written", EitherShapes.Health);
        routes.MapGet("/livez", () => Results.Ok(new ProbeAnswer("alive"))).WithMetadata(RouteRules.Open).Named("isAlive", "Health", "The process is up")
            .Gives<ProbeAnswer>(200, "It is");
        routes.MapGet("/readyz", Ready).WithMetadata(RouteRules.Open)
            .Named("isReady", "Health", "The store can be written and read").Gives<ProbeAnswer>(200, "It can").Refuses(503);
    }

    private IResult Ready(HttpContext context)
    {
        if (probe.Defect is null)
            return Results.Ok(new ProbeAnswer("ready"));
        context.Response.Headers.RetryAfter = "5";
        return new Problem(StatusCodes.Status503ServiceUnavailable, "store_unavailable", "The store cannot be written and read now.");
    }

    private IResult Get(HttpContext context)
    {
        var sources = collector.View();
        var defect = probe.Defect;
        var push = queue.State;
        var failing = push.Error is not null || push.DeadLetters > 0 || feeder.Error is not null || files.HasError || sources.Any(IsFailing);
        var status = defect is not null ? "unhealthy" : failing ? "degraded" : "healthy";
        var code = defect is null ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable;
        if (context.Caller()?.May(Scope.Read) != true)
            return Results.Json(new HealthStatus(status), statusCode: code);
        var worst = sources.Where(source => source.LastError is not null).MaxBy(source => source.LastSync);
        return Results.Json(new HealthReport
        {
            Status = status,
            Version = ServerVersion.Text,
            UptimeSeconds = (long)time.GetElapsedTime(_startedAt).TotalSeconds,
            Store = new StoreHealth(journal.Store.Info.Engine, journal.Store.Info.EngineVersion, defect is null ? "healthy" : "unhealthy", Math.Round(probe.Latency.TotalMilliseconds, 2), defect),
            Queue = new QueueHealth(push.Engine, push.Depth, push.Capacity) { DeadLetters = push.DeadLetters, Error = push.Error },
            Board = new BoardHealth(board.Sequence, journal.Head, board.Count, feeder.Error),
            Node = leases?.Me,
            Nodes = leases?.Nodes,
            Pushes = new PushHealth(pushes.Counts),
            Geoip = files.Geo,
            Owners = files.OwnersHealth,
            People = files.PeopleHealth,
            LastSync = sources.Max(source => source.LastSync),
            LastSuccess = sources.Max(source => source.LastSuccess),
            LastEventTime = sources.Select(source => source.LastEventTime).MaxBy(static text => EventTime.TryParse(text, out var when) ? when : EventTime.Min),
            LastError = worst is null ? null : $"{worst.Name}: {worst.LastError}",
            Sources = [.. sources.Select(source => new SourceHealth(
                source.Name, source.Status, source.LastSync, source.LastSuccess, source.LastEventTime, source.LastError, source.ConsecutiveFailures, source.NextRun))],
        }, statusCode: code);
    }

    /// <summary>One that is paused is meant to stand still: what failed last stays shown, and is nobody's trouble now.</summary>
    private static bool IsFailing(SourceView source) =>
        source.Enabled && (source.Status is SourcePhase.Failed or SourcePhase.Retrying || source.ConsecutiveFailures > 0);
}

internal sealed record HealthStatus(string Status);

/// <summary>A probe that went well.</summary>
internal sealed record ProbeAnswer([property: AllowedValues("alive", "ready")] string Status);

internal sealed record HealthReport
{
    [AllowedValues("healthy", "degraded", "unhealthy")]
    public required string Status { get; init; }

    public required string Version { get; init; }

    public required long UptimeSeconds { get; init; }

    public required StoreHealth Store { get; init; }

    public required QueueHealth Queue { get; init; }

    public required BoardHealth Board { get; init; }

    /// <summary>The node that answers; null where one process has the store to itself.</summary>
    public string? Node { get; init; }

    /// <summary>The nodes that live, and the sources that each of them polls; null where one process has the store to itself.</summary>
    public IReadOnlyList<NodeView>? Nodes { get; init; }

    public required PushHealth Pushes { get; init; }

    public required GeoHealth Geoip { get; init; }

    public required TableHealth Owners { get; init; }

    public required TableHealth People { get; init; }

    public DateTimeOffset? LastSync { get; init; }

    public DateTimeOffset? LastSuccess { get; init; }

    public string? LastEventTime { get; init; }

    public string? LastError { get; init; }

    public required IReadOnlyList<SourceHealth> Sources { get; init; }
}

internal sealed record StoreHealth(
    string Engine, string Version, [property: AllowedValues("healthy", "unhealthy")] string Status, double LatencyMs, string? Error);

/// <summary>How far the board has read, how far the journal is, how many events the board holds, and why it does not follow.</summary>
internal sealed record BoardHealth(long Sequence, long Head, int Events, string? Error);

/// <summary>What waits and what may: events in memory, requests in a broker.</summary>
internal sealed record QueueHealth(string Engine, int Depth, int Capacity)
{
    /// <summary>Requests in a broker that cannot be stored: <c>tocsin queue dead list</c>.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? DeadLetters { get; init; }

    /// <summary>Why it cannot be relied on now.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Error { get; init; }
}

/// <summary>Pushes that were refused as a whole since the start, by the code of the problem, the most frequent first.</summary>
internal sealed record PushHealth(IReadOnlyList<RefusedPush> Refused);

internal sealed record SourceHealth(
    string Name, SourcePhase Status, DateTimeOffset? LastSync, DateTimeOffset? LastSuccess, string? LastEventTime, string? LastError,
    int ConsecutiveFailures, DateTimeOffset? NextRun);
