using System.Diagnostics;
using System.Numerics;

namespace Tocsin.Benchmarks.Load;

/// <summary>Counts durations in buckets less than 1 % wide, so that millions cost no memory. Any thread may record.</summary>
internal sealed class Latencies
{
    private const int Bits = 7;
    private const int PerPower = 1 << Bits;
    private readonly long[] _buckets = new long[(64 - Bits + 1) * PerPower];
    private long _max;

    public long Count => _buckets.Sum();

    public double MaxMs => Ms(_max);

    /// <summary>Durations in ticks of <see cref="Stopwatch"/>; below 0 counts as 0.</summary>
    public void Record(long ticks)
    {
        ticks = Math.Max(ticks, 0);
        Interlocked.Increment(ref _buckets[Bucket((ulong)ticks)]);
        for (var max = Volatile.Read(ref _max); ticks > max;)
            max = Interlocked.CompareExchange(ref _max, ticks, max);
    }

    /// <summary>The duration that this share of all does not exceed, in milliseconds; 0 when nothing was recorded.</summary>
    public double Ms(double share)
    {
        var left = (long)Math.Ceiling(Count * share);
        if (left == 0)
            return 0;
        for (var i = 0; i < _buckets.Length; i++)
            if ((left -= _buckets[i]) <= 0)
                return Math.Min(Ms(UpperEdge(i)), MaxMs);
        return MaxMs;
    }

    /// <summary>"p50 0.12  p99 1.20  max 3.40 ms".</summary>
    public override string ToString() => $"p50 {Ms(0.5):F2}  p90 {Ms(0.9):F2}  p99 {Ms(0.99):F2}  max {MaxMs:F2} ms";

    private static int Bucket(ulong value)
    {
        if (value < PerPower)
            return (int)value;
        var shift = BitOperations.Log2(value) - Bits;
        return ((shift + 1) << Bits) + (int)((value >> shift) & (PerPower - 1));
    }

    private static long UpperEdge(int bucket)
    {
        var shift = (bucket >> Bits) - 1;
        return shift < 0 ? bucket : ((long)(PerPower + (bucket & (PerPower - 1)) + 1) << shift) - 1;
    }

    private static double Ms(long ticks) => ticks * 1000.0 / Stopwatch.Frequency;
}
