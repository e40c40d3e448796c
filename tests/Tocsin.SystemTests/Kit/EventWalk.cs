using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Tocsin.SystemTests.Kit;

/// <summary>Walks <c>/events</c>, or another list of events, page by page, by the Link to the next.</summary>
internal static partial class EventWalk
{
    public static async IAsyncEnumerable<JsonElement> AllAsync(ServerProcess server, string query, string list = "/events")
    {
        var path = $"{list}?{query}&limit=1000";
        while (path is not null)
        {
            using var answer = await server.Http.GetAsync(path);
            answer.StatusCode.ShouldBe(HttpStatusCode.OK, path);
            using var page = JsonDocument.Parse(await answer.Content.ReadAsByteArrayAsync(), new JsonDocumentOptions { MaxDepth = 128 });
            foreach (var e in page.RootElement.EnumerateArray())
                yield return e;
            path = answer.Headers.TryGetValues("Link", out var links) ? NextLink().Match(string.Join(',', links)).Groups["path"].Value : null;
        }
    }

    [GeneratedRegex("<(?<path>[^>]+)>; *rel=\"?next", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex NextLink();
}
