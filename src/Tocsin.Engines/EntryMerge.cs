namespace Tocsin.Engines;

/// <summary>Events and amendments stand in tables of their own; the journal is both in the order of sequences.</summary>
internal static class EntryMerge
{
    /// <summary>Both in order, up to a sequence, at most so many.</summary>
    public static List<Sequenced> Of(List<Sequenced> events, List<Sequenced> amendments, long upTo, int limit)
    {
        var merged = new List<Sequenced>(Math.Min(limit, events.Count + amendments.Count));
        for (int e = 0, a = 0; merged.Count < limit && (e < events.Count || a < amendments.Count);)
        {
            var next = a >= amendments.Count || (e < events.Count && events[e].Sequence < amendments[a].Sequence) ? events[e++] : amendments[a++];
            if (next.Sequence > upTo)
                break;
            merged.Add(next);
        }
        return merged;
    }
}
