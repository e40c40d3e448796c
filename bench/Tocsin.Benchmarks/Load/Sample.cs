using System.Globalization;
using System.Text;
using Tocsin.Journal;

namespace Tocsin.Benchmarks.Load;

/// <summary>What an event of the load says, without its time and external id. About 350 bytes as JSON.</summary>
internal sealed record Sample(string Type, string UserId, Priority Priority, string Source, string? Device, string Country, string SrcIp, string DstIp, string Description, byte[] Data)
{
    /// <summary>External ids are as long as this, so that one can be written over another: e000000012345.</summary>
    public const int ExternalIdLength = 13;

    public static string ExternalId(long n) => "e" + n.ToString("D12", CultureInfo.InvariantCulture);

    /// <summary>The event as JSON, with room for a time of milliseconds and, when <paramref name="keyed"/>, an external id.</summary>
    public string ToJson(bool keyed)
    {
        var json = new StringBuilder("{");
        if (keyed)
            json.Append(CultureInfo.InvariantCulture, $"\"external_id\":\"{ExternalId(0)}\",");
        json.Append(CultureInfo.InvariantCulture, $"\"time\":\"{new string('0', TimePatch.Length)}\",\"type\":\"{Type}\",\"source\":\"{Source}\",\"user_id\":\"{UserId}\",");
        if (Device is not null)
            json.Append(CultureInfo.InvariantCulture, $"\"device\":\"{Device}\",");
        if (Priority.Name() is { } priority)
            json.Append(CultureInfo.InvariantCulture, $"\"priority\":\"{priority}\",");
        return json.Append(CultureInfo.InvariantCulture, $"\"src_ip\":\"{SrcIp}\",\"dst_ip\":\"{DstIp}\",\"description\":\"{Description}\",\"data\":{Encoding.UTF8.GetString(Data)}}}").ToString();
    }

    /// <summary>The same as the journal takes it.</summary>
    public SecurityEvent ToEvent(long n, DateTimeOffset time, DateTimeOffset now, DedupeKey? dedupe)
    {
        var externalId = dedupe is null ? null : ExternalId(n);
        return new SecurityEvent
        {
            Id = externalId is null ? EventId.Create(now) : dedupe!.OfExternalId(Source, externalId),
            ExternalId = externalId,
            Kind = EventKind.Audit,
            Type = Type,
            Source = Source,
            Device = Device,
            Priority = Priority,
            Time = EventTime.From(time, 3),
            ReceivedAt = now,
            UserId = UserId,
            Attribution = Attribution.FromRecord,
            SrcIp = SrcIp,
            DstIp = DstIp,
            Country = Country,
            Description = Description,
            Fingerprint = externalId is null ? 0 : n + 1,
            Data = new RawRecord(Data),
        };
    }
}
