using System.Diagnostics.Metrics;
using System.Globalization;

namespace Tocsin.Server.Metrics;

/// <summary>
/// One instrument with its values by label set. Finding a known set allocates nothing and takes no lock. There are at most
/// <see cref="MaxSeries"/> sets; what comes beyond counts as <see cref="Other"/>.
/// </summary>
internal sealed class MetricFamily
{
    public const int MaxSeries = 1_000;

    /// <summary>The value of every label where there are too many sets.</summary>
    public const string Other = "other";

    private const int Buckets = 256;
    private readonly MetricSeries?[] _table = new MetricSeries?[Buckets];
    private readonly Lock _gate = new();
    private readonly bool _isObserved;
    private int _count;

    public MetricFamily(Instrument instrument)
    {
        (Name, Help, _isObserved) = (instrument.Name, instrument.Description ?? "", instrument.IsObservable);
        Bounds = instrument switch
        {
            Histogram<double> histogram => [.. histogram.Advice?.HistogramBucketBoundaries ?? []],
            Histogram<long> histogram => [.. (histogram.Advice?.HistogramBucketBoundaries ?? []).Select(bound => (double)bound)],
            _ => null,
        };
        Type = Bounds is not null ? "histogram" : instrument is Counter<long> or Counter<double> or ObservableCounter<long> or ObservableCounter<double> ? "counter" : "gauge";
    }

    public string Name { get; }

    public string Help { get; }

    /// <summary>As Prometheus calls it: counter, gauge or histogram.</summary>
    public string Type { get; }

    /// <summary>Upper bounds of a histogram's buckets.</summary>
    public double[]? Bounds { get; }

    /// <summary>Every set of labels that was seen.</summary>
    public IEnumerable<MetricSeries> Series
    {
        get
        {
            foreach (var head in _table)
                for (var series = head; series is not null; series = series.Next)
                    yield return series;
        }
    }

    public void Record(double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var series = Find(tags);
        if (_isObserved)
            series.Value = value;
        else
            series.Add(value);
    }

    /// <summary>What is observed is seen anew: what is no longer there is not told.</summary>
    public void Begin()
    {
        if (!_isObserved)
            return;
        lock (_gate)
        {
            Array.Clear(_table);
            _count = 0;
        }
    }

    /// <summary>A label's value.</summary>
    public static string Text(object? value) => value as string ?? Convert.ToString(value, CultureInfo.InvariantCulture) ?? "";

    private MetricSeries Find(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var hash = HashOf(tags);
        return Find(tags, hash) ?? Add(tags, hash);
    }

    private MetricSeries? Find(ReadOnlySpan<KeyValuePair<string, object?>> tags, int hash)
    {
        for (var series = Volatile.Read(ref _table[hash % Buckets]); series is not null; series = series.Next)
            if (series.Hash == hash && series.Has(tags))
                return series;
        return null;
    }

    private MetricSeries Add(ReadOnlySpan<KeyValuePair<string, object?>> tags, int hash)
    {
        lock (_gate)
        {
            if (Find(tags, hash) is { } made)
                return made;
            if (_count >= MaxSeries)
            {
                var other = new KeyValuePair<string, object?>[tags.Length];
                for (var i = 0; i < other.Length; i++)
                    other[i] = new(tags[i].Key, Other);
                tags = other;
                hash = HashOf(tags);
                if (Find(tags, hash) is { } rest)
                    return rest;
            }
            var labels = new KeyValuePair<string, string>[tags.Length];
            for (var i = 0; i < labels.Length; i++)
                labels[i] = new(tags[i].Key, Text(tags[i].Value));
            ref var head = ref _table[hash % Buckets];
            var series = new MetricSeries(hash, labels, Bounds, head);
            Volatile.Write(ref head, series);
            _count++;
            return series;
        }
    }

    private static int HashOf(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var hash = new HashCode();
        foreach (var tag in tags)
            hash.Add(Text(tag.Value), StringComparer.Ordinal);
        return hash.ToHashCode() & int.MaxValue;
    }
}
