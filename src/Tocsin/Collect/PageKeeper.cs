using Tocsin.Enrich;
using Tocsin.Journal;

namespace Tocsin.Collect;

/// <summary>What came of keeping a page: what to count, and how many records there was no room to keep aside.</summary>
internal readonly record struct KeptPage(SourceCounts Counts, RefusedRejects Refused);

/// <summary>
/// Commits the pages of one feed: events, what is kept aside, newer versions of what is known, and the bookmark. The bookmark commits with the
/// last of them, so that it never passes what is not kept.
/// </summary>
internal sealed class PageKeeper(
    RequestDefinition request, RecordReader reader, RejectStore rejects, FeedBookmark? bookmark, SourceJournal journal, IdentityDirectory directory,
    LateAttribution late, TimeProvider time)
{
    private readonly NewerVersions? _versions = reader.HasVersions ? new NewerVersions(reader, journal.Journal, time) : null;

    /// <summary>
    /// Keeps a page; <paramref name="moved"/> is the bookmark behind it. Where some of it could not be kept aside the bookmark stays. Null when another
    /// node moved the bookmark meanwhile: nothing of the page is known to be in then. Throws <see cref="JournalUnavailableException"/>.
    /// </summary>
    public async Task<KeptPage?> KeepAsync(RecordPage page, Bookmark? moved, CancellationToken cancellation)
    {
        var counts = new SourceCounts(Rejected: page.Rejected, UnknownPriorities: page.UnknownPriorities);
        var mended = rejects.TakeOut(request.Id, page.Events);
        var (writes, refused) = rejects.Keep(page.Rejects, time.GetUtcNow());
        refused = refused with { ByNumber = refused.ByNumber + page.MoreRejects };
        IReadOnlyList<StateWrite> state = [.. mended, .. writes];
        if (moved is not null && refused.Total == 0)
            state = [.. state, bookmark!.Write(moved)];
        var chunks = page.Events.Chunk(Append.MaxEntries).ToList();
        var changed = new List<SecurityEvent>();
        // Whether a newer version has come is known once the events are in: then the last append holds what supersedes them.
        var last = chunks.Count > 0 && _versions is null ? chunks.Count - 1 : chunks.Count;
        for (var i = 0; i < last; i++)
        {
            if (await AppendAsync(chunks[i], [], cancellation) is not { } result)
                return null;
            counts += Count(chunks[i], result, changed);
        }
        if (last < chunks.Count)
        {
            if (await AppendAsync(chunks[last], state, cancellation) is not { } result)
                return null;
            counts += Count(chunks[last], result, changed);
            Moved(moved, refused.Total, result);
            rejects.Forget(mended);
        }
        else if (changed.Count > 0 || state.Count > 0)
        {
            var (newer, known) = changed.Count == 0 ? ([], 0) : await _versions!.AmendAsync(changed, cancellation);
            counts += new SourceCounts(Changed: -known - newer.Count, Duplicates: known, Superseded: newer.Count);
            var before = 0;
            for (; newer.Count - before > Append.MaxEntries; before += Append.MaxEntries)
                if (await AppendAsync([.. newer.Skip(before).Take(Append.MaxEntries)], [], cancellation) is null)
                    return null;
            if (await AppendAsync([.. newer.Skip(before)], state, cancellation) is not { } result)
                return null;
            Moved(moved, refused.Total, result);
            rejects.Forget(mended);
            foreach (var amendment in newer.OfType<Amendment>())
                LearnIfKnown(amendment.Revision!.Attribution, amendment.Revision.Time);
        }
        journal.Journal.Metrics?.Rejected(reader.Source.Kind, reader.Source.Name, page.Rejected);
        return new KeptPage(counts, refused);
    }

    private async Task<AppendResult?> AppendAsync(IReadOnlyList<Entry> entries, IReadOnlyList<StateWrite> state, CancellationToken cancellation)
    {
        var result = await journal.AppendAsync(new Append { Entries = entries, State = state, Expect = bookmark is null ? [] : [bookmark.Expectation] }, cancellation);
        return result.Status == AppendStatus.Committed ? result : null;
    }

    private void Moved(Bookmark? moved, int refused, AppendResult result)
    {
        if (moved is not null && refused == 0)
            bookmark!.Moved(moved, result.StateVersion);
    }

    private SourceCounts Count(SecurityEvent[] events, AppendResult result, List<SecurityEvent> changed)
    {
        var (created, duplicates, unattributed) = (0, 0, 0);
        for (var i = 0; i < events.Length; i++)
        {
            var e = events[i];
            if (result.Entries[i].Status == EntryStatus.Changed && _versions is not null)
                changed.Add(e);
            duplicates += result.Entries[i].Status == EntryStatus.Duplicate ? 1 : 0;
            if (result.Entries[i].Status != EntryStatus.Created)
                continue;
            created++;
            unattributed += e.UserId is null ? 1 : 0;
            LearnIfKnown(e.Attribution, e.Time);
        }
        return new SourceCounts(Events: created, Duplicates: duplicates, Changed: events.Length - created - duplicates, Unattributed: unattributed);
    }

    /// <summary>The identity may have come between our look-up and this commit; then nobody else would look again.</summary>
    private void LearnIfKnown(Attribution attribution, EventTime at)
    {
        if (attribution is { Rule: AttributionRule.Unresolved, Address: { } address } && directory.ResolveAddress(reader.Source.Name, address, at) is not null)
            late.Learned([address]);
    }
}
