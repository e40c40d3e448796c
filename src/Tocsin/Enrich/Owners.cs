using System.Globalization;

namespace Tocsin.Enrich;

/// <summary>One owner: whose a network, an address, a host or a device is from when to when, and under what name an attribution cites it.</summary>
/// <param name="Source"><c>owners:</c> and the row's match.</param>
/// <param name="Holder">Who, from when, to when.</param>
public sealed record Owner(string Source, Holder Holder);

/// <summary>
/// Whose a network, an address, a host or a device is, as <c>owners.csv</c> says. Of an address the most specific network that holds it at the time
/// answers; of several rows the one with the latest beginning, then the last in the file. Never changes; any thread may ask.
/// </summary>
public sealed class Owners
{
    /// <summary>Most rows of a file (some 400 bytes each); one with more is refused.</summary>
    public const int MaxRows = 1_000_000;

    /// <summary>The largest file that is read, 128 MiB.</summary>
    public const long MaxBytes = 128L << 20;

    private const int MaxMatchCharacters = 512;
    private static readonly string[] Columns = ["match", "user_id", "from", "to"];

    private readonly Dictionary<IpRange, Owner[]> _networks;
    private readonly UInt128[] _hosts;
    private readonly Dictionary<string, Owner[]> _names;

    private Owners(Dictionary<IpRange, List<Owner>> networks, Dictionary<string, List<Owner>> names)
    {
        _networks = networks.ToDictionary(pair => pair.Key, pair => Ordered(pair.Value));
        _names = names.ToDictionary(pair => pair.Key, pair => Ordered(pair.Value), StringComparer.OrdinalIgnoreCase);
        // What of an address differs within a network: one for each length of prefix in use, the most specific first.
        _hosts = [.. networks.Keys.Select(network => network.Last - network.First).Distinct().Order()];
        Rows = networks.Values.Sum(rows => rows.Count) + names.Values.Sum(rows => rows.Count);
    }

    /// <summary>Nobody owns anything.</summary>
    public static Owners None { get; } = new([], []);

    public int Rows { get; }

    /// <summary>Reads a file, or says every mistake in it.</summary>
    public static FileContent<Owners> Read(byte[] bytes)
    {
        var mistakes = new List<FileMistake>();
        var networks = new Dictionary<IpRange, List<Owner>>();
        var names = new Dictionary<string, List<Owner>>(StringComparer.OrdinalIgnoreCase);
        foreach (var row in CsvTable.Read(bytes, Columns, required: 2, MaxRows, mistakes))
        {
            var (match, user) = (row.Cells[0], row.Cells[1]);
            var isNetwork = IpRange.TryParse(match, out var network);
            if ((isNetwork ? null : NameDefect(match)) is { } defect)
                mistakes.Add(new FileMistake(row.Line, defect));
            if (!IdentityDirectory.IsUserId(user))
                mistakes.Add(new FileMistake(row.Line, $"user_id: expected 1 to {IdentityDirectory.MaxUserIdCharacters} characters without control characters"));
            if (!TryInstant(row.Cells[2], DateTimeOffset.MinValue, out var from) || !TryInstant(row.Cells[3], DateTimeOffset.MaxValue, out var to))
                mistakes.Add(new FileMistake(row.Line, "from and to: expected a day (2026-01-31), a time with an offset (2026-01-31T12:00:00Z), or nothing"));
            else if (from >= to)
                mistakes.Add(new FileMistake(row.Line, "to: expected a time after from"));
            else if (isNetwork)
                Add(networks, network, new Owner("owners:" + match, new Holder(user, from, to)));
            else
                Add(names, match, new Owner("owners:" + match, new Holder(user, from, to)));
        }
        return FileContent<Owners>.From(() => new Owners(networks, names), mistakes);
    }

    /// <summary>Whose an address is at a time; null when nobody's.</summary>
    public Owner? Of(UInt128 address, EventTime time)
    {
        foreach (var host in _hosts)
            if (_networks.TryGetValue(new IpRange(address & ~host, address | host), out var rows) && At(rows, time) is { } owner)
                return owner;
        return null;
    }

    /// <summary>Whose a host or a device is at a time, in any case of its name; null when nobody's.</summary>
    public Owner? Of(string name, EventTime time) => _names.TryGetValue(name, out var rows) ? At(rows, time) : null;

    /// <summary>True when somebody owns the address at some time.</summary>
    public bool Knows(UInt128 address) => Array.Exists(_hosts, host => _networks.ContainsKey(new IpRange(address & ~host, address | host)));

    /// <summary>Everybody who owns the address at some time: the most specific network first, of each the latest beginning first.</summary>
    public IReadOnlyList<Owner> All(UInt128 address) =>
        [.. _hosts.SelectMany(host => _networks.GetValueOrDefault(new IpRange(address & ~host, address | host)) ?? [])];

    private static Owner? At(Owner[] rows, EventTime time)
    {
        foreach (var row in rows)
            if (row.Holder.Holds(time))
                return row;
        return null;
    }

    private static Owner[] Ordered(List<Owner> rows) => [.. Enumerable.Reverse(rows).OrderByDescending(row => row.Holder.From)];

    private static void Add<T>(Dictionary<T, List<Owner>> rows, T key, Owner owner)
        where T : notnull
    {
        if (!rows.TryGetValue(key, out var same))
            rows.Add(key, same = new List<Owner>(1));
        same.Add(owner);
    }

    /// <summary>What looks like an address and is none is a slip of the pen; as a name it would never be met.</summary>
    private static string? NameDefect(string match)
    {
        if (match.Length is 0 or > MaxMatchCharacters)
            return $"match: expected a network, an address, or the name of a host or device, 1 to {MaxMatchCharacters} characters";
        var address = match.Split('/')[0];
        return IpRange.TryAddress(address, out _) || (address.Contains('.', StringComparison.Ordinal) && address.All(c => char.IsAsciiDigit(c) || c == '.'))
            ? $"match: \"{match}\" is neither an address nor a network, as 10.1.2.3, 10.1.0.0/16, 2001:db8::/32"
            : null;
    }

    private static bool TryInstant(string text, DateTimeOffset open, out DateTimeOffset instant)
    {
        instant = open;
        if (text.Length == 0)
            return true;
        if (DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var day))
            instant = new DateTimeOffset(day, TimeOnly.MinValue, TimeSpan.Zero);
        else if (EventTime.TryParse(text, out var time))
            instant = time.ToDateTimeOffset();
        else
            return false;
        return true;
    }
}
