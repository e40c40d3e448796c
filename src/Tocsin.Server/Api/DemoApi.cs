using System.Net.Http.Headers;
using System.Net.Sockets;
using Tocsin.Access;
using Tocsin.Server.Api.Description;

namespace Tocsin.Server.Api;

/// <summary><c>/demo/mock/…</c>, in the demo only: what the mock upstream says, and how it is made to misbehave, for a page that may ask nobody but this server.</summary>
internal sealed class DemoApi(Uri mock) : IDisposable
{
    /// <summary>A page of the mock's ledger is 10,000 ids.</summary>
    private const long MaxAnswerBytes = 4 << 20;

    private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false, UseCookies = false })
    {
        BaseAddress = mock, Timeout = TimeSpan.FromSeconds(5), MaxResponseContentBufferSize = MaxAnswerBytes,
    };

    public void Map(IEndpointRouteBuilder routes)
    {
        Describe(routes.MapGet("/demo/mock/config", (Delegate)((HttpContext context) => RelayAsync(context, "config"))).Needs(Scope.Read), "getMockConfig", "What the mock does: rates of its faults, latency, drip");
        Describe(routes.MapPost("/demo/mock/config", (Delegate)((HttpContext context) => RelayAsync(context, "config"))).Needs(Scope.Operate), "setMockConfig", "Makes the mock misbehave, or behave again");
        Describe(routes.MapPost("/demo/mock/add", (Delegate)((HttpContext context) => RelayAsync(context, "add"))).Needs(Scope.Operate,
            new("n", "How many; 1 when left out", QueryValue.Text), new("type", "Of which feed; all in turn when left out", QueryValue.Text)), "addMockRecords", "Makes new records in the mock");
        Describe(routes.MapGet("/demo/mock/ledger", (Delegate)((HttpContext context) => RelayAsync(context, "ledger"))).Needs(Scope.Read,
            new("feed", "Only this feed", QueryValue.Text), new("ids", "true: the ids, too", QueryValue.Text), new("after", "Where the last page ended", QueryValue.Text), new("limit", "Ids in a page", QueryValue.Text)),
            "getMockLedger", "What the mock has ever served");
    }

    public void Dispose() => _http.Dispose();

    private static void Describe(RouteHandlerBuilder route, string name, string summary) =>
        route.Named(name, "Demo", summary).Gives<object>(200, "What the mock answers").Refuses(StatusCodes.Status502BadGateway, "The mock does not answer");

    private async Task<IResult> RelayAsync(HttpContext context, string path)
    {
        using var request = new HttpRequestMessage(new HttpMethod(context.Request.Method), path + context.Request.QueryString.Value);
        if (HttpMethods.IsPost(context.Request.Method))
        {
            request.Content = new StreamContent(context.Request.Body);
            request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        }
        try
        {
            using var answer = await _http.SendAsync(request, context.RequestAborted);
            context.Response.StatusCode = (int)answer.StatusCode;
            return Results.Bytes(await answer.Content.ReadAsByteArrayAsync(context.RequestAborted), answer.Content.Headers.ContentType?.ToString() ?? "application/json");
        }
        catch (Exception error) when (error is HttpRequestException or SocketException or TaskCanceledException && !context.RequestAborted.IsCancellationRequested)
        {
            return new Problem(StatusCodes.Status502BadGateway, "mock_unreachable", "The mock upstream does not answer.");
        }
    }
}
