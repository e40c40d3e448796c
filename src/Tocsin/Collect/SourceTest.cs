using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Tocsin.Enrich;
using Tocsin.Enrich.Geo;
using Tocsin.Journal;

namespace Tocsin.Collect;

/// <summary>One call of a trial run: what was asked, what came, and what Tocsin makes of it.</summary>
public sealed record SourceTestCall
{
    /// <summary>The request's name in the file, without secrets.</summary>
    public required string Request { get; init; }

    public string? Error { get; init; }

    public required TimeSpan Took { get; init; }

    /// <summary>Size of the answer, inflated.</summary>
    public int Bytes { get; init; }

    /// <summary>Records, or identities.</summary>
    public int Records { get; init; }

    /// <summary>The first events as they would be kept.</summary>
    public IReadOnlyList<SecurityEvent> Events { get; init; } = [];

    /// <summary>Events whose person was found in the record, in a directory, or not at all.</summary>
    public int FromRecord { get; init; }

    public int FromDirectory { get; init; }

    public int Unattributed { get; init; }

    public int UnknownPriorities { get; init; }

    /// <summary>Fields of the records that the map does not read (they are kept in <c>data</c>).</summary>
    public IReadOnlyList<string> Unmapped { get; init; } = [];

    /// <summary>Reasons for which records would be kept aside, with how many and the first such record.</summary>
    public IReadOnlyList<(string Reason, int Count, string Example)> Rejects { get; init; } = [];
}

/// <summary>Makes a source's calls once and shows what would come of them. Writes nothing.</summary>
public sealed class SourceTest(SourceDefinition source, TimeProvider time)
{
    private const int EventsShown = 3;
    private const int MaxExampleCharacters = 300;

    /// <summary>The identities first, so that the records find them; then every request in the file's order.</summary>
    public async IAsyncEnumerable<SourceTestCall> RunAsync([System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation)
    {
        using var upstream = new UpstreamClient(source, time);
        var directory = new IdentityDirectory();
        if (source.Identities is not null)
            yield return await IdentitiesAsync(upstream, source.Identities, directory, cancellation);
        var key = new DedupeKey(new JournalInfo("none", "", Guid.Empty, RandomNumberGenerator.GetBytes(32)));
        var reader = new RecordReader(source, key, directory, new Countries(), time);
        foreach (var request in source.Requests)
            yield return await RequestAsync(upstream, request, reader, cancellation);
    }

    private async Task<SourceTestCall> IdentitiesAsync(UpstreamClient upstream, IdentitiesDefinition definition, IdentityDirectory directory, CancellationToken cancellation)
    {
        var start = time.GetTimestamp();
        var fetched = await IdentityFeed.FetchAsync(source, definition, upstream, cancellation);
        var call = new SourceTestCall { Request = $"identities ({definition.Get ?? Path.GetFileName(definition.File)})", Took = time.GetElapsedTime(start), Bytes = fetched.Body?.Length ?? 0, Error = fetched.Failure?.Message };
        if (fetched.Body is null)
            return call;
        var (users, refused, failure) = IdentityFormat.Read(definition, fetched.Body);
        foreach (var change in directory.Observe(source.Name, users, time.GetUtcNow()))
            directory.Apply(change);
        return call with { Records = users.Count + refused.Count, Error = failure?.Message, Rejects = Summary(refused) };
    }

    private async Task<SourceTestCall> RequestAsync(UpstreamClient upstream, RequestDefinition request, RecordReader reader, CancellationToken cancellation)
    {
        var start = time.GetTimestamp();
        var fetched = await upstream.GetAsync(request.Get, cancellation);
        var call = new SourceTestCall { Request = request.Id, Took = time.GetElapsedTime(start), Bytes = fetched.Body?.Length ?? 0, Error = fetched.Failure?.Message };
        if (fetched.Body is null)
            return call;
        var (answer, malformed) = Answer.Parse(fetched.Body);
        if (answer is null)
            return call with { Error = malformed!.Message };
        using (answer)
        {
            var (page, misplaced) = reader.Read(answer, request);
            if (page is null)
                return call with { Error = misplaced!.Message };
            return call with
            {
                Records = page.Records,
                Events = [.. page.Events.Take(EventsShown)],
                FromRecord = page.Events.Count(e => e.Attribution.Rule == AttributionRule.Record),
                FromDirectory = page.Events.Count(e => e.Attribution.Rule is AttributionRule.Identity or AttributionRule.Owner),
                Unattributed = page.Events.Count(e => e.UserId is null),
                UnknownPriorities = page.UnknownPriorities,
                Unmapped = Unmapped(answer),
                Rejects = Summary(page.Rejects),
            };
        }
    }

    private List<string> Unmapped(Answer answer)
    {
        var read = source.Maps.SelectMany(map => map.PathsRead()).Select(path => path.ToString().Split('.', '[')[0]).ToHashSet(StringComparer.Ordinal);
        source.Records.TryGet(answer.Root, out var records);
        return [.. records.EnumerateArray().Where(record => record.ValueKind == JsonValueKind.Object && answer.Defect(record) is null)
            .SelectMany(record => record.EnumerateObject().Select(field => field.Name)).Where(name => !read.Contains(name)).Distinct().Order(StringComparer.Ordinal)];
    }

    private static IReadOnlyList<(string, int, string)> Summary(IReadOnlyList<RejectedRecord> rejects) =>
        [.. rejects.GroupBy(reject => reject.Reason).Select(group => (group.Key, group.Count(), Example(group.First())))];

    private static string Example(RejectedRecord reject)
    {
        var text = Encoding.UTF8.GetString(reject.Record);
        return text.Length <= MaxExampleCharacters ? text : text[..MaxExampleCharacters] + "…";
    }
}
