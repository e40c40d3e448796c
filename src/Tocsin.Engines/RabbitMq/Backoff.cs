namespace Tocsin.Engines.RabbitMq;

/// <summary>Waits between two tries, twice as long each time up to a bound, never all nodes at the same moment.</summary>
internal sealed class Backoff(TimeProvider time)
{
    private static readonly TimeSpan First = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(3);
    private TimeSpan _next = First;

    /// <summary>Nothing was waited for since the last <see cref="Reset"/>.</summary>
    public bool IsFirst => _next == First;

    public Task WaitAsync(CancellationToken cancellation)
    {
        var wait = _next * (0.75 + (Random.Shared.NextDouble() * 0.5));
        _next = _next * 2 < Longest ? _next * 2 : Longest;
        return Task.Delay(wait, time, cancellation);
    }

    public void Reset() => _next = First;
}
