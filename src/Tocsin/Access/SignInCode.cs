using System.Buffers.Text;
using System.Security.Cryptography;

namespace Tocsin.Access;

/// <summary>
/// One code that signs in once, for a link that is printed and opened at once. Only its hash is in memory, and nothing of it on disk. Thread-safe.
/// </summary>
public sealed class SignInCode(TimeProvider time)
{
    /// <summary>How long a code is good.</summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(10);

    private const int CodeBytes = 32;
    private const int CodeCharacters = 43;
    private readonly Lock _gate = new();
    private byte[]? _hash;
    private long _madeAt;

    /// <summary>A new code; one made before is good no more.</summary>
    public string Make()
    {
        var code = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(CodeBytes));
        var hash = new byte[SHA256.HashSizeInBytes];
        AccessControl.Hash(code, hash);
        lock (_gate)
            (_hash, _madeAt) = (hash, time.GetTimestamp());
        return code;
    }

    /// <summary>True once, for the code that was made last, while it is good.</summary>
    public bool TryUse(string code)
    {
        if (code.Length != CodeCharacters)
            return false;
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        AccessControl.Hash(code, hash);
        lock (_gate)
        {
            if (_hash is null || time.GetElapsedTime(_madeAt) >= Lifetime || !CryptographicOperations.FixedTimeEquals(hash, _hash))
                return false;
            _hash = null;
            return true;
        }
    }
}
