using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Tocsin.Access;

/// <summary>
/// Knows callers by their token. Only hashes are kept: the secrets are 32 random bytes, so there is nothing to gain by trying words against a
/// stolen hash, and one pass of SHA-256 does where a password would need a slow hash. Thread-safe, and without an allocation per call.
/// </summary>
public sealed class AccessControl
{
    private const int MaxTokenCharacters = 512;
    private const string BearerPrefix = "Bearer ";
    private const string WhiteSpace = " \t"; // What is white space in a header (RFC 9110, 5.6.3), and no more.
    private readonly Caller _anonymous;
    private readonly TimeProvider _time;
    private volatile Dictionary<UInt128, AccessToken> _byHash = [];

    public AccessControl(ReadOnlyMemory<byte> adminHash, bool anonymousRead, TimeProvider time)
    {
        _anonymous = new("anonymous", anonymousRead ? Scope.Read : Scope.None);
        _time = time;
        Admin = new AccessToken("admin", Scope.Admin, adminHash, null, null);
        Use([]);
    }

    /// <summary>The token of <see cref="AdminToken"/>.</summary>
    public AccessToken Admin { get; }

    /// <summary>
    /// The caller behind an Authorization header: <c>Bearer TOKEN</c> or the bare token (RFC 6750 and the habit of older clients). Null when
    /// the token is not known: wrong, revoked or expired; without a header the anonymous caller, who may read when the configuration says so.
    /// </summary>
    public Caller? Authenticate(string? authorization) => string.IsNullOrEmpty(authorization) ? _anonymous : Recognise(authorization)?.Caller;

    /// <summary>The token that such a header holds; null when it is not known. This is a use of it.</summary>
    public AccessToken? Recognise(ReadOnlySpan<char> authorization)
    {
        var token = authorization.Trim(WhiteSpace);
        if (token.StartsWith(BearerPrefix, StringComparison.OrdinalIgnoreCase))
            token = token[BearerPrefix.Length..].Trim(WhiteSpace);
        if (token.Length > MaxTokenCharacters)
            return null;
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        Hash(token, hash);
        var now = _time.GetUtcNow();
        var known = Known(hash, now);
        known?.Touch(now);
        return known;
    }

    /// <summary>The hash by which a token is known.</summary>
    public static void Hash(ReadOnlySpan<char> token, Span<byte> hash)
    {
        Span<byte> utf8 = stackalloc byte[MaxTokenCharacters * 3];
        SHA256.HashData(utf8[..Encoding.UTF8.GetBytes(token, utf8)], hash);
    }

    /// <summary>What a hash is looked up by; whoever finds something compares the whole of it.</summary>
    internal static UInt128 Key(ReadOnlySpan<byte> hash) => BinaryPrimitives.ReadUInt128LittleEndian(hash);

    /// <summary>The token of this hash; null when there is none, or it was revoked or has expired.</summary>
    internal AccessToken? Known(ReadOnlySpan<byte> hash, DateTimeOffset now) =>
        // How long the look-up takes says something about hashes at most, and nobody can choose a secret by its hash.
        _byHash.TryGetValue(Key(hash), out var known) && known.Answers(hash, now) ? known : null;

    /// <summary>From now on these, and the admin token, are all that are known.</summary>
    internal void Use(IEnumerable<AccessToken> tokens)
    {
        var byHash = tokens.ToDictionary(token => Key(token.Hash.Span));
        // A token that was made here may be given as the admin token of a later start: then it is that.
        byHash[Key(Admin.Hash.Span)] = Admin;
        _byHash = byHash;
    }
}
