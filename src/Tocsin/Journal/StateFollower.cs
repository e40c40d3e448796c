using System.Runtime.CompilerServices;
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

    private readonly List<Part> _parts = [];

    /// <summary>
    /// <paramref name="read"/> is called when others wrote state of these names: once for all of them, with the first; where a name ends with a slash, with each
    /// name that begins with it. Never twice at once. Before it runs.
    /// </summary>
    public void On(IReadOnlyList<string> names, Func<string, CancellationToken, Task> read) => _parts.Add(new Part(names, read));

    /// <summary>Others wrote rows of these names. Never blocks.</summary>
    public void Changed(IReadOnlyList<string> names)
    {
        foreach (var part in _parts)
            foreach (var name in names)
                part.Changed(name);
    }

    /// <summary>Works until cancelled. Each part by itself: a token that was revoked does not wait until a large directory is read.</summary>
    public Task RunAsync(CancellationToken cancellation) => Task.WhenAll(_parts.Select(part => RunAsync(part, cancellation)));

    private async Task RunAsync(Part part, CancellationToken cancellation)
    {
        await foreach (var name in part.TakeAllAsync(cancellation))
            await ReadAsync(name, part.Read, cancellation);
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

    /// <summary>Who holds state of some names, and which of them wait to be read. Bounded by the names there are: each waits at most once.</summary>
    private sealed class Part(IReadOnlyList<string> names, Func<string, CancellationToken, Task> read)
    {
        private readonly Lock _gate = new();
        private readonly HashSet<string> _waiting = new(StringComparer.Ordinal);
        private readonly Channel<string> _changed = Channel.CreateUnbounded<string>(new UnboundedChannelOptions { SingleReader = true });

        public Func<string, CancellationToken, Task> Read { get; } = read;

        public void Changed(string name)
        {
            var key = names.Contains(name) ? names[0] : names.Any(prefix => prefix.EndsWith('/') && name.StartsWith(prefix, StringComparison.Ordinal)) ? name : null;
            lock (_gate)
                if (key is not null && _waiting.Add(key))
                    _changed.Writer.TryWrite(key);
        }

        public async IAsyncEnumerable<string> TakeAllAsync([EnumeratorCancellation] CancellationToken cancellation)
        {
            await foreach (var name in _changed.Reader.ReadAllAsync(cancellation))
            {
                // Before it is read: what is written meanwhile is read once more.
                lock (_gate)
                    _waiting.Remove(name);
                yield return name;
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
