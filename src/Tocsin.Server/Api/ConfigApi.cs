using System.ComponentModel.DataAnnotations;
using System.Text.Json;
using System.Text.Json.Serialization;
using Tocsin.Access;
using Tocsin.Collect;
using Tocsin.Collect.Reading;
using Tocsin.Server.Api.Description;
using Tocsin.Server.Configuration;

namespace Tocsin.Server.Api;

/// <summary><c>/config</c>: what can be set while the service runs, which is how often sources are polled that do not say so themselves.</summary>
internal sealed class ConfigApi(Collector collector, OwnActions actions, ServerOptions options)
{
    private const string WholeMinutes = "expected a whole number of minutes from 1 to 1440";

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/config", Get).Needs(Scope.Read).Named("getConfig", "Sources", "How often sources without an every of their own are polled")
            .Gives<ConfigView>(200, "What counts now, and where it comes from", "ETag");
        routes.MapPost("/config", (Delegate)PostAsync).Needs(Scope.Operate).Named("changeConfig", "Sources", "Sets how often sources without an every of their own are polled")
            .WithDescription("Applies at once, counted from each source's last start, survives a restart, and wins over sync.interval in tocsin.yaml until it is deleted. A source's own every wins over it: first what PATCH /sources/{name} said, then what its file says.")
            .Accepts<ConfigChange>("application/json").Gives<ConfigView>(200, "What counts now", "ETag").TakesIfMatch().Refuses(422).Refuses(503);
        routes.MapDelete("/config", (Delegate)DeleteAsync).Needs(Scope.Operate).Named("resetConfig", "Sources", "Takes back what was set: tocsin.yaml counts again, at once")
            .Gives<ConfigView>(200, "What counts now", "ETag").TakesIfMatch().Refuses(503);
    }

    private IResult Get(HttpContext context)
    {
        var interval = collector.Interval;
        IfMatch.Tag(context, interval.Version);
        var from = !interval.IsFromFile ? "api" : options.IsSyncIntervalSaid ? "file" : "default";
        return Results.Ok(new ConfigView(interval.Every.TotalMinutes, from, collector.WithOwnInterval, interval.ChangedAt, interval.ChangedBy));
    }

    private async Task<IResult> PostAsync(ConfigChange body, HttpContext context)
    {
        var errors = new List<ProblemError>();
        if (body.SyncIntervalMinutes is not (>= SyncInterval.MinMinutes and <= SyncInterval.MaxMinutes))
            errors.Add(new ProblemError("/sync_interval_minutes", "invalid", WholeMinutes));
        foreach (var name in body.Others?.Keys ?? Enumerable.Empty<string>())
            errors.Add(new ProblemError($"/{name.Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal)}", "unknown", "there is no setting of this name; known is sync_interval_minutes"));
        return errors.Count > 0
            ? new Problem(StatusCodes.Status422UnprocessableEntity, "invalid_config", "The configuration cannot be used, and nothing was changed.", errors)
            : await ChangeAsync(body.SyncIntervalMinutes, context);
    }

    private Task<IResult> DeleteAsync(HttpContext context) => ChangeAsync(null, context);

    private async Task<IResult> ChangeAsync(int? minutes, HttpContext context)
    {
        var actor = context.Actor();
        var done = await collector.ChangeIntervalAsync(minutes, actor.Name, Record(minutes, actor), IfMatch.Of(context.Request));
        return done == SettingChange.Refused ? IfMatch.Refused("/config") : Get(context);
    }

    private SecurityEvent Record(int? minutes, Actor actor)
    {
        var what = minutes is { } set ? $"set the interval of polls to {Quantity.Format(TimeSpan.FromMinutes(set))}" : "took back the interval of polls that was set";
        return actions.Event(OwnActionType.ConfigChanged, actor, $"{actor.Name} {what}.", data =>
        {
            if (minutes is { } number)
                data.WriteNumber("sync_interval_minutes"u8, number);
            else
                data.WriteNull("sync_interval_minutes"u8);
        });
    }
}

/// <summary>
/// The configuration as it counts. <paramref name="From"/>: <c>api</c>, it was set here; <c>file</c>, tocsin.yaml or the environment say it (also with a fraction: 30s
/// are 0.5); <c>default</c>, nobody does. <paramref name="NotAffected"/>: sources with an every of their own. <paramref name="ChangedAt"/> and
/// <paramref name="ChangedBy"/>: who set it here, or took it back, last.
/// </summary>
internal sealed record ConfigView(
    double SyncIntervalMinutes, [property: AllowedValues("api", "file", "default")] string From, IReadOnlyList<string> NotAffected, DateTimeOffset? ChangedAt, string? ChangedBy);

/// <summary>What to set. Anything but a whole number in range is told as such, not as JSON that cannot be read: so nothing is refused while reading.</summary>
[RequestBody("sync_interval_minutes")]
internal sealed record ConfigChange
{
    /// <summary>Null when it is absent or no whole number.</summary>
    [Range(SyncInterval.MinMinutes, SyncInterval.MaxMinutes), JsonConverter(typeof(WholeNumberConverter))]
    public int? SyncIntervalMinutes { get; init; }

    /// <summary>Members that are no settings.</summary>
    [JsonExtensionData]
    public Dictionary<string, JsonElement>? Others { get; init; }

    /// <summary>Reads any JSON: a whole number (5, also written 5.0) as that, the rest as null.</summary>
    private sealed class WholeNumberConverter : JsonConverter<int?>
    {
        public override bool HandleNull => true;

        public override int? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
        {
            if (reader.TokenType == JsonTokenType.Number && reader.TryGetDecimal(out var number) && number == decimal.Truncate(number) && Math.Abs(number) <= int.MaxValue)
                return (int)number;
            reader.Skip();
            return null;
        }

        public override void Write(Utf8JsonWriter writer, int? value, JsonSerializerOptions options) => throw new NotSupportedException();
    }
}
