namespace Tocsin.Projections;

/// <summary>
/// A run of employees of a board, immutable: the unit that is compressed anew when one of them changed. Each stands with the comma before it;
/// the first block of a board begins with the brace instead.
/// </summary>
internal sealed class Block(PileSnapshot[] employees, bool leads)
{
    /// <summary>What one change compresses anew, against what deflate loses by starting over.</summary>
    public const int TargetBytes = 256 * 1024;

    /// <summary>A larger block is split; an employee larger than this has a block of its own, compressed by chunks.</summary>
    public const int MaxBytes = 2 * TargetBytes;

    /// <summary>A smaller one takes its neighbour in when it is rebuilt.</summary>
    public const int MinBytes = TargetBytes / 4;

    private static readonly byte[] Brace = "{"u8.ToArray();
    private IReadOnlyList<Deflated>? deflated;

    public PileSnapshot[] Employees { get; } = employees;

    public bool Leads { get; } = leads;

    public long Length { get; } = employees.Sum(e => e.Length);

    /// <summary>The block compressed; kept, because it never changes. Racing callers may both do it.</summary>
    public IReadOnlyList<Deflated> Deflated => deflated ??= Deflate();

    public IEnumerable<ReadOnlyMemory<byte>> Fragments
    {
        get
        {
            for (var i = 0; i < Employees.Length; i++)
            {
                if (i == 0 && Leads)
                    yield return Brace;
                yield return Employees[i].Key.AsMemory(i == 0 && Leads ? 1 : 0);
                foreach (var chunk in Employees[i].Chunks)
                    yield return chunk.Json;
            }
        }
    }

    /// <summary>The same employees, at the front or not.</summary>
    public Block WithLeads(bool newLeads) => newLeads == Leads ? this : new Block(Employees, newLeads);

    private IReadOnlyList<Deflated> Deflate()
    {
        if (Employees.Length > 1 || Length <= MaxBytes)
            return [Projections.Deflated.From(Fragments)];
        var key = Projections.Deflated.From(Fragments.Take(Leads ? 2 : 1));
        return [key, .. Employees[0].Chunks.Select(c => c.Deflated)];
    }
}
