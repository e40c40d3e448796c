namespace Tocsin.MockUpstream;

/// <summary>
/// All alerts in all versions, in the order in which they came. A newer version is a record of its own that comes last,
/// dated by its <c>updated_at</c>; the older one stays. Several alerts may share a time (of milliseconds), as they do when
/// added at once. Safe for any number of threads.
/// </summary>
internal sealed class AlertLog(Employee[] employees, Random random)
{
    internal static readonly TimeSpan Span = TimeSpan.FromHours(24);

    /// <summary>How much earlier than the newest a late record is dated.</summary>
    internal static readonly TimeSpan Lateness = TimeSpan.FromMinutes(2);

    /// <summary>Most alerts that <see cref="AddAtNewest"/> brings to share one time.</summary>
    internal const int MaxSameTime = 1_001;

    private static readonly string[] StandardSources = ["firewall", "ngfw", "ips", "vpn_gateway", "router_acl"];
    private static readonly string[] LegacySources = ["waf", "swg", "nac", "api_gateway", "load_balancer"];
    private static readonly string[] Happenings =
        ["Port scan detected", "Repeated sign-in failures", "Blocked outbound connection", "Policy violation", "Malware signature matched"];

    private readonly Lock _gate = new();
    private readonly RecordLog _log = new();

    /// <summary>Of each alert, in the order of their making: where its newest version stands, and which it is.</summary>
    private readonly List<(int Index, int Version)> _newest = [];

    /// <summary>How many share the newest time.</summary>
    private int _atNewest;

    /// <summary>Distinct alerts.</summary>
    internal int Count
    {
        get
        {
            lock (_gate)
                return _newest.Count;
        }
    }

    internal RecordLog Log => _log;

    /// <summary>Fills the last 24 hours before <paramref name="now"/>.</summary>
    internal void Fill(int count, DateTimeOffset now)
    {
        var ages = new long[count];
        for (var i = 0; i < count; i++)
            ages[i] = random.NextInt64(Span.Ticks);
        lock (_gate)
        {
            foreach (var age in ages.OrderDescending())
                Add(Newest(now.AddTicks(-age)));
        }
    }

    /// <summary>Adds this many dated <paramref name="now"/>, or none and returns false when there is no room for all.</summary>
    internal bool TryAdd(int count, DateTimeOffset now)
    {
        lock (_gate)
        {
            if (count > RecordLog.MaxRecords - _log.Count)
                return false;
            for (var i = 0; i < count; i++)
                Add(Newest(now));
            return true;
        }
    }

    /// <summary>
    /// A newer version of this many different alerts, spread evenly from the oldest to the newest. None and false when
    /// there are not as many alerts, or no room for as many versions.
    /// </summary>
    internal bool TryRevise(int count, DateTimeOffset now)
    {
        lock (_gate)
        {
            if (count > _newest.Count || count > RecordLog.MaxRecords - _log.Count)
                return false;
            for (var i = 0; i < count; i++)
            {
                var from = (int)((long)_newest.Count * i / count);
                var to = (int)((long)_newest.Count * (i + 1) / count);
                Revise(random.Next(from, to), Newest(now));
            }

            return true;
        }
    }

    /// <summary>
    /// Adds alerts until <paramref name="count"/> (<see cref="MaxSameTime"/> at most) share the newest time. Those that already
    /// do are counted: else somebody who reads page by page while this goes on would never come to an end.
    /// </summary>
    internal void AddAtNewest(int count)
    {
        lock (_gate)
        {
            if (_log.Count == 0)
                return;
            var missing = Math.Min(Math.Min(count, MaxSameTime) - _atNewest, RecordLog.MaxRecords - _log.Count);
            for (var i = 0; i < missing; i++)
                Add(_log.LastTime);
        }
    }

    /// <summary>Adds one that is dated <see cref="Lateness"/> before the newest; none when there is no newest, or no room.</summary>
    internal void AddLate()
    {
        lock (_gate)
        {
            if (_log.Count is 0 or RecordLog.MaxRecords)
                return;
            var time = _log.LastTime - Lateness.Ticks;
            _log.AppendLate(time, Make(time).Render());
            _newest.Add((_log.Count - 1, 1));
        }
    }

    /// <summary>Ids with their newest version, in the order of their making, after the first <paramref name="after"/>.</summary>
    internal List<(ReadOnlyMemory<byte> Record, int Version)> Newest(int after, int limit)
    {
        lock (_gate)
        {
            var all = _log.All();
            return [.. _newest.Skip(after).Take(limit).Select(n => (all[n.Index], n.Version))];
        }
    }

    private static DateTimeOffset At(long time) => DateTimeOffset.UnixEpoch.AddTicks(time);

    /// <summary>Now, cut to what is written (else <c>since</c> with the written time would leave the alert out), and never before the newest.</summary>
    private long Newest(DateTimeOffset now)
    {
        var ticks = (now - DateTimeOffset.UnixEpoch).Ticks;
        return Math.Max(ticks - ticks % TimeSpan.TicksPerMillisecond, _log.LastTime);
    }

    private void Append(long time, Alert alert)
    {
        _atNewest = time == _log.LastTime ? _atNewest + 1 : 1;
        _log.Append(time, alert.Render());
    }

    private void Add(long time)
    {
        Append(time, Make(time));
        _newest.Add((_log.Count - 1, 1));
    }

    private void Revise(int number, long time)
    {
        var (index, version) = _newest[number];
        var old = Alert.Read(_log[index]);
        var revised = old with
        {
            Grade = (old.Grade + random.Next(1, Alert.Grades)) % Alert.Grades,
            What = FormattableString.Invariant($"{OneOf(Happenings)} (revision {version + 1})"),
            Version = version + 1,
            Updated = Alert.Write(At(time)),
        };
        Append(time, revised);
        _newest[number] = (_log.Count - 1, revised.Version);
    }

    private Alert Make(long time)
    {
        var at = At(time);
        var inside = employees[random.Next(employees.Length)].AddressText;
        var outside = Addresses.Remote(random);
        var grade = random.Next(Alert.Grades);
        var what = OneOf(Happenings);
        var legacy = random.Next(2) != 0;
        return new Alert
        {
            Legacy = legacy,
            // the time is part of the id: a mock that is started again must not give other alerts the ids of the first ones
            Id = FormattableString.Invariant($"{(legacy ? "leg" : "std")}-{at.ToUnixTimeMilliseconds()}-{_newest.Count + 1}"),
            Source = OneOf(legacy ? LegacySources : StandardSources),
            Grade = grade,
            What = what,
            Inside = inside,
            Outside = outside,
            Created = Alert.Write(at),
        };
    }

    private string OneOf(string[] values) => values[random.Next(values.Length)];
}
