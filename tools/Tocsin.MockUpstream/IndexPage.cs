using System.Text;
using Microsoft.AspNetCore.Http;

namespace Tocsin.MockUpstream;

/// <summary><c>/</c>: all that can be asked of the mock, as lines to copy.</summary>
internal sealed class IndexPage(Replay? replay)
{
    internal Task HandleAsync(HttpContext context)
    {
        if (!HttpMethods.IsGet(context.Request.Method))
            return Reply.WriteNotAllowedAsync(context, "GET");
        var text = Render($"{context.Request.Scheme}://{context.Request.Host}");
        return Reply.WriteTextAsync(context, StatusCodes.Status200OK, text, "text/plain; charset=utf-8");
    }

    private string Render(string root)
    {
        var page = new StringBuilder();
        page.AppendLine("Mock upstream of Tocsin. Made data, public password: for tests and demos only.").AppendLine();
        if (replay is null)
            AppendFeeds(page, root);
        else
            AppendRecorded(page, root, replay);
        page.AppendLine().AppendLine($"""
            Control (open, never faulted)
              curl {root}/config
              curl -X POST {root}/config -H 'Content-Type: application/json' -d '{SampleConfig}'
                  failure_rate 0..1 (answers 500), latency_ms 0..60000, drip_per_second 0..10000 (all feeds together),
                  redirect_to (absolute URI), faults by name and rate 0..1, in "faults" or beside it; what is not named stays
              curl -X POST '{root}/add?n=100'                 records dated now, over the seven incident types
              curl -X POST '{root}/add?n=10&type=alerts'      in one feed: a type of incident, or alerts; 409 when it would pass 1000000
              curl -X POST '{root}/revise?n=10'               a newer version of ten alerts, from the oldest to the newest: same id and
                  created time, another severity and text, version 2 (3 ...), updated_at now. It comes as a record of its own, last;
                  the older version stays where it is, so an answer without since has both
              curl {root}/ledger                              how many records it has ever made, by feed; an alert counts once
              curl '{root}/ledger?full=true'                  with the records themselves, alerts in each version
              curl '{root}/ledger?feed=alerts'                distinct alerts, records with all versions, and calls so far
              curl '{root}/ledger?feed=alerts&ids=true&after=0&limit=10000'
                  id -> newest version, in the order of their making; go on with after=next_after until that is null.
                  Ids that begin with extra- came from faults and are never in it: a store may have them or not

            Faults (one at most per call; rates that sum up to more than 1 share the calls)
            """);
        foreach (var (name, what) in Fault.All)
            page.AppendLine($"  {name,-16} {what}");
        page.AppendLine().AppendLine($"  curl -X POST {root}/config -H 'Content-Type: application/json' -d '{AllOff}'   # all off");
        return page.ToString();
    }

    private const string SampleConfig = """{"latency_ms": 300, "faults": {"http_500": 0.2, "truncate": 0.1}}""";

    private static string AllOff => $"{{\"failure_rate\": 0, {string.Join(", ", Fault.All.Select(f => $"\"{f.Name}\": 0"))}}}";

    private static void AppendFeeds(StringBuilder page, string root)
    {
        page.AppendLine($"""
            Upstreams (Basic tocsin:tocsin, or a token "tocsin" as with Bearer; without the slash at the end: 301, but for /alerts)
              curl -u tocsin:tocsin {root}/identities/        address -> id
            """);
        foreach (var (type, _) in IncidentFeed.Types)
            page.AppendLine($"  curl -u tocsin:tocsin {root}/incidents/{type}/");
        page.AppendLine($"""
              curl -u tocsin:tocsin '{root}/alerts?since=2026-01-01T00:00:00Z'     all; since (inclusive) goes by updated_at, else the created time
              curl -u tocsin:tocsin '{root}/alerts?page=1&limit=100'
              curl -u tocsin:tocsin '{root}/alerts?offset=0&limit=100'
              curl -u tocsin:tocsin '{root}/alerts/cursor?limit=100'               next_cursor, for cursor=; null at the end
              curl -u tocsin:tocsin '{root}/alerts/next_url?limit=100'             next: an absolute URL; null at the end
              curl -i -u tocsin:tocsin '{root}/alerts/link?limit=100'              Link: <...>; rel="next"; none at the end
                  The same alerts in the order in which they came, so what comes meanwhile comes last. All take since=; limit to 10000.
            """);
    }

    private static void AppendRecorded(StringBuilder page, string root, Replay replay)
    {
        page.AppendLine("""
            Recorded answers, byte for byte (Basic tocsin:tocsin, or a token "tocsin" as with Bearer). PATH.json is at /PATH, also with a
            slash at the end; PATH@after=X.json beside it answers when the query has after=X, and PATH.headers beside either gives Link
            and Content-Type (lines of Name: value, where {base} becomes the address that was asked). Faults that need the records
            (repeat, out_of_order, wrong_type, missing_fields, unknown_severity, same_time, late_records, clock_ahead, clock_behind,
            identity_gap) do nothing here; drip_per_second does nothing, /add and /revise answer 409.
            """);
        foreach (var path in replay.Paths)
            page.AppendLine($"  curl -u tocsin:tocsin {root}{path}");
    }
}
