using System.Net.Http.Headers;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace Tocsin.MockUpstream;

/// <summary>The upstreams' side: who asks, for what, after how long, and with which fault.</summary>
internal sealed class Upstream(Func<string, Feed?> find, MockState state, FaultDice dice, Misbehaviour misbehaviour, TimeProvider time)
{
    private const string Token = "tocsin";
    private static readonly string Credentials = Convert.ToBase64String(Encoding.UTF8.GetBytes("tocsin:tocsin"));

    internal async Task HandleAsync(HttpContext context)
    {
        if (!IsKnown(context.Request))
        {
            context.Response.Headers.WWWAuthenticate = "Basic realm=\"mock upstream\"";
            await Reply.WriteTextAsync(context, StatusCodes.Status401Unauthorized, "{\"detail\": \"Invalid username/password.\"}");
            return;
        }

        var path = context.Request.Path.Value ?? "/";
        var feed = find(path.TrimEnd('/'));
        if (feed is null)
        {
            await Reply.WriteTextAsync(context, StatusCodes.Status404NotFound, "{\"detail\": \"Not found.\"}");
            return;
        }

        if (!HttpMethods.IsGet(context.Request.Method))
        {
            context.Response.Headers.Allow = "GET";
            context.Response.StatusCode = StatusCodes.Status405MethodNotAllowed;
            return;
        }

        if (feed.SlashEnded && !path.EndsWith('/'))
        {
            context.Response.Headers.Location = path + "/" + context.Request.QueryString;
            context.Response.StatusCode = StatusCodes.Status301MovedPermanently;
            return;
        }

        await AnswerAsync(context, feed);
    }

    private async Task AnswerAsync(HttpContext context, Feed feed)
    {
        if (feed is AlertFeed)
            state.CountAlertCall();
        var config = state.Config;
        var draw = dice.Draw(config);
        using var gone = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, state.Stopping);
        try
        {
            if (config.Latency > TimeSpan.Zero)
                await Task.Delay(config.Latency, time, gone.Token);
            // asked after the delay: an answer is as new as the moment it leaves
            Answer Answer() => feed.Answer(new Ask(config, draw, $"{context.Request.Scheme}://{context.Request.Host}",
                context.Request.Path.Value ?? "/", context.Request.Query, time.GetUtcNow()));
            if (!await misbehaviour.TryAsync(context, config, draw, Answer, gone.Token))
                await Answer().SendAsync(context, gone.Token);
        }
        catch (OperationCanceledException) when (gone.IsCancellationRequested)
        {
            // nobody is there to read an answer
            context.Abort();
        }
    }

    /// <summary>The password by Basic, or by any scheme that has a token and no user, such as Bearer: others' recorded answers are asked for so.</summary>
    private static bool IsKnown(HttpRequest request) =>
        AuthenticationHeaderValue.TryParse(request.Headers.Authorization, out var header)
        && header.Parameter == (header.Scheme.Equals("Basic", StringComparison.OrdinalIgnoreCase) ? Credentials : Token);
}

/// <summary>What calls share: the configuration of the moment, and the end of the server.</summary>
internal sealed class MockState(MockConfig config, CancellationToken stopping)
{
    private volatile MockConfig _config = config;
    private long _alertCalls;

    /// <summary>Calls for alerts so far, answered or not.</summary>
    internal long AlertCalls => Interlocked.Read(ref _alertCalls);

    internal void CountAlertCall() => Interlocked.Increment(ref _alertCalls);

    /// <summary>Replaced as a whole, so that a call sees one state of it.</summary>
    internal MockConfig Config
    {
        get => _config;
        set => _config = value;
    }

    internal CancellationToken Stopping { get; } = stopping;
}
