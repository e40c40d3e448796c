using System.Runtime.InteropServices;

namespace Tocsin.Projections;

/// <summary>
/// Where each event of the board is, by sequence: appended at the end, evicted from the front, searched in between when an amendment
/// names a target. Pages instead of one array, so that growing and trimming never copies all of it. 24 bytes an event.
/// </summary>
internal sealed class SequenceIndex
{
    private const int PageEntries = 2048;

    private readonly List<Page> pages = [];

    public int Count { get; private set; }

    /// <summary>The entry with the least sequence; there must be one.</summary>
    public IndexEntry First => pages[0].Entries[pages[0].Start];

    public void Append(in IndexEntry entry)
    {
        if (pages.Count == 0 || pages[^1].End == PageEntries)
            pages.Add(new Page());
        var page = pages[^1];
        page.Entries[page.End++] = entry;
        Count++;
    }

    public IndexEntry RemoveFirst()
    {
        var page = pages[0];
        var entry = page.Entries[page.Start++];
        if (page.Start == page.End)
            pages.RemoveAt(0);
        Count--;
        return entry;
    }

    /// <summary>Puts an entry among older ones; its sequence must not be there.</summary>
    public void Insert(in IndexEntry entry)
    {
        if (pages.Count == 0 || pages[^1].Entries[pages[^1].End - 1].Sequence < entry.Sequence)
        {
            Append(entry);
            return;
        }
        var at = Math.Max(PageOf(entry.Sequence), 0);
        if (pages[at].End == PageEntries)
        {
            if (pages[at].MakeRoom() is { } half)
                pages.Insert(at + 1, half);
            at = Math.Max(PageOf(entry.Sequence), 0);
        }
        pages[at].Insert(entry);
        Count++;
    }

    /// <summary>Finds the entry of a sequence; the page and position stay valid until the next change.</summary>
    public bool TryFind(long sequence, out Page page, out int position)
    {
        position = -1;
        var at = PageOf(sequence);
        page = at < 0 ? null! : pages[at];
        if (at >= 0)
            position = page.Find(sequence);
        return position >= 0;
    }

    /// <summary>The last page that begins at or before a sequence; -1 when all begin after it.</summary>
    private int PageOf(long sequence)
    {
        int low = -1, high = pages.Count - 1;
        while (low < high)
        {
            var middle = (low + high + 1) / 2;
            if (pages[middle].Entries[pages[middle].Start].Sequence <= sequence)
                low = middle;
            else
                high = middle - 1;
        }
        return low;
    }

    /// <summary>Entries in order, from Start to before End.</summary>
    internal sealed class Page
    {
        public IndexEntry[] Entries { get; } = new IndexEntry[PageEntries];

        public int Start { get; set; }

        public int End { get; set; }

        public int Find(long sequence)
        {
            var at = LowerBound(sequence);
            return at < End && Entries[at].Sequence == sequence ? at : -1;
        }

        public void Insert(in IndexEntry entry)
        {
            var at = LowerBound(entry.Sequence);
            Array.Copy(Entries, at, Entries, at + 1, End - at);
            Entries[at] = entry;
            End++;
        }

        /// <summary>Closes the gap that eviction left at the front, or gives half of a full page away.</summary>
        public Page? MakeRoom()
        {
            var gap = Start;
            var half = gap > 0 ? null : new Page { End = PageEntries / 2 };
            if (half is not null)
                Array.Copy(Entries, PageEntries / 2, half.Entries, 0, half.End);
            else
                Array.Copy(Entries, gap, Entries, 0, End - gap);
            End -= half?.End ?? gap;
            Start = 0;
            return half;
        }

        private int LowerBound(long sequence)
        {
            int low = Start, high = End;
            while (low < high)
            {
                var middle = (low + high) / 2;
                if (Entries[middle].Sequence < sequence)
                    low = middle + 1;
                else
                    high = middle;
            }
            return low;
        }
    }
}

/// <summary>Which pile an event is in, and what finds it there. Without a priority it was taken off the board and keeps only its place.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly struct IndexEntry(long sequence, long unixTicks, int subTick, Priority priority, int pileId)
{
    private readonly byte subTick = (byte)subTick;
    private readonly byte priority = (byte)priority;

    public long Sequence { get; } = sequence;

    public long UnixTicks { get; } = unixTicks;

    public int PileId { get; } = pileId;

    public Priority Priority => (Priority)priority;

    public IndexEntry With(Priority newPriority, int newPileId) => new(Sequence, UnixTicks, subTick, newPriority, newPileId);

    /// <summary>A row that compares equal to the incident's own.</summary>
    public Row ToKey() => new(EventTime.FromStored(UnixTicks, subTick), Sequence, Priority, 0, 0, 0, 0);
}
