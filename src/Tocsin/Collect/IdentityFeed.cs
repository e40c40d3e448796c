using System.Text.Json;
using Tocsin.Enrich;
using Tocsin.Journal;

namespace Tocsin.Collect;

/// <summary>
/// A source's identity directory, polled: an object address -> id over HTTP, or a file. What is no address or no id is kept aside like any
/// record that cannot be mapped.
/// </summary>
internal sealed class IdentityFeed(
    SourceDefinition source, IdentitiesDefinition definition, UpstreamClient upstream, IdentityStore identities, RejectStore rejects,
    SourceStatus.FeedStatus status, EventJournal journal, TimeProvider time)
{
    public static string Name => "identities";

    public async Task<FetchFailure?> PollAsync(CancellationToken cancellation)
    {
        var fetched = definition.Get is { } path ? await upstream.GetAsync(path, cancellation) : await ReadFileAsync(cancellation);
        if (fetched.Failure is not null)
            return fetched.Failure;
        var (users, refused, failure) = definition.File?.EndsWith(".csv", StringComparison.OrdinalIgnoreCase) == true
            ? IdentityFormat.Csv(fetched.Body!)
            : IdentityFormat.Json(fetched.Body!);
        if (failure is not null)
            return failure;
        try
        {
            var now = time.GetUtcNow();
            await identities.ObserveAsync(source.Name, users, now, cancellation);
            var (writes, tooMany) = rejects.Keep([.. refused.Select(reject => reject with { Request = Name })], now);
            if (writes.Count > 0)
                await journal.AppendAsync(new Append { State = writes }, cancellation);
            status.Succeeded(now, new SourceCounts(Rejected: refused.Count), users.Count, null);
            return tooMany == 0 ? null : new FetchFailure(FetchFailureKind.TooManyRejects, $"{tooMany} identities can neither be used nor kept aside");
        }
        catch (JournalUnavailableException error)
        {
            return new FetchFailure(FetchFailureKind.StoreUnavailable, $"the store cannot write now: {error.Message}");
        }
        catch (InvalidOperationException error)
        {
            return new FetchFailure(FetchFailureKind.TooLarge, error.Message);
        }
    }

    private async Task<FetchResult> ReadFileAsync(CancellationToken cancellation)
    {
        try
        {
            var file = new FileInfo(definition.File!);
            return file.Length > source.MaxBodyBytes
                ? new FetchFailure(FetchFailureKind.TooLarge, $"{file.Name} is larger than max_body ({source.MaxBodyBytes:N0} bytes)")
                : new FetchResult(await File.ReadAllBytesAsync(definition.File!, cancellation), null);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return new FetchFailure(FetchFailureKind.Unreachable, $"cannot read the identities: {error.Message}");
        }
    }
}

/// <summary>Reads the two forms of an identity directory.</summary>
internal static class IdentityFormat
{
    private const string Header = "ip,user_id";

    public static (Dictionary<string, string> Users, IReadOnlyList<RejectedRecord> Refused, FetchFailure? Failure) Json(byte[] body)
    {
        var (answer, malformed) = Answer.Parse(body);
        if (answer is null)
            return ([], [], malformed);
        using (answer)
        {
            if (answer.Root.ValueKind != JsonValueKind.Object)
                return ([], [], new FetchFailure(FetchFailureKind.Malformed, "the identities are no object address -> id"));
            var users = new Dictionary<string, string>(StringComparer.Ordinal);
            var refused = new List<RejectedRecord>();
            foreach (var entry in answer.Root.EnumerateObject())
                Take(entry, users, refused);
            return (users, refused, null);
        }
    }

    public static (Dictionary<string, string> Users, IReadOnlyList<RejectedRecord> Refused, FetchFailure? Failure) Csv(byte[] body)
    {
        var lines = System.Text.Encoding.UTF8.GetString(body).TrimStart('\uFEFF').Split('\n').Select(line => line.Trim()).ToArray();
        if (!string.Equals(lines[0].Replace(" ", ""), Header, StringComparison.OrdinalIgnoreCase))
            return ([], [], new FetchFailure(FetchFailureKind.Malformed, $"the first line of the identities must be {Header}"));
        var users = new Dictionary<string, string>(StringComparer.Ordinal);
        var refused = new List<RejectedRecord>();
        foreach (var line in lines.Skip(1).Where(line => line.Length > 0 && line[0] != '#'))
        {
            var cells = line.Split(',', 2);
            if (cells.Length == 2 && Address.Normalise(cells[0].Trim()) is { } address && cells[1].Trim() is { Length: > 0 } user)
                users[address] = user;
            else
                refused.Add(new RejectedRecord("", JsonSerializer.SerializeToUtf8Bytes(line), "the line is no address and id"));
        }
        return (users, refused, null);
    }

    private static void Take(JsonProperty entry, Dictionary<string, string> users, List<RejectedRecord> refused)
    {
        string? Name()
        {
            try
            {
                return entry.Name;
            }
            catch (InvalidOperationException)
            {
                return null;
            }
        }

        var user = entry.Value.ValueKind switch
        {
            JsonValueKind.Number => entry.Value.GetRawText(),
            JsonValueKind.String when System.Text.Unicode.Utf8.IsValid(Answer.Raw(entry.Value)) => Text(entry.Value),
            _ => null,
        };
        if (Name() is { } name && Address.Normalise(name) is { } address && user is { Length: > 0 })
            users[address] = user;
        else
            refused.Add(new RejectedRecord("", JsonSerializer.SerializeToUtf8Bytes(new Dictionary<string, string>(StringComparer.Ordinal)
            {
                [Name() ?? "?"] = System.Text.Encoding.UTF8.GetString(Answer.Raw(entry.Value)),
            }), "no address with an id"));
    }

    private static string? Text(JsonElement value)
    {
        try
        {
            return value.GetString();
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }
}
