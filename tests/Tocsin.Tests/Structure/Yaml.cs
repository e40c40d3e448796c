using YamlDotNet.Core;
using YamlDotNet.Core.Events;
using YamlDotNet.Serialization;

namespace Tocsin.Tests.Structure;

/// <summary>A YAML file of the tree as plain mappings, lists and texts; anchors and merged mappings are resolved.</summary>
internal static class Yaml
{
    public static Dictionary<object, object?> Read(string path) => (Dictionary<object, object?>)Parse(SourceTree.Text(path))!;

    public static object? Parse(string text)
    {
        var parser = new MergingParser(new Parser(new StringReader(text)));
        parser.Consume<StreamStart>();
        return new Deserializer().Deserialize(parser);
    }

    /// <summary>What stands under a key; null when it is not there.</summary>
    public static object? At(object? node, string key) => node is Dictionary<object, object?> map ? map.GetValueOrDefault(key) : null;

    /// <summary>A list's texts; none when it is not there.</summary>
    public static IEnumerable<string> Texts(object? node, string key) => At(node, key) is List<object?> list ? list.OfType<string>() : [];

    /// <summary>Every text below a node.</summary>
    public static IEnumerable<string> Leaves(object? node) => node switch
    {
        string text => [text],
        Dictionary<object, object?> map => map.Values.SelectMany(Leaves),
        List<object?> list => list.SelectMany(Leaves),
        _ => [],
    };
}
