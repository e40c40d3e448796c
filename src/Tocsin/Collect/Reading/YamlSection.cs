using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Tocsin.Collect.Reading;

/// <summary>
/// A mapping of a YAML file. Whatever is asked of it in the wrong form (a list where a value is wanted) is recorded as a
/// mistake and comes back as null or empty.
/// </summary>
public sealed class YamlSection
{
    private readonly ConfigFile file;
    private readonly string key;
    private readonly YamlMappingNode node;
    private readonly Dictionary<string, (YamlScalarNode Key, YamlNode Value)> children = new(StringComparer.Ordinal);

    internal YamlSection(ConfigFile file, string key, YamlMappingNode node)
    {
        (this.file, this.key, this.node) = (file, key, node);
        foreach (var (name, value) in node.Children)
            if (name is YamlScalarNode { Value: { } text } scalar)
                children[text] = (scalar, value);
            else
                file.Fail(LineOf(name), key, "a key must be a plain word");
    }

    public ConfigFile File => file;

    /// <summary>Full key of the section; empty for the whole file.</summary>
    public string Key => key;

    public int Line => LineOf(node);

    /// <summary>The keys in the file's order.</summary>
    public IEnumerable<string> Names => children.Keys;

    public bool Has(string name) => children.ContainsKey(name);

    public bool IsSection(string name) => children.TryGetValue(name, out var child) && child.Value is YamlMappingNode;

    /// <summary>Full key of a child.</summary>
    public string KeyOf(string name) => key.Length == 0 ? name : $"{key}.{name}";

    /// <summary>Line of a child's key; the section's own when there is no such child.</summary>
    public int LineOf(string name) => children.TryGetValue(name, out var child) ? LineOf(child.Key) : Line;

    /// <summary>Records every key that is not allowed.</summary>
    public void Allow(IReadOnlyCollection<string> allowed)
    {
        foreach (var name in children.Keys.Where(name => !allowed.Contains(name, StringComparer.Ordinal)))
            file.FailUnknown(LineOf(name), KeyOf(name), name, allowed);
    }

    /// <summary>Records that a child is missing, unless it is there.</summary>
    public bool Require(string name, string? allowed = null)
    {
        if (Has(name))
            return true;
        file.Fail(Line, KeyOf(name), "is missing", allowed);
        return false;
    }

    /// <summary>A child that is a single value; null when it is absent.</summary>
    public ConfigScalar? Scalar(string name) => children.TryGetValue(name, out var child) ? AsScalar(KeyOf(name), child.Value) : null;

    /// <summary>A child that is a value or a list of values; empty when it is absent.</summary>
    internal IReadOnlyList<ConfigScalar> Scalars(string name) =>
        [.. Items(name).Select(item => AsScalar(item.Key, item.Node)).OfType<ConfigScalar>()];

    /// <summary>A child that is a section; null when it is absent.</summary>
    public YamlSection? Section(string name) => children.TryGetValue(name, out var child) ? AsSection(KeyOf(name), child.Value) : null;

    /// <summary>A child that is a section or a list of sections; empty when it is absent.</summary>
    internal IReadOnlyList<YamlSection> Sections(string name) =>
        [.. Items(name).Select(item => AsSection(item.Key, item.Node)).OfType<YamlSection>()];

    private IEnumerable<(string Key, YamlNode Node)> Items(string name)
    {
        if (!children.TryGetValue(name, out var child))
            return [];
        if (child.Value is not YamlSequenceNode list)
            return [(KeyOf(name), child.Value)];
        if (list.Children.Count == 0)
            file.Fail(LineOf(list), KeyOf(name), "is an empty list");
        return list.Children.Select((item, index) => ($"{KeyOf(name)}[{index}]", item));
    }

    private ConfigScalar? AsScalar(string childKey, YamlNode child)
    {
        if (child is YamlScalarNode scalar)
            return new ConfigScalar(file, LineOf(scalar), childKey, IsNull(scalar) ? null : scalar.Value);
        file.Fail(LineOf(child), childKey, "must be a single value");
        return null;
    }

    private YamlSection? AsSection(string childKey, YamlNode child)
    {
        if (child is YamlMappingNode mapping)
            return new YamlSection(file, childKey, mapping);
        file.Fail(LineOf(child), childKey, "must be a section of keys and values");
        return null;
    }

    private static bool IsNull(YamlScalarNode scalar) => scalar.Style == ScalarStyle.Plain && scalar.Value is null or "" or "~" or "null";

    private static int LineOf(YamlNode node) => (int)node.Start.Line;
}
