using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace Tocsin.SystemTests.Kit;

/// <summary>A running <c>tocsin mock</c>.</summary>
internal sealed class MockProcess : IAsyncDisposable
{
    private static readonly TimeSpan ReadyDeadline = TimeSpan.FromSeconds(20);
    private readonly TempFolder _folder;
    private readonly HttpClient _http;

    private MockProcess(TempFolder folder, TocsinProcess process, string url)
    {
        (_folder, Process, Url) = (folder, process, url);
        _http = ServerProcess.Client(url, null);
        _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Basic", Convert.ToBase64String("tocsin:tocsin"u8));
    }

    public string Url { get; }

    public TocsinProcess Process { get; }

    public static async Task<MockProcess> StartAsync(params string[] args)
    {
        var port = Ports.Free();
        var folder = new TempFolder();
        var mock = new MockProcess(folder, TocsinProcess.Start(folder.Path, null, ["mock", "--port", port.ToString(), .. args]), $"http://127.0.0.1:{port}");
        try
        {
            await Eventually.BeAsync("the mock answers", ReadyDeadline, async () =>
            {
                mock.Process.HasExited.ShouldBeFalse(mock.Process.HasExited ? mock.Process.Shown() : null);
                using var answer = await mock._http.GetAsync("/config");
                return answer.IsSuccessStatusCode;
            });
            return mock;
        }
        catch
        {
            await mock.DisposeAsync();
            throw;
        }
    }

    /// <summary>Changes its configuration: faults and rates as JSON.</summary>
    public Task SetAsync(string config) => PostAsync("/config", config);

    /// <summary>The faults it has, by name.</summary>
    public async Task<string[]> FaultsAsync() =>
        [.. JsonElement.Parse(await _http.GetStringAsync("/config")).GetProperty("faults").EnumerateObject().Select(fault => fault.Name)];

    /// <summary>No faults, no drip, no latency.</summary>
    public async Task CalmAsync() => await SetAsync($$"""
        {"failure_rate":0,"latency_ms":0,"drip_per_second":0,"faults":{{{string.Join(',', (await FaultsAsync()).Select(fault => $"\"{fault}\":0"))}}} }
        """);

    /// <summary>Makes new records, dated now.</summary>
    public Task AddAsync(int count, string? type = null) => PostAsync($"/add?n={count}{(type is null ? "" : $"&type={type}")}", "");

    /// <summary>Makes newer versions of this many alerts.</summary>
    public Task ReviseAsync(int count) => PostAsync($"/revise?n={count}", "");

    /// <summary>Every alert it ever made: its id and its newest version.</summary>
    public async Task<Dictionary<string, int>> AlertsAsync()
    {
        var alerts = new Dictionary<string, int>(StringComparer.Ordinal);
        for (int? after = 0; after is not null;)
        {
            var page = JsonElement.Parse(await _http.GetStringAsync($"/ledger?feed=alerts&ids=true&after={after}&limit=10000"));
            foreach (var alert in page.GetProperty("ids").EnumerateObject())
                alerts.Add(alert.Name, alert.Value.GetInt32());
            after = page.GetProperty("next_after") is { ValueKind: JsonValueKind.Number } next ? next.GetInt32() : null;
        }
        return alerts;
    }

    /// <summary>How often it was asked for alerts.</summary>
    public async Task<long> AlertCallsAsync() => JsonElement.Parse(await _http.GetStringAsync("/ledger?feed=alerts")).GetProperty("calls").GetInt64();

    /// <summary>Who holds which address, as the mock says now (without faults).</summary>
    public async Task<Dictionary<string, string>> IdentitiesAsync() => Board.Identities(JsonElement.Parse(await _http.GetStringAsync("/identities/")));

    /// <summary>Every incident it ever made: its type and the record.</summary>
    public async Task<List<(string Type, JsonElement Record)>> LedgerAsync() =>
    [
        .. JsonElement.Parse(await _http.GetStringAsync("/ledger?full=true")).GetProperty("records").EnumerateObject()
            .Where(feed => feed.Name != "alerts").SelectMany(feed => feed.Value.EnumerateArray().Select(record => (feed.Name, record))),
    ];

    /// <summary>The board that its ledger and its identities of now must lead to.</summary>
    public async Task<List<Incident>> BoardAsync() => Board.Group(await LedgerAsync(), await IdentitiesAsync());

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await Process.DisposeAsync();
        _folder.Dispose();
    }

    private async Task PostAsync(string path, string json)
    {
        using var content = new StringContent(json, Encoding.UTF8, "application/json");
        using var answer = await _http.PostAsync(path, content);
        answer.IsSuccessStatusCode.ShouldBeTrue(await answer.Content.ReadAsStringAsync());
    }
}
