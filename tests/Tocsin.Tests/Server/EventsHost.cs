using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Tocsin.Journal;
using Tocsin.Server.Api;

namespace Tocsin.Tests.Server;

/// <summary>Only the doors to events, over a real server, with a hand on the journal, its store and the clock.</summary>
internal sealed class EventsHost : IAsyncDisposable
{
    private readonly TempFolder _folder = new();
    private readonly WebApplication _web;
    private readonly EventExport _export;

    private EventsHost()
    {
        Store = new TestStore(_folder.Path);
        Journal = new EventJournal(Store, 10_000, NullLogger<EventJournal>.Instance);
        _export = new EventExport(Journal, (_, what) => RecordExport(what), Time, NullLogger<EventExport>.Instance);
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseUrls("http://127.0.0.1:0");
        builder.Services.AddRoutingCore().AddSingleton<Microsoft.Extensions.Logging.ILoggerFactory>(NullLoggerFactory.Instance).AddLogging();
        builder.Services.ConfigureHttpJsonOptions(json => ApiJson.Configure(json.SerializerOptions));
        _web = builder.Build();
        _web.UseMiddleware<ErrorMiddleware>();
        _web.UseHead();
        _web.UseRouting();
        new EventsApi(Journal, _export, Time).Map(_web);
        new StatsApi(Journal, Time).Map(_web);
    }

    public TestStore Store { get; }

    public EventJournal Journal { get; }

    public FakeTimeProvider Time { get; } = new();

    public HttpClient Client { get; private set; } = null!;

    /// <summary>What is told of an export.</summary>
    public Func<string, Task> RecordExport { get; set; } = _ => Task.CompletedTask;

    public static async Task<EventsHost> StartAsync(params Entry[] entries)
    {
        var host = new EventsHost();
        await host.AddAsync([.. entries.Where(entry => entry is SecurityEvent)]);
        await host.AddAsync([.. entries.Where(entry => entry is Amendment)]);
        await host._web.StartAsync();
        host.Client = new HttpClient { BaseAddress = new Uri(host._web.Urls.First()) };
        return host;
    }

    /// <summary>Amendments are for events of earlier calls.</summary>
    public async Task AddAsync(params Entry[] entries) =>
        (await Journal.AppendAsync(new Append { Entries = entries }, default)).Status.ShouldBe(AppendStatus.Committed);

    public async Task<HttpResponseMessage> GetAsync(string path, string? accept = null, HttpMethod? method = null)
    {
        using var request = new HttpRequestMessage(method ?? HttpMethod.Get, path);
        if (accept is not null)
            request.Headers.TryAddWithoutValidation("Accept", accept);
        return await Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
    }

    /// <summary>A page, and where the next one is.</summary>
    public async Task<(JsonElement[] Events, string? Next)> PageAsync(string path)
    {
        using var response = await GetAsync(path);
        var text = await response.Content.ReadAsStringAsync();
        ((int)response.StatusCode).ShouldBe(200, text);
        return ([.. JsonElement.Parse(text).EnumerateArray()], Next(response));
    }

    public static string? Next(HttpResponseMessage response) =>
        response.Headers.TryGetValues("Link", out var link) ? link.Single().Split('>')[0][1..] : null;

    public static long[] Sequences(IEnumerable<JsonElement> events) => [.. events.Select(e => e.GetProperty("sequence").GetInt64())];

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await _web.StopAsync();
        await _web.DisposeAsync();
        _export.Dispose();
        await Journal.DisposeAsync();
        _folder.Dispose();
    }
}
