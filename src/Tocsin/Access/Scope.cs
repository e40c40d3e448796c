namespace Tocsin.Access;

/// <summary>What a caller may do. <see cref="Admin"/> holds all the others.</summary>
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

    /// <summary>See and change tokens.</summary>
    Tokens = 16,

    /// <summary>Everything.</summary>
    Admin = Ingest | Read | Operate | Metrics | Tokens,
}

/// <summary>Who calls, and what they may do.</summary>
public sealed record Caller(string Name, Scope Scopes)
{
    public bool May(Scope scope) => (Scopes & scope) == scope;
}
