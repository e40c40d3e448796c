using Tocsin.Enrich;
using Tocsin.Journal;

namespace Tocsin.Collect;

/// <summary>
/// A source's identity directory, polled: an object address -> id over HTTP, or a file. What is no address or no id is kept aside like any
/// record that cannot be mapped.
/// </summary>
internal sealed class IdentityFeed(
    SourceDefinition source, IdentitiesDefinition definition, UpstreamClient upstream, IdentityStore identities, RejectStore rejects,
    SourceStatus.FeedStatus status, SourceJournal journal, TimeProvider time)
{
    public static string Name => "identities";

    public async Task<FetchFailure?> PollAsync(CancellationToken cancellation)
    {
        var fetched = await FetchAsync(source, definition, upstream, cancellation);
        if (fetched.Failure is not null)
            return fetched.Failure;
        var (answer, failure) = IdentityFormat.Read(definition, fetched.Body!);
        if (answer is null)
            return failure;
        try
        {
            var now = time.GetUtcNow();
            await identities.ObserveAsync(source.Name, answer.Users, now, journal, cancellation);
            var (writes, refused) = rejects.Keep(answer.Rejects, now);
            refused = refused with { ByNumber = refused.ByNumber + answer.MoreRejects };
            if (writes.Count > 0)
                await journal.AppendAsync(new Append { State = writes }, cancellation);
            var counts = new SourceCounts(Rejected: answer.Rejected);
            if (refused.Total == 0)
            {
                status.Took(counts with { Polls = 1, Succeeded = 1 }, null);
                status.Succeeded(now, answer.Users.Count);
                return null;
            }
            status.Took(counts, null);
            return new FetchFailure(FetchFailureKind.TooManyRejects, $"{refused.Total} identities can neither be used nor kept aside: {refused.Why}. See /sources/{source.Name}/rejects");
        }
        catch (JournalUnavailableException error)
        {
            return new FetchFailure(FetchFailureKind.StoreUnavailable, $"the store cannot write now: {error.Message}");
        }
        catch (LeaseLostException error)
        {
            return new FetchFailure(FetchFailureKind.StoreUnavailable, error.Message);
        }
        catch (DirectoryFullException error)
        {
            return new FetchFailure(FetchFailureKind.TooLarge, error.Message);
        }
    }

    public static async Task<FetchResult> FetchAsync(SourceDefinition source, IdentitiesDefinition definition, UpstreamClient upstream, CancellationToken cancellation)
    {
        if (definition.Get is { } path)
            return await upstream.GetAsync(path, cancellation);
        try
        {
            var file = new FileInfo(definition.File!);
            return file.Length > source.MaxBodyBytes
                ? new FetchFailure(FetchFailureKind.TooLarge, $"{file.Name} is larger than max_body ({source.MaxBodyBytes:N0} bytes)")
                : new FetchResult(await File.ReadAllBytesAsync(definition.File!, cancellation), null);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return new FetchFailure(FetchFailureKind.Unreachable, $"cannot read the identities: {FaultText.Of(error)}");
        }
    }
}
