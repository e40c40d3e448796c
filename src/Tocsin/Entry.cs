namespace Tocsin;

/// <summary>One entry of the journal: a <see cref="SecurityEvent"/> or an <see cref="Amendment"/>.</summary>
public abstract record Entry
{
    private protected Entry() { }

    /// <summary>About how many bytes the record and the description in it take: what bounds on memory count. Other fields are small.</summary>
    public abstract long Bytes { get; }
}

/// <summary>An entry with its place in the journal: 1, 2, 3 ... without a gap, in the order of commits.</summary>
public readonly record struct Sequenced(long Sequence, Entry Entry);
