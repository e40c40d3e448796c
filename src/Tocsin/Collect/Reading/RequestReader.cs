namespace Tocsin.Collect.Reading;

/// <summary>Reads a source's <c>requests</c>.</summary>
internal static class RequestReader
{
    private const int MaxRequests = 100;

    /// <summary>What a request may say for all its records; ids, times and versions are each record's own.</summary>
    private static readonly string[] SetKeys = ["type", "device", "priority", "user_id", "src_ip", "dst_ip", "description"];

    public static IReadOnlyList<RequestDefinition> Read(YamlSection root)
    {
        if (!root.Require("requests", "a list like [ { get: /path/ } ]"))
            return [];
        var sections = root.Sections("requests");
        if (sections.Count > MaxRequests)
            root.File.Fail(root.LineOf("requests"), "requests", $"has {sections.Count} requests", $"1 to {MaxRequests}");
        var requests = new List<RequestDefinition>();
        var gets = new HashSet<string>(StringComparer.Ordinal);
        var ids = new HashSet<string>(StringComparer.Ordinal);
        foreach (var section in sections.Take(MaxRequests))
        {
            section.Allow(["get", "set"]);
            var set = section.Section("set") is { } literals ? Set(literals) : new Dictionary<string, string>(StringComparer.Ordinal);
            if (!section.Require("get", "a path that begins with /") || section.Scalar("get") is not { } scalar || Path(scalar) is not { } get)
                continue;
            var whole = $"{scalar.Raw} {string.Join(' ', set.OrderBy(pair => pair.Key, StringComparer.Ordinal).Select(pair => $"{pair.Key}={pair.Value}"))}".TrimEnd();
            if (!ids.Add(whole))
                scalar.Fail("the same get and set stand here for the second time");
            requests.Add(new RequestDefinition { Get = get, Set = set, Id = gets.Add(scalar.Raw) ? scalar.Raw : whole });
        }
        return requests;
    }

    /// <summary>A path below the base URL that cannot lead to another host.</summary>
    public static string? Path(ConfigScalar scalar)
    {
        if (scalar.Text() is not { } path)
            return null;
        var isPath = path[0] == '/' && !path.StartsWith("//", StringComparison.Ordinal);
        if (isPath && path.All(c => c is > ' ' and <= '~' and not ('\\' or '#')))
            return path;
        scalar.Fail($"{scalar.Quoted} is not a path below base_url", "begins with one /, without spaces, \\ and #; other characters as %xx");
        return null;
    }

    private static Dictionary<string, string> Set(YamlSection section)
    {
        section.Allow(SetKeys);
        var set = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var name in SetKeys)
            if (section.Scalar(name) is { } scalar && MapReader.Literal(name, scalar) is { } value)
                set[name] = value;
        return set;
    }
}
