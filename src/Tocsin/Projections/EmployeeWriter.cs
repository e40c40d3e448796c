using System.Runtime.InteropServices;

namespace Tocsin.Projections;

/// <summary>Writes what a selection takes of one employee after another. Used by one answer at a time.</summary>
internal sealed class EmployeeWriter(BoardSelection selection, FragmentWriter to)
{
    private readonly List<Taken>[] lists = [[], [], [], []];
    private readonly ByteBuffer text = new();

    /// <summary>Finds what there is of an employee, of one or more kinds; false when the selection leaves nothing.</summary>
    public bool Select(ReadOnlySpan<PileSnapshot> piles)
    {
        if (selection.TakesWholeEmployees)
            return true;
        foreach (var list in lists)
            list.Clear();
        foreach (var pile in piles)
            foreach (var chunk in pile.Chunks)
                foreach (ref readonly var row in chunk.Rows.AsSpan())
                    if (selection.Takes(row))
                        lists[Lists.IndexOf(row.Priority)].Add(new Taken(row, chunk.Json));
        if (piles.Length > 1)
            foreach (var list in lists)
                list.Sort(static (left, right) => Row.CompareInTime(left.Row, right.Row));
        return lists.Any(l => l.Count > 0);
    }

    /// <summary>Writes the value of the employee that was selected last.</summary>
    public void Write(ReadOnlySpan<PileSnapshot> piles)
    {
        if (selection.TakesWholeEmployees)
        {
            foreach (var chunk in piles[0].Chunks)
                to.AddSlice(chunk.Json, 0, chunk.Json.Length);
            return;
        }
        var last = Priority.None;
        foreach (var list in lists)
        {
            if (list.Count == 0)
                continue;
            var priority = list[0].Row.Priority;
            text.CutTo(0);
            Lists.OpenAfter(text, last, priority, list.Count);
            to.AddText(text.Written);
            WriteIncidents(CollectionsMarshal.AsSpan(list)[^Math.Min(list.Count, selection.PerPriority ?? int.MaxValue)..]);
            last = priority;
        }
        text.CutTo(0);
        Lists.Close(text, last);
        to.AddText(text.Written);
    }

    private void WriteIncidents(ReadOnlySpan<Taken> incidents)
    {
        for (var i = 0; i < incidents.Length; i++)
        {
            var (row, json) = incidents[i];
            // The comma before an incident is usually there: with it, neighbours of one chunk are one slice.
            if (i == 0)
                to.AddSlice(json, row.Offset, row.Length);
            else if (json[row.Offset - 1] == (byte)',')
                to.AddSlice(json, row.Offset - 1, row.Length + 1);
            else
                WriteBehindComma(row, json);
        }
    }

    private void WriteBehindComma(in Row row, byte[] json)
    {
        to.AddText(","u8);
        to.AddSlice(json, row.Offset, row.Length);
    }

    private readonly record struct Taken(Row Row, byte[] Json);
}
