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

/// <summary>How a client shows its secret to a token endpoint (RFC 6749, 2.3.1).</summary>
public enum ClientAuth
{
    /// <summary>In an Authorization header.</summary>
    Basic,

    /// <summary>In the form that is sent.</summary>
    Body,
}

/// <summary>OAuth 2.0 client credentials (RFC 6749, 4.4): a token is fetched with the secret, and shown to the upstream as a bearer.</summary>
/// <param name="TokenUrl">http or https, no user or fragment. It may hold a secret.</param>
/// <param name="ClientId">Who asks.</param>
/// <param name="ClientSecret">Never printed, and sent to the token endpoint only.</param>
public sealed record OAuth2Auth(Uri TokenUrl, string ClientId, string ClientSecret) : SourceAuth
{
    /// <summary>Null: what the token endpoint gives unasked.</summary>
    public string? Scope { get; init; }

    /// <summary>Null: not sent.</summary>
    public string? Audience { get; init; }

    public ClientAuth ClientAuth { get; init; }

    /// <summary>True when the token endpoint may be at an address that is not public: the file says so, or <see cref="TokenUrl"/> is http.</summary>
    public bool AllowPrivate { get; init; }

    public override string ToString() => $"oauth2 {ClientId}:*** at {TokenUrl.IdnHost}";
}

/// <summary>A header of the upstream's own, such as <c>X-Api-Key</c>.</summary>
/// <param name="Name">The header's name.</param>
/// <param name="Value">Never printed.</param>
public sealed record HeaderAuth(string Name, string Value) : SourceAuth
{
    public override string ToString() => $"header {Name}: ***";
}
