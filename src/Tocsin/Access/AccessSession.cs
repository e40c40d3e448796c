using System.Security.Cryptography;

namespace Tocsin.Access;

/// <summary>
/// A browser that signed in with a token: known by the hash of its own secret, and bound to the hash of the token, so that another token of the same name is
/// not meant.
/// </summary>
public sealed class AccessSession
{
    private readonly byte[] _hash;
    private readonly byte[] _token;

    internal AccessSession(byte[] hash, byte[] token, string name, DateTimeOffset createdAt, DateTimeOffset expiresAt) =>
        (_hash, _token, Name, CreatedAt, ExpiresAt) = (hash, token, name, createdAt, expiresAt);

    /// <summary>The name of the token.</summary>
    public string Name { get; }

    public DateTimeOffset CreatedAt { get; }

    /// <summary>From this instant on it is not known any more; never after the token's own end.</summary>
    public DateTimeOffset ExpiresAt { get; }

    internal ReadOnlySpan<byte> Hash => _hash;

    internal ReadOnlySpan<byte> Token => _token;

    /// <summary>True when the hash is this session's and the session has not expired. Its token must be asked beside it.</summary>
    internal bool Answers(ReadOnlySpan<byte> presented, DateTimeOffset now) => CryptographicOperations.FixedTimeEquals(presented, _hash) && now < ExpiresAt;
}

/// <summary>A session that is good now, and who they are by the token behind it.</summary>
public readonly record struct SignedIn(AccessSession Session, Caller Caller);

/// <summary>A session that was opened, with its secret: nobody will know it again.</summary>
public sealed record OpenedSession(string Id, AccessSession Session)
{
    /// <summary>Prints no secret.</summary>
    public override string ToString() => $"session of {Session.Name} ***";
}
