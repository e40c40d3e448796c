using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Tocsin.MockUpstream;

/// <summary>One alert in one version, as either of the two formats writes it. Grades are 0 to 3, from low to critical.</summary>
internal sealed record Alert
{
    internal const int Grades = 4;

    internal required bool Legacy { get; init; }

    internal required string Id { get; init; }

    internal required string Source { get; init; }

    internal required int Grade { get; init; }

    internal required string What { get; init; }

    internal required string Inside { get; init; }

    internal required string Outside { get; init; }

    internal required string Created { get; init; }

    /// <summary>1 for one that was never revised.</summary>
    internal int Version { get; init; } = 1;

    /// <summary>When it was revised; null in version 1.</summary>
    internal string? Updated { get; init; }

    /// <summary>Time as it is written: ISO 8601, milliseconds.</summary>
    internal static string Write(DateTimeOffset at) => at.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);

    internal byte[] Render()
    {
        var text = Legacy
            ? $$"""{"alertId": "{{Id}}", "source": "{{Source}}", "criticality": {{Criticality}}, "summary": "{{What}}","""
                + $$""" "sourceAddress": "{{Inside}}", "destinationAddress": "{{Outside}}", "timestamp": "{{Created}}", "version": {{Version}}"""
            : $$"""{"id": "{{Id}}", "source": "{{Source}}", "severity": "{{Severity}}", "description": "{{What}}","""
                + $$""" "src_ip": "{{Inside}}", "dst_ip": "{{Outside}}", "created_at": "{{Created}}", "version": {{Version}}""";
        return Encoding.UTF8.GetBytes(text + (Updated is null ? "}" : $$""", "updated_at": "{{Updated}}"}"""));
    }

    /// <summary>What <see cref="Render"/> wrote.</summary>
    internal static Alert Read(ReadOnlyMemory<byte> record)
    {
        using var document = JsonDocument.Parse(record);
        var root = document.RootElement;
        var legacy = root.TryGetProperty("alertId", out _);
        string Text(string standard, string other) => root.GetProperty(legacy ? other : standard).GetString()!;
        return new Alert
        {
            Legacy = legacy,
            Id = Text("id", "alertId"),
            Source = Text("source", "source"),
            Grade = legacy ? root.GetProperty("criticality").GetInt32() - 1 : Array.IndexOf(Severities, root.GetProperty("severity").GetString()),
            What = Text("description", "summary"),
            Inside = Text("src_ip", "sourceAddress"),
            Outside = Text("dst_ip", "destinationAddress"),
            Created = Text("created_at", "timestamp"),
            Version = root.GetProperty("version").GetInt32(),
        };
    }

    /// <summary>The id in a rendered record, without reading the rest: it is the first value of both formats.</summary>
    internal static ReadOnlySpan<byte> IdOf(ReadOnlySpan<byte> record)
    {
        var id = record[(record.IndexOf(": \""u8) + 3)..];
        return id[..id.IndexOf((byte)'"')];
    }

    private static readonly string[] Severities = ["low", "medium", "high", "critical"];

    /// <summary>A grade past the last is one that nobody knows.</summary>
    private string Severity => Grade < Grades ? Severities[Grade] : "apocalyptic";

    private int Criticality => Grade < Grades ? Grade + 1 : 99;
}
