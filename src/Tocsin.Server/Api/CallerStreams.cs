using Tocsin.Projections;

namespace Tocsin.Server.Api;

/// <summary>Open streams by caller, so that one script which leaves its connections behind does not take the places of everybody.</summary>
internal sealed class CallerStreams
{
    /// <summary>Most streams of one token, its sessions included: half of what there is.</summary>
    public const int MaxOfOne = LiveTail.MaxReaders / 2;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, int> _open = new(StringComparer.Ordinal);

    public bool TryOpen(string caller)
    {
        lock (_gate)
        {
            var open = _open.GetValueOrDefault(caller);
            if (open >= MaxOfOne)
                return false;
            _open[caller] = open + 1;
            return true;
        }
    }

    public void Close(string caller)
    {
        lock (_gate)
            if (--_open[caller] == 0)
                _open.Remove(caller);
    }
}
