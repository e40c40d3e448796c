using System.Collections.Frozen;
using System.Text;

namespace Tocsin.Benchmarks.Load;

/// <summary>
/// The load: 64,000 samples, the same in every run, over and over (event n is sample n modulo 64,000). In each dimension the first values are
/// the frequent ones, the last stands in a handful of samples, and the second of one never meets the third of a later one, so that there are
/// pairs of frequent values without any event.
/// </summary>
internal sealed class Samples
{
    public const int Count = 64_000;

    private const int Users = 10_000;
    private const int Addresses = 50_000;
    private static readonly string[] Areas = ["auth", "file", "account", "payment", "admin", "network", "mail", "report"];
    private static readonly string[] Actions = ["read", "created", "failed", "changed", "deleted"];
    private static readonly string[] Words = ["invoice", "customer", "contract", "salary", "backup", "vpn session", "mailbox", "api key", "role", "report"];
    private static readonly int[] PublicNets = [5, 31, 46, 62, 77, 80, 91, 103, 116, 177, 185, 200, 212];
    private static readonly string[] Countries = ["US", "DE", "FR", "GB", "NL", "CN", "BR", "IN", "RU", "JP", "PL", "IT", "ES", "SE", "CH", "AT", "CA", "AU", "KR", "TR", "UA", "CZ", "DK", "NO", "FI", "MX", "ZA", "SG", "IE", "PT"];

    private static readonly string[][] Values =
    [
        [.. from action in Actions from area in Areas select area + "." + action],
        [.. Enumerable.Range(0, Users).Select(n => $"u{10_000 + n}")],
        ["low", "medium", "high", "critical"],
        ["app-web", "app-mail", "app-pay", "app-hr", "app-lab"],
        [.. Enumerable.Range(1, 12).Select(n => $"device-{n:D2}")],
        Countries,
        [.. Enumerable.Range(0, Addresses).Select(Address)],
    ];

    /// <summary>The dimensions in the order of <see cref="Values"/>, by their names as filters, and how steeply their values fall off.</summary>
    private static readonly (string Name, double Skew)[] Dimensions =
        [("type", 2), ("user_id", 3), ("priority", 0), ("source", 2), ("device", 2), ("country", 2), ("ip", 2)];

    private readonly Sample[] _samples = new Sample[Count];
    private readonly FrozenDictionary<string, string[]> _byFrequency;

    public Samples()
    {
        var random = new Random(3);
        var uses = Values.Select(values => new int[values.Length]).ToArray();
        for (var i = 0; i < Count; i++)
            _samples[i] = Make(i, random, uses);
        _byFrequency = Dimensions.Select((d, at) => (d.Name, Found: Values[at].Zip(uses[at]).Where(v => v.Second > 0).OrderByDescending(v => v.Second).Select(v => v.First).ToArray()))
            .ToFrozenDictionary(d => d.Name, d => d.Found, StringComparer.Ordinal);
    }

    public Sample this[long n] => _samples[n % Count];

    /// <summary>The values of a dimension that occur, the most frequent first.</summary>
    public string[] ByFrequency(string dimension) => _byFrequency[dimension];

    /// <summary>The two values that never meet: the first for a dimension before the other in the order of the dimensions, the second for the later one.</summary>
    public static (string Earlier, string Later) NeverTogether(string earlier, string later) => (Values[At(earlier)][1], Values[At(later)][2]);

    private static int At(string dimension) => Array.FindIndex(Dimensions, d => d.Name == dimension);

    private static Sample Make(int i, Random random, int[][] uses)
    {
        var rank = new int[Dimensions.Length];
        for (var d = 0; d < rank.Length; d++)
        {
            var last = Values[d].Length - 1;
            rank[d] = (i + (911 * d)) % 31_991 == 7 ? last : Math.Min((int)(last * Math.Pow(random.NextDouble(), Dimensions[d].Skew)), last - 1);
        }
        if (rank[2] != 3)
            rank[2] = random.NextDouble() switch { < 0.15 => 0, < 0.25 => 1, < 0.30 => 2, _ => -1 };
        if (rank[4] != 11 && random.Next(5) == 0)
            rank[4] = -1;
        for (var a = 0; a < rank.Length; a++)
            for (var b = a + 1; b < rank.Length; b++)
                if (rank[a] == 1 && rank[b] == 2)
                    rank[b] = 0;
        for (var d = 0; d < rank.Length; d++)
            if (rank[d] >= 0)
                uses[d][rank[d]]++;
        var type = Values[0][rank[0]];
        var word = Words[random.Next(Words.Length)];
        var data = $$"""{"session":"{{random.NextInt64():x16}}","method":"POST","path":"/api/v1/{{type.Replace('.', '/')}}/{{random.Next(100_000)}}","status":{{(random.Next(10) == 0 ? 403 : 200)}},"bytes":{{random.Next(1_000_000)}},"ms":{{random.Next(10_000) / 100.0:F2}}}""";
        return new Sample(type, Values[1][rank[1]], (Priority)(rank[2] + 1), Values[3][rank[3]], rank[4] < 0 ? null : Values[4][rank[4]], Values[5][rank[5]],
            Values[6][rank[6]], $"10.200.{random.Next(2)}.{random.Next(1, 250)}", $"{word} {random.Next(10_000)} {type.Split('.')[1]}", Encoding.UTF8.GetBytes(data));
    }

    /// <summary>Every second address is a public one.</summary>
    private static string Address(int n) => n % 2 == 0
        ? $"{PublicNets[n / 2 % PublicNets.Length]}.{17 + (n / 4096)}.{n / 16 % 256}.{1 + (n % 16 * 15)}"
        : $"10.{n / 16_384}.{n / 64 % 256}.{1 + (n % 64)}";
}
