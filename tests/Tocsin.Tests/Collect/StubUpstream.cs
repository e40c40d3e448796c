using System.Collections.Concurrent;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;

namespace Tocsin.Tests.Collect;

/// <summary>A real server on a free port that answers as a test says, and remembers who asked for what.</summary>
internal sealed class StubUpstream : IAsyncDisposable
{
    private readonly WebApplication _app;

    private StubUpstream(WebApplication app) => _app = app;

    public string Url => _app.Urls.First();

    public int Port => new Uri(Url).Port;

    /// <summary>Each call's path with query, and its Authorization header.</summary>
    public ConcurrentQueue<(string Target, string? Authorization, IHeaderDictionary Headers)> Calls { get; } = [];

    public static Task<StubUpstream> StartAsync(Func<HttpContext, Task> answer) => StartAsync((context, _) => answer(context));

    public static async Task<StubUpstream> StartAsync(Func<HttpContext, StubUpstream, Task> answer)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        var stub = new StubUpstream(app);
        app.Run(context =>
        {
            var headers = new HeaderDictionary(context.Request.Headers.ToDictionary(StringComparer.OrdinalIgnoreCase));
            stub.Calls.Enqueue((context.Request.Path + context.Request.QueryString, context.Request.Headers.Authorization, headers));
            return answer(context, stub);
        });
        await app.StartAsync();
        return stub;
    }

    /// <summary>Answers 200 with a JSON text.</summary>
    public static Task JsonAsync(HttpContext context, string json)
    {
        context.Response.ContentType = "application/json";
        return context.Response.WriteAsync(json, context.RequestAborted);
    }

    /// <summary>Never answers; ends when the caller goes away.</summary>
    public static async Task HangAsync(HttpContext context)
    {
        var gone = new TaskCompletionSource();
        await using var registration = context.RequestAborted.Register(gone.SetResult);
        await gone.Task;
    }

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync(new CancellationToken(canceled: true));
        await _app.DisposeAsync();
    }
}
