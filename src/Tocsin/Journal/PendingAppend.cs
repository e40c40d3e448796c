namespace Tocsin.Journal;

/// <summary>An append, or several that are one, on its way through the journal's queue.</summary>
internal sealed class PendingAppend(Append append)
{
    public PendingAppend(IReadOnlyList<Append> together) : this(together[0])
    {
        Together = together;
        Weight = together.Sum(WeightOf);
        Bytes = together.Sum(BytesOf);
    }

    public Append Append { get; } = append;

    /// <summary>All of them, where several are one; null for one alone.</summary>
    public IReadOnlyList<Append>? Together { get; }

    /// <summary>What came of <see cref="Together"/>.</summary>
    public IReadOnlyList<AppendResult>? Results { get; set; }

    public int Weight { get; } = WeightOf(append);

    public long Bytes { get; } = BytesOf(append);

    public TaskCompletionSource<AppendResult> Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Its caller no longer waits: it needs no place. What was accepted already is committed all the same.</summary>
    public volatile bool GivenUp;

    private static int WeightOf(Append append) => append.Entries.Count + append.State.Count;

    private static long BytesOf(Append append)
    {
        var bytes = 0L;
        foreach (var entry in append.Entries)
            bytes += entry.Bytes;
        foreach (var write in append.State)
            bytes += write.Value?.Length ?? 0;
        return bytes;
    }
}
