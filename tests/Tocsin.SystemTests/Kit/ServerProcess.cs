using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace Tocsin.SystemTests.Kit;

/// <summary>Where a service lives: its data folder, its port and its sources. It outlives the processes that are started on it.</summary>
internal sealed class ServerHome : IDisposable
{
    /// <summary>The admin token of every service here.</summary>
    public const string Token = "kJ8-vW2m_QpZ5rT9xLc3NfY7bHs4";

    private readonly TempFolder _folder = new();

    public ServerHome(params SourceYaml[] sources)
    {
        foreach (var source in sources)
            _folder.Write($"data/sources/{source.Name}.yaml", source.ToString());
    }

    /// <summary>Gives it one more source.</summary>
    public ServerHome With(AlertYaml source)
    {
        _folder.Write($"data/sources/{source.Name}.yaml", source.ToString());
        return this;
    }

    public int Port { get; } = Ports.Free();

    public string Folder => _folder.Path;

    public string Data => _folder.File("data");

    public string Url => $"http://127.0.0.1:{Port}";

    /// <summary>Variables that its source files name, beside those that every service here has.</summary>
    public IReadOnlyDictionary<string, string> More { get; init; } = new Dictionary<string, string>();

    public IReadOnlyDictionary<string, string> Environment => new Dictionary<string, string>(More)
    {
        ["TOCSIN_ADMIN_TOKEN"] = Token,
        ["MOCK_USER"] = "tocsin",
        ["MOCK_PASSWORD"] = "tocsin",
    };

    public void Dispose() => _folder.Dispose();
}

/// <summary>A running <c>tocsin serve</c>, and a client that has its token.</summary>
internal sealed class ServerProcess : IAsyncDisposable
{
    private static readonly TimeSpan ReadyDeadline = TimeSpan.FromSeconds(20);

    private ServerProcess(ServerHome home, TocsinProcess process)
    {
        (Home, Process) = (home, process);
        Http = Client(home.Url, ServerHome.Token);
    }

    public ServerHome Home { get; }

    public TocsinProcess Process { get; }

    public HttpClient Http { get; }

    /// <summary>A client that follows, inflates and remembers nothing by itself.</summary>
    public static HttpClient Client(string url, string? token)
    {
        var http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, AutomaticDecompression = DecompressionMethods.None, UseProxy = false, UseCookies = false, Expect100ContinueTimeout = TimeSpan.FromSeconds(20) })
        {
            BaseAddress = new Uri(url),
            Timeout = TimeSpan.FromSeconds(20),
        };
        if (token is not null)
            http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        return http;
    }

    /// <summary>Starts it without waiting for anything.</summary>
    public static ServerProcess Launch(ServerHome home, params string[] front) =>
        new(home, TocsinProcess.StartUnder(front, home.Folder, home.Environment, "serve", "--data", home.Data, "--port", home.Port.ToString()));

    /// <summary>Starts it and waits until it is ready.</summary>
    public static async Task<ServerProcess> StartAsync(ServerHome home, params string[] front)
    {
        var server = Launch(home, front);
        try
        {
            await server.ReadyAsync();
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    public Task ReadyAsync() => Eventually.BeAsync("the service is ready", ReadyDeadline, async () =>
    {
        Process.HasExited.ShouldBeFalse(Process.HasExited ? Process.Shown() : null);
        using var answer = await Http.GetAsync("/readyz");
        return answer.StatusCode == HttpStatusCode.OK;
    }, Process.Shown);

    /// <summary>The board, with its headers.</summary>
    public async Task<BoardReply> BoardAsync(string query = "")
    {
        using var answer = await Http.GetAsync("/incidents" + query);
        return await BoardReply.ReadAsync(answer);
    }

    /// <summary>Waits until every source has finished once.</summary>
    public Task<BoardReply> CompleteAsync(TimeSpan? deadline = null) => Eventually.SeeAsync("every source has finished once", deadline ?? TimeSpan.FromSeconds(20),
        async () => await BoardAsync() is { Incomplete: null } board ? board : null, Process.Shown);

    /// <summary>Waits until the board is exactly this.</summary>
    public async Task<BoardReply> ShowsAsync(IReadOnlyList<Incident> expected, TimeSpan deadline)
    {
        BoardReply? last = null;
        await Eventually.BeAsync("the board shows what is expected", deadline, async () =>
        {
            last = await BoardAsync();
            return last.Status == HttpStatusCode.OK && Board.Difference(expected, last.Incidents()) is null;
        }, () => last is null ? "no answer" : $"{Board.Difference(expected, last.Incidents())}\n{Process.Shown()}");
        return last!;
    }

    public async Task<JsonElement> JsonAsync(string path)
    {
        using var answer = await Http.GetAsync(path);
        var text = await answer.Content.ReadAsStringAsync();
        answer.StatusCode.ShouldBe(HttpStatusCode.OK, text);
        return JsonElement.Parse(text);
    }

    public Task<JsonElement> SourceAsync(string name = "elevate") => JsonAsync($"/sources/{name}");

    public async Task<(HttpStatusCode Status, JsonElement Body)> PostAsync(string path, string json)
    {
        using var content = new StringContent(json, Encoding.UTF8, "application/json");
        using var answer = await Http.PostAsync(path, content);
        return (answer.StatusCode, JsonElement.Parse(await answer.Content.ReadAsStringAsync()));
    }

    public Task KillAsync() => Process.KillAsync();

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await Process.DisposeAsync();
    }
}

/// <summary>An answer of <c>/incidents</c>.</summary>
internal sealed record BoardReply(HttpStatusCode Status, long Sequence, string? AsOf, string? Incomplete, string? ETag, string? Link, byte[] Body)
{
    public JsonElement Json => JsonElement.Parse(Body);

    /// <summary>The incidents in the answer's order, its form checked.</summary>
    public List<Incident> Incidents(bool cut = false) => Board.Read(Json, cut);

    public static async Task<BoardReply> ReadAsync(HttpResponseMessage answer)
    {
        string? Header(string name) => answer.Headers.TryGetValues(name, out var values) ? string.Join('|', values) : null;

        return new BoardReply(
            answer.StatusCode, long.Parse(Header("Tocsin-Sequence") ?? "-1"), Header("Tocsin-As-Of"), Header("Tocsin-Incomplete"),
            Header("ETag"), Header("Link"), await answer.Content.ReadAsByteArrayAsync());
    }
}
