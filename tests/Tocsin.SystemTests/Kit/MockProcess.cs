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

    /// <summary>No faults, no drip, no latency.</summary>
    public Task CalmAsync() => SetAsync("""
        {"failure_rate":0,"latency_ms":0,"drip_per_second":0,"http_500":0,"http_429":0,"timeout":0,"truncate":0,"malformed":0,"repeat":0,"out_of_order":0,
         "wrong_type":0,"redirect":0,"big_body":0,"gzip_bomb":0,"identity_gap":0}
        """);

    /// <summary>Makes new records, dated now.</summary>
    public Task AddAsync(int count, string? type = null) => PostAsync($"/add?n={count}{(type is null ? "" : $"&type={type}")}", "");

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
