namespace Tocsin.Enrich;

/// <summary>
/// Who held an address from when (inclusive) to when (exclusive). <see cref="DateTimeOffset.MinValue"/> and
/// <see cref="DateTimeOffset.MaxValue"/> are open ends.
/// </summary>
public sealed record Holder(string UserId, DateTimeOffset From, DateTimeOffset To)
{
    public bool Holds(EventTime time) => From <= time.ToDateTimeOffset() && (time.ToDateTimeOffset() < To || To == DateTimeOffset.MaxValue);
}

/// <summary>The new holders of one address in one directory, in the order of first sight.</summary>
public sealed record HolderChange(string Directory, string Address, IReadOnlyList<Holder> Holders);
