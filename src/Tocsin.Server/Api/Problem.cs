using System.Diagnostics;
using System.Text.Json;

namespace Tocsin.Server.Api;

/// <summary>One field or parameter at fault: where (a JSON pointer, or the parameter's name), and what is wrong with it.</summary>
internal sealed record ProblemError(string Pointer, string Code, string Detail);

/// <summary>An error answer: RFC 9457 <c>application/problem+json</c>. Its details never hold a stack, a statement or a path of the machine.</summary>
internal sealed record Problem(int Status, string Code, string Detail, IReadOnlyList<ProblemError>? Errors = null) : IResult
{
    /// <summary>The code of a refusal for guessing.</summary>
    public const string TooManyAttempts = "too_many_attempts";

    public static Problem NotFound(string detail) => new(StatusCodes.Status404NotFound, "not_found", detail);

    /// <summary>A query parameter that is not known or cannot be read.</summary>
    public static Problem Query(string name, string detail) =>
        new(StatusCodes.Status400BadRequest, "invalid_query", $"The query parameter {name} is not usable: {detail}", [new ProblemError(name, "invalid", detail)]);

    public Task ExecuteAsync(HttpContext context)
    {
        context.Items[typeof(Problem)] = this;
        var response = context.Response;
        response.StatusCode = Status;
        response.ContentType = "application/problem+json";
        response.Headers.CacheControl = "no-store";
        var body = new Dictionary<string, object?>
        {
            ["type"] = "about:blank",
            ["title"] = Microsoft.AspNetCore.WebUtilities.ReasonPhrases.GetReasonPhrase(Status),
            ["status"] = Status,
            ["detail"] = Detail,
            ["code"] = Code,
            ["trace_id"] = Activity.Current?.TraceId.ToString() ?? context.TraceIdentifier,
        };
        if (Errors is not null)
            body["errors"] = Errors;
        var bytes = JsonSerializer.SerializeToUtf8Bytes(body, ApiJson.Options);
        response.ContentLength = bytes.Length;
        return response.Body.WriteAsync(bytes, context.RequestAborted).AsTask();
    }
}
