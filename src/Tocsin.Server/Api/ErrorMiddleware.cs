using Tocsin.Journal;

namespace Tocsin.Server.Api;

/// <summary>The one place where what went wrong becomes an answer: problem+json for every error, also those of the framework.</summary>
internal sealed partial class ErrorMiddleware(RequestDelegate next, ILogger<ErrorMiddleware> logger)
{
    public async Task InvokeAsync(HttpContext context)
    {
        Problem? problem;
        try
        {
            await next(context);
            problem = context.Response.HasStarted || context.Response.ContentLength is not null || context.Response.ContentType is not null
                ? null
                : ForStatus(context.Response.StatusCode);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            return;
        }
        catch (BadHttpRequestException error)
        {
            problem = error.StatusCode == StatusCodes.Status413PayloadTooLarge
                ? ForStatus(error.StatusCode)
                : new Problem(error.StatusCode, "bad_request", error.InnerException is System.Text.Json.JsonException json ? Sentence(json) : "The request cannot be read.");
        }
        catch (Exception error) when (IsUnreadable(error) && !context.Response.HasStarted)
        {
            context.Response.Headers.Connection = "close";
            problem = new Problem(StatusCodes.Status400BadRequest, "bad_request", "The request cannot be read.");
        }
        catch (JournalUnavailableException)
        {
            context.Response.Headers.RetryAfter = "5";
            problem = new Problem(StatusCodes.Status503ServiceUnavailable, "store_unavailable", "The store cannot answer now; it may soon.");
        }
        catch (QueueUnavailableException error)
        {
            context.Response.Headers.RetryAfter = "5";
            problem = new Problem(StatusCodes.Status503ServiceUnavailable, error.IsFull ? "queue_full" : "queue_unavailable",
                $"The request is not known to be kept: {error.Message}. Send it again in a few seconds, under an external_id or an Idempotency-Key, so that it is stored once.");
        }
        catch (Exception error) when (!context.Response.HasStarted)
        {
            Log.Failed(logger, context.Request.Method, error);
            problem = new Problem(StatusCodes.Status500InternalServerError, "internal", "Something went wrong here; the log says more under this trace_id.");
        }
        if (problem is not null && !context.Response.HasStarted)
            await problem.ExecuteAsync(context);
    }

    /// <summary>Not all that a sender can break in chunks and trailers is told as a bad request: chunks too long to count, trailers with control characters.</summary>
    private static bool IsUnreadable(Exception error) =>
        error is IOException or InvalidOperationException && error.Source == "Microsoft.AspNetCore.Server.Kestrel.Core";

    private static Problem? ForStatus(int status) => status switch
    {
        < 400 => null,
        404 => Problem.NotFound("There is nothing at this path. GET /docs lists what there is."),
        405 => new Problem(status, "method_not_allowed", "This path does not take that method; Allow says which."),
        413 => new Problem(status, "too_large", "The body is larger than this route takes."),
        415 => new Problem(status, "unsupported_media_type", "Send application/json."),
        _ => new Problem(status, "error", "The request was refused."),
    };

    private static string Sentence(System.Text.Json.JsonException error) =>
        $"The body is not the JSON this route takes (at {error.Path ?? "$"}, line {error.LineNumber + 1}).";

    private static partial class Log
    {
        [LoggerMessage(100, LogLevel.Error, "{Method} failed")]
        public static partial void Failed(ILogger logger, string method, Exception error);
    }
}
