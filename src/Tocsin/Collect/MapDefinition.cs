namespace Tocsin.Collect;

/// <summary>One entry of a source's <c>map</c>: for which records it is, and where each field of an event comes from.</summary>
public sealed record MapDefinition
{
    /// <summary>All must hold; none: the entry is for every record.</summary>
    public required IReadOnlyList<WhenCondition> When { get; init; }

    /// <summary>Null: the upstream has no ids.</summary>
    public FieldRule? ExternalId { get; init; }

    /// <summary>
    /// What grows when the upstream changes a record under its id: a number, a time or a text. Null: a change is counted and not taken over.
    /// </summary>
    public FieldRule? Version { get; init; }

    public FieldRule? Type { get; init; }

    public FieldRule? Device { get; init; }

    public FieldRule? Priority { get; init; }

    /// <summary>Always read from the record, never a literal.</summary>
    public required FieldRule Time { get; init; }

    /// <summary>Only what these paths find is ever looked up in an identity directory.</summary>
    public FieldRule? UserId { get; init; }

    public FieldRule? SrcIp { get; init; }

    public FieldRule? DstIp { get; init; }

    public FieldRule? Description { get; init; }

    /// <summary>Every path that is read from a record.</summary>
    public IEnumerable<FieldPath> PathsRead() =>
        new[] { ExternalId, Version, Type, Device, Priority, Time, UserId, SrcIp, DstIp, Description }.OfType<FieldRule>().SelectMany(rule => rule.Paths)
            .Concat(When.Select(condition => condition.Path));
}

/// <summary>Holds when the scalar at <paramref name="Path"/> has one of the texts of <paramref name="Values"/>.</summary>
public sealed record WhenCondition(FieldPath Path, IReadOnlySet<string> Values);

/// <summary>Where a field's value comes from: a literal, or the first of some paths, as it is or translated.</summary>
public sealed record FieldRule
{
    /// <summary>The value itself; then nothing else is set.</summary>
    public string? Literal { get; init; }

    /// <summary>The first that is present counts; a JSON null is absent.</summary>
    public IReadOnlyList<FieldPath> Paths { get; init; } = [];

    /// <summary>What each text becomes; null: the value is taken as it is.</summary>
    public IReadOnlyDictionary<string, string>? Values { get; init; }

    /// <summary>What a value that is there and <see cref="Values"/> does not know becomes; null: no value. An absent one stays absent.</summary>
    public string? Else { get; init; }
}
