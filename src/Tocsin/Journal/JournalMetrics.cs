using System.Collections.Concurrent;
using System.Collections.Frozen;
using System.Diagnostics.Metrics;

namespace Tocsin.Journal;

/// <summary>What the journal counts and measures. Thread-safe. <paramref name="sources"/> are those that are configured.</summary>
public sealed class JournalMetrics(Meter meter, TimeProvider time, IEnumerable<string> sources)
{
    /// <summary>Whoever pushes may name any source: so many more have a series of their own, what comes later is <c>other</c>. The configured ones always have theirs.</summary>
    public const int MaxPushedSources = 50;

    private readonly FrozenSet<string> _configured = sources.ToFrozenSet(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, bool> _pushed = new(StringComparer.Ordinal);

    private readonly Counter<long> _events = meter.CreateCounter<long>(
        "tocsin_events_total", null, "Events by what became of them: created, duplicate, changed (a known id with other content, kept as it was) or rejected.");

    private readonly Counter<long> _failures = meter.CreateCounter<long>("tocsin_commit_failures_total", null, "Groups of appends that could not be committed.");

    private readonly Histogram<long> _entries = meter.CreateHistogram(
        "tocsin_commit_entries", null, "Entries stored by a commit.", null, new InstrumentAdvice<long> { HistogramBucketBoundaries = [0, 1, 10, 100, 1_000, 10_000] });

    private readonly Histogram<double> _duration = meter.CreateHistogram(
        "tocsin_commit_duration_seconds", null, "How long a commit took, to disk.", null,
        new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5] });

    /// <summary>Counts events that could not be taken.</summary>
    public void Rejected(EventKind kind, string source, long count) => Count(kind, source, "rejected", count);

    internal void Observe(EventJournal journal)
    {
        meter.CreateObservableGauge("tocsin_queue_depth", () => (long)journal.QueueDepth, null, "Entries that wait for their commit.");
        meter.CreateObservableGauge("tocsin_queue_capacity", () => (long)journal.QueueCapacity, null, "Entries that may wait for their commit.");
        meter.CreateObservableGauge("tocsin_journal_sequence", () => journal.Head, null, "The last committed sequence.");
    }

    internal long Begin() => time.GetTimestamp();

    internal void Failed() => _failures.Add(1);

    internal void Committed(long began, IEnumerable<Append> group, IReadOnlyList<AppendResult> results)
    {
        _duration.Record(time.GetElapsedTime(began).TotalSeconds);
        var stored = 0L;
        var i = 0;
        foreach (var append in group)
            stored += Count(append.Entries, results[i++].Entries);
        _entries.Record(stored);
    }

    /// <summary>Neighbours are mostly alike: they are counted as one.</summary>
    private long Count(IReadOnlyList<Entry> entries, IReadOnlyList<EntryResult> results)
    {
        var stored = 0L;
        var alike = 0;
        for (var i = 0; i < results.Count; i++)
        {
            stored += results[i].Status == EntryStatus.Created ? 1 : 0;
            if (entries[i] is not SecurityEvent e)
                continue;
            alike++;
            if (i + 1 < results.Count && results[i + 1].Status == results[i].Status && entries[i + 1] is SecurityEvent next && next.Kind == e.Kind && next.Source == e.Source)
                continue;
            Count(e.Kind, e.Source, NameOf(results[i].Status), alike);
            alike = 0;
        }
        return stored;
    }

    private void Count(EventKind kind, string source, string result, long count)
    {
        if (count > 0)
            _events.Add(count, new("kind", kind.Name()), new("source", Label(source)), new("result", result));
    }

    /// <summary>Two that come at once may both be let in: a bound for series need not be exact.</summary>
    private string Label(string source) => _configured.Contains(source) || _pushed.ContainsKey(source) || (_pushed.Count < MaxPushedSources && _pushed.TryAdd(source, true)) ? source : "other";

    private static string NameOf(EntryStatus status) => status switch { EntryStatus.Created => "created", EntryStatus.Duplicate => "duplicate", _ => "changed" };
}
