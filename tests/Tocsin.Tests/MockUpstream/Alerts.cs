using System.Text.Json;

namespace Tocsin.Tests.MockUpstream;

/// <summary>Reads alerts of both formats, and walks through their pages in each of the styles.</summary>
internal static class Alerts
{
    /// <summary>The most pages a walk may take; more is a walk that does not end.</summary>
    private const int MaxPages = 200;

    internal static bool IsStandard(JsonElement alert) => alert.TryGetProperty("id", out _);

    /// <summary>Null where there is none that is text.</summary>
    internal static string? Id(JsonElement alert) =>
        (alert.TryGetProperty("id", out var id) || alert.TryGetProperty("alertId", out id)) && id.ValueKind == JsonValueKind.String ? id.GetString() : null;

    internal static string Created(JsonElement alert) => alert.GetProperty(IsStandard(alert) ? "created_at" : "timestamp").GetString()!;

    internal static async Task<List<JsonElement>> AlertsAsync(this RunningMock mock, string query = "") =>
        [.. (await mock.JsonAsync("/alerts" + query)).EnumerateArray()];

    /// <summary>All records from the first page to the last, as they stand on the wire; after each page something may happen.</summary>
    internal static async Task<List<string>> WalkAsync(this RunningMock mock, string style, string query, Func<Task>? meanwhile = null)
    {
        var records = new List<string>();
        var next = style is "page" or "offset" ? NumberedUrl(style, query, 0, 0) : $"/alerts/{style}?{query}";
        for (var pages = 1; next is not null; pages++)
        {
            pages.ShouldBeLessThan(MaxPages);
            using var response = await mock.GetAsync(next);
            response.IsSuccessStatusCode.ShouldBeTrue();
            using var document = JsonDocument.Parse(await response.Content.ReadAsStringAsync());
            var root = document.RootElement;
            var items = root.ValueKind == JsonValueKind.Array ? root : root.GetProperty("items");
            records.AddRange(items.EnumerateArray().Select(i => i.GetRawText()));
            next = style switch
            {
                "cursor" => root.GetProperty("next_cursor").GetString() is { } cursor ? $"/alerts/cursor?{query}&cursor={cursor}" : null,
                "next_url" => root.GetProperty("next").GetString(),
                "link" => NextLink(response),
                _ => items.GetArrayLength() > 0 ? NumberedUrl(style, query, pages, records.Count) : null,
            };
            if (meanwhile is not null)
                await meanwhile();
        }

        return records;
    }

    internal static string? NextLink(HttpResponseMessage response)
    {
        if (!response.Headers.TryGetValues("Link", out var links))
            return null;
        var link = links.Single();
        link.ShouldStartWith("<");
        link.ShouldEndWith(">; rel=\"next\"");
        return link[1..link.IndexOf('>', StringComparison.Ordinal)];
    }

    private static string NumberedUrl(string style, string query, int pages, int records) =>
        style == "page" ? $"/alerts?{query}&page={pages + 1}" : $"/alerts?{query}&offset={records}";
}
