using System.Diagnostics.Metrics;

namespace Tocsin.Server.Metrics;

/// <summary>The service's meter, and what was recorded with its instruments. Another service in the same process has its own.</summary>
internal sealed class MetricsRegistry : IDisposable
{
    private readonly MeterListener _listener = new();
    private readonly Lock _gate = new();
    private readonly SortedDictionary<string, MetricFamily> _families = new(StringComparer.Ordinal);

    public MetricsRegistry()
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (!ReferenceEquals(instrument.Meter, Meter))
                return;
            var family = new MetricFamily(instrument);
            lock (_gate)
                _families.Add(family.Name, family);
            listener.EnableMeasurementEvents(instrument, family);
        };
        _listener.SetMeasurementEventCallback<long>(static (_, value, tags, family) => ((MetricFamily)family!).Record(value, tags));
        _listener.SetMeasurementEventCallback<double>(static (_, value, tags, family) => ((MetricFamily)family!).Record(value, tags));
        _listener.Start();
    }

    /// <summary>Makes the instruments of all stages; their names are those that Prometheus shows. Values are long or double.</summary>
    public Meter Meter { get; } = new("Tocsin");

    /// <summary>Everything as it stands, in Prometheus' text format.</summary>
    public byte[] Scrape()
    {
        // One at a time: what is observed is cleared, and seen anew.
        lock (_gate)
        {
            foreach (var family in _families.Values)
                family.Begin();
            _listener.RecordObservableInstruments();
            return PrometheusText.Write(_families.Values);
        }
    }

    public void Dispose()
    {
        _listener.Dispose();
        Meter.Dispose();
    }
}
