namespace Tocsin.Projections;

/// <summary>Gives each distinct name a small number, so that a row holds four bytes instead of a string. It only grows.</summary>
internal sealed class NameTable
{
    private const string AnySuffix = ".*";

    private readonly Dictionary<string, int> ids = new(StringComparer.Ordinal);
    private readonly List<byte[]> escaped = [];

    public int IdOf(string name)
    {
        if (ids.TryGetValue(name, out var id))
            return id;
        ids.Add(name, escaped.Count);
        escaped.Add(JsonName.Escape(name));
        return escaped.Count - 1;
    }

    /// <summary>The name as JSON text without quotes.</summary>
    public byte[] EscapedOf(int id) => escaped[id];

    /// <summary>The ids that any of the names means; <c>auth.*</c> means all that begin with <c>auth.</c>. Null when no name is given: all.</summary>
    public HashSet<int>? Select(IReadOnlyCollection<string> names)
    {
        if (names.Count == 0)
            return null;
        var selected = new HashSet<int>();
        foreach (var name in names)
        {
            if (ids.TryGetValue(name, out var id))
                selected.Add(id);
            if (name.EndsWith(AnySuffix, StringComparison.Ordinal))
                AddPrefixed(name[..^1], selected);
        }
        return selected;
    }

    private void AddPrefixed(string prefix, HashSet<int> selected)
    {
        foreach (var (name, id) in ids)
            if (name.StartsWith(prefix, StringComparison.Ordinal))
                selected.Add(id);
    }
}
