using System.Globalization;

namespace Tocsin.Benchmarks;

/// <summary>What stands behind a tool's name: <c>--name value</c>, or <c>--name</c> alone. A name the tool does not know is an error.</summary>
internal sealed class Options
{
    private readonly Dictionary<string, string> _given = new(StringComparer.Ordinal);
    private readonly HashSet<string> _asked = new(StringComparer.Ordinal);

    public Options(ReadOnlySpan<string> args)
    {
        for (var i = 0; i < args.Length; i++)
        {
            if (!args[i].StartsWith("--", StringComparison.Ordinal))
                throw new ArgumentException($"'{args[i]}' is not an option");
            var valued = i + 1 < args.Length && !args[i + 1].StartsWith("--", StringComparison.Ordinal);
            _given[args[i][2..]] = valued ? args[i + 1] : "";
            i += valued ? 1 : 0;
        }
    }

    public bool Flag(string name) => Find(name) is not null;

    public string? Text(string name) => Find(name);

    public string Text(string name, string otherwise) => Find(name) ?? otherwise;

    public int Number(string name, int otherwise) =>
        Find(name) is { } text ? int.Parse(text, NumberStyles.AllowThousands | NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture) : otherwise;

    /// <summary>Ends with an error when something was given that no one asked for.</summary>
    public void EnsureAllKnown()
    {
        if (_given.Keys.FirstOrDefault(name => !_asked.Contains(name)) is { } unknown)
            throw new ArgumentException($"--{unknown} is not known; known: {string.Join(' ', _asked.Order(StringComparer.Ordinal).Select(n => "--" + n))}");
    }

    private string? Find(string name)
    {
        _asked.Add(name);
        return _given.GetValueOrDefault(name);
    }
}
