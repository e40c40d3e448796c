using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace Tocsin.MockUpstream;

/// <summary>
/// <c>/ledger</c>: everything ever generated, which is the same as everything ever made available, since a record is in
/// the answers from the moment it is made. It does not say that a client has read it. A record stays in the ledger when
/// it has slid out of the window. An alert counts once, however often it was revised; among the full records each version
/// stands as it was served. What faults put in (extra, repeated, shuffled records) is not in it, but for the new alerts of
/// <c>same_time</c> and <c>late_records</c>; <c>identity_gap</c> takes nothing out. In a replay: the records of the files.
/// </summary>
internal sealed class Ledger(Feeds feeds, Replay? replay, MockState state)
{
    /// <summary>Ids in one answer.</summary>
    internal const int MaxIds = 10_000;

    internal Task HandleAsync(HttpContext context)
    {
        if (!HttpMethods.IsGet(context.Request.Method))
            return Reply.WriteNotAllowedAsync(context, "GET");
        if (context.Request.Query["feed"].ToString() is { Length: > 0 } feed)
            return WriteFeedAsync(context, feed);
        var sections = replay is null ? Made() : replay.Sections();
        var counts = new JsonObject
        {
            ["incidents"] = new JsonObject(sections.Where(s => s.Name != AlertFeed.Name)
                .Select(s => KeyValuePair.Create(s.Name, (JsonNode?)s.Count))),
            ["identities"] = replay?.Identities ?? feeds.Employees,
            ["alerts"] = sections.Where(s => s.Name == AlertFeed.Name).Sum(s => s.Count),
        };
        return context.Request.Query["full"] == "true"
            ? WriteFullAsync(context, counts, sections)
            : Reply.WriteJsonAsync(context, StatusCodes.Status200OK, counts);
    }

    private List<LedgerSection> Made() =>
    [
        .. feeds.Incidents.Select(f => Section(f.Type, f.Log.All())),
        Section(AlertFeed.Name, feeds.Alerts.Log.All()) with { Count = feeds.Alerts.Count },
    ];

    private static LedgerSection Section(string name, RecordRange records) => new(name, records.Count, records.Joined);

    /// <summary>Alerts by id, a page at a time: what somebody who compares with a store must find there, and in which version.</summary>
    private Task WriteFeedAsync(HttpContext context, string feed)
    {
        var query = context.Request.Query;
        var errors = new List<FieldError>();
        if (feed != AlertFeed.Name)
            errors.Add(new FieldError("feed", "unknown", $"feed must be {AlertFeed.Name}; incidents have no ids"));
        var after = Number(query, "after", 0, 0, RecordLog.MaxRecords, errors);
        var limit = Number(query, "limit", MaxIds, 1, MaxIds, errors);
        if (errors.Count > 0)
            return Reply.WriteProblemAsync(context, StatusCodes.Status400BadRequest, "nothing was listed", errors);
        if (replay is not null)
            return Reply.WriteProblemAsync(context, StatusCodes.Status409Conflict, "a replay serves recorded files and knows no ids");

        var answer = new JsonObject
        {
            ["feed"] = AlertFeed.Name,
            ["distinct"] = feeds.Alerts.Count,
            ["records"] = feeds.Alerts.Log.Count,
            ["calls"] = state.AlertCalls,
        };
        if (query["ids"] == "true")
        {
            // one more than asked for shows whether there is a next page
            var page = feeds.Alerts.Newest(after, limit + 1);
            answer["ids"] = new JsonObject(page.Take(limit)
                .Select(a => KeyValuePair.Create(Encoding.ASCII.GetString(Alert.IdOf(a.Record.Span)), (JsonNode?)a.Version)));
            answer["next_after"] = page.Count > limit ? after + limit : null;
        }

        return Reply.WriteJsonAsync(context, StatusCodes.Status200OK, answer);
    }

    private static int Number(IQueryCollection query, string name, int otherwise, int min, int max, List<FieldError> errors)
    {
        if (query[name].ToString() is not { Length: > 0 } text)
            return otherwise;
        if (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) || number < min || number > max)
            errors.Add(new FieldError(name, "out_of_range", FormattableString.Invariant($"{name} must be {min} to {max}")));
        return number;
    }

    /// <summary>The counts with the raw records behind them, streamed: a full ledger has hundreds of megabytes.</summary>
    private static async Task WriteFullAsync(HttpContext context, JsonObject counts, List<LedgerSection> sections)
    {
        context.Response.ContentType = "application/json";
        var body = context.Response.Body;
        var head = counts.ToJsonString();
        for (var i = 0; i < sections.Count; i++)
        {
            var open = i == 0 ? head[..^1] + ",\"records\":{" : "],";
            await body.WriteAsync(Encoding.UTF8.GetBytes($"{open}\"{sections[i].Name}\":["), context.RequestAborted);
            await new Answer(default, sections[i].Records, default).WriteAsync(body, long.MaxValue, context.RequestAborted);
        }

        var close = sections.Count == 0 ? head[..^1] + ",\"records\":{}}" : "]}}";
        await body.WriteAsync(Encoding.UTF8.GetBytes(close), context.RequestAborted);
    }
}

/// <summary>The records of one feed, raw, with commas between them.</summary>
internal sealed record LedgerSection(string Name, int Count, ReadOnlyMemory<byte> Records)
{
    /// <summary>The records of a recorded answer: of its array, or of the array in its <c>results</c>; null when it has none.</summary>
    internal static LedgerSection? Read(string name, byte[] file)
    {
        try
        {
            using var document = JsonDocument.Parse(file);
            var root = document.RootElement;
            if (root.ValueKind == JsonValueKind.Object && root.TryGetProperty("results", out var results))
                root = results;
            if (root.ValueKind != JsonValueKind.Array)
                return null;
            // what stands between the brackets
            var raw = JsonMarshal.GetRawUtf8Value(root)[1..^1].ToArray();
            return new LedgerSection(name, root.GetArrayLength(), raw);
        }
        catch (JsonException)
        {
            // a recorded answer may be broken on purpose; it is served, and has no records to count
            return null;
        }
    }
}
