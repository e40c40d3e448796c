using System.Globalization;
using Microsoft.AspNetCore.Http;

namespace Tocsin.Tests.Collect;

/// <summary>An upstream's alerts as a test makes them, served from <c>since</c> on in every style of paging.</summary>
internal sealed class PagedAlerts
{
    private readonly List<(string Id, DateTimeOffset Time, string Json)> _alerts = [];

    /// <summary>The most records of one answer, whatever is asked for.</summary>
    public int MaxPage { get; init; } = int.MaxValue;

    /// <summary>False: answers everything to each call, whatever page is asked for.</summary>
    public bool KnowsPages { get; init; } = true;

    /// <summary>Is asked before each answer; true when it answered itself.</summary>
    public Func<HttpContext, Task<bool>> Before { get; set; } = _ => Task.FromResult(false);

    public void Add(string id, DateTimeOffset time, string more = "") =>
        _alerts.Add((id, time, $$"""{"id":"{{id}}","at":"{{time.UtcDateTime:yyyy-MM-dd'T'HH:mm:ss.fff'Z'}}"{{more}}}"""));

    public void AddRaw(DateTimeOffset time, string json) => _alerts.Add(("", time, json));

    /// <summary>New ones before all others, as where the newest come first.</summary>
    public void Push(IReadOnlyList<string> ids, DateTimeOffset time)
    {
        foreach (var id in ids)
        {
            Add(id, time);
            _alerts.Insert(0, _alerts[^1]);
            _alerts.RemoveAt(_alerts.Count - 1);
        }
    }

    /// <summary>What an answer holds of an alert from now on.</summary>
    public void Replace(string id, string more)
    {
        var time = _alerts.First(alert => alert.Id == id).Time;
        _alerts.RemoveAll(alert => alert.Id == id);
        Add(id, time, more);
    }

    public async Task AnswerAsync(HttpContext context)
    {
        if (await Before(context))
            return;
        var query = context.Request.Query;
        var since = query["since"].ToString() is { Length: > 0 } text ? DateTimeOffset.Parse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal) : DateTimeOffset.MinValue;
        var all = _alerts.Where(alert => alert.Time >= since).Select(alert => alert.Json).ToList();
        var size = Math.Min(MaxPage, Number(query["limit"], int.MaxValue));
        var skip = context.Request.Path.Value switch
        {
            "/page" => (Number(query["page"], 1) - 1) * size,
            "/offset" => Number(query["offset"], 0),
            _ => Number(query["after"], 0),
        };
        if (!KnowsPages)
            (skip, size) = (0, int.MaxValue);
        var page = $"[{string.Join(',', all.Skip(skip).Take(size))}]";
        var more = all.Count - skip > size;
        var next = $"/{context.Request.Path.Value![1..]}?since={Uri.EscapeDataString(query["since"].ToString())}&limit={size}&after={skip + size}";
        switch (context.Request.Path.Value)
        {
            case "/link":
                context.Response.Headers.Link = more ? $"<{next}>; rel=\"next\", <{next}>; rel=\"last\"" : "</link>; rel=\"first\"";
                break;
            case "/cursor":
                page = $$"""{"items":{{page}},"next":{{(more ? $"\"{skip + size}\"" : "null")}}}""";
                break;
            case "/next_url":
                page = $$"""{"items":{{page}},"next":{{(more ? $"\"{next}\"" : "null")}}}""";
                break;
        }
        await StubUpstream.JsonAsync(context, page);
    }

    private static int Number(string? text, int unset) => string.IsNullOrEmpty(text) ? unset : int.Parse(text, CultureInfo.InvariantCulture);
}
