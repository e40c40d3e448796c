namespace Tocsin.MockUpstream;

/// <summary>
/// Records of a <see cref="RecordLog"/> that lie between two places, but for <paramref name="holes"/>: places of records
/// that are not among them, ascending and all inside.
/// </summary>
internal readonly struct RecordRange(byte[] bytes, int[] ends, int first, int end, int[] holes)
{
    internal static ReadOnlySpan<byte> Separator => ", "u8;

    internal int Count => end - first - holes.Length;

    internal ReadOnlyMemory<byte> this[int position] => At(IndexOf(position));

    /// <summary>All of them with their separators; a slice of the log when there are no holes.</summary>
    internal ReadOnlyMemory<byte> Joined => Count == 0 ? default
        : holes.Length > 0 ? Join(ToList())
        : bytes.AsMemory(Start(first)..ends[end - 1]);

    /// <summary>Where in the log the record at a position of this range stands; the end of the range for the position after the last.</summary>
    internal int IndexOf(int position)
    {
        var index = first + position;
        foreach (var hole in holes)
        {
            if (hole > index)
                break;
            index++;
        }

        return index;
    }

    internal RecordRange Page(int skip, int take)
    {
        skip = Math.Min(skip, Count);
        return Between(IndexOf(skip), IndexOf(skip + Math.Min(take, Count - skip)));
    }

    /// <summary>Those that stand at <paramref name="index"/> of the log or after it.</summary>
    internal RecordRange FromIndex(int index) => Between(Math.Clamp(index, first, end), end);

    internal List<ReadOnlyMemory<byte>> ToList()
    {
        var list = new List<ReadOnlyMemory<byte>>(Count);
        var passed = 0;
        for (var index = first; index < end; index++)
        {
            if (passed < holes.Length && holes[passed] == index)
                passed++;
            else
                list.Add(At(index));
        }

        return list;
    }

    internal static byte[] Join(IReadOnlyList<ReadOnlyMemory<byte>> records)
    {
        var length = records.Sum(r => r.Length) + Separator.Length * Math.Max(0, records.Count - 1);
        var joined = new byte[length];
        var at = 0;
        foreach (var record in records)
        {
            if (at > 0)
            {
                Separator.CopyTo(joined.AsSpan(at));
                at += Separator.Length;
            }

            record.Span.CopyTo(joined.AsSpan(at));
            at += record.Length;
        }

        return joined;
    }

    private RecordRange Between(int from, int to) =>
        new(bytes, ends, from, to, holes.Length == 0 ? holes : [.. holes.Where(hole => hole >= from && hole < to)]);

    private ReadOnlyMemory<byte> At(int index) => bytes.AsMemory(Start(index)..ends[index]);

    private int Start(int index) => index == 0 ? 0 : ends[index - 1] + Separator.Length;
}
