using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Text.Json.Serialization;
using Tocsin.Access;
using Tocsin.Collect.Reading;
using Tocsin.Journal;
using Tocsin.Server.Api.Description;

namespace Tocsin.Server.Api;

/// <summary><c>GET /stats</c>: how many events there are by one field, and when.</summary>
internal sealed class StatsApi(EventJournal journal, TimeProvider time)
{
    /// <summary>Steps of a series that does not say where to begin.</summary>
    private const int DefaultSteps = 120;
    private const int DefaultValues = 100;
    private static readonly TimeSpan MinEvery = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan MaxEvery = TimeSpan.FromDays(366);

    /// <summary>The fields in the order of <see cref="StatsField"/>.</summary>
    private static readonly string[] Fields = ["priority", "kind", "type", "source", "device", "country", "user_id"];

    private static readonly QueryParameter[] Parameters =
    [
        .. EventFilterReader.Parameters,
        new("by", $"What to count by: {string.Join(", ", Fields)}; priority when left out", QueryValue.OneOf(Fields)),
        new("every", $"Counts by steps of this length too, like 30s, 1m, 1h or 1d. Without since the last {DefaultSteps} steps; without until, until now; {StatsQuery.MaxSteps} steps at most", QueryValue.Matching("^[0-9]+(s|m|h|d)$", "1m")),
        new("limit", $"Values told by name, the most frequent first, 1 to {StatsQuery.MaxValues}, {DefaultValues} when left out; the rest is counted in others", QueryValue.Whole(1, StatsQuery.MaxValues)),
    ];

    public void Map(IEndpointRouteBuilder routes) =>
        routes.MapGet("/stats", (Delegate)GetAsync).Needs(Scope.Read, Parameters)
            .Named("getStats", "Events", "Counts of events by a field, with a time series; only steps that hold something are listed")
            .Gives<StatsAnswer>(200, "The counts", "Tocsin-Sequence", "Tocsin-Partial").Refuses(503);

    private async Task<IResult> GetAsync(HttpContext context)
    {
        var reader = new QueryReader(context.Request.Query, time.GetUtcNow());
        var by = reader.Choice("by", Fields);
        var query = new StatsQuery
        {
            Filter = EventFilterReader.Read(reader, context.Request.QueryString),
            By = (StatsField)by,
            Every = Every(reader),
            Limit = reader.Number("limit", 1, StatsQuery.MaxValues) ?? DefaultValues,
            Deadline = EventsApi.Deadline,
        };
        if (query.Every is { } every)
            query = query with { Filter = Bounded(reader, query.Filter, every) };
        if (reader.Problem is { } problem)
            return problem;
        var stats = await journal.Store.CountAsync(query, context.RequestAborted);
        context.Response.Headers["Tocsin-Sequence"] = stats.Sequence.ToString(CultureInfo.InvariantCulture);
        context.Response.Headers.CacheControl = "no-cache";
        if (stats.IsPartial)
            context.Response.Headers["Tocsin-Partial"] = "deadline";
        return Results.Ok(Answer(stats, Fields[by], query.Every));
    }

    private static TimeSpan? Every(QueryReader reader)
    {
        if (reader.Text("every") is not { } text)
            return null;
        if (Quantity.TryParseDuration(text, out var every) && every >= MinEvery && every <= MaxEvery)
            return every;
        reader.Fail("every", $"expected {Quantity.Format(MinEvery)} to {Quantity.Format(MaxEvery)}, like 30s, 1m, 1h or 1d");
        return null;
    }

    /// <summary>A series has both ends, and not too many steps between them.</summary>
    private static EventFilter Bounded(QueryReader reader, EventFilter filter, TimeSpan every)
    {
        var until = filter.Until ?? EventTime.From(reader.Now);
        var last = Step(until.UnixTicks - 1, every.Ticks);
        var since = filter.Since ?? EventTime.From(Instant(Math.Max(Earliest, (last - DefaultSteps + 1) * every.Ticks)));
        if (since >= until)
            reader.Fail(filter.Until is null ? "since" : "until", "it leaves no time to count in: since must be before until, and until is now when left out");
        else if (last - Step(since.UnixTicks, every.Ticks) + 1 > StatsQuery.MaxSteps)
            reader.Fail("every", $"that would be more than {StatsQuery.MaxSteps} steps from since to until; the smallest that fits is {Quantity.Format(Smallest(since, until))}");
        return filter with { Since = since, Until = until };
    }

    /// <summary>Whole seconds; one step less than the most, as both ends may lie within one.</summary>
    private static TimeSpan Smallest(EventTime since, EventTime until) =>
        TimeSpan.FromSeconds(Math.Ceiling((until.UnixTicks - since.UnixTicks) / (double)(StatsQuery.MaxSteps - 1) / TimeSpan.TicksPerSecond));

    private static long Earliest => DateTime.MinValue.Ticks - DateTime.UnixEpoch.Ticks;

    private static long Step(long ticks, long every) => (long)Math.Floor((decimal)ticks / every);

    private static DateTimeOffset Instant(long unixTicks) => new(unixTicks + DateTime.UnixEpoch.Ticks, TimeSpan.Zero);

    private static StatsAnswer Answer(EventStats stats, string by, TimeSpan? every) => new(by, stats.Total, stats.Values, stats.Others, stats.Sequence)
    {
        Every = every is { } length ? Quantity.Format(length) : null,
        Series = every is null ? null : [.. stats.Series.Select(step => Point(stats, step))],
    };

    private static StatsPoint Point(EventStats stats, StatsStep step)
    {
        var counts = new Dictionary<string, long>(StringComparer.Ordinal);
        long? none = null;
        for (var i = 0; i < step.Counts.Count; i++)
            if (step.Counts[i] > 0)
                if (stats.Values[i].Value is { } value)
                    counts[value] = step.Counts[i];
                else
                    none = step.Counts[i];
        return new StatsPoint(step.Start, counts) { None = none, Others = step.Others > 0 ? step.Others : null };
    }
}

/// <summary>
/// The counts: <c>values</c> the most frequent first, a null value for events that have none; <c>others</c> the events of values beyond the limit;
/// <c>every</c> and <c>series</c> only when steps were asked for.
/// </summary>
internal sealed record StatsAnswer([property: AllowedValues("priority", "kind", "type", "source", "device", "country", "user_id")] string By, long Total, IReadOnlyList<ValueCount> Values, long Others, long Sequence)
{
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Every { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<StatsPoint>? Series { get; init; }
}

/// <summary>
/// A step of a series from its start: <c>counts</c> by value, <c>none</c> for events without one, <c>others</c> for values beyond the limit. What counts
/// nothing is not listed.
/// </summary>
internal sealed record StatsPoint(DateTimeOffset Time, IReadOnlyDictionary<string, long> Counts)
{
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? None { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? Others { get; init; }
}
