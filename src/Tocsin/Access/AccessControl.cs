using System.Security.Cryptography;
using System.Text;

namespace Tocsin.Access;

/// <summary>
/// Knows callers by their token. Only hashes are kept (the secrets are random, so a fast hash does), compared in constant time.
/// Thread-safe, and without an allocation per call.
/// </summary>
public sealed class AccessControl(ReadOnlyMemory<byte> adminHash, bool anonymousRead)
{
    private const int MaxTokenCharacters = 512;
    private const string BearerPrefix = "Bearer ";
    private static readonly Caller Admin = new("admin", Scope.Admin);
    private readonly Caller _anonymous = new("anonymous", anonymousRead ? Scope.Read : Scope.None);

    /// <summary>
    /// The caller behind an Authorization header: <c>Bearer TOKEN</c> or the bare token (RFC 6750 and the habit of older clients). Null when
    /// the token is wrong; without a header the anonymous caller, who may read when the configuration says so.
    /// </summary>
    public Caller? Authenticate(string? authorization)
    {
        if (string.IsNullOrEmpty(authorization))
            return _anonymous;
        var token = authorization.AsSpan().Trim();
        if (token.StartsWith(BearerPrefix, StringComparison.OrdinalIgnoreCase))
            token = token[BearerPrefix.Length..].Trim();
        if (token.Length > MaxTokenCharacters)
            return null;
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        Hash(token, hash);
        return CryptographicOperations.FixedTimeEquals(hash, adminHash.Span) ? Admin : null;
    }

    /// <summary>The hash by which a token is known.</summary>
    public static void Hash(ReadOnlySpan<char> token, Span<byte> hash)
    {
        Span<byte> utf8 = stackalloc byte[MaxTokenCharacters * 3];
        SHA256.HashData(utf8[..Encoding.UTF8.GetBytes(token, utf8)], hash);
    }
}
