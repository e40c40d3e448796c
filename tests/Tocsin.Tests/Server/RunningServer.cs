using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Tocsin.Collect;
using Tocsin.Engines.Sqlite;
using Tocsin.Journal;
using Tocsin.Server;
using Tocsin.Server.Configuration;

namespace Tocsin.Tests.Server;

/// <summary>The whole service on a free port, with a clock that stands, a token and a client that has it.</summary>
internal sealed class RunningServer : IAsyncDisposable
{
    public const string Token = "o5Vw1Yq8Zr3Tb6Nc9Xd2Mf4K";
    private readonly TempFolder _folder;
    private readonly Composition _composition;
    private readonly ServerOptions _options;
    private readonly SourceDefinition[] _sources;

    private RunningServer(TempFolder folder, Composition composition, ServerOptions options, SourceDefinition[] sources, FakeTimeProvider time)
    {
        (_folder, _composition, _options, _sources, Time) = (folder, composition, options, sources, time);
        Url = new Uri(composition.Addresses.First());
        Client = Open(Token);
    }

    public Uri Url { get; }

    public HttpClient Client { get; }

    /// <summary>The service's clock.</summary>
    public FakeTimeProvider Time { get; }

    /// <summary>Where metrics have a door of their own.</summary>
    public Uri? MetricsUrl => _composition.MetricsAddresses.Select(address => new Uri(address)).FirstOrDefault();

    public string Folder => _folder.Path;

    /// <summary>The code of the demo's sign-in link; null when this is no demo.</summary>
    public string? MakeSignInCode() => _composition.MakeSignInCode();

    /// <summary>What was kept, oldest first, to 10,000.</summary>
    public async Task<SecurityEvent[]> EventsAsync() =>
        [.. (await _composition.Journal.Store.ReadAsync(0, 10_000, default)).Select(entry => entry.Entry).OfType<SecurityEvent>()];

    /// <summary>Every endpoint that can be routed to.</summary>
    public IReadOnlyList<RouteEndpoint> Endpoints =>
        [.. _composition.Routes.SelectMany(source => source.Endpoints).OfType<RouteEndpoint>()];

    public static Task<RunningServer> StartAsync(bool anonymousRead = false, IReadOnlyList<Append>? journal = null, int queueCapacity = 100_000, params SourceDefinition[] sources) =>
        StartAsync(options => options with { AnonymousRead = anonymousRead, QueueCapacity = queueCapacity }, journal, sources);

    public static Task<RunningServer> StartAsync(Func<ServerOptions, ServerOptions> configure, IReadOnlyList<Append>? journal = null, params SourceDefinition[] sources) =>
        StartAsync(NullLoggerFactory.Instance, configure, journal, sources);

    public static async Task<RunningServer> StartAsync(
        ILoggerFactory logs, Func<ServerOptions, ServerOptions>? configure = null, IReadOnlyList<Append>? journal = null, params SourceDefinition[] sources)
    {
        var folder = new TempFolder();
        if (journal is not null)
            await using (var store = SqliteJournalStore.Open(folder.Path, TimeProvider.System))
                await store.CommitAsync(journal, default);
        var options = new ServerOptions { Data = folder.Path, Sources = folder.File("none"), Urls = ["http://127.0.0.1:0"] };
        return await StartAsync(folder, configure?.Invoke(options) ?? options, logs, sources);
    }

    /// <summary>Commits, as the stages do; gives the last sequence.</summary>
    public async Task<long> AppendAsync(params Entry[] entries) =>
        (await _composition.Journal.AppendAsync(new Append { Entries = entries }, default)).Entries[^1].Sequence;

    /// <summary>Stops the service and starts it anew on what it has kept, at the same time. This one is of no use then.</summary>
    public async Task<RunningServer> RestartAsync(ServerOptions? options = null)
    {
        Client.Dispose();
        await _composition.DisposeAsync();
        return await StartAsync(_folder, (options ?? _options) with { Data = _folder.Path }, NullLoggerFactory.Instance, _sources, Time);
    }

    /// <summary>Ends the service as a crash does: the new one has what was on disk at this moment. This one is of no use then.</summary>
    public async Task<RunningServer> CrashAsync()
    {
        var folder = new TempFolder();
        foreach (var file in Directory.GetFiles(_folder.Path, "journal.db*"))
            File.Copy(file, folder.File(Path.GetFileName(file)));
        await DisposeAsync();
        return await StartAsync(folder, _options with { Data = folder.Path }, NullLoggerFactory.Instance, _sources, Time);
    }

    private static async Task<RunningServer> StartAsync(TempFolder folder, ServerOptions options, ILoggerFactory logs, SourceDefinition[] sources, FakeTimeProvider? time = null)
    {
        time ??= new FakeTimeProvider();
        return new RunningServer(folder, await Composition.StartAsync(options, sources, Token, logs, time, default), options, sources, time);
    }

    /// <summary>A client with this token, that calls from <paramref name="from"/> (an address of the loopback network).</summary>
    public HttpClient Open(string? token, string? from = null)
    {
        var handler = new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false, Expect100ContinueTimeout = TimeSpan.FromSeconds(20) };
        if (from is not null)
            handler.ConnectCallback = async (context, cancellation) =>
            {
                var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                socket.Bind(new IPEndPoint(IPAddress.Parse(from), 0));
                await socket.ConnectAsync(context.DnsEndPoint.Host, context.DnsEndPoint.Port, cancellation);
                return new NetworkStream(socket, ownsSocket: true);
            };
        var client = new HttpClient(handler) { BaseAddress = Url };
        if (token is not null)
            client.DefaultRequestHeaders.TryAddWithoutValidation("Authorization", "Bearer " + token);
        return client;
    }

    public Task<HttpResponseMessage> GetAsync(string path, params (string Name, string Value)[] headers) => SendAsync(HttpMethod.Get, path, null, headers);

    public async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, HttpContent? body = null, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(method, path) { Content = body };
        foreach (var (name, value) in headers)
            request.Headers.TryAddWithoutValidation(name, value);
        return await Client.SendAsync(request);
    }

    public Task<HttpResponseMessage> PostAsync(string path, byte[] body, string contentType = "application/json") => SendAsync(HttpMethod.Post, path, Body(body, contentType));

    public Task<HttpResponseMessage> PostAsync(string path, string body, string contentType = "application/json") => PostAsync(path, Encoding.UTF8.GetBytes(body), contentType);

    public static ByteArrayContent Body(byte[] body, string contentType)
    {
        var content = new ByteArrayContent(body);
        content.Headers.ContentType = MediaTypeHeaderValue.Parse(contentType);
        return content;
    }

    /// <summary>Asserts that an answer is problem+json of this status, complete and without anything of the machine, and gives it.</summary>
    public static async Task<JsonElement> ProblemAsync(HttpResponseMessage response, int status)
    {
        var text = await response.Content.ReadAsStringAsync();
        ((int)response.StatusCode).ShouldBe(status, text);
        response.Content.Headers.ContentType.ShouldNotBeNull().ToString().ShouldBe("application/problem+json");
        var problem = JsonElement.Parse(text);
        foreach (var name in new[] { "type", "title", "detail", "code", "trace_id" })
            problem.GetProperty(name).GetString().ShouldNotBeNullOrEmpty(name);
        problem.GetProperty("status").GetInt32().ShouldBe(status);
        text.ShouldNotContain(" at Tocsin.");
        text.ShouldNotContain("Exception");
        text.ShouldNotContain("/tmp");
        return problem;
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await _composition.DisposeAsync();
        _folder.Dispose();
    }
}
