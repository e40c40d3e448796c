using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace Tocsin.MockUpstream;

/// <summary><c>/config</c>, <c>/add</c> and <c>/revise</c>: open, and never faulted, so that a faulted mock can always be mended.</summary>
internal sealed class ControlApi(Feeds feeds, bool replaying, MockState state, Drip drip, TimeProvider time)
{
    private readonly Lock _changing = new();

    internal async Task ConfigAsync(HttpContext context)
    {
        if (HttpMethods.IsGet(context.Request.Method))
            await Reply.WriteJsonAsync(context, StatusCodes.Status200OK, state.Config.ToJson());
        else if (HttpMethods.IsPost(context.Request.Method))
            await ChangeAsync(context);
        else
            await Reply.WriteNotAllowedAsync(context, "GET, POST");
    }

    internal Task AddAsync(HttpContext context)
    {
        if (!HttpMethods.IsPost(context.Request.Method))
            return Reply.WriteNotAllowedAsync(context, "POST");
        if (replaying)
            return Reply.WriteProblemAsync(context, StatusCodes.Status409Conflict, "a replay serves recorded files and makes no records");

        var errors = new List<FieldError>();
        var count = ReadCount(context.Request.Query, errors);
        var type = context.Request.Query["type"].ToString() is { Length: > 0 } given ? given : null;
        string[] types = [.. feeds.Incidents.Select(f => f.Type), AlertFeed.Name];
        if (type is not null && !types.Contains(type))
            errors.Add(new FieldError("type", "unknown", $"type must be one of {string.Join(", ", types)}"));
        RefuseOthers(context.Request.Query, ["n", "type"], errors);
        if (errors.Count > 0)
            return Reply.WriteProblemAsync(context, StatusCodes.Status400BadRequest, "nothing was added", errors);

        if (!feeds.TryAdd(count, type, time))
            return Reply.WriteProblemAsync(context, StatusCodes.Status409Conflict,
                FormattableString.Invariant($"a feed holds {RecordLog.MaxRecords} records at most; nothing was added"));
        return Reply.WriteJsonAsync(context, StatusCodes.Status200OK, new JsonObject { ["added"] = count, ["total"] = feeds.Total });
    }

    internal Task ReviseAsync(HttpContext context)
    {
        if (!HttpMethods.IsPost(context.Request.Method))
            return Reply.WriteNotAllowedAsync(context, "POST");
        if (replaying)
            return Reply.WriteProblemAsync(context, StatusCodes.Status409Conflict, "a replay serves recorded files and makes no versions");

        var errors = new List<FieldError>();
        var count = ReadCount(context.Request.Query, errors);
        RefuseOthers(context.Request.Query, ["n"], errors);
        if (errors.Count > 0)
            return Reply.WriteProblemAsync(context, StatusCodes.Status400BadRequest, "nothing was revised", errors);
        if (!feeds.Alerts.TryRevise(count, time.GetUtcNow()))
            return Reply.WriteProblemAsync(context, StatusCodes.Status409Conflict, FormattableString.Invariant(
                $"there are {feeds.Alerts.Count} alerts to revise, and room for {RecordLog.MaxRecords} records; nothing was revised"));
        return Reply.WriteJsonAsync(context, StatusCodes.Status200OK, new JsonObject { ["revised"] = count, ["total"] = feeds.Total });
    }

    private static int ReadCount(IQueryCollection query, List<FieldError> errors)
    {
        if (query["n"].ToString() is not { Length: > 0 } number)
            return 1;
        if (!int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var count) || count < 1)
            errors.Add(new FieldError("n", "out_of_range", "n must be a whole number, 1 or more"));
        return count;
    }

    private static void RefuseOthers(IQueryCollection query, string[] known, List<FieldError> errors)
    {
        foreach (var name in query.Keys.Where(k => !known.Contains(k)))
            errors.Add(new FieldError(name, "unknown", $"{name} is unknown; there is {string.Join(" and ", known)}"));
    }

    private async Task ChangeAsync(HttpContext context)
    {
        JsonDocument body;
        try
        {
            body = await JsonDocument.ParseAsync(context.Request.Body, default, context.RequestAborted);
        }
        catch (JsonException e)
        {
            await Reply.WriteProblemAsync(context, StatusCodes.Status400BadRequest, "the body is not JSON: " + e.Message);
            return;
        }
        catch (BadHttpRequestException e)
        {
            await Reply.WriteProblemAsync(context, e.StatusCode, e.Message);
            return;
        }

        var errors = new List<FieldError>();
        MockConfig changed;
        using (body)
        {
            // read, change, write as one: of two changes at once neither may undo the other
            lock (_changing)
            {
                changed = state.Config.With(body.RootElement, errors);
                if (errors.Count == 0)
                {
                    state.Config = changed;
                    drip.Set(changed.DripPerSecond);
                }
            }
        }

        if (errors.Count > 0)
            await Reply.WriteProblemAsync(context, StatusCodes.Status400BadRequest, "nothing was changed", errors);
        else
            await Reply.WriteJsonAsync(context, StatusCodes.Status200OK, changed.ToJson());
    }
}
