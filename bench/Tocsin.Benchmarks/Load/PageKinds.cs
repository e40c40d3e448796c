using System.Globalization;
using System.Text.Json;

namespace Tocsin.Benchmarks.Load;

/// <summary>
/// The filters of events and all pairs of them, with many hits, few and none. Values come from <see cref="Samples"/>; the span of time and the
/// countries are learned from the store, because the door makes the countries.
/// </summary>
internal sealed class PageKinds
{
    private const int DeepPages = 20;
    private const int Spans = 64;

    private readonly Samples _samples = new();
    private readonly long _total;
    private readonly DateTimeOffset _oldest;
    private readonly DateTimeOffset _newest;
    private readonly string[] _countries;

    private PageKinds(long total, DateTimeOffset oldest, DateTimeOffset newest, string[] countries) =>
        (_total, _oldest, _newest, _countries) = (total, oldest, newest, countries);

    /// <summary>Learns from the store what only it knows.</summary>
    public static async Task<PageKinds> LearnAsync(Wire wire, Target target, long total)
    {
        var oldest = Time(await EventsAsync(wire, target, "limit=1&order=asc"));
        var newest = await EventsAsync(wire, target, "limit=1000");
        var countries = newest.EnumerateArray().Select(e => e.GetProperty("country").GetString()).OfType<string>()
            .GroupBy(c => c, StringComparer.Ordinal).OrderByDescending(g => g.Count()).Select(g => g.Key).ToArray();
        return new PageKinds(total, oldest, Time(newest), countries);
    }

    /// <summary>Every kind: one filter, its deep pages, then the pairs.</summary>
    public IEnumerable<PageKind> All()
    {
        var dimensions = Dimensions();
        yield return new PageKind("unfiltered", _ => "");
        yield return new PageKind("unfiltered deep", _ => "", DeepPages);
        yield return new PageKind("unfiltered asc", _ => "order=asc");
        foreach (var d in dimensions)
        {
            if (d.Many is not null)
                yield return new PageKind(d.Name + " many", d.Many);
            if (d.Few is not null)
                yield return new PageKind(d.Name + " few", d.Few);
            if (d.None is not null)
                yield return new PageKind(d.Name + " none", d.None);
            if (d.Many is not null)
                yield return new PageKind(d.Name + " deep", d.Many, DeepPages);
        }
        for (var a = 0; a < dimensions.Length; a++)
            for (var b = a + 1; b < dimensions.Length; b++)
                foreach (var kind in Pair(dimensions[a], dimensions[b]))
                    yield return kind;
    }

    private static IEnumerable<PageKind> Pair(Dimension a, Dimension b)
    {
        var variants = new[] { ("many", a.Many, "many", b.Many), ("many", a.Many, "few", b.Few), ("few", a.Few, "many", b.Many), ("few", a.Few, "few", b.Few), ("many", a.Many, "none", b.None) };
        foreach (var (nameA, first, nameB, second) in variants)
            if (first is not null && second is not null)
                yield return new PageKind($"{a.Name}+{b.Name} {nameA}+{nameB}", random => first(random) + "&" + second(random));
        if (a.IsSampled && b.IsSampled)
        {
            var (earlier, later) = Samples.NeverTogether(a.Name, b.Name);
            yield return new PageKind($"{a.Name}+{b.Name} never together", _ => $"{a.Name}={earlier}&{b.Name}={later}");
        }
    }

    private Dimension[] Dimensions() =>
    [
        Time(),
        Sampled("type", many: 8, few: 1, none: "auth.never"),
        Sampled("user_id", many: 20, few: 500, none: "u999999"),
        Sampled("priority", many: 3, few: 1, none: null),
        Sampled("source", many: 3, few: 1, none: "app-none"),
        Sampled("device", many: 8, few: 1, none: "device-99"),
        Country(),
        Sampled("ip", many: 20, few: 500, none: "203.0.113.77"),
        new Dimension("external_id", null, random => "external_id=" + Sample.ExternalId(random.NextInt64(_total)), random => "external_id=x" + random.Next(1_000_000)),
    ];

    private Dimension Sampled(string name, int many, int few, string? none)
    {
        var values = _samples.ByFrequency(name);
        return new Dimension(name,
            random => $"{name}={values[random.Next(many)]}",
            random => $"{name}={values[^(1 + random.Next(few))]}",
            none is null ? null : _ => $"{name}={none}") { IsSampled = true };
    }

    private Dimension Country() => new("country",
        _countries.Length == 0 ? null : random => "country=" + _countries[random.Next(Math.Min(3, _countries.Length))],
        _countries.Length < 4 ? null : _ => "country=" + _countries[^1],
        _ => "country=AQ");

    private Dimension Time()
    {
        var span = _newest - _oldest;
        var ten = TimeSpan.FromTicks(Math.Max(span.Ticks / _total * 10, TimeSpan.TicksPerMillisecond));
        return new Dimension("time",
            random => Between(_oldest + (span * (random.NextDouble() / 4)), span / 2),
            random => Between(_oldest + (span * random.NextDouble()), ten),
            random => Between(_oldest - TimeSpan.FromDays(400 + random.Next(Spans)), span));
    }

    private static string Between(DateTimeOffset since, TimeSpan length) => $"since={Text(since)}&until={Text(since + length)}";

    private static string Text(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);

    private static DateTimeOffset Time(JsonElement events) => events[0].GetProperty("time").GetDateTimeOffset();

    private static async Task<JsonElement> EventsAsync(Wire wire, Target target, string query)
    {
        var reply = await wire.AskAsync(target.Get("/events?" + query));
        if (reply.Status != 200)
            throw new IOException($"/events?{query}: {reply.Describe()}");
        var events = JsonElement.Parse(reply.Body.Span);
        return events.GetArrayLength() > 0 ? events : throw new IOException("The store is empty.");
    }

    /// <summary>A filter and how to ask it with many hits, few and none; null where it has no such values.</summary>
    private sealed record Dimension(string Name, Func<Random, string>? Many, Func<Random, string>? Few, Func<Random, string>? None)
    {
        public bool IsSampled { get; init; }
    }
}
