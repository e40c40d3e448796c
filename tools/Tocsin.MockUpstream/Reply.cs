using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;

namespace Tocsin.MockUpstream;

/// <summary>Small answers, each with its length.</summary>
internal static class Reply
{
    internal static Task WriteTextAsync(HttpContext context, int status, string text, string contentType = "application/json")
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        context.Response.StatusCode = status;
        context.Response.ContentType = contentType;
        context.Response.ContentLength = bytes.Length;
        return context.Response.Body.WriteAsync(bytes, context.RequestAborted).AsTask();
    }

    internal static Task WriteJsonAsync(HttpContext context, int status, JsonObject json) =>
        WriteTextAsync(context, status, json.ToJsonString());

    internal static Task WriteNotAllowedAsync(HttpContext context, string allowed)
    {
        context.Response.Headers.Allow = allowed;
        return WriteProblemAsync(context, StatusCodes.Status405MethodNotAllowed, $"only {allowed}");
    }

    internal static Task WriteProblemAsync(HttpContext context, int status, string detail, List<FieldError>? errors = null)
    {
        // The names stand in the detail too: whoever reads only that must see what to mend.
        var details = errors is null ? detail : $"{string.Join("; ", errors.Select(e => e.Detail))}; {detail}";
        var problem = new JsonObject
        {
            ["type"] = "about:blank",
            ["title"] = ReasonPhrases.GetReasonPhrase(status),
            ["status"] = status,
            ["detail"] = details,
        };
        if (errors is not null)
        {
            problem["errors"] = new JsonArray([.. errors.Select(e => new JsonObject
            {
                ["pointer"] = e.Pointer,
                ["code"] = e.Code,
                ["detail"] = e.Detail,
            })]);
        }

        return WriteTextAsync(context, status, problem.ToJsonString(), "application/problem+json");
    }
}
