using System.Globalization;
using System.Text;

namespace Tocsin.Tests;

/// <summary>Builders: something valid, of which a test names only what it is about.</summary>
internal static class Some
{
    /// <summary>An instant in 2021, when the recorded capture was made.</summary>
    public static DateTimeOffset Instant { get; } = DateTimeOffset.FromUnixTimeSeconds(1_629_254_311);

    public static EventTime Time(string unixSeconds = "1629254311.8207245") =>
        EventTime.TryParseNumber(Encoding.UTF8.GetBytes(unixSeconds), out var time) ? time : throw new ArgumentException(unixSeconds);

    public static EventId Id(long number) => new(new Guid((int)number, (short)(number >> 32), 0x7000, 0x80, 0, 0, 0, 0, 0, 0, 1));

    public static RawRecord Record(string json) => new(Encoding.UTF8.GetBytes(json));

    public static SecurityEvent Event(
        string? userId = "4506",
        Priority priority = Priority.High,
        string type = "intrusion",
        string source = "elevate",
        string time = "1629254311.8207245",
        EventKind kind = EventKind.Incident,
        string? data = null,
        long id = 1) => new()
        {
            Id = Id(id),
            Kind = kind,
            Type = type,
            Source = source,
            Priority = priority,
            Time = Time(time),
            ReceivedAt = Instant,
            UserId = userId,
            Data = Record(data ?? string.Create(CultureInfo.InvariantCulture, $"{{\"priority\": \"{priority.Name()}\", \"machine_ip\": \"17.0.0.1\", \"timestamp\": {time}}}")),
        };

    public static Amendment Amendment(long target, string? userId = null, Priority? priority = null) =>
        new() { Target = target, At = Instant, By = "test", UserId = userId, Priority = priority };

    /// <summary>A newer version of an event that says what <see cref="Event"/> would.</summary>
    public static Amendment Revision(long target, SecurityEvent newer) => Amendment(target) with
    {
        Revision = new Revision
        {
            Type = newer.Type, Device = newer.Device, Priority = newer.Priority, Time = newer.Time, UserId = newer.UserId, Description = newer.Description,
            SrcIp = newer.SrcIp, DstIp = newer.DstIp, Country = newer.Country, Attribution = newer.Attribution, Data = newer.Data, Fingerprint = newer.Fingerprint,
        },
    };
}
