using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Tocsin.MockUpstream;

namespace Tocsin.Tests.MockUpstream;

/// <summary>A mock on a free port with a clock that stands, and a client that has the password and follows nothing by itself.</summary>
internal sealed class RunningMock : IAsyncDisposable
{
    internal static readonly string[] Types = ["denial", "intrusion", "executable", "misuse", "unauthorized", "probing", "other"];

    private RunningMock(MockServer server, FakeTimeProvider time)
    {
        Server = server;
        Time = time;
        Client = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false }) { BaseAddress = server.BaseAddress };
        Client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Basic", Convert.ToBase64String("tocsin:tocsin"u8));
    }

    internal MockServer Server { get; }

    internal FakeTimeProvider Time { get; }

    internal HttpClient Client { get; }

    internal static async Task<RunningMock> StartAsync(Func<MockOptions, MockOptions>? with = null, FakeTimeProvider? time = null)
    {
        var options = new MockOptions { Urls = "http://127.0.0.1:0", PerType = 20, Employees = 50, Alerts = 20 };
        time ??= new FakeTimeProvider();
        return new RunningMock(await MockServer.StartAsync(with?.Invoke(options) ?? options, time, TestContext.Current.CancellationToken), time);
    }

    internal Task<HttpResponseMessage> GetAsync(string path, HttpCompletionOption until = HttpCompletionOption.ResponseContentRead) =>
        Client.GetAsync(path, until, TestContext.Current.CancellationToken);

    internal Task<string> TextAsync(string path) => Client.GetStringAsync(path, TestContext.Current.CancellationToken);

    internal async Task<JsonElement> JsonAsync(string path)
    {
        using var document = JsonDocument.Parse(await TextAsync(path));
        return document.RootElement.Clone();
    }

    /// <summary>The raw records of a feed, as they stand on the wire.</summary>
    internal async Task<string[]> RecordsAsync(string path)
    {
        var root = await JsonAsync(path);
        return [.. (root.ValueKind == JsonValueKind.Array ? root : root.GetProperty("results")).EnumerateArray().Select(r => r.GetRawText())];
    }

    internal async Task<(int Status, JsonElement Body)> PostAsync(string path, string json = "")
    {
        using var content = new StringContent(json, Encoding.UTF8, "application/json");
        using var response = await Client.PostAsync(path, content, TestContext.Current.CancellationToken);
        using var document = JsonDocument.Parse(await response.Content.ReadAsStringAsync());
        return ((int)response.StatusCode, document.RootElement.Clone());
    }

    internal async Task SetAsync(string config) => (await PostAsync("/config", config)).Status.ShouldBe(200);

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await Server.DisposeAsync();
    }
}
