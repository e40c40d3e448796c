using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;
using Tocsin.Journal;

namespace Tocsin.Collect;

/// <summary>
/// Maps again what was kept aside, at each start: a map changes only then, and an incremental source does not send it again. What can be mapped now is kept
/// as a page of its request would be, so that it is counted, and supersedes an older version.
/// </summary>
internal sealed partial class RejectRetry(
    SourceDefinition source, RecordReader reader, IReadOnlyList<RetriedFeed> feeds, IJournalStore store, ILogger logger)
{
    public async Task RunAsync(CancellationToken cancellation)
    {
        var mended = 0;
        try
        {
            await foreach (var rows in RejectStore.RowsAsync(store, source.Name, null, cancellation))
                foreach (var events in rows.Select(Map).OfType<(RetriedFeed Feed, SecurityEvent Event)>().GroupBy(row => row.Feed, row => row.Event))
                    mended += await KeepAsync(events.Key, [.. events], cancellation);
        }
        catch (Exception error) when (!cancellation.IsCancellationRequested)
        {
            // They stay aside, and the next start tries again; that keeps no source from polling.
            Log.NotTried(logger, source.Name, error.Message);
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            // Stopping: the next start tries again.
        }
        if (mended > 0)
            Log.Mended(logger, source.Name, mended);
    }

    private async Task<int> KeepAsync(RetriedFeed feed, IReadOnlyList<SecurityEvent> events, CancellationToken cancellation)
    {
        var page = new RecordPage(events, [], MoreRejects: 0, UnknownPriorities: 0, Reached: null);
        // Null: another node, or a poll that was asked for meanwhile, has just moved the bookmark. They stay aside until the next start.
        if (await feed.Keeper.KeepAsync(page, moved: null, cancellation) is not { } kept)
            return 0;
        feed.Status.Took(kept.Counts, page.Newest);
        return events.Count;
    }

    private (RetriedFeed Feed, SecurityEvent Event)? Map(StateRow row)
    {
        using var reject = RejectRow.Parse(row.Value);
        if (RejectRow.IsCut(reject.RootElement))
            return null;
        var record = reject.RootElement.GetProperty("record");
        var id = reject.RootElement.GetProperty("request").GetString();
        return feeds.FirstOrDefault(feed => feed.Request.Id == id) is { } feed && reader.ReadAgain(JsonMarshal.GetRawUtf8Value(record).ToArray(), feed.Request) is { } e
            ? (feed, e)
            : null;
    }

    private static partial class Log
    {
        [LoggerMessage(13, LogLevel.Information, "Source {Source}: {Count} records that were kept aside can be mapped now")]
        public static partial void Mended(ILogger logger, string source, int count);

        [LoggerMessage(14, LogLevel.Warning, "Source {Source}: what was kept aside could not be tried again: {Error}")]
        public static partial void NotTried(ILogger logger, string source, string error);
    }
}

/// <summary>A request, and who keeps what it brings.</summary>
internal sealed record RetriedFeed(RequestDefinition Request, PageKeeper Keeper, SourceStatus.FeedStatus Status);
