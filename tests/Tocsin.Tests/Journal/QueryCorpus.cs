using System.Buffers.Binary;
using System.Globalization;
using Tocsin.Journal;

namespace Tocsin.Tests.Journal;

/// <summary>
/// Random events and filters from a seed, skewed as life is: a few values nearly everywhere, many of them once, some absent for long stretches of
/// the journal, and every oddity that a feed may bring.
/// </summary>
internal sealed class QueryCorpus(int seed)
{
    private const long Year2021 = 16_292_543_110_000_000;

    private static readonly string[] Types =
    [
        "intrusion", "auth.login", "auth.x", "auth", "authz.x", "auth.", "auth.*", "Auth.x", "denial", "auth.é", "auth.😀", "tocsin", "tocsinx", "", "a\0b",
    ];

    private static readonly string[] Sources = ["elevate", "alerts", "Elevate", "", "tocsin.x", "unknown", "źródło"];
    private static readonly string?[] Devices = [null, "fw", "waf", "", "FW", "null", "unknown", "fw ", "é", "e\u0301"];
    private static readonly string?[] Users = ["4506", null, "7", "07", "unknown", "", "0", "José", "Jose\u0301", "🙂", "null", "a\0b", new('x', 300)];
    private static readonly string?[] Countries = ["FR", null, "US", "DE", "fr", "", "?"];

    private static readonly string?[] Addresses =
    [
        null, "10.1.2.3", "10.1.2.4", "::ffff:10.1.2.3", "10.1.3.1", "2001:db8::1", "2001:0DB8:0:0:0:0:0:1", "fe80::1%eth0", "10.1.2.3:80", "[::1]", "::1", "host-7", "",
        "010.1.2.3", "10.1.2", "255.255.255.255", "0.0.0.0", "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "10.1.2.3 ", "::10.1.2.3", "10.1.2.256", "::ffff:0a01:0203",
    ];

    private static readonly string[] Ranges =
    [
        "10.1.2.3", "10.1.2.0/24", "10.0.0.0/8", "0.0.0.0/0", "::/0", "2001:db8::/32", "2001:db8::1", "::1", "::ffff:0:0/96", "::ffff:10.1.2.3", "192.0.2.0/24",
        "255.255.255.255/32", "10.1.2.2/31", "::/128", "ffff::/16",
    ];

    private static readonly string[] Times =
    [
        "0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000000001Z", "9999-12-31T23:59:59.999999999Z", "9999-12-31T23:59:59Z", "1969-12-31T23:59:59.9Z", "1970-01-01T00:00:00Z",
        "2021-08-18T02:38:31.5Z", "2021-08-18T02:38:31.50Z", "2021-08-18T02:38:31.500000001Z", "2021-08-18T02:38:31.500000099Z", "2021-08-18T02:38:31.5000001Z",
    ];

    private static readonly string[] Words = ["needle", "Straße", "naïve", "x", "4506", "no such", "NEEDLE", "true"];
    private static readonly string[] DataPaths = ["a", "b.c", "list[1]", "n", "missing"];
    private static readonly string[] DataValues = ["needle", "1.0", "1", "true", "null", "", "é"];

    private static readonly DataFilter[] DataHeld = [new(FieldPath.Parse("n"), ["0", "1", "2", "null"]), new(FieldPath.Parse("a"), ["needle", "Needle", "7"])];

    private readonly Random _random = new(seed);
    private readonly HashSet<EventId> _ids = [];
    private SecurityEvent? _about;

    /// <summary>The filters that come next are made to meet an event, more often than not.</summary>
    public void About(SecurityEvent e) => _about = e;

    /// <summary>The filters by name: each narrows by values that occur often, seldom or never.</summary>
    public IReadOnlyList<(string Name, Func<EventFilter, EventFilter> Narrow)> Filters(IReadOnlyList<SecurityEvent> events) =>
    [
        ("kind", filter => filter with { Kinds = Several(() => _random.Next(2) == 0 ? (EventKind)_random.Next(3) : Like(events).Kind) }),
        ("type", filter => filter with { Types = Several(() => _random.Next(4) == 0 ? Prefix() : Either(events, e => e.Type) ?? "") }),
        ("source", filter => filter with { Sources = Several(() => _random.Next(6) == 0 ? EventFilter.OwnSource : Either(events, e => e.Source) ?? "") }),
        ("device", filter => filter with { Devices = Several(() => Either(events, e => e.Device) ?? "null") }),
        ("priority", filter => filter with { Priorities = Several(() => _random.Next(2) == 0 ? (Priority)_random.Next(5) : Like(events).Priority) }),
        ("user_id", filter => filter with { UserIds = Several(() => Either(events, e => e.UserId) ?? EventFilter.UnknownUser) }),
        ("country", filter => filter with { Countries = Several(() => Either(events, e => e.Country) ?? "unknown") }),
        ("ip", filter => filter with { Ips = Several(() => Range(Like(events).DstIp)) }),
        ("src_ip", filter => filter with { SrcIps = Several(() => Range(Like(events).SrcIp)) }),
        ("dst_ip", filter => filter with { DstIps = Several(() => Range(Like(events).DstIp)) }),
        ("external_id", filter => filter with { ExternalIds = Several(() => Either(events, e => e.ExternalId) ?? "unknown") }),
        ("id", filter => filter with { Ids = [.. Enumerable.Range(0, 1 + _random.Next(40)).Select(_ => Like(events).Id), EventId.FromKey(Bytes())] }),
        ("time", filter => filter with { Times = Several(() => Like(events).Time) }),
        ("since", filter => filter with { Since = One(events).Time }),
        ("until", filter => filter with { Until = One(events).Time }),
        ("q", filter => filter with { Texts = Several(() => One(Words)) }),
        ("data", filter => filter with { Data = [_random.Next(2) == 0 ? One(DataHeld) : new DataFilter(FieldPath.Parse(One(DataPaths)), Several(() => One(DataValues)))] }),
    ];

    public SecurityEvent[] Events(int count) => [.. Enumerable.Range(0, count).Select(i => Event(i))];

    /// <summary>An event whose words come and go with <paramref name="place"/>, its place in the journal.</summary>
    public SecurityEvent Event(int place)
    {
        var own = _random.Next(30) == 0;
        return new SecurityEvent
        {
            Id = Id(),
            Kind = (EventKind)Math.Min(2, Skewed(6)),
            Type = own || _random.Next(100) == 0 ? $"tocsin.{_random.Next(3)}" : Word(Types, place)!,
            Source = own ? EventFilter.OwnSource : Word(Sources, place)!,
            Device = Word(Devices, place),
            Priority = (Priority)_random.Next(5),
            Time = Time(place),
            ReceivedAt = Some.Instant.AddSeconds(place),
            UserId = Word(Users, place),
            Description = One<string?>([null, "", "a needle in here", "plain"]),
            SrcIp = Address(),
            DstIp = Address(),
            Country = One([One(Countries), Countries[0], Countries[1]]),
            ExternalId = _random.Next(3) == 0 ? null : _random.Next(4) == 0 ? One<string>(["", "x-1", "é", "X-1"]) : $"x-{_random.Next(4000)}",
            Attribution = One<Attribution>([Attribution.Nobody, Attribution.FromRecord, new(AttributionRule.Identity, "dir", "10.1.2.3")]),
            Fingerprint = _random.Next(2) == 0 ? 0 : _random.NextInt64(),
            Data = Data(),
        };
    }

    /// <summary>A later fact about one of the events before.</summary>
    public Amendment Amendment(IReadOnlyList<long> targets) => new()
    {
        // Mostly of the newest, as life is, and of the same ones again.
        Target = _random.Next(3) == 0 ? One(targets) : targets[Math.Max(0, targets.Count - 1 - Skewed(targets.Count))],
        At = Some.Instant,
        By = "test",
        UserId = _random.Next(4) == 0 ? null : _random.Next(5) == 0 ? $"late-{_random.Next(5)}" : One(Users) ?? "4506",
        Priority = _random.Next(3) == 0 ? (Priority)_random.Next(5) : null,
        Attribution = _random.Next(2) == 0 ? null : One<Attribution>([Attribution.Nobody, Attribution.FromRecord, new(AttributionRule.Identity, "late", "::1")]),
        Revision = _random.Next(3) == 0 ? Revision(_random.Next(3_000)) : null,
    };

    /// <summary>A newer version that has nothing to do with what it replaces: every field may move, and far.</summary>
    private Revision Revision(int place) => new()
    {
        Type = Word(Types, place)!,
        Device = Word(Devices, place),
        Priority = (Priority)_random.Next(5),
        Time = Time(place),
        UserId = Word(Users, place),
        Description = One<string?>([null, "", "a needle in here", "naïve 😀 \"quoted\" \0"]),
        SrcIp = Address(),
        DstIp = Address(),
        Country = One(Countries),
        Attribution = One<Attribution>([Attribution.Nobody, Attribution.FromRecord, new(AttributionRule.Unresolved, null, "10.1.2.3"), new(AttributionRule.Unresolved, "", "")]),
        Data = Data(),
        Fingerprint = _random.NextInt64(),
    };

    public T One<T>(IReadOnlyList<T> from) => from[_random.Next(from.Count)];

    public int Next(int below) => _random.Next(below);

    /// <summary>0 half of the time, 1 a quarter, and so on.</summary>
    private int Skewed(int count)
    {
        var value = 0;
        while (value < count - 1 && _random.Next(2) == 0)
            value++;
        return value;
    }

    /// <summary>A frequent word, seldom a rare one, or one that only this stretch of 700 events knows.</summary>
    private string? Word(string?[] words, int place) => _random.Next(20) switch
    {
        0 => $"rare {_random.Next(500)}",
        1 => $"stretch {place / 700}",
        2 => One(words),
        _ => words[Skewed(words.Length)],
    };

    private string? Address() => _random.Next(3) switch
    {
        0 => One(Addresses),
        1 => $"10.{_random.Next(3)}.{_random.Next(4)}.{_random.Next(256)}",
        _ => Addresses[Skewed(Addresses.Length)],
    };

    private EventTime Time(int place)
    {
        var kind = _random.Next(12);
        if (kind == 0)
            return Parse(One(Times));
        // Near its place, an hour about, on one of few instants, or anywhere in ten years.
        var ticks = Year2021 + (kind switch
        {
            < 6 => place * TimeSpan.TicksPerSecond,
            < 9 => (place * TimeSpan.TicksPerSecond) + _random.NextInt64(-36_000_000_000, 36_000_000_000),
            < 11 => _random.Next(20) * TimeSpan.TicksPerMinute,
            _ => _random.NextInt64(-1_576_800_000_000_000, 1_576_800_000_000_000),
        });
        return _random.Next(3) == 0 ? EventTime.FromStored(ticks, 900 + _random.Next(100)) : EventTime.FromStored(ticks, 700);
    }

    private EventId Id()
    {
        while (true)
        {
            var bytes = Bytes();
            if (_random.Next(2) == 0)
            {
                // By time: many share their first half.
                BinaryPrimitives.WriteInt64BigEndian(bytes, (Some.Instant.ToUnixTimeMilliseconds() << 16) | 0x7000L | (uint)_random.Next(40));
                bytes[8] = (byte)((bytes[8] & 0x3F) | 0x80);
            }
            var id = bytes[6] >> 4 == 7 ? EventId.FromBytes(bytes) : EventId.FromKey(bytes);
            if (_ids.Add(id))
                return id;
        }
    }

    private byte[] Bytes()
    {
        var bytes = new byte[EventId.SizeInBytes];
        _random.NextBytes(bytes);
        return bytes;
    }

    private RawRecord Data() => _random.Next(8) switch
    {
        0 => RawRecord.None,
        1 => Some.Record("null"),
        2 => Some.Record("""{"a":"Needle","b":{"c":1.0},"list":[1,"é"]}"""),
        3 => Some.Record("""{"a":"n\u0065edle", "n":null, "list":["x",true]}"""),
        4 => Some.Record("""{"a":"\ud800","b":{"c":"\ud800"},"n":"needle"}"""),
        5 => Some.Record("\"Straße naïve\""),
        _ => Some.Record(string.Create(CultureInfo.InvariantCulture, $"{{\"a\":\"{_random.Next(50)}\",\"n\":{_random.Next(3)}}}")),
    };

    private static EventTime Parse(string text) => EventTime.TryParse(text, out var time) ? time : throw new ArgumentException(text);

    private string Prefix() => One(["auth.*", "authz.*", "rare.*", "stretch 1.*", "tocsin.*", "auth", "tocsin.1", ".*", "*", "auth*", "Auth.*", "auth.*.*"]);

    /// <summary>A network, at times the one around an address that stands in an event.</summary>
    private IpRange Range(string? near)
    {
        if (near is not null && IpRange.TryParse(near, out var range) && _random.Next(2) == 0)
            return _random.Next(2) == 0 ? range : new IpRange(range.First & ~(UInt128)255, range.First | 255);
        return IpRange.TryParse(One(Ranges), out range) ? range : throw new InvalidOperationException();
    }

    /// <summary>Any event, mostly the one that the query is about: filters that know nothing of each other have nothing in common.</summary>
    private SecurityEvent Like(IReadOnlyList<SecurityEvent> events) => _about is { } about && _random.Next(4) > 0 ? about : One(events);

    /// <summary>A value that stands in an event, or else one that stands in none.</summary>
    private string? Either(IReadOnlyList<SecurityEvent> events, Func<SecurityEvent, string?> field) =>
        _random.Next(5) switch { 0 => $"absent {_random.Next(9)}", 1 => $"stretch {_random.Next(5)}", _ => field(Like(events)) };

    private T[] Several<T>(Func<T> one) => [.. Enumerable.Range(0, Skewed(5) + 1).Select(_ => one())];
}
