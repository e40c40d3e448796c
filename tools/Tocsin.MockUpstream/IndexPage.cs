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
              curl {root}/ledger                              how many records it has ever made, by feed
              curl '{root}/ledger?full=true'                  with the records themselves

            Faults (one at most per call; rates that sum up to more than 1 share the calls)
            """);
        foreach (var (name, what) in Fault.All)
            page.AppendLine($"  {name,-14} {what}");
        page.AppendLine().AppendLine($"  curl -X POST {root}/config -H 'Content-Type: application/json' -d '{AllOff}'   # all off");
        return page.ToString();
    }

    private const string SampleConfig = """{"latency_ms": 300, "faults": {"http_500": 0.2, "truncate": 0.1}}""";

    private static string AllOff => $"{{\"failure_rate\": 0, {string.Join(", ", Fault.All.Select(f => $"\"{f.Name}\": 0"))}}}";

    private static void AppendFeeds(StringBuilder page, string root)
    {
        page.AppendLine($"""
            Upstreams (Basic tocsin:tocsin; without the slash at the end: 301, but for /alerts)
              curl -u tocsin:tocsin {root}/identities/        address -> id
            """);
        foreach (var (type, _) in IncidentFeed.Types)
            page.AppendLine($"  curl -u tocsin:tocsin {root}/incidents/{type}/");
        page.AppendLine($"  curl -u tocsin:tocsin '{root}/alerts?since=2026-01-01T00:00:00Z'     also page=, limit=");
    }

    private static void AppendRecorded(StringBuilder page, string root, Replay replay)
    {
        page.AppendLine("Recorded answers, byte for byte (Basic tocsin:tocsin). The faults repeat, out_of_order, wrong_type and identity_gap");
        page.AppendLine("do nothing here, as they would need the records; drip_per_second does nothing and /add answers 409.");
        foreach (var path in replay.Paths)
            page.AppendLine($"  curl -u tocsin:tocsin {root}{path}");
    }
}
