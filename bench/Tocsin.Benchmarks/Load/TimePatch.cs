using System.Globalization;
using System.Text;

namespace Tocsin.Benchmarks.Load;

/// <summary>
/// The times of the load and their text, 2026-01-31T12:00:00.123Z: ascending with 5 ms of jitter. They end now, or are spread evenly over
/// so many days when a store is filled that shall look as if it had grown.
/// </summary>
internal sealed class TimePatch(int days, long total)
{
    public const int Length = 24;

    private const int JitterMs = 5;
    private static readonly long Began = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();
    private readonly byte[] _second = new byte[19];
    private long _secondShown = -1;

    /// <summary>Milliseconds since 1970 of event <paramref name="n"/>.</summary>
    public long Of(long n)
    {
        var jitter = (long)((ulong)n * 0x9E3779B97F4A7C15 >> 40) % JitterMs;
        var ascending = days == 0
            ? TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds()
            : Began - (long)(TimeSpan.FromDays(days).TotalMilliseconds * (total - n) / total);
        return ascending - jitter;
    }

    public void Write(Span<byte> destination, long n)
    {
        var (second, ms) = Math.DivRem(Of(n), 1000);
        if (second != _secondShown)
        {
            // The sortable form is RFC 3339 to the second, without an offset.
            Encoding.ASCII.GetBytes(DateTimeOffset.FromUnixTimeSeconds(second).UtcDateTime.ToString("s", CultureInfo.InvariantCulture), _second);
            _secondShown = second;
        }
        _second.CopyTo(destination);
        destination[19] = (byte)'.';
        Digits(destination.Slice(20, 3), ms);
        destination[23] = (byte)'Z';
    }

    /// <summary>Fills the place with a number and leading zeros.</summary>
    public static void Digits(Span<byte> destination, long value)
    {
        for (var i = destination.Length - 1; i >= 0; i--, value /= 10)
            destination[i] = (byte)('0' + (value % 10));
    }
}
