namespace Tocsin.Server.Metrics;

/// <summary>The value of one instrument under one set of labels; a histogram's is counts by bound, and a sum. Any thread may add.</summary>
internal sealed class MetricSeries(int hash, KeyValuePair<string, string>[] labels, double[]? bounds, MetricSeries? next)
{
    private readonly long[] _counts = bounds is null ? [] : new long[bounds.Length + 1];
    private double _value;

    public int Hash { get; } = hash;

    public KeyValuePair<string, string>[] Labels { get; } = labels;

    /// <summary>Another series whose labels fall into the same bucket of the table.</summary>
    public MetricSeries? Next { get; } = next;

    /// <summary>The value, or a histogram's sum.</summary>
    public double Value
    {
        get => Volatile.Read(ref _value);
        set => Volatile.Write(ref _value, value);
    }

    /// <summary>How many were recorded up to each bound; the last is all.</summary>
    public long[] CumulativeCounts()
    {
        var counts = new long[_counts.Length];
        var sum = 0L;
        for (var i = 0; i < counts.Length; i++)
            counts[i] = sum += Volatile.Read(ref _counts[i]);
        return counts;
    }

    public void Add(double value)
    {
        if (bounds is not null)
        {
            var i = 0;
            while (i < bounds.Length && value > bounds[i])
                i++;
            Interlocked.Increment(ref _counts[i]);
        }
        double seen;
        do
            seen = Volatile.Read(ref _value);
        while (Interlocked.CompareExchange(ref _value, seen + value, seen) != seen);
    }

    public bool Has(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        if (tags.Length != Labels.Length)
            return false;
        for (var i = 0; i < tags.Length; i++)
            if (MetricFamily.Text(tags[i].Value) != Labels[i].Value || tags[i].Key != Labels[i].Key)
                return false;
        return true;
    }
}
