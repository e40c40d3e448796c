using System.Collections.Concurrent;
using Tocsin.Journal;

namespace Tocsin.Engines.RabbitMq;

/// <summary>Those at this node who wait to hear what the commit of their request came to.</summary>
internal sealed class Askers
{
    private readonly ConcurrentDictionary<string, TaskCompletionSource<AppendResult>> _waiting = new(StringComparer.Ordinal);

    /// <summary>Nobody waits.</summary>
    public bool IsEmpty => _waiting.IsEmpty;

    /// <summary>Waits under a message's id.</summary>
    public Task<AppendResult> Wait(string message)
    {
        var asker = new TaskCompletionSource<AppendResult>(TaskCreationOptions.RunContinuationsAsynchronously);
        _waiting[message] = asker;
        return asker.Task;
    }

    /// <summary>Waits no longer. False when it was told just now.</summary>
    public bool GiveUp(string message) => _waiting.TryRemove(message, out _);

    /// <summary>Tells the one who waits; false when nobody does any more.</summary>
    public bool Tell(string message, AppendResult result)
    {
        if (!_waiting.TryRemove(message, out var asker))
            return false;
        asker.SetResult(result);
        return true;
    }
}
