using System.Globalization;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace Tocsin.MockUpstream;

/// <summary>
/// <c>/alerts?since=</c>: a bare array in two mixed formats, by time, from <c>since</c> on. Several alerts may share a
/// time (of milliseconds), as they do when added at once. Adding is for one caller at a time.
/// </summary>
internal sealed class AlertFeed(Employee[] employees, Random random) : Feed
{
    internal const string Name = "alerts";
    internal static readonly TimeSpan Span = TimeSpan.FromHours(24);

    /// <summary>Page size when a page is asked for without one.</summary>
    private const int DefaultPage = 100;

    private const int MaxPage = 10_000;
    private static readonly string[] StandardSources = ["firewall", "ngfw", "ips", "vpn_gateway", "router_acl"];
    private static readonly string[] LegacySources = ["waf", "swg", "nac", "api_gateway", "load_balancer"];
    private static readonly string[] Severities = ["low", "medium", "high", "critical"];
    private static readonly string[] Happenings =
        ["Port scan detected", "Repeated sign-in failures", "Blocked outbound connection", "Policy violation", "Malware signature matched"];

    private static readonly byte[] Head = "["u8.ToArray();
    private static readonly byte[] Tail = "]"u8.ToArray();

    internal RecordLog Log { get; } = new();

    internal override bool SlashEnded => false;

    /// <summary>Fills the last 24 hours before <paramref name="now"/>.</summary>
    internal void Fill(int count, DateTimeOffset now)
    {
        var ages = new long[count];
        for (var i = 0; i < count; i++)
            ages[i] = random.NextInt64(Span.Ticks);
        foreach (var age in ages.OrderDescending())
            Add(now.AddTicks(-age));
    }

    /// <summary>One alert dated <paramref name="now"/>.</summary>
    internal void Add(DateTimeOffset now)
    {
        var ticks = (now - DateTimeOffset.UnixEpoch).Ticks;
        // cut to what is written: else `since` with the written time would leave the alert out
        var time = Math.Max(ticks - ticks % TimeSpan.TicksPerMillisecond, Log.LastTime);
        Log.Append(time, Encoding.UTF8.GetBytes(Render(time, Log.Count + 1)));
    }

    internal override Answer Answer(in Ask ask)
    {
        if (!TryRead(ask.Query, out var since, out var page, out var limit))
            return new Answer("{\"detail\": \"since is ISO 8601, page 1 or more, limit 1 to 10000\"}"u8.ToArray(), default, default)
            {
                Status = StatusCodes.Status400BadRequest,
            };
        var alerts = Log.From(since);
        if (limit > 0)
            alerts = alerts.Page((int)Math.Min((page - 1L) * limit, int.MaxValue), limit);
        var items = ask.Draw.Name switch
        {
            Fault.Repeat => RecordRange.Join([.. alerts.ToList().SelectMany((a, i) => i % 3 == 0 ? new[] { a, a } : [a])]),
            Fault.OutOfOrder => Shuffled(alerts, ask.Draw.Salt),
            Fault.WrongType => Mixed(alerts, Strangers(), ask.Draw.Salt),
            _ => alerts.Joined,
        };
        return new Answer(Head, items, Tail);
    }

    private string Render(long time, int number)
    {
        var at = DateTimeOffset.UnixEpoch.AddTicks(time);
        // the time is part of the id: a mock that is started again must not give other alerts the ids of the first ones
        var id = FormattableString.Invariant($"{at.ToUnixTimeMilliseconds()}-{number}");
        var written = at.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);
        var inside = employees[random.Next(employees.Length)].AddressText;
        var outside = Addresses.Remote(random);
        var grade = random.Next(Severities.Length);
        var what = OneOf(Happenings);
        return random.Next(2) == 0
            ? $$"""{"id": "std-{{id}}", "source": "{{OneOf(StandardSources)}}", "severity": "{{Severities[grade]}}","""
                + $$""" "description": "{{what}}", "src_ip": "{{inside}}", "dst_ip": "{{outside}}", "created_at": "{{written}}"}"""
            : $$"""{"alertId": "leg-{{id}}", "source": "{{OneOf(LegacySources)}}", "criticality": {{grade + 1}}, "summary": "{{what}}","""
                + $$""" "sourceAddress": "{{inside}}", "destinationAddress": "{{outside}}", "timestamp": "{{written}}"}""";
    }

    private string OneOf(string[] values) => values[random.Next(values.Length)];

    private static bool TryRead(IQueryCollection query, out long since, out int page, out int limit)
    {
        since = long.MinValue;
        page = 1;
        limit = 0;
        if (query["since"].ToString() is { Length: > 0 } text)
        {
            // an offset's plus sign that was not escaped arrives as a space
            text = text.Replace(' ', '+');
            if (!DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time))
                return false;
            since = (time - DateTimeOffset.UnixEpoch).Ticks;
        }

        if (query["page"].ToString() is { Length: > 0 } number)
        {
            if (!int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out page) || page < 1)
                return false;
            limit = DefaultPage;
        }

        return query["limit"].ToString() is not { Length: > 0 } size
            || (int.TryParse(size, NumberStyles.None, CultureInfo.InvariantCulture, out limit) && limit is >= 1 and <= MaxPage);
    }

    /// <summary>Items without a usable id and time: missing fields, an unknown source, wrong types.</summary>
    private static IEnumerable<byte[]> Strangers() =>
    [
        "{}"u8.ToArray(),
        "{\"id\": {\"a\": 1}, \"source\": \"firewall\", \"severity\": 3, \"src_ip\": 5, \"created_at\": 12}"u8.ToArray(),
        "{\"alertId\": [1], \"source\": \"waf\", \"criticality\": \"high\", \"sourceAddress\": 5, \"timestamp\": \"soon\"}"u8.ToArray(),
        "{\"source\": \"toaster\", \"level\": \"crispy\"}"u8.ToArray(),
    ];
}
