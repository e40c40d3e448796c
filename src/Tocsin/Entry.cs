namespace Tocsin;

/// <summary>One entry of the journal: a <see cref="SecurityEvent"/> or an <see cref="Amendment"/>.</summary>
public abstract record Entry
{
    private protected Entry() { }
}

/// <summary>An entry with its place in the journal: 1, 2, 3 ... without a gap, in the order of commits.</summary>
public readonly record struct Sequenced(long Sequence, Entry Entry);
