using System.Diagnostics.Metrics;

namespace Tocsin.Engines.RabbitMq;

/// <summary>What the queue in the broker counts. Thread-safe.</summary>
internal sealed class RabbitMetrics(Meter meter)
{
    private readonly Counter<long> _published = meter.CreateCounter<long>(
        "tocsin_broker_published_total", null, "Requests given to the broker by what it said: confirmed, nacked (its queue is full), or unknown (no answer).");

    private readonly Counter<long> _delivered = meter.CreateCounter<long>(
        "tocsin_broker_delivered_total", null, "Requests that came from the broker to be committed, the first time or again.");

    private readonly Counter<long> _dead = meter.CreateCounter<long>("tocsin_broker_dead_total", null, "Requests set aside because they cannot be stored.");

    private readonly Counter<long> _conflicts = meter.CreateCounter<long>(
        "tocsin_broker_conflicts_total", null, "Events found to be there with other content after their sender had been told that they are accepted.");

    public void Confirmed() => _published.Add(1, new KeyValuePair<string, object?>("result", "confirmed"));

    public void Nacked() => _published.Add(1, new KeyValuePair<string, object?>("result", "nacked"));

    public void Unknown() => _published.Add(1, new KeyValuePair<string, object?>("result", "unknown"));

    public void Delivered(bool again) => _delivered.Add(1, new KeyValuePair<string, object?>("again", again ? "true" : "false"));

    public void Dead() => _dead.Add(1);

    public void Conflicts(long events) => _conflicts.Add(events);

    public void Observe(RabbitPushQueue queue)
    {
        meter.CreateObservableGauge("tocsin_broker_depth", () => (long)queue.State.Depth, null, "Requests that wait in the broker.");
        meter.CreateObservableGauge("tocsin_broker_dead_letters", () => (long)(queue.State.DeadLetters ?? 0), null, "Requests set aside that are there now.");
        meter.CreateObservableGauge("tocsin_broker_up", () => queue.State.Error is null ? 1L : 0L, null, "1 when the broker can be relied on, else 0.");
    }
}
