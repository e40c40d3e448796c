using System.Diagnostics.Metrics;

namespace Tocsin.Server.Metrics;

/// <summary>
/// The size of the embedded store's files. Whoever asks is told what was found last and never waits for the disk, which may hang: when that is ten seconds old
/// somebody else looks again, one at a time.
/// </summary>
internal sealed class StoreSize
{
    private static readonly TimeSpan LooksAgainAfter = TimeSpan.FromSeconds(10);
    private readonly string _folder;
    private readonly TimeProvider _time;
    private long _lookedAt;
    private long _bytes;

    /// <summary>Begun by <see cref="Bytes"/>.</summary>
    private Task _looking = Task.CompletedTask;

    public StoreSize(string folder, TimeProvider time)
    {
        (_folder, _time) = (folder, time);
        Look();
    }

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
            if (_looking.IsCompleted && _time.GetElapsedTime(Volatile.Read(ref _lookedAt)) >= LooksAgainAfter)
                _looking = Task.Run(Look);
            return Volatile.Read(ref _bytes);
        }
    }

    private void Look()
    {
        var files = new DirectoryInfo(_folder);
        var segments = new DirectoryInfo(Path.Combine(_folder, "segments"));
        try
        {
            Volatile.Write(ref _bytes, SizeOf(files, "journal.db*") + (segments.Exists ? SizeOf(segments, "*") : 0));
        }
        catch (IOException)
        {
            // The disk is in trouble; what was found last stands. The store itself says what is wrong.
        }
        Volatile.Write(ref _lookedAt, _time.GetTimestamp());
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
