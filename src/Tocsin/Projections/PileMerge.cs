using System.Runtime.InteropServices;

namespace Tocsin.Projections;

/// <summary>
/// Makes a pile's next snapshot out of its last one and what came and went: texts are copied as slices, never rendered again, and chunks
/// that nothing touched are taken over as they are. One instance per board, used under its lock: its lists are scratch.
/// </summary>
internal sealed class PileMerge
{
    /// <summary>Chunks stay under the size from which the garbage collector treats arrays as large, and over that of deflate's window.</summary>
    private const int MaxChunkBytes = 64 * 1024;
    private const int SplitChunkBytes = 48 * 1024;

    /// <summary>A chunk that is rebuilt smaller than this takes its neighbour in.</summary>
    private const int MinChunkBytes = 8 * 1024;

    private readonly List<Piece> pieces = [];
    private readonly List<Segment> segments = [];
    private readonly List<Chunk> chunks = [];
    private readonly List<Piece> group = [];
    private readonly ByteBuffer text = new(MaxChunkBytes);
    private readonly int[] counts = new int[Lists.Count];
    private readonly int[] countsBefore = new int[Lists.Count];

    /// <summary>Brings the pile's snapshot up to date. Events under <paramref name="floor"/> are dropped; additions have their text in <paramref name="pending"/>.</summary>
    public void Run(Pile pile, long floor, byte[] pending)
    {
        counts.AsSpan().Clear();
        countsBefore.AsSpan().Clear();
        Collect(pile, floor, pending);
        Render(ChangedLists());
        pile.Replace([.. chunks]);
        ForgetTexts();
    }

    /// <summary>Scratch that still pointed at texts would keep them, and the whole pending text, in memory.</summary>
    private void ForgetTexts()
    {
        pieces.Clear();
        segments.Clear();
        chunks.Clear();
        group.Clear();
    }

    private void Collect(Pile pile, long floor, byte[] pending)
    {
        var additions = Sorted(pile.Additions);
        var removals = Sorted(pile.Removals);
        var old = pile.Snapshot?.Chunks ?? [];
        for (var i = 0; i < old.Length; i++)
        {
            var isLast = i == old.Length - 1;
            var added = isLast ? additions.Length : CountBefore(additions, old[i + 1].First);
            var removed = isLast ? removals.Length : CountBefore(removals, old[i + 1].First);
            AddCounts(old[i], countsBefore);
            if (added == 0 && removed == 0 && old[i].MinSequence >= floor)
            {
                AddCounts(old[i], counts);
                segments.Add(new Segment(old[i], 0, 0));
            }
            else
            {
                CollectPieces(old[i], additions[..added], removals[..removed], floor, pending);
            }
            additions = additions[added..];
            removals = removals[removed..];
        }
        if (old.Length == 0)
            CollectPieces(null, additions, removals, floor, pending);
    }

    private void CollectPieces(Chunk? chunk, ReadOnlySpan<Row> additions, ReadOnlySpan<Row> removals, long floor, byte[] pending)
    {
        var start = pieces.Count;
        foreach (ref readonly var row in (chunk?.Rows).AsSpan())
        {
            var before = CountBefore(additions, row);
            AddPieces(additions[..before], floor, pending);
            additions = additions[before..];
            if (removals.Length > 0 && Row.CompareOnBoard(removals[0], row) == 0)
                removals = removals[1..];
            else
                AddPiece(row, floor, chunk!.Json);
        }
        AddPieces(additions, floor, pending);
        if (pieces.Count > start)
            segments.Add(new Segment(null, start, pieces.Count));
    }

    private void AddPieces(ReadOnlySpan<Row> rows, long floor, byte[] text)
    {
        foreach (ref readonly var row in rows)
            AddPiece(row, floor, text);
    }

    private void AddPiece(in Row row, long floor, byte[] text)
    {
        if (row.Sequence < floor)
            return;
        pieces.Add(new Piece(row, text));
        counts[Lists.IndexOf(row.Priority)]++;
    }

    private void Render(int changed)
    {
        var before = Priority.None;
        for (var i = 0; i < segments.Count;)
        {
            if (IsKept(i, before, changed))
            {
                chunks.Add(segments[i].Kept!);
                before = segments[i++].Kept!.LastPriority;
                continue;
            }
            group.Clear();
            var bytes = 0;
            // What must be rendered side by side is rendered together, so that chunks do not crumble.
            while (i < segments.Count && (group.Count == 0 || bytes < MinChunkBytes || !IsKept(i, group[^1].Row.Priority, changed)))
                bytes += AddToGroup(segments[i++]);
            RenderGroup(before, bytes, isLast: i == segments.Count);
            before = group[^1].Row.Priority;
        }
    }

    private bool IsKept(int i, Priority before, int changed) =>
        segments[i].Kept is { } chunk && chunk.Fits(before, i == segments.Count - 1, changed);

    private int AddToGroup(Segment segment)
    {
        var start = group.Count;
        if (segment.Kept is { } chunk)
            foreach (ref readonly var row in chunk.Rows.AsSpan())
                group.Add(new Piece(row, chunk.Json));
        else
            group.AddRange(CollectionsMarshal.AsSpan(pieces)[segment.Start..segment.End]);
        var bytes = 0;
        for (var i = start; i < group.Count; i++)
            bytes += group[i].Row.Length + 1;
        return bytes;
    }

    private void RenderGroup(Priority before, int bytes, bool isLast)
    {
        var parts = bytes <= MaxChunkBytes ? 1 : (bytes / SplitChunkBytes) + 1;
        var partBytes = (bytes / parts) + 1;
        var start = 0;
        var size = 0;
        for (var i = 0; i < group.Count; i++)
        {
            size += group[i].Row.Length + 1;
            if (size < partBytes && i < group.Count - 1)
                continue;
            chunks.Add(RenderChunk(CollectionsMarshal.AsSpan(group)[start..(i + 1)], before, isLast && i == group.Count - 1));
            before = group[i].Row.Priority;
            start = i + 1;
            size = 0;
        }
    }

    private Chunk RenderChunk(ReadOnlySpan<Piece> part, Priority before, bool isLast)
    {
        text.Clear(keepBytes: MaxChunkBytes * 4);
        var rows = new Row[part.Length];
        var opens = 0;
        var last = before;
        for (var i = 0; i < part.Length; i++)
        {
            ref readonly var piece = ref part[i];
            if (piece.Row.Priority == last)
                text.Append((byte)',');
            else
                opens |= Open(last, piece.Row.Priority);
            last = piece.Row.Priority;
            rows[i] = piece.Row.MovedTo(text.Count);
            text.Append(piece.Text.AsSpan(piece.Row.Offset, piece.Row.Length));
        }
        if (isLast)
            Lists.Close(text, last);
        return new Chunk(rows, text.Written.ToArray(), before, isLast, opens);
    }

    private int Open(Priority last, Priority next)
    {
        Lists.OpenAfter(text, last, next, counts[Lists.IndexOf(next)]);
        return Lists.BitOf(next);
    }

    private int ChangedLists()
    {
        var changed = 0;
        for (var i = 0; i < Lists.Count; i++)
            if (counts[i] != countsBefore[i])
                changed |= 1 << i;
        return changed;
    }

    private static ReadOnlySpan<Row> Sorted(List<Row>? rows)
    {
        if (rows is null)
            return [];
        rows.Sort(static (left, right) => Row.CompareOnBoard(left, right));
        return CollectionsMarshal.AsSpan(rows);
    }

    private static int CountBefore(ReadOnlySpan<Row> sorted, in Row row)
    {
        int low = 0, high = sorted.Length;
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (Row.CompareOnBoard(sorted[middle], row) < 0)
                low = middle + 1;
            else
                high = middle;
        }
        return low;
    }

    private static void AddCounts(Chunk chunk, int[] counts)
    {
        for (var i = 0; i < Lists.Count; i++)
            counts[i] += chunk.Counts[i];
    }

    /// <summary>A row and the array its text is in.</summary>
    private readonly record struct Piece(Row Row, byte[] Text);

    /// <summary>A chunk nothing touched, or a range of pieces.</summary>
    private readonly record struct Segment(Chunk? Kept, int Start, int End);
}
