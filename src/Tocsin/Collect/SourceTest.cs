using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using Tocsin.Enrich;
using Tocsin.Enrich.Geo;
using Tocsin.Journal;

namespace Tocsin.Collect;

/// <summary>
/// Makes a source's calls once, the first page of each, and shows what would come of them. Writes nothing. <paramref name="known"/> is who holds which
/// address; the source's own identities are asked first.
/// </summary>
public sealed class SourceTest(SourceDefinition source, IdentityDirectory known, Countries countries, JournalInfo journal, TimeProvider time)
{
    private const int EventsShown = 3;
    private const int MaxExampleCharacters = 300;
    private const int MaxUnmapped = 200;
    private const int MaxReasons = 20;
    private const string NobodyFound = "not found";

    /// <summary>Whom it asks, and how it proves who asks: the base URL and the kind of auth, as they may be shown.</summary>
    public string Upstream => new Redaction(source).Text($"{source.BaseUrl.GetLeftPart(UriPartial.Path)} ({source.Auth?.ToString() ?? "no auth"})");

    /// <summary>The identities first, so that the records find them; then every request in the file's order.</summary>
    public async IAsyncEnumerable<SourceTestCall> RunAsync([EnumeratorCancellation] CancellationToken cancellation)
    {
        var recorder = new ExchangeRecorder(source, time);
        using var upstream = new UpstreamClient(source, time, recorder);
        var directory = source.Identities is null ? known : new IdentityDirectory();
        if (source.Identities is not null)
            yield return await IdentitiesAsync(upstream, source.Identities, directory, cancellation) with { Exchanges = recorder.Exchanges };
        var reader = new RecordReader(source, new DedupeKey(journal), directory, countries, time);
        foreach (var request in source.Requests)
        {
            var before = recorder.Exchanges.Count;
            var call = await RequestAsync(upstream, recorder, request, reader, cancellation);
            yield return call with { Exchanges = [.. recorder.Exchanges.Skip(before)] };
        }
    }

    private async Task<SourceTestCall> IdentitiesAsync(UpstreamClient upstream, IdentitiesDefinition definition, IdentityDirectory directory, CancellationToken cancellation)
    {
        var start = time.GetTimestamp();
        var fetched = await IdentityFeed.FetchAsync(source, definition, upstream, cancellation);
        var call = new SourceTestCall { Request = new Redaction(source).Text($"identities ({definition.Get ?? Path.GetFileName(definition.File)})"), Took = time.GetElapsedTime(start), Bytes = fetched.Body?.Length ?? 0, Error = fetched.Failure?.Message };
        if (fetched.Body is null)
            return call;
        var (answer, failure) = IdentityFormat.Read(definition, fetched.Body);
        if (answer is null)
            return call with { Error = failure!.Message };
        foreach (var change in directory.Observe(source.Name, answer.Users, time.GetUtcNow()))
            directory.Apply(change);
        return call with { Records = answer.Users.Count + answer.Rejected, Rejects = Summary(answer.Rejects) };
    }

    private async Task<SourceTestCall> RequestAsync(
        UpstreamClient upstream, ExchangeRecorder recorder, RequestDefinition request, RecordReader reader, CancellationToken cancellation)
    {
        var start = time.GetTimestamp();
        var now = time.GetUtcNow();
        var pager = new Pager(source.Paging, source.Cursor);
        var asked = source.Cursor is { } cursor ? CursorText.Ask(cursor, null, now) : null;
        var fetched = await upstream.GetAsync(pager.Request(request.Get, asked, null), cancellation);
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
            var (next, _) = pager.After(null, new PageSeen(answer.Root, fetched.Link, fetched.Url!, page));
            var reached = source.Cursor is { IsTime: false, Field: null } ? next : page.Reached;
            return call with
            {
                Records = page.Records,
                Events = [.. page.Events.Take(EventsShown)],
                People = page.Events.GroupBy(e => e.UserId is null ? NobodyFound : e.Attribution.RuleName ?? "named").OrderBy(group => group.Key, StringComparer.Ordinal)
                    .ToDictionary(group => group.Key, group => group.Count(), StringComparer.Ordinal),
                UnknownPriorities = page.UnknownPriorities,
                Unmapped = Unmapped(answer),
                Rejects = Summary(page.Rejects),
                NextCursor = reached,
                HasMore = next is not null,
                NextRequest = Next(pager, request, asked, next, reached, now) is { } then ? recorder.Redacted(then) : null,
            };
        }
    }

    /// <summary>The page that follows, else the next poll.</summary>
    private string? Next(Pager pager, RequestDefinition request, string? asked, string? next, string? reached, DateTimeOffset now) =>
        next is not null ? pager.Request(request.Get, asked, next)
        : source.Cursor is { } cursor ? pager.Request(request.Get, CursorText.Ask(cursor, reached, now), null)
        : null;

    private List<string> Unmapped(Answer answer)
    {
        var read = source.Maps.SelectMany(map => map.PathsRead()).Select(path => path.ToString().Split('.', '[')[0]).ToHashSet(StringComparer.Ordinal);
        source.Records.TryGet(answer.Root, out var records);
        return [.. records.EnumerateArray().Where(record => record.ValueKind == JsonValueKind.Object && answer.Defect(record) is null)
            .SelectMany(record => record.EnumerateObject().Select(field => field.Name)).Where(name => !read.Contains(name)).Distinct().Order(StringComparer.Ordinal).Take(MaxUnmapped)];
    }

    private static IReadOnlyList<SourceTestReject> Summary(IReadOnlyList<RejectedRecord> rejects) =>
        [.. rejects.GroupBy(reject => reject.Reason).Select(group => new SourceTestReject(group.Key, group.Count(), Example(group.First()))).Take(MaxReasons)];

    private static string Example(RejectedRecord reject)
    {
        var text = Encoding.UTF8.GetString(reject.Record);
        return text.Length <= MaxExampleCharacters ? text : text[..MaxExampleCharacters] + "…";
    }
}
