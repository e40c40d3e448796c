namespace Tocsin.Access;

/// <summary>What a caller may do. <see cref="Admin"/> holds all the others. The names on the wire are in <see cref="ScopeNames"/>.</summary>
[Flags]
public enum Scope
{
    None = 0,

    /// <summary>Push events.</summary>
    Ingest = 1,

    /// <summary>Ask for anything but metrics and tokens.</summary>
    Read = 2,

    /// <summary>Sync, change configuration, sources and identities.</summary>
    Operate = 4,

    /// <summary>Scrape metrics.</summary>
    Metrics = 8,

    /// <summary>See and change tokens. No name of its own: who may make tokens may do everything, so only <see cref="Admin"/> has it.</summary>
    Tokens = 16,

    /// <summary>Everything.</summary>
    Admin = Ingest | Read | Operate | Metrics | Tokens,
}

/// <summary>Who calls, and what they may do.</summary>
public sealed record Caller(string Name, Scope Scopes)
{
    public bool May(Scope scope) => (Scopes & scope) == scope;
}

/// <summary>Scopes as the wire, the store and the command line write them.</summary>
public static class ScopeNames
{
    private static readonly (string Name, Scope Scope)[] Known =
        [("ingest", Scope.Ingest), ("read", Scope.Read), ("operate", Scope.Operate), ("metrics", Scope.Metrics), ("admin", Scope.Admin)];

    /// <summary>Every name there is.</summary>
    public static IReadOnlyList<string> All { get; } = [.. Known.Select(known => known.Name)];

    /// <summary>Reads one name, as it is written.</summary>
    public static bool TryParse(string? name, out Scope scope)
    {
        scope = Array.Find(Known, known => known.Name == name).Scope;
        return scope != Scope.None;
    }

    /// <summary>The names of a set: <c>admin</c> alone where it is in it, since that is all of them.</summary>
    public static IReadOnlyList<string> Names(this Scope scopes) => (scopes & Scope.Tokens) != Scope.None
        ? ["admin"]
        : [.. Known.Where(known => known.Scope != Scope.Admin && (scopes & known.Scope) != Scope.None).Select(known => known.Name)];
}
