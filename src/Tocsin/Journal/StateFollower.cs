using System.Threading.Channels;
using Microsoft.Extensions.Logging;

namespace Tocsin.Journal;

/// <summary>
/// Tells the parts that hold rows of state in memory that another node wrote some of them. A part that could not read them anew, because the store is
/// away, is told again until it could: nothing stays old. Where one process has the store to itself nobody ever calls <see cref="Changed"/>.
/// </summary>
public sealed partial class StateFollower(TimeProvider time, ILogger<StateFollower> logger)
{
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);

    // Bounded by the names of state there are: each waits at most once.
    private readonly Lock _gate = new();
    private readonly HashSet<string> _waiting = new(StringComparer.Ordinal);
    private readonly Channel<string> _changed = Channel.CreateUnbounded<string>(new UnboundedChannelOptions { SingleReader = true });
    private readonly List<(string Name, Func<string, CancellationToken, Task> Read)> _parts = [];

    /// <summary>
    /// <paramref name="read"/> is called with a name of state that others wrote: <paramref name="name"/> itself, or what begins with it where it ends with a
    /// slash. Before <see cref="RunAsync"/>.
    /// </summary>
    public void On(string name, Func<string, CancellationToken, Task> read) => _parts.Add((name, read));

    /// <summary>Others wrote rows of these names. Never blocks.</summary>
    public void Changed(IReadOnlyList<string> names)
    {
        lock (_gate)
            foreach (var name in names)
                if (_waiting.Add(name))
                    _changed.Writer.TryWrite(name);
    }

    /// <summary>Works until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        await foreach (var name in _changed.Reader.ReadAllAsync(cancellation))
        {
            // Before it is read: what is written meanwhile is read once more.
            lock (_gate)
                _waiting.Remove(name);
            foreach (var (_, read) in _parts.Where(part => part.Name == name || (part.Name.EndsWith('/') && name.StartsWith(part.Name, StringComparison.Ordinal))))
                await ReadAsync(name, read, cancellation);
        }
    }

    private async Task ReadAsync(string name, Func<string, CancellationToken, Task> read, CancellationToken cancellation)
    {
        while (true)
        {
            try
            {
                await read(name, cancellation);
                return;
            }
            catch (JournalUnavailableException error)
            {
                Log.StoreAway(logger, name, error.Message);
                await Task.Delay(RetryAfter, time, cancellation);
            }
            catch (Exception error) when (!cancellation.IsCancellationRequested)
            {
                // One row that nobody can read must not keep all others from being followed.
                Log.Unexpected(logger, name, error);
                return;
            }
        }
    }

    private static partial class Log
    {
        [LoggerMessage(5, LogLevel.Warning, "What another node changed ({Name}) cannot be read yet: {Error}")]
        public static partial void StoreAway(ILogger logger, string name, string error);

        [LoggerMessage(6, LogLevel.Error, "What another node changed ({Name}) cannot be used")]
        public static partial void Unexpected(ILogger logger, string name, Exception error);
    }
}
