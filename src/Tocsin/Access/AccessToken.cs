using System.Security.Cryptography;

namespace Tocsin.Access;

/// <summary>
/// A token as the service knows it: by its hash, never by its secret. Fixed once made, but for the time of its last use. Thread-safe.
/// </summary>
public sealed class AccessToken(string name, Scope scopes, ReadOnlyMemory<byte> hash, DateTimeOffset? createdAt, DateTimeOffset? expiresAt)
{
    private readonly long _expiresTicks = expiresAt?.UtcTicks ?? long.MaxValue;

    // Unix seconds; 0: never.
    private long _lastUsed;

    public string Name { get; } = name;

    public Scope Scopes { get; } = scopes;

    /// <summary>Null for the admin token, which nobody made here.</summary>
    public DateTimeOffset? CreatedAt { get; } = createdAt;

    /// <summary>From this instant on it is not known any more; null: never.</summary>
    public DateTimeOffset? ExpiresAt { get; } = expiresAt;

    /// <summary>To the second; null when it was never used.</summary>
    public DateTimeOffset? LastUsedAt => LastUsedSeconds is > 0 and var seconds ? DateTimeOffset.FromUnixTimeSeconds(seconds) : null;

    internal ReadOnlyMemory<byte> Hash { get; } = hash;

    internal Caller Caller { get; } = new(name, scopes);

    internal long LastUsedSeconds => Volatile.Read(ref _lastUsed);

    /// <summary>The last use that the store knows of. Only the <see cref="TokenStore"/> touches it.</summary>
    internal long SavedUse { get; set; }

    /// <summary>True when the hash is this token's and the token has not expired.</summary>
    internal bool Answers(ReadOnlySpan<byte> presented, DateTimeOffset now) =>
        CryptographicOperations.FixedTimeEquals(presented, Hash.Span) && now.UtcTicks < _expiresTicks;

    /// <summary>Remembers a use. Written once in a second at most, so that cores which serve one token do not fight for the line it stands on.</summary>
    internal void Touch(DateTimeOffset now)
    {
        var seconds = now.ToUnixTimeSeconds();
        if (Volatile.Read(ref _lastUsed) < seconds)
            Volatile.Write(ref _lastUsed, seconds);
    }

    /// <summary>Takes over what the store knew; a use of which it does not know stays.</summary>
    internal void RestoreUse(long seconds)
    {
        SavedUse = seconds;
        Touch(DateTimeOffset.FromUnixTimeSeconds(seconds));
    }
}
