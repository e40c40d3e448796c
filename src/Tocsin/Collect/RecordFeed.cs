using Tocsin.Enrich;
using Tocsin.Journal;

namespace Tocsin.Collect;

/// <summary>
/// One request of a source, polled: fetch the answer, wait for this poll's identities, turn the records into events, and commit them with
/// what is kept aside. A repeat of a known record adds nothing, so a crash at any point repeats at most work.
/// </summary>
internal sealed class RecordFeed(
    RequestDefinition request, UpstreamClient upstream, RecordReader reader, RejectStore rejects, SourceStatus.FeedStatus status,
    EventJournal journal, IdentityDirectory directory, LateAttribution late, TimeProvider time)
{
    /// <summary>Set at the start of each poll: completes when the identities have answered, failed or timed out.</summary>
    public Task Identities { get; set; } = Task.CompletedTask;

    public async Task<FetchFailure?> PollAsync(CancellationToken cancellation)
    {
        var fetched = await upstream.GetAsync(request.Get, cancellation);
        if (fetched.Failure is not null)
            return fetched.Failure;
        var (answer, malformed) = Answer.Parse(fetched.Body!);
        if (answer is null)
            return malformed;
        using (answer)
        {
            await Identities.WaitAsync(cancellation);
            var (page, misplaced) = reader.Read(answer, request);
            return page is null ? misplaced : await CommitAsync(page, cancellation);
        }
    }

    private async Task<FetchFailure?> CommitAsync(RecordPage page, CancellationToken cancellation)
    {
        try
        {
            var counts = new SourceCounts(Rejected: page.Rejected, UnknownPriorities: page.UnknownPriorities);
            var mended = rejects.TakeOut(request.Id, page.Events);
            var (writes, refused) = rejects.Keep(page.Rejects, time.GetUtcNow());
            refused += page.MoreRejects;
            var chunks = page.Events.Chunk(Append.MaxEntries).ToArray();
            for (var i = 0; i < chunks.Length - 1; i++)
                counts += await AppendAsync(chunks[i], [], cancellation);
            // What is kept aside commits with the page's end, so that a page that is answered for is whole.
            counts += await AppendAsync(chunks.Length > 0 ? chunks[^1] : [], [.. mended, .. writes], cancellation);
            journal.Metrics?.Rejected(reader.Source.Kind, reader.Source.Name, page.Rejected);
            if (status.HadRecords && page.Events.Count > 0 && counts.Duplicates + counts.Changed == 0)
                counts += new SourceCounts(PossibleGaps: 1);
            if (refused == 0)
            {
                status.Succeeded(time.GetUtcNow(), counts, page.Records, Newest(page));
                return null;
            }
            status.Took(counts, page.Records, Newest(page));
            return new FetchFailure(FetchFailureKind.TooManyRejects,
                $"{refused} records can neither be mapped nor kept aside: {RejectStore.MaxKept:N0} are kept already. See /sources/{{name}}/rejects and mend the map");
        }
        catch (JournalUnavailableException error)
        {
            return new FetchFailure(FetchFailureKind.StoreUnavailable, $"the store cannot write now: {error.Message}");
        }
    }

    private async Task<SourceCounts> AppendAsync(SecurityEvent[] events, IReadOnlyList<StateWrite> state, CancellationToken cancellation)
    {
        var result = await journal.AppendAsync(new Append { Entries = events, State = state }, cancellation);
        var (created, duplicates, unattributed) = (0, 0, 0);
        var unresolved = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < events.Length; i++)
        {
            duplicates += result.Entries[i].Status == EntryStatus.Duplicate ? 1 : 0;
            if (result.Entries[i].Status != EntryStatus.Created)
                continue;
            var e = events[i];
            created++;
            unattributed += e.UserId is null ? 1 : 0;
            // The identity may have come between our look-up and this commit; then nobody else would look again.
            if (e.Attribution is { Rule: AttributionRule.Unresolved, Address: { } address } && directory.ResolveAddress(e.Source, address, e.Time) is not null)
                unresolved.Add(address);
        }
        late.Learned(unresolved);
        return new SourceCounts(Events: created, Duplicates: duplicates, Changed: events.Length - created - duplicates, Unattributed: unattributed);
    }

    private static EventTime? Newest(RecordPage page) => page.Events.Count == 0 ? null : page.Events.Max(e => e.Time);
}
