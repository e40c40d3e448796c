using System.Globalization;
using Microsoft.AspNetCore.Http;

namespace Tocsin.MockUpstream;

/// <summary>
/// The faults that are about the answer as a whole, not about its records: here those that take its place; what is wrong
/// with its bytes, their size, or the way they are sent stands beside.
/// </summary>
internal sealed class Misbehaviour(TimeProvider time)
{
    private const string SignIn = "<!doctype html><html><head><title>Sign in</title></head><body><form>Sign in to go on</form></body></html>";
    private readonly ConnectionFaults _connection = new(time);
    private int _refusals;

    /// <summary>Answers with the fault; false when there is none of these. Asks for the real answer once at most.</summary>
    internal async Task<bool> TryAsync(HttpContext context, MockConfig config, FaultDraw draw, Func<Answer> answer, CancellationToken ct)
    {
        switch (draw.Name)
        {
            case Fault.Http500:
                const string Failure = "{\"detail\": \"Internal server error (simulated).\"}";
                await Reply.WriteTextAsync(context, StatusCodes.Status500InternalServerError, Failure);
                return true;
            case Fault.Http429:
                context.Response.Headers.RetryAfter = RetryAfter();
                const string Throttled = "{\"detail\": \"Request was throttled (simulated).\"}";
                await Reply.WriteTextAsync(context, StatusCodes.Status429TooManyRequests, Throttled);
                return true;
            case Fault.Redirect:
                context.Response.Headers.Location = config.RedirectTo.AbsoluteUri;
                context.Response.StatusCode = StatusCodes.Status302Found;
                return true;
            case Fault.EmptyBody:
                await Reply.WriteTextAsync(context, StatusCodes.Status200OK, "");
                return true;
            case Fault.NoContent:
                context.Response.StatusCode = StatusCodes.Status204NoContent;
                return true;
            case Fault.Html200:
                await Reply.WriteTextAsync(context, StatusCodes.Status200OK, SignIn, "text/html; charset=utf-8");
                return true;
            case Fault.BigBody:
                await OversizedBody.SendBigAsync(context, ct);
                return true;
            case Fault.GzipBomb:
                await OversizedBody.SendBombAsync(context, ct);
                return true;
            case Fault.Malformed or Fault.WrongRoot or Fault.Nan or Fault.BadUtf8 or Fault.Bom or Fault.DeepJson or Fault.BadGzip:
                if (draw.Name == Fault.BadGzip)
                    context.Response.Headers.ContentEncoding = "gzip";
                await SpoiledBody.Of(answer(), draw).SendAsync(context, ct);
                return true;
            default:
                return await _connection.TryAsync(context, draw, answer, ct);
        }
    }

    private string RetryAfter()
    {
        if (Interlocked.Increment(ref _refusals) % 2 == 1)
            return "1";
        // the date has whole seconds: one second from now, cut, could be now
        return time.GetUtcNow().AddSeconds(2).ToString("R", CultureInfo.InvariantCulture);
    }
}
