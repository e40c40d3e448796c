using System.Globalization;
using System.Text;

namespace Tocsin.Server.Api;

/// <summary>
/// Reads the values of a query. The first that cannot be used becomes <see cref="Problem"/>, naming the parameter; the names themselves are
/// checked before.
/// </summary>
internal sealed class QueryReader(IQueryCollection query, DateTimeOffset now)
{
    /// <summary>Values of one parameter: enough for any hand-made filter, bounded because each costs a comparison per event.</summary>
    public const int MaxValues = 100;

    public Problem? Problem { get; private set; }

    /// <summary>What spans before now count from.</summary>
    public DateTimeOffset Now => now;

    /// <summary>All values of these names: aliases may be mixed.</summary>
    public IReadOnlyList<string> Texts(params string[] names)
    {
        var values = names.SelectMany(name => query[name]).OfType<string>().ToArray();
        if (values.Length > MaxValues)
            Fail(names[0], $"at most {MaxValues} values");
        if (Array.Exists(values, string.IsNullOrEmpty))
            Fail(names[0], "it has no value");
        return values;
    }

    /// <summary>All values of a name, read; one that <paramref name="read"/> gives null for is a problem.</summary>
    public IReadOnlyList<T> Each<T>(string name, Func<string, T?> read, string expected)
        where T : struct => Each([name], read, expected);

    /// <summary>As above, with aliases; the problem names the first.</summary>
    public IReadOnlyList<T> Each<T>(string[] names, Func<string, T?> read, string expected)
        where T : struct
    {
        var values = new List<T>();
        foreach (var text in Texts(names))
            if (read(text) is { } value)
                values.Add(value);
            else
                Fail(names[0], expected);
        return values;
    }

    /// <summary>As above, for texts.</summary>
    public IReadOnlyList<string> Each(string name, Func<string, string?> read, string expected)
    {
        var values = Texts(name).Select(read).OfType<string>().ToArray();
        if (values.Length < Texts(name).Count)
            Fail(name, expected);
        return values;
    }

    public string? Text(string name)
    {
        var values = Texts(name);
        if (values.Count > 1)
            Fail(name, "it stands twice");
        return values.Count == 0 ? null : values[0];
    }

    public int? Number(string name, int min, int max)
    {
        if (Text(name) is not { } text)
            return null;
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value) && value >= min && value <= max)
            return value;
        Fail(name, $"expected a whole number from {min} to {max}");
        return null;
    }

    /// <summary>Which of the words it is, the first when it is not given.</summary>
    public int Choice(string name, params string[] words)
    {
        if (Text(name) is not { } text)
            return 0;
        if (Array.IndexOf(words, text) is var at and >= 0)
            return at;
        Fail(name, $"expected {string.Join(" or ", words)}");
        return 0;
    }

    public bool? Flag(string name)
    {
        switch (Text(name))
        {
            case null:
                return null;
            case "true":
                return true;
            case "false":
                return false;
            default:
                Fail(name, "expected true or false");
                return null;
        }
    }

    /// <summary>RFC 3339, Unix seconds, or a span before now: <c>-24h</c>.</summary>
    public EventTime? Time(string name)
    {
        if (Text(name) is not { } text)
            return null;
        if (Instant(text) is { } time)
            return time;
        if (Ago(text) is { } ago && ago < now - DateTimeOffset.UnixEpoch)
            return EventTime.From(now - ago);
        Fail(name, "expected RFC 3339 with an offset (2026-01-31T12:00:00Z), Unix seconds, or a span before now (-24h)");
        return null;
    }

    /// <summary>RFC 3339 or Unix seconds; null when it is neither.</summary>
    public static EventTime? Instant(string text) =>
        // In a query a plus means a space, and people forget to escape it: 12:00:00+02:00.
        EventTime.TryParse(text, out var time) || EventTime.TryParse(RestorePlus(text), out time) || EventTime.TryParseNumber(Encoding.UTF8.GetBytes(text), out time)
            ? time
            : null;

    public void Fail(string name, string detail) => Problem ??= Problem.Query(name, detail);

    private static string RestorePlus(string text) => text.Length > 6 && text[^6] == ' ' ? $"{text[..^6]}+{text[^5..]}" : text;

    private static TimeSpan? Ago(string text)
    {
        if (text.Length is < 3 or > 9 || text[0] != '-' || !int.TryParse(text.AsSpan(1, text.Length - 2), NumberStyles.None, CultureInfo.InvariantCulture, out var count))
            return null;
        return text[^1] switch
        {
            's' => TimeSpan.FromSeconds(count),
            'm' => TimeSpan.FromMinutes(count),
            'h' => TimeSpan.FromHours(count),
            'd' => TimeSpan.FromDays(count),
            _ => null,
        };
    }
}
