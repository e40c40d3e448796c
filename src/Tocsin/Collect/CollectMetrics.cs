using System.Diagnostics.Metrics;

namespace Tocsin.Collect;

/// <summary>What collecting tells of its sources: read from their state when it is asked for, so that it survives a restart as that does.</summary>
internal static class CollectMetrics
{
    public static void Observe(Meter meter, Collector collector, TimeProvider time)
    {
        meter.CreateObservableCounter("tocsin_polls_total", () => collector.View().SelectMany(Polls), null, "Calls to upstreams, with those repeated after a failure.");
        meter.CreateObservableGauge("tocsin_source_last_success_age_seconds", () => collector.View().Where(source => source.LastSuccess is not null).Select(source =>
            new Measurement<double>((time.GetUtcNow() - source.LastSuccess!.Value).TotalSeconds, new KeyValuePair<string, object?>("source", source.Name))), null,
            "Since a source last had all its answers; absent until it has.");
        meter.CreateObservableGauge("tocsin_source_interval_seconds", () => collector.View().Where(source => source.Enabled).Select(source =>
            new Measurement<double>(source.EverySeconds, new KeyValuePair<string, object?>("source", source.Name))), null,
            "Between the starts of two polls of a source; absent while it is paused.");
    }

    private static IEnumerable<Measurement<long>> Polls(SourceView source) =>
    [
        new(source.Counts.Succeeded, new("source", source.Name), new("result", "succeeded")),
        new(source.Counts.Failed, new("source", source.Name), new("result", "failed")),
    ];
}
