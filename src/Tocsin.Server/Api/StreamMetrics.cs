using System.Diagnostics.Metrics;

namespace Tocsin.Server.Api;

/// <summary>What <c>/events/stream</c> counts.</summary>
internal sealed class StreamMetrics(Meter meter)
{
    private readonly Counter<long> _dropped = meter.CreateCounter<long>("tocsin_stream_dropped_total", null, "Streams cut because their client did not keep up.");

    public void Dropped() => _dropped.Add(1);
}
