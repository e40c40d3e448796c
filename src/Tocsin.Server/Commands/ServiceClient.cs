using System.CommandLine;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text.Json;
using Tocsin.Access;
using Tocsin.Server.Api;

namespace Tocsin.Server.Commands;

/// <summary>A call to the running service failed; says what to do, and the exit code.</summary>
internal sealed class ServiceException(string message, int exitCode) : Exception(message)
{
    public int ExitCode { get; } = exitCode;
}

/// <summary>Speaks to the running service: where and with what token is said by options, else by the environment, else by the data folder.</summary>
internal sealed class ServiceClient : IDisposable
{
    public static readonly Option<string?> Url = new("--url") { Description = "The service (default: TOCSIN_URL, else http://127.0.0.1:9000)", HelpName = "URL", Recursive = true };
    public static readonly Option<string> Data = new("--data") { Description = "The folder whose admin.token is used when TOCSIN_TOKEN is not set", DefaultValueFactory = _ => "./data", HelpName = "DIR", Recursive = true };

    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);
    private static readonly JsonSerializerOptions Lenient = new(JsonSerializerDefaults.Web);
    private readonly HttpClient _http;

    private ServiceClient(HttpClient http) => _http = http;

    /// <summary>Runs a command against the service; failures become a sentence on stderr and their exit code.</summary>
    public static async Task<int> RunAsync(ParseResult parsed, Func<ServiceClient, Task<int>> command)
    {
        var url = parsed.GetValue(Url) ?? Environment.GetEnvironmentVariable("TOCSIN_URL") ?? "http://127.0.0.1:9000";
        if (!Uri.TryCreate(url.TrimEnd('/') + "/", UriKind.Absolute, out var address) || address.Scheme is not ("http" or "https"))
            return Commands.ExitCode.Fail($"{url} is no http URL.", Commands.ExitCode.Usage);
        using var client = new ServiceClient(new HttpClient { BaseAddress = address, Timeout = Deadline });
        if (Token(parsed.GetValue(Data)!) is { } token)
            client._http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        try
        {
            return await command(client);
        }
        catch (ServiceException error)
        {
            return Commands.ExitCode.Fail(error.Message, error.ExitCode);
        }
        catch (Exception error) when (error is HttpRequestException or SocketException or TaskCanceledException)
        {
            return Commands.ExitCode.Fail($"No answer from {address}: is the service running? Say where with --url or TOCSIN_URL.", Commands.ExitCode.Unreachable);
        }
    }

    /// <summary>A JSON answer; statuses in <paramref name="alsoFine"/> count as answers too.</summary>
    public Task<(HttpStatusCode Status, JsonElement Body)> SendAsync(HttpMethod method, string path, params HttpStatusCode[] alsoFine) =>
        SendAsync(method, path, null, alsoFine);

    /// <summary>As above, with <paramref name="body"/> as JSON; an answer without a body has none.</summary>
    public async Task<(HttpStatusCode Status, JsonElement Body)> SendAsync(HttpMethod method, string path, object? body, params HttpStatusCode[] alsoFine)
    {
        using var request = new HttpRequestMessage(method, path) { Content = body is null ? null : JsonContent.Create(body, options: ApiJson.Options) };
        using var response = await _http.SendAsync(request);
        var text = await response.Content.ReadAsByteArrayAsync();
        return response.IsSuccessStatusCode || alsoFine.Contains(response.StatusCode)
            ? (response.StatusCode, text.Length == 0 ? default : JsonElement.Parse(text))
            : throw Refused(response.StatusCode, text);
    }

    /// <summary>An answer that is read as it comes, however long that takes: the deadline is for its beginning.</summary>
    public async Task<HttpResponseMessage> OpenAsync(string path, string accept)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Accept.ParseAdd(accept);
        var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        if (response.IsSuccessStatusCode)
            return response;
        using (response)
            throw Refused(response.StatusCode, await response.Content.ReadAsByteArrayAsync());
    }

    public void Dispose() => _http.Dispose();

    private static ServiceException Refused(HttpStatusCode status, byte[] text)
    {
        var problem = Parse(text);
        return new ServiceException(Sentence(problem) ?? $"The service answered {(int)status}.", status switch
        {
            HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden => Commands.ExitCode.NotAllowed,
            _ when problem?.Code == Problem.TooManyAttempts => Commands.ExitCode.NotAllowed,
            HttpStatusCode.BadRequest => Commands.ExitCode.Usage,
            _ => Commands.ExitCode.Failed,
        });
    }

    private static string? Token(string folder)
    {
        if (Environment.GetEnvironmentVariable("TOCSIN_TOKEN") is { Length: > 0 } token)
            return token;
        var file = Path.Combine(folder, AdminToken.FileName);
        return File.Exists(file) ? File.ReadAllText(file).Trim() : null;
    }

    private static Refusal? Parse(byte[] text)
    {
        try
        {
            return JsonSerializer.Deserialize<Refusal>(text, Lenient);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>What is wrong, and where.</summary>
    private static string? Sentence(Refusal? problem) =>
        problem?.Detail is null ? null : string.Join("\n  ", [problem.Detail, .. (problem.Errors ?? []).Select(error => $"{error.Pointer}: {error.Detail}")]);

    /// <summary>What is read of a problem+json.</summary>
    private sealed record Refusal(string? Detail, string? Code, IReadOnlyList<ProblemError>? Errors);
}
