using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Tocsin.Tests.Engines;

namespace Tocsin.SystemTests;

/// <summary>Two nodes on one PostgreSQL: what is changed at one holds at the other within a second, and one source is polled by one of them. And an embedded journal that moves there.</summary>
public sealed class NodeTests : IAsyncLifetime
{
    /// <summary>More than the second that is promised: two nodes, PostgreSQL and the test share two cores.</summary>
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(5);
    private PostgresCluster _server = null!;
    private MockProcess _mock = null!;
    private string _connection = "";

    public async ValueTask InitializeAsync()
    {
        _server = await PostgresCluster.SharedAsync();
        _connection = await _server.CreateDatabaseAsync();
        _mock = await MockProcess.StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (_mock is not null)
            await _mock.DisposeAsync();
    }

    [Fact]
    public async Task What_is_changed_at_one_node_holds_at_the_other_within_a_second()
    {
        using var homeA = Home();
        using var homeB = Home();
        await using var a = await ServerProcess.StartAsync(homeA);
        await using var b = await ServerProcess.StartAsync(homeB);

        var made = await (await PostAsync(a, "/tokens", """{"name":"reader","scopes":["read"]}""", HttpStatusCode.Created)).Content.ReadFromJsonAsync<JsonElement>();
        using var reader = ServerProcess.Client(homeB.Url, made.GetProperty("token").GetString());
        await ShowsAsync("a token that was made", async () => (await reader.GetAsync("/events")).StatusCode == HttpStatusCode.OK);
        (await b.Http.DeleteAsync("/tokens/reader")).StatusCode.ShouldBe(HttpStatusCode.NoContent);
        using var readerAtA = ServerProcess.Client(homeA.Url, made.GetProperty("token").GetString());
        await ShowsAsync("a token that was revoked", async () => (await readerAtA.GetAsync("/events")).StatusCode == HttpStatusCode.Unauthorized);

        var signedIn = await PostAsync(a, "/session", $$"""{"token":"{{ServerHome.Token}}"}""", HttpStatusCode.OK);
        using var browser = ServerProcess.Client(homeB.Url, null);
        browser.DefaultRequestHeaders.Add("Cookie", signedIn.Headers.GetValues("Set-Cookie").First().Split(';')[0]);
        await ShowsAsync("a session", async () => (await browser.GetAsync("/events")).StatusCode == HttpStatusCode.OK);

        await PostAsync(b, "/config", """{"sync_interval_minutes":7}""", HttpStatusCode.OK);
        await ShowsAsync("the interval", async () => (await a.JsonAsync("/config")).GetProperty("sync_interval_minutes").GetInt32() == 7);

        await PostAsync(b, "/identities", """{"ip":"10.9.8.7","user_id":"4711"}""", HttpStatusCode.Created, HttpStatusCode.OK);
        await ShowsAsync("an assignment", async () => (await a.Http.GetStringAsync("/identities?ip=10.9.8.7")).Contains("4711", StringComparison.Ordinal));
        await PostAsync(a, "/identities", """{"ip":"10.9.8.7","user_id":"4712","from":"2026-01-01T00:00:00Z","to":"2026-02-01T00:00:00Z"}""", HttpStatusCode.Created, HttpStatusCode.OK);
        await ShowsAsync("the newer assignment beside it", async () => await b.Http.GetStringAsync("/identities?ip=10.9.8.7") is var both && both.Contains("4711", StringComparison.Ordinal) && both.Contains("4712", StringComparison.Ordinal));
    }

    [Fact]
    public async Task One_node_polls_a_sync_reaches_it_from_the_other_and_its_death_passes_the_source_on()
    {
        using var homeA = Home(new SourceYaml(_mock.Url) { Every = "10m" });
        using var homeB = Home(new SourceYaml(_mock.Url) { Every = "10m" });
        await using var a = await ServerProcess.StartAsync(homeA);
        await using var b = await ServerProcess.StartAsync(homeB);
        await Eventually.BeAsync("both show the source whole", TimeSpan.FromSeconds(20), async () => await IsWholeAsync(a) && await IsWholeAsync(b));
        string? holder = null;
        await Eventually.BeAsync("both say who polls", TimeSpan.FromSeconds(5), async () => (holder = await NodeAsync(a)) is not null && holder == await NodeAsync(b));
        var (polls, looks, home) = holder!.EndsWith($":{homeA.Port}", StringComparison.Ordinal) ? (a, b, homeA) : (b, a, homeB);
        var before = (await looks.JsonAsync("/stats?source=elevate&by=source")).GetProperty("total").GetInt64();

        await _mock.AddAsync(7);
        await PostAsync(looks, "/sync", "", HttpStatusCode.Accepted);
        await Eventually.BeAsync("what is new is there", TimeSpan.FromSeconds(5), async () => (await looks.JsonAsync("/stats?source=elevate&by=source")).GetProperty("total").GetInt64() == before + 7);
        (await looks.JsonAsync("/health")).GetProperty("nodes").GetArrayLength().ShouldBe(2);

        var killed = TimeProvider.System.GetTimestamp();
        await polls.Process.KillAsync();
        await Eventually.BeAsync("the other node polls", TimeSpan.FromSeconds(15), async () => await NodeAsync(looks) is { } now && now != holder);
        Figures.Print($"nodes: another polls {TimeProvider.System.GetElapsedTime(killed).TotalMilliseconds:F0} ms after kill -9 of the one that did");
        await using var again = await ServerProcess.StartAsync(home);
        await Eventually.BeAsync("the boards are equal", TimeSpan.FromSeconds(10), async () => await TagAsync(again) is { } tag && tag == await TagAsync(looks));
    }

    [Fact]
    public async Task An_embedded_journal_moves_to_PostgreSQL_with_everything_in_it_and_goes_on_there()
    {
        using var embedded = new ServerHome(new SourceYaml(_mock.Url));
        string secret;
        JsonElement board;
        await using (var service = await ServerProcess.StartAsync(embedded))
        {
            await Eventually.BeAsync("the source is whole", TimeSpan.FromSeconds(20), () => IsWholeAsync(service));
            secret = (await (await PostAsync(service, "/tokens", """{"name":"shop","scopes":["ingest","read"]}""", HttpStatusCode.Created)).Content.ReadFromJsonAsync<JsonElement>()).GetProperty("token").GetString()!;
            await PostAsync(service, "/event", """{"type":"x","external_id":"x-1"}""", HttpStatusCode.Created);
            await service.Http.PatchAsync("/sources/elevate", new StringContent("""{"enabled":false}""", Encoding.UTF8, "application/json"));
            board = await service.JsonAsync("/incidents");
        }
        var variables = new Dictionary<string, string> { ["TOCSIN_POSTGRES"] = _connection };
        var copied = await TocsinProcess.RunAsync(embedded.Folder, variables, "store", "copy", "--to", "postgres", "--data", embedded.Data);
        copied.Code.ShouldBe(0, copied.ToString());
        copied.Out.ShouldContain("read back and equal");
        copied.ToString().ShouldNotContain("secret");
        var again = await TocsinProcess.RunAsync(embedded.Folder, variables, "store", "copy", "--to", "postgres", "--data", embedded.Data);
        again.Code.ShouldBe(1, again.ToString());
        again.Err.ShouldContain("already");

        using var home = Home(new SourceYaml(_mock.Url));
        await using var moved = await ServerProcess.StartAsync(home);
        using var shop = ServerProcess.Client(home.Url, secret);
        (await shop.PostAsync("/event", new StringContent("""{"type":"x","external_id":"x-1","source":"shop"}""", Encoding.UTF8, "application/json"))).StatusCode.ShouldBe(HttpStatusCode.Created);
        (await PostAsync(moved, "/event", """{"type":"x","external_id":"x-1"}""", HttpStatusCode.OK)).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await moved.JsonAsync("/incidents")).GetRawText().ShouldBe(board.GetRawText());
        (await moved.JsonAsync("/sources/elevate")).GetProperty("enabled").GetBoolean().ShouldBeFalse();
    }

    private static Task ShowsAsync(string what, Func<Task<bool>> shows) => Eventually.BeAsync($"{what} shows at the other node", Soon, shows);

    private static async Task<bool> IsWholeAsync(ServerProcess service) =>
        (await service.JsonAsync("/sources/elevate")).GetProperty("last_success").ValueKind == JsonValueKind.String;

    private static async Task<string?> NodeAsync(ServerProcess service) => (await service.JsonAsync("/sources/elevate")).GetProperty("node").GetString();

    private static async Task<string?> TagAsync(ServerProcess service) => (await service.Http.GetAsync("/incidents")).Headers.ETag?.Tag;

    private static async Task<HttpResponseMessage> PostAsync(ServerProcess service, string path, string body, params HttpStatusCode[] expected)
    {
        var answer = await service.Http.PostAsync(path, new StringContent(body, Encoding.UTF8, "application/json"));
        expected.ShouldContain(answer.StatusCode, await answer.Content.ReadAsStringAsync());
        return answer;
    }

    private ServerHome Home(params SourceYaml[] sources) => new(sources)
    {
        More = new Dictionary<string, string> { ["TOCSIN__STORE__ENGINE"] = "postgres", ["TOCSIN__STORE__CONNECTION"] = _connection },
    };
}
