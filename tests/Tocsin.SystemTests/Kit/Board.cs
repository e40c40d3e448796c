using System.Globalization;
using System.Numerics;
using System.Text.Json;

namespace Tocsin.SystemTests.Kit;

/// <summary>One incident on a board: whose, and what the upstream's record says, its numbers digit for digit.</summary>
internal sealed record Incident(string Employee, string Priority, decimal Time, string Type, string Fields);

/// <summary>
/// An independent idea of the board: it groups records by the rules of the contract with nothing of the program, and reads the program's answer
/// into the same form.
/// </summary>
internal static class Board
{
    public const string Unknown = "unknown";
    public static readonly string[] Priorities = ["low", "medium", "high", "critical"];
    private static readonly string[] Added = ["type", "event_id"];

    /// <summary>Which field names the person, by type; an IPv4 text is looked up.</summary>
    private static readonly Dictionary<string, string> WhoField = new()
    {
        ["denial"] = "reported_by", ["intrusion"] = "internal_ip", ["executable"] = "machine_ip", ["misuse"] = "employee_id",
        ["unauthorized"] = "employee_id", ["probing"] = "ip", ["other"] = "identifier",
    };

    public static Dictionary<string, string> Identities(JsonElement identities) =>
        identities.EnumerateObject().ToDictionary(pair => pair.Name, pair => pair.Value.GetRawText());

    /// <summary>Groups and orders raw records.</summary>
    public static List<Incident> Group(IEnumerable<(string Type, JsonElement Record)> records, IReadOnlyDictionary<string, string> identities) =>
        Ordered(records.Select(pair =>
        {
            var who = pair.Record.GetProperty(WhoField[pair.Type]);
            var employee = who.ValueKind == JsonValueKind.Number ? who.GetRawText() : identities.GetValueOrDefault(who.GetString()!, Unknown);
            return new Incident(employee, pair.Record.GetProperty("priority").GetString()!, TimeOf(pair.Record), pair.Type, FieldsOf(pair.Record));
        }));

    /// <summary>
    /// Reads an answer and checks its form: keys in order, four priorities in order, lists ascending, counts true (<paramref name="cut"/>: at least as
    /// many as shown), an event_id each and none twice.
    /// </summary>
    public static List<Incident> Read(JsonElement answer, bool cut = false)
    {
        var incidents = new List<Incident>();
        var ids = new HashSet<string>();
        var employees = answer.EnumerateObject().Select(employee => employee.Name).ToArray();
        employees.ShouldBe((string[])[.. employees.Distinct().OrderBy(Rank).ThenBy(name => name, StringComparer.Ordinal)], Case.Sensitive, "the order of the employees");
        foreach (var employee in answer.EnumerateObject())
        {
            employee.Value.EnumerateObject().Select(priority => priority.Name).ShouldBe(Priorities);
            foreach (var priority in employee.Value.EnumerateObject())
            {
                priority.Value.EnumerateObject().Select(field => field.Name).ShouldBe(["count", "incidents"]);
                var shown = priority.Value.GetProperty("incidents").EnumerateArray().ToArray();
                var count = priority.Value.GetProperty("count").GetInt32();
                (cut ? count >= shown.Length : count == shown.Length).ShouldBeTrue($"{employee.Name} {priority.Name}: count {count}, shown {shown.Length}");
                var last = decimal.MinValue;
                foreach (var incident in shown)
                {
                    ids.Add(incident.GetProperty("event_id").GetString()!).ShouldBeTrue($"an event stands twice: {incident}");
                    var time = TimeOf(incident);
                    time.ShouldBeGreaterThanOrEqualTo(last, $"{employee.Name} {priority.Name} ascends by time");
                    last = time;
                    incident.GetProperty("priority").GetString().ShouldBe(priority.Name);
                    incidents.Add(new Incident(employee.Name, priority.Name, time, incident.GetProperty("type").GetString()!, FieldsOf(incident)));
                }
            }
        }
        return incidents;
    }

    /// <summary>Null when both hold the same incidents in the same order (among equal times any); else the first that differ.</summary>
    public static string? Difference(IReadOnlyList<Incident> expected, IReadOnlyList<Incident> actual)
    {
        var ordered = Ordered(actual);
        for (var i = 0; i < Math.Max(expected.Count, ordered.Count); i++)
            if (i >= expected.Count || i >= ordered.Count || expected[i] != ordered[i])
                return $"{expected.Count} incidents expected, {ordered.Count} there; at {i}: expected {expected.ElementAtOrDefault(i)}, found {ordered.ElementAtOrDefault(i)}";
        return null;
    }

    /// <summary>Ordered as a board is: employees, priorities, time; equal times by their fields so that lists can be compared.</summary>
    public static List<Incident> Ordered(IEnumerable<Incident> incidents) =>
    [
        .. incidents.OrderBy(incident => Rank(incident.Employee)).ThenBy(incident => incident.Employee, StringComparer.Ordinal)
            .ThenBy(incident => Array.IndexOf(Priorities, incident.Priority)).ThenBy(incident => incident.Time)
            .ThenBy(incident => incident.Type, StringComparer.Ordinal).ThenBy(incident => incident.Fields, StringComparer.Ordinal),
    ];

    /// <summary>Ids that are numbers by number, then others, <c>unknown</c> last.</summary>
    private static (int Sort, BigInteger Number) Rank(string employee) =>
        employee == Unknown ? (2, 0) : employee.All(char.IsAsciiDigit) ? (0, BigInteger.Parse(employee, CultureInfo.InvariantCulture)) : (1, 0);

    private static decimal TimeOf(JsonElement record) => decimal.Parse(record.GetProperty("timestamp").GetRawText(), CultureInfo.InvariantCulture);

    private static string FieldsOf(JsonElement record) =>
        string.Join(", ", record.EnumerateObject().Where(field => !Added.Contains(field.Name)).Select(field => $"{field.Name}: {field.Value.GetRawText()}"));
}
