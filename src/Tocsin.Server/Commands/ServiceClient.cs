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

    private const string TokenVariable = "TOCSIN_TOKEN";
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
        try
        {
            if (Token(Environment.GetEnvironmentVariable(TokenVariable), parsed.GetValue(Data)!) is { } token)
                client._http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
            return await command(client);
        }
        catch (ServiceException error)
        {
            return Commands.ExitCode.Fail(error.Message, error.ExitCode);
        }
        catch (Exception error) when (error is KeyNotFoundException or InvalidOperationException and not ObjectDisposedException)
        {
            // JSON, and not what this service answers: a member that is not there, or of another kind.
            return Commands.ExitCode.Fail(client.NoTocsin().Message, Commands.ExitCode.Unreachable);
        }
        catch (Exception error) when (error is HttpRequestException or SocketException or TaskCanceledException)
        {
            return Commands.ExitCode.Fail($"No answer from {address}: is the service running? Say where with --url or TOCSIN_URL.", Commands.ExitCode.Unreachable);
        }
    }

    /// <summary>A login page, a proxy, another service. As if nobody had answered: the service is somewhere else, and that is to be said.</summary>
    public ServiceException NoTocsin() => new($"What answers at {_http.BaseAddress} is no Tocsin: say where with --url or TOCSIN_URL.", Commands.ExitCode.Unreachable);

    /// <summary>A JSON answer; statuses in <paramref name="alsoFine"/> count as answers too, without a body where it is no JSON.</summary>
    public Task<(HttpStatusCode Status, JsonElement Body)> SendAsync(HttpMethod method, string path, params HttpStatusCode[] alsoFine) =>
        SendAsync(method, path, null, alsoFine);

    /// <summary>As above, with <paramref name="body"/> as JSON; an answer without a body has none.</summary>
    public async Task<(HttpStatusCode Status, JsonElement Body)> SendAsync(HttpMethod method, string path, object? body, params HttpStatusCode[] alsoFine)
    {
        using var request = new HttpRequestMessage(method, path) { Content = body is null ? null : JsonContent.Create(body, options: ApiJson.Options) };
        using var response = await _http.SendAsync(request);
        var text = await response.Content.ReadAsByteArrayAsync();
        if (response.IsSuccessStatusCode)
            return (response.StatusCode, text.Length == 0 ? default : Parse(text));
        return alsoFine.Contains(response.StatusCode)
            ? (response.StatusCode, TryParse(text))
            : throw Refused(response.StatusCode, TryParse(text));
    }

    /// <summary>An answer that is read as it comes, however long that takes: the deadline is for its beginning.</summary>
    public async Task<HttpResponseMessage> OpenAsync(string path, string accept)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Accept.ParseAdd(accept);
        var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        if (response.IsSuccessStatusCode && response.Content.Headers.ContentType?.MediaType == accept)
            return response;
        using (response)
            throw response.IsSuccessStatusCode ? NoTocsin() : Refused(response.StatusCode, TryParse(await response.Content.ReadAsByteArrayAsync()));
    }

    /// <summary>The JSON of an answer that went well.</summary>
    public JsonElement Parse(byte[] text) => TryParse(text) is { ValueKind: not JsonValueKind.Undefined } json ? json : throw NoTocsin();

    /// <summary>What a status says that is no answer, with the sentence of its problem+json where it has one.</summary>
    public static ServiceException Refused(HttpStatusCode status, JsonElement body)
    {
        var problem = ProblemOf(body);
        return new ServiceException(Sentence(problem) ?? $"The service answered {(int)status}.", status switch
        {
            HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden => Commands.ExitCode.NotAllowed,
            _ when problem?.Code == Problem.TooManyAttempts => Commands.ExitCode.NotAllowed,
            HttpStatusCode.BadRequest => Commands.ExitCode.Usage,
            _ => Commands.ExitCode.Failed,
        });
    }

    /// <summary>The token of the variable, else of the folder; null when neither has one. Without what an editor or a shell put around it.</summary>
    internal static string? Token(string? variable, string folder)
    {
        if (variable?.Trim() is { Length: > 0 } given)
            return Sendable(given, TokenVariable);
        var file = Path.Combine(folder, AdminToken.FileName);
        try
        {
            return File.Exists(file) && File.ReadAllText(file).Trim() is { Length: > 0 } kept ? Sendable(kept, file) : null;
        }
        catch (Exception error) when (error is UnauthorizedAccessException or IOException)
        {
            throw new ServiceException($"{file} cannot be read: run this as the user that the service runs as, or set {TokenVariable}.", Commands.ExitCode.NotAllowed);
        }
    }

    public void Dispose() => _http.Dispose();

    /// <summary>A header carries ASCII that can be seen, and spaces within.</summary>
    private static string Sendable(string token, string place) => token.All(c => c is >= ' ' and <= '~')
        ? token
        : throw new ServiceException($"What stands in {place} is no token, it holds a line break or a character beyond ASCII: set it to the token alone, as tocsin token create printed it.", Commands.ExitCode.NotAllowed);

    /// <summary>Undefined when it is no JSON.</summary>
    private static JsonElement TryParse(byte[] text)
    {
        try
        {
            return DeepJson.Parse(text);
        }
        catch (JsonException)
        {
            return default;
        }
    }

    private static Refusal? ProblemOf(JsonElement body)
    {
        try
        {
            return body.ValueKind == JsonValueKind.Object ? body.Deserialize<Refusal>(Lenient) : null;
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
