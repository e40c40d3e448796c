namespace Tocsin.Collect.Reading;

/// <summary>Reads a source's <c>map</c>.</summary>
internal static class MapReader
{
    private const int MaxEntries = 100;

    /// <summary>As the contract has it for a type; longer would reject every record.</summary>
    private const int MaxTypeCharacters = 200;

    private static readonly string[] Fields =
        ["external_id", "version", "type", "device", "priority", "time", "user_id", "src_ip", "dst_ip", "description"];

    private static readonly string[] Allowed = ["when", .. Fields];

    /// <summary>A literal would make all records one, or all of one instant.</summary>
    private static readonly string[] PerRecord = ["external_id", "version", "time"];

    private static readonly string[] OfFrom = ["values", "else"];

    public static IReadOnlyList<MapDefinition> Read(YamlSection root)
    {
        if (!root.Require("map", "a section, or a list of sections with when"))
            return [];
        var sections = root.Sections("map");
        if (sections.Count > MaxEntries)
            root.File.Fail(root.LineOf("map"), "map", $"has {sections.Count} entries", $"1 to {MaxEntries}");
        return [.. sections.Take(MaxEntries).Select(Entry)];
    }

    public static FieldPath? Path(ConfigScalar scalar)
    {
        if (scalar.Text() is not { } text)
            return null;
        if (FieldPath.TryParse(text, out var path))
            return path;
        scalar.Fail($"{scalar.Quoted} is not a path", "a.b[0].c, or . for the whole");
        return null;
    }

    /// <summary>A value the file gives for <paramref name="field"/>.</summary>
    public static string? Literal(string field, ConfigScalar scalar)
    {
        if (field == "priority")
            return scalar.OneOf(Priorities.Names);
        var text = scalar.Text();
        if (field == "type" && text?.Length > MaxTypeCharacters)
            scalar.Fail($"has {text.Length} characters", $"1 to {MaxTypeCharacters}");
        return text;
    }

    private static MapDefinition Entry(YamlSection section)
    {
        section.Allow(Allowed);
        section.Require("time", "the path of the field that holds the time");
        if (section.Has("version"))
            section.Require("external_id", "the path of the id that versions share");
        return new MapDefinition
        {
            When = section.Section("when") is { } when ? When(when) : [],
            ExternalId = Rule(section, "external_id"),
            Version = Rule(section, "version"),
            Type = Rule(section, "type"),
            Device = Rule(section, "device"),
            Priority = Rule(section, "priority"),
            Time = Rule(section, "time") ?? new FieldRule(),
            UserId = Rule(section, "user_id"),
            SrcIp = Rule(section, "src_ip"),
            DstIp = Rule(section, "dst_ip"),
            Description = Rule(section, "description"),
        };
    }

    private static List<WhenCondition> When(YamlSection section)
    {
        var conditions = new List<WhenCondition>();
        if (!section.Names.Any())
            section.File.Fail(section.Line, section.Key, "names no field", "field: value, or field: [value, value]");
        foreach (var name in section.Names)
        {
            if (!FieldPath.TryParse(name, out var path))
                section.File.Fail(section.LineOf(name), section.KeyOf(name), "is not a path", "a.b[0].c");
            var values = section.Scalars(name).Select(value => value.Text()).OfType<string>();
            if (path is not null)
                conditions.Add(new WhenCondition(path, values.ToHashSet(StringComparer.Ordinal)));
        }
        return conditions;
    }

    private static FieldRule? Rule(YamlSection entry, string field)
    {
        if (!entry.Has(field))
            return null;
        if (!entry.IsSection(field))
            return new FieldRule { Paths = Paths(entry, field) };
        var section = entry.Section(field)!;
        section.Allow(["from", "values", "else", "set"]);
        if (section.Has("from") == section.Has("set"))
        {
            section.File.Fail(section.Line, section.Key, "needs exactly one of from and set", "a path, a list of paths, { from: path, values: {...}, else: value }, { set: value }");
            return null;
        }
        return section.Has("set") ? Set(section, field) : Translated(section, field);
    }

    private static FieldRule? Set(YamlSection section, string field)
    {
        foreach (var name in OfFrom.Where(section.Has))
            section.File.Fail(section.LineOf(name), section.KeyOf(name), "belongs to from, not to set");
        if (PerRecord.Contains(field))
        {
            section.File.Fail(section.LineOf("set"), section.KeyOf("set"), $"{field} must come from the record", "a path, a list of paths, { from: path }");
            return null;
        }
        return section.Scalar("set") is { } literal && Literal(field, literal) is { } text ? new FieldRule { Literal = text } : null;
    }

    private static FieldRule Translated(YamlSection section, string field)
    {
        Dictionary<string, string>? values = null;
        if (section.Section("values") is { } table)
        {
            values = new(StringComparer.Ordinal);
            foreach (var name in table.Names)
                if (table.Scalar(name) is { } scalar && Literal(field, scalar) is { } text)
                    values[name] = text;
        }
        return new FieldRule
        {
            Paths = Paths(section, "from"),
            Values = values,
            Else = section.Scalar("else") is { } other ? Literal(field, other) : null,
        };
    }

    private static IReadOnlyList<FieldPath> Paths(YamlSection section, string name) =>
        [.. section.Scalars(name).Select(Path).OfType<FieldPath>()];
}
