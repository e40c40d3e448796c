using System.Text.Json.Serialization;

namespace Tocsin.Collect;

/// <summary>
/// How often sources without an <c>every</c> of their own are polled, and since when: <paramref name="ChangedAt"/> and <paramref name="ChangedBy"/> are null when it
/// never was anything but what the file says. <paramref name="Version"/> is another after each change, also across restarts; 0 before the first.
/// </summary>
public sealed record SyncInterval(TimeSpan Every, bool IsFromFile, DateTimeOffset? ChangedAt, string? ChangedBy, long Version)
{
    /// <summary>The shortest that can be set while the service runs, minutes.</summary>
    public const int MinMinutes = 1;

    /// <summary>The longest, minutes: a day.</summary>
    public const int MaxMinutes = 1_440;
}

/// <summary>What somebody set while the service ran; null minutes: it was taken back, and the file's counts again. Kept as state.</summary>
internal sealed record SyncIntervalChange(int? Minutes, DateTimeOffset? ChangedAt, string? ChangedBy)
{
    public const string StateName = "settings";
    public const string Key = "sync_interval";

    /// <summary>Who sets what is set already, or takes back what is not set, changes nothing.</summary>
    public SyncIntervalChange With(int? minutes, DateTimeOffset now, string by) => minutes == Minutes ? this : new(minutes, now, by);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, Converters = [typeof(UtcTimeConverter)])]
[JsonSerializable(typeof(SyncIntervalChange))]
internal sealed partial class SyncIntervalJson : JsonSerializerContext;
