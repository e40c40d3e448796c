using System.Text;
using Microsoft.AspNetCore.Http;

namespace Tocsin.MockUpstream;

/// <summary>
/// <c>/alerts?since=</c> and its relatives, which differ in their paging only: alerts in two mixed formats from <c>since</c>
/// on, in the order in which they came, so that what comes while somebody reads page by page comes last.
/// </summary>
internal sealed class AlertFeed(AlertLog alerts, Paging paging) : Feed
{
    internal const string Name = "alerts";

    /// <summary>Alerts that share a time when no page is asked for.</summary>
    private const int DefaultSameTime = 21;

    private static readonly byte[] ArrayHead = "["u8.ToArray();
    private static readonly byte[] ArrayTail = "]"u8.ToArray();
    private static readonly byte[] ItemsHead = "{\"items\": ["u8.ToArray();

    internal override bool SlashEnded => false;

    internal override Answer Answer(in Ask ask)
    {
        if (!AlertQuery.TryRead(ask.Query, paging, out var query))
        {
            return new Answer(Encoding.UTF8.GetBytes($"{{\"detail\": \"{AlertQuery.Rule}\"}}"), default, default)
            {
                Status = StatusCodes.Status400BadRequest,
            };
        }

        if (ask.Draw.Name == Fault.LateRecords)
            alerts.AddLate();
        else if (ask.Draw.Name == Fault.SameTime)
            // one more than a page: wherever pages end, one ends among them
            alerts.AddAtNewest(query.Limit > 0 ? query.Limit + 1 : DefaultSameTime);

        var matching = alerts.Log.From(query.Since);
        if (query.FromIndex > 0)
            matching = matching.FromIndex(query.FromIndex);
        if (query.Limit == 0)
            return Wrap(ask, Items(matching, ask.Draw), null);
        var page = matching.Page(query.Skip, query.Limit);
        int? next = matching.Count - query.Skip > query.Limit ? matching.IndexOf(query.Skip + query.Limit) : null;
        return Wrap(ask, Items(page, ask.Draw), next);
    }

    private static ReadOnlyMemory<byte> Items(RecordRange alerts, FaultDraw draw) => draw.Name switch
    {
        Fault.Repeat => RecordRange.Join([.. alerts.ToList().SelectMany((a, i) => i % 3 == 0 ? new[] { a, a } : [a])]),
        Fault.OutOfOrder => Shuffled(alerts, draw.Salt),
        Fault.WrongType or Fault.MissingFields or Fault.UnknownSeverity or Fault.ClockAhead or Fault.ClockBehind =>
            Mixed(alerts, ExtraAlerts.For(draw.Name), draw.Salt),
        _ => alerts.Joined,
    };

    private Answer Wrap(in Ask ask, ReadOnlyMemory<byte> items, int? next)
    {
        if (paging == Paging.Numbered)
            return new Answer(ArrayHead, items, ArrayTail);
        var cursor = next is { } index ? AlertQuery.CursorAt(index) : null;
        if (paging == Paging.Cursor)
            return new Answer(ItemsHead, items, Tail("next_cursor", cursor));
        var url = cursor is null ? null : NextUrl(ask, cursor);
        if (paging == Paging.NextUrl)
            return new Answer(ItemsHead, items, Tail("next", url));
        return new Answer(ArrayHead, items, ArrayTail) { Links = url is null ? [] : [$"<{url}>; rel=\"next\""] };
    }

    private static byte[] Tail(string name, string? value) =>
        Encoding.UTF8.GetBytes($"], \"{name}\": {(value is null ? "null" : $"\"{value}\"")}}}");

    /// <summary>The same question from the cursor on. Everything is escaped, so it can stand in JSON and between angle brackets.</summary>
    private static string NextUrl(in Ask ask, string cursor)
    {
        var kept = ask.Query.Where(q => q.Key != "cursor")
            .SelectMany(q => q.Value, (q, value) => $"{Uri.EscapeDataString(q.Key)}={Uri.EscapeDataString(value ?? "")}");
        return $"{ask.Root}{ask.Path}?{string.Join('&', kept.Append("cursor=" + cursor))}";
    }
}
