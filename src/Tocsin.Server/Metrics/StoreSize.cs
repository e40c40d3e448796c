using System.Diagnostics.Metrics;

namespace Tocsin.Server.Metrics;

/// <summary>The size of the embedded store's files: looked up when it is asked for, at most every ten seconds.</summary>
internal sealed class StoreSize(string folder, TimeProvider time)
{
    private static readonly TimeSpan LooksAgainAfter = TimeSpan.FromSeconds(10);
    private long _lookedAt;
    private long? _bytes;

    public static void Observe(Meter meter, string folder, TimeProvider time)
    {
        var size = new StoreSize(folder, time);
        meter.CreateObservableGauge("tocsin_store_size_bytes", () => size.Bytes, null, "Files of the embedded store.");
    }

    /// <summary>For one caller at a time.</summary>
    public long Bytes
    {
        get
        {
            if (_bytes is { } known && time.GetElapsedTime(_lookedAt) < LooksAgainAfter)
                return known;
            _lookedAt = time.GetTimestamp();
            var files = new DirectoryInfo(folder);
            var segments = new DirectoryInfo(Path.Combine(folder, "segments"));
            _bytes = SizeOf(files, "journal.db*") + (segments.Exists ? SizeOf(segments, "*") : 0);
            return _bytes.Value;
        }
    }

    private static long SizeOf(DirectoryInfo folder, string pattern)
    {
        var bytes = 0L;
        foreach (var file in folder.EnumerateFiles(pattern))
            try
            {
                bytes += file.Length;
            }
            catch (FileNotFoundException)
            {
                // Gone since it was listed: it takes no room.
            }
        return bytes;
    }
}
