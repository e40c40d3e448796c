using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;

namespace Tocsin.Collect;

/// <summary>What a source is doing. The order is that of precedence when its feeds differ.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<SourcePhase>))]
public enum SourcePhase
{
    /// <summary>Waits for its next run; the last one went well.</summary>
    [JsonStringEnumMemberName("idle")] Idle,

    /// <summary>At least one feed failed and waits for the next run.</summary>
    [JsonStringEnumMemberName("failed")] Failed,

    /// <summary>At least one feed failed and is about to be asked again.</summary>
    [JsonStringEnumMemberName("retrying")] Retrying,

    /// <summary>Calls are under way.</summary>
    [JsonStringEnumMemberName("syncing")] Syncing,

    /// <summary>Not polled until it is enabled.</summary>
    [JsonStringEnumMemberName("paused")] Paused,
}

/// <summary>
/// Totals of a source since it was first polled. <paramref name="Polls"/> are calls to the upstream, each of them <paramref name="Succeeded"/> or
/// <paramref name="Failed"/>; the others count records. <paramref name="PossibleGaps"/>: answers that shared no record with the one before.
/// <paramref name="Superseded"/>: records that came in a newer version.
/// </summary>
public sealed record SourceCounts(
    long Polls = 0, long Succeeded = 0, long Failed = 0, long Events = 0, long Duplicates = 0, long Changed = 0, long Rejected = 0,
    long Unattributed = 0, long UnknownPriorities = 0, long PossibleGaps = 0, long Superseded = 0)
{
    /// <summary>What came to these since <paramref name="before"/>.</summary>
    public static SourceCounts operator -(SourceCounts a, SourceCounts before) => new(
        a.Polls - before.Polls, a.Succeeded - before.Succeeded, a.Failed - before.Failed, a.Events - before.Events,
        a.Duplicates - before.Duplicates, a.Changed - before.Changed, a.Rejected - before.Rejected, a.Unattributed - before.Unattributed,
        a.UnknownPriorities - before.UnknownPriorities, a.PossibleGaps - before.PossibleGaps, a.Superseded - before.Superseded);

    public static SourceCounts operator +(SourceCounts a, SourceCounts b) => new(
        a.Polls + b.Polls, a.Succeeded + b.Succeeded, a.Failed + b.Failed, a.Events + b.Events, a.Duplicates + b.Duplicates, a.Changed + b.Changed,
        a.Rejected + b.Rejected, a.Unattributed + b.Unattributed, a.UnknownPriorities + b.UnknownPriorities, a.PossibleGaps + b.PossibleGaps,
        a.Superseded + b.Superseded);
}

/// <summary>One request of a source, or its identities.</summary>
public sealed record FeedView
{
    public required string Name { get; init; }

    public required SourcePhase Status { get; init; }

    /// <summary>When it last gave an answer that was taken in whole.</summary>
    public DateTimeOffset? LastSuccess { get; init; }

    /// <summary>What is wrong now; null when nothing is.</summary>
    public string? LastError { get; init; }

    /// <summary>Calls that failed since the last that did not.</summary>
    public int ConsecutiveFailures { get; init; }

    /// <summary>Records in its last answer, of all its pages.</summary>
    public long Records { get; init; }

    /// <summary>Its bookmark: everything up to here is in. Null when it has none.</summary>
    public string? Cursor { get; init; }
}

/// <summary>A source as it stands.</summary>
public sealed record SourceView
{
    public required string Name { get; init; }

    [AllowedValues("incident", "alert", "audit")]
    public required string Kind { get; init; }

    public required SourcePhase Status { get; init; }

    public required bool Enabled { get; init; }

    /// <summary>Time between the starts of two polls, in seconds.</summary>
    public required double EverySeconds { get; init; }

    /// <summary>When the last poll began.</summary>
    public DateTimeOffset? LastSync { get; init; }

    /// <summary>The oldest last success of its feeds: everything up to here is in. Null until each has succeeded once.</summary>
    public DateTimeOffset? LastSuccess { get; init; }

    /// <summary>The earliest bookmark of its feeds; null when none has one.</summary>
    public string? Cursor { get; init; }

    /// <summary>Time of the newest event.</summary>
    public string? LastEventTime { get; init; }

    public string? LastError { get; init; }

    public int ConsecutiveFailures { get; init; }

    public DateTimeOffset? NextRun { get; init; }

    public required SourceCounts Counts { get; init; }

    public required IReadOnlyList<FeedView> Feeds { get; init; }

    /// <summary>The node that polls it; null where one process has the store to itself, and while no node does.</summary>
    public string? Node { get; init; }
}

/// <summary>Whether and how often a source is polled.</summary>
internal sealed record SourceSchedule(bool Enabled, TimeSpan Every);

/// <summary>What somebody changed of a source's schedule while the service ran; null follows the file, and the interval of all sources where that says nothing. Kept as state.</summary>
public sealed record ScheduleChange(bool? Enabled, TimeSpan? Every)
{
    internal const string StateName = "source-schedule";
}

/// <summary>One poll of a source.</summary>
public sealed record SyncRun
{
    public required DateTimeOffset StartedAt { get; init; }

    public required DateTimeOffset FinishedAt { get; init; }

    /// <summary><c>schedule</c> or <c>request</c>.</summary>
    public required string Trigger { get; init; }

    /// <summary>Feeds asked; those still busy with an earlier poll were not.</summary>
    public required int Feeds { get; init; }

    public required int FailedFeeds { get; init; }

    public required SourceCounts Counts { get; init; }

    public string? Error { get; init; }
}

/// <summary>The JSON of these types, in answers and in state alike: snake_case.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, Converters = [typeof(UtcTimeConverter)])]
[JsonSerializable(typeof(SourceView))]
[JsonSerializable(typeof(IReadOnlyList<SourceView>))]
[JsonSerializable(typeof(SyncRun))]
[JsonSerializable(typeof(ScheduleChange))]
internal sealed partial class SourceJson : JsonSerializerContext;
