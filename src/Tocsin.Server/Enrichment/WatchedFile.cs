using Tocsin.Enrich;

namespace Tocsin.Server.Enrichment;

/// <summary>How a watched file stands: when its content was taken over, and why the file as it is now was not.</summary>
internal sealed record FileState(DateTimeOffset? LoadedAt, string? Error);

/// <summary>
/// A file that is looked at again and again, by its length and time of writing (a watcher of the system misses what happens on network disks and in
/// mounted volumes), and read when it changed. One with a mistake is refused: what was read before stays in use.
/// </summary>
internal sealed class WatchedFile<T>(string path, long maxBytes, Func<byte[], FileContent<T>> read, Action<T> take, TimeProvider time)
    where T : class
{
    private (long Length, DateTime WrittenAt)? _seen;
    private volatile FileState _state = new(null, null);

    /// <summary>The file, absolute.</summary>
    public string Path => path;

    public FileState State => _state;

    /// <summary>Looks, and takes over what changed; true when the state is another one now. Not from two threads at once.</summary>
    public bool Look()
    {
        var before = _state;
        try
        {
            var now = Stamp();
            if (now is null)
                Refuse(null, "no such file");
            else if (now != _seen)
                Read(now.Value);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            Refuse(null, FaultText.Of(error));
        }
        return _state != before;
    }

    private void Read((long Length, DateTime WrittenAt) now)
    {
        if (now.Length > maxBytes)
        {
            Refuse(now, $"the file has {now.Length:N0} bytes, at most {maxBytes:N0} are read");
            return;
        }
        var bytes = File.ReadAllBytes(path);
        if (Stamp() != now || bytes.Length != now.Length)
        {
            // Half a file may look like a whole one.
            Refuse(null, "the file is being written; it is read again in a moment");
            return;
        }
        var content = read(bytes);
        if (content.Value is not { } value)
        {
            Refuse(now, string.Join("; ", content.Mistakes));
            return;
        }
        take(value);
        (_seen, _state) = (now, new FileState(time.GetUtcNow(), null));
    }

    private void Refuse((long, DateTime)? seen, string error) => (_seen, _state) = (seen, _state with { Error = error });

    private (long, DateTime)? Stamp()
    {
        var file = new FileInfo(path);
        return file.Exists ? (file.Length, file.LastWriteTimeUtc) : null;
    }
}
