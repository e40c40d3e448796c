namespace Tocsin.Collect;

/// <summary>How a source's requests prove who asks. No form prints its secret.</summary>
public abstract record SourceAuth
{
    private protected SourceAuth() { }
}

/// <summary>HTTP Basic.</summary>
/// <param name="Username">Without a colon.</param>
/// <param name="Password">Never printed.</param>
public sealed record BasicAuth(string Username, string Password) : SourceAuth
{
    public override string ToString() => $"basic {Username}:***";
}

/// <summary><c>Authorization: Bearer</c>.</summary>
/// <param name="Token">Never printed.</param>
public sealed record BearerAuth(string Token) : SourceAuth
{
    public override string ToString() => "bearer ***";
}

/// <summary>A header of the upstream's own, such as <c>X-Api-Key</c>.</summary>
/// <param name="Name">The header's name.</param>
/// <param name="Value">Never printed.</param>
public sealed record HeaderAuth(string Name, string Value) : SourceAuth
{
    public override string ToString() => $"header {Name}: ***";
}
