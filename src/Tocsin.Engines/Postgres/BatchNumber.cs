using System.Security.Cryptography;

namespace Tocsin.Engines.Postgres;

/// <summary>
/// The numbers of batches: the time with random bits below. A sequence of the server would give a number twice after a crash or a failover, and who asks
/// by it whether a commit was made would take another node's for his own. Two that are the same all the same: the second is refused, and takes another.
/// </summary>
internal static class BatchNumber
{
    // Milliseconds since 1970 fit above them until the year 2248.
    private const int RandomBits = 20;

    public static long Next(TimeProvider time) =>
        ((time.GetUtcNow().ToUnixTimeMilliseconds() << RandomBits) | (long)RandomNumberGenerator.GetInt32(1 << RandomBits)) & long.MaxValue;
}
