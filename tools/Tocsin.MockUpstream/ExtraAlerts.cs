using System.Text;

namespace Tocsin.MockUpstream;

/// <summary>
/// Items that faults put among the real alerts. The ledger never counts them. Those that somebody could keep have ids that
/// begin with <see cref="Prefix"/> and are the same to the last byte each time, so they may be kept once or not at all:
/// whoever compares with the ledger leaves those ids out.
/// </summary>
internal static class ExtraAlerts
{
    internal const string Prefix = "extra-";

    /// <summary>Within any retention for years, and before anything that is made.</summary>
    private const string Usual = "2026-01-01T00:00:00.000Z";

    internal static IEnumerable<byte[]> For(string fault) => fault switch
    {
        Fault.WrongType =>
        [
            "{}"u8.ToArray(),
            "{\"id\": {\"a\": 1}, \"source\": \"firewall\", \"severity\": 3, \"src_ip\": 5, \"created_at\": 12}"u8.ToArray(),
            "{\"alertId\": [1], \"source\": \"waf\", \"criticality\": \"high\", \"sourceAddress\": 5, \"timestamp\": \"soon\"}"u8.ToArray(),
            "{\"source\": \"toaster\", \"level\": \"crispy\"}"u8.ToArray(),
        ],
        Fault.MissingFields =>
        [
            "{}"u8.ToArray(),
            .. Both("missing", Usual, grade: 1).Select(a => Without(a, a.Legacy ? "alertId" : "id")),
            .. Both("missing", Usual, grade: 1).Select(a => Without(a, a.Legacy ? "timestamp" : "created_at")),
        ],
        Fault.UnknownSeverity => Both("severity", Usual, Alert.Grades).Select(a => a.Render()),
        Fault.ClockAhead => Both("ahead", "9999-12-31T23:59:59.999Z", grade: 3).Select(a => a.Render()),
        Fault.ClockBehind => Both("behind", "1970-01-01T00:00:00.000Z", grade: 3).Select(a => a.Render()),
        _ => throw new ArgumentOutOfRangeException(nameof(fault), fault, "adds no items"),
    };

    /// <summary>One of each format; the addresses are of nobody.</summary>
    private static IEnumerable<Alert> Both(string name, string created, int grade) => ((bool[])[false, true]).Select(legacy => new Alert
    {
        Legacy = legacy,
        Id = $"{Prefix}{(legacy ? "leg" : "std")}-{name}",
        Source = legacy ? "waf" : "firewall",
        Grade = grade,
        What = "Put in by a fault",
        Inside = "10.0.0.1",
        Outside = "192.0.2.1",
        Created = created,
    });

    private static byte[] Without(Alert alert, string field)
    {
        var record = System.Text.Json.Nodes.JsonNode.Parse(alert.Render())!.AsObject();
        record.Remove(field);
        return Encoding.UTF8.GetBytes(record.ToJsonString());
    }
}
