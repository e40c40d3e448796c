using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Tocsin.Tests.Projections;

/// <summary>The board made the slow and obvious way: all entries overlaid, grouped and sorted, shown with JsonNode.</summary>
internal sealed class BoardOracle(int maxEvents)
{
    private readonly SortedDictionary<long, SecurityEvent> events = [];
    private readonly SortedSet<long> prioritised = [];

    public void Apply(IEnumerable<Sequenced> entries)
    {
        foreach (var (sequence, entry) in entries)
        {
            var at = entry is Amendment { Target: var target } ? target : sequence;
            if (entry is SecurityEvent placed)
                events[at] = placed;
            else if (entry is Amendment amendment && events.TryGetValue(at, out var before))
                events[at] = amendment.Apply(before);
            if (events.TryGetValue(at, out var now) && now.Priority != Priority.None)
                prioritised.Add(at);
        }
    }

    /// <summary>The held events: the newest ones that ever had a priority.</summary>
    public IReadOnlyList<(long Sequence, SecurityEvent Event)> Held => [.. prioritised.TakeLast(maxEvents).Select(at => (at, events[at]))];

    /// <summary>What the store would give of an event.</summary>
    public SecurityEvent? Find(long sequence) => events.GetValueOrDefault(sequence);

    public string Board(Func<SecurityEvent, bool> takes, int? perPriority = null)
    {
        var employees = Held.Where(e => e.Event.Priority != Priority.None && takes(e.Event)).GroupBy(e => e.Event.UserId ?? "unknown", StringComparer.Ordinal)
            .OrderBy(g => g.Key == "unknown" ? 2 : g.Key.Length > 0 && g.Key.All(char.IsAsciiDigit) ? 0 : 1)
            .ThenBy(g => g.Key.Length > 0 && g.Key.All(char.IsAsciiDigit) ? System.Numerics.BigInteger.Parse(g.Key, CultureInfo.InvariantCulture) : 0)
            .ThenBy(g => g.Key, StringComparer.Ordinal);
        return "{" + string.Join(',', employees.Select(g => $"{JsonSerializer.Serialize(g.Key)}:{Value([.. g], perPriority)}")) + "}";
    }

    private static string Value((long Sequence, SecurityEvent Event)[] events, int? perPriority) =>
        "{" + string.Join(',', new[] { Priority.Low, Priority.Medium, Priority.High, Priority.Critical }.Select(priority =>
        {
            var list = events.Where(e => e.Event.Priority == priority).OrderBy(e => e.Event.Time).ThenBy(e => e.Sequence).ToArray();
            var shown = list.TakeLast(perPriority ?? int.MaxValue).Select(e => Incident(e.Event));
            return $"\"{priority.Name()}\":{{\"count\":{list.Length},\"incidents\":[{string.Join(',', shown)}]}}";
        })) + "}";

    /// <summary>Only for records that are objects of scalars without surprises: those have tests of their own.</summary>
    private static string Incident(SecurityEvent source)
    {
        var shown = new JsonObject();
        foreach (var (name, value) in JsonNode.Parse(source.Data.Utf8.Span)!.AsObject())
            if (name is not ("type" or "event_id"))
                shown[name] = name == "priority" ? source.Priority.Name() : value?.DeepClone();
        shown["priority"] ??= source.Priority.Name();
        shown["type"] = source.Type;
        shown["event_id"] = source.Id.ToString();
        shown["timestamp"] ??= JsonNode.Parse(source.Time.ToUnixSeconds());
        return shown.ToJsonString();
    }
}

/// <summary>Random journals, the same for the same seed.</summary>
/// <param name="seed">Of the random numbers.</param>
/// <param name="revises">True: amendments may carry a newer version, and take a priority away and give it back.</param>
internal sealed class RandomJournal(int seed, bool revises = false)
{
    private static readonly string?[] Users = ["7", "07", "42", "4506", "100000000000000000000000000", "bob", "Åsa \"q\"\n", "unknown", null, null];
    private static readonly string[] Types = ["auth.failed", "auth.ok", "intrusion", "scan\u0001\"", "authx"];
    private readonly Random random = new(seed);
    private readonly List<long> events = [];
    private long sequence;

    public Sequenced[] Next(int count) => [.. Enumerable.Range(0, count).Select(_ => new Sequenced(++sequence, Entry()))];

    private Entry Entry()
    {
        if (events.Count > 0 && random.Next(4) == 0)
        {
            // With versions the same few again and again: away and back within a batch.
            var target = events[revises && random.Next(2) == 0 ? Math.Max(0, events.Count - 1 - random.Next(3)) : random.Next(events.Count)];
            var amendment = Some.Amendment(
                target,
                random.Next(3) == 0 ? null : Users[random.Next(Users.Length)],
                random.Next(3) == 0 ? (Priority)random.Next(revises ? 0 : 1, 5) : null);
            return revises && random.Next(2) == 0 ? Some.Revision(target, Event((Priority)random.Next(5))) with { UserId = random.Next(3) == 0 ? amendment.UserId : null, Priority = amendment.Priority } : amendment;
        }
        var priority = (Priority)random.Next(0, 5);
        if (priority != Priority.None || revises)
            events.Add(sequence);
        return Event(priority);
    }

    private SecurityEvent Event(Priority priority)
    {
        var time = $"16292{random.Next(10)}{random.Next(10)}{random.Next(10)}11.{random.Next(3)}";
        var data = random.Next(4) switch
        {
            0 => $$"""{ "n": {{random.Next()}}.50 , "priority":"bogus", "timestamp" :{{time}} }""",
            1 => $$"""{"type":"x","event_id":1,"text":"{{new string('x', random.Next(600))}}"}""",
            2 => "{}",
            _ => null,
        };
        return Some.Event(
            Users[random.Next(Users.Length)], priority, Types[random.Next(Types.Length)], random.Next(2) == 0 ? "elevate" : "other", time,
            (EventKind)random.Next(0, 3), data, sequence);
    }
}
