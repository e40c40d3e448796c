using System.Collections.Immutable;

namespace Tocsin.MockUpstream;

/// <summary>
/// All made records: the seven incident feeds, the alerts, and the people behind them. What is made is kept for ever, up
/// to <see cref="RecordLog.MaxRecords"/> a feed, so the ledger is simply everything.
/// </summary>
internal sealed class Feeds
{
    private readonly Lock _adding = new();
    private readonly Dictionary<string, AlertFeed> _alertFeeds;
    private int _nextAdded;
    private int _nextDripped;

    private Feeds(MockOptions options, bool empty)
    {
        var employees = empty ? [] : Employee.Make(options.Employees, Seeded(options, 0));
        Employees = employees.Length;
        Identities = new IdentityFeed(employees);
        Incidents = [.. IncidentFeed.Types.Select((t, i) => new IncidentFeed(t.Type, t.Fields, employees, Seeded(options, i + 1)))];
        Alerts = new AlertLog(employees, Seeded(options, IncidentFeed.Types.Length + 1));
        _alertFeeds = new Dictionary<string, AlertFeed>(StringComparer.Ordinal)
        {
            ["/alerts"] = new(Alerts, Paging.Numbered),
            ["/alerts/cursor"] = new(Alerts, Paging.Cursor),
            ["/alerts/next_url"] = new(Alerts, Paging.NextUrl),
            ["/alerts/link"] = new(Alerts, Paging.Link),
        };
    }

    internal int Employees { get; }

    internal IdentityFeed Identities { get; }

    internal ImmutableArray<IncidentFeed> Incidents { get; }

    internal AlertLog Alerts { get; }

    /// <summary>Records ever made, incidents and alerts; newer versions of an alert do not count.</summary>
    internal int Total => Incidents.Sum(f => f.Log.Count) + Alerts.Count;

    internal static Feeds Make(MockOptions options, DateTimeOffset now)
    {
        var feeds = new Feeds(options, empty: false);
        foreach (var feed in feeds.Incidents)
            feed.Fill(options.PerType, now);
        feeds.Alerts.Fill(options.Alerts, now);
        return feeds;
    }

    /// <summary>For a replay, which makes nothing.</summary>
    internal static Feeds None(MockOptions options) => new(options, empty: true);

    internal Feed? Find(string path) => path switch
    {
        "/identities" => Identities,
        _ when _alertFeeds.TryGetValue(path, out var alerts) => alerts,
        _ => Incidents.FirstOrDefault(f => path == "/incidents/" + f.Type),
    };

    /// <summary>
    /// Makes <paramref name="count"/> records dated now in one feed, or spread over the seven incident types when
    /// <paramref name="name"/> is null. Makes all of them, or none and returns false when a feed has no room.
    /// </summary>
    internal bool TryAdd(int count, string? name, TimeProvider time)
    {
        lock (_adding)
        {
            if (name == AlertFeed.Name)
                return Alerts.TryAdd(count, time.GetUtcNow());
            var feeds = name is null ? Incidents : [.. Incidents.Where(f => f.Type == name)];
            var first = name is null ? _nextAdded : 0;
            if (!TryRepeat(count, [.. feeds.Select(f => f.Log)], first, i => feeds[i].Add(time.GetUtcNow())))
                return false;
            if (name is null)
                _nextAdded = (first + count) % feeds.Length;
            return true;
        }
    }

    /// <summary>Makes records in turn in all eight feeds, passing over a full one; none without people, as in a replay.</summary>
    internal void Drip(int count, TimeProvider time)
    {
        if (Employees == 0)
            return;
        lock (_adding)
        {
            for (var i = 0; i < count; i++)
            {
                var turn = _nextDripped;
                _nextDripped = (turn + 1) % (Incidents.Length + 1);
                if (turn == Incidents.Length)
                    Alerts.TryAdd(1, time.GetUtcNow());
                else if (Incidents[turn].Log.Count < RecordLog.MaxRecords)
                    Incidents[turn].Add(time.GetUtcNow());
            }
        }
    }

    private static bool TryRepeat(int count, RecordLog[] logs, int first, Action<int> add)
    {
        for (var i = 0; i < logs.Length; i++)
        {
            // the feeds that come first in the turn take one more each when it does not go up evenly
            var share = count / logs.Length + ((i - first + logs.Length) % logs.Length < count % logs.Length ? 1 : 0);
            if (share > RecordLog.MaxRecords - logs[i].Count)
                return false;
        }

        for (var i = 0; i < count; i++)
            add((first + i) % logs.Length);
        return true;
    }

    /// <summary>Each feed has a stream of its own: what one makes does not depend on how many the others made.</summary>
    private static Random Seeded(MockOptions options, int stream) => new(unchecked(options.Seed * 31 + stream));
}
