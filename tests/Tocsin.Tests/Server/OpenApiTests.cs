using System.IO.Compression;
using System.Text;
using System.Text.Json;
using Tocsin.Journal;
using Tocsin.Tests.Collect;

namespace Tocsin.Tests.Server;

/// <summary>What the API's description says is so: of itself, of which routes there are, and of each answer.</summary>
public sealed class OpenApiTests : IAsyncLifetime
{
    private const string Wrong = "o5Vw1Yq8Zr3Tb6Nc9Xd2Mf4L";

    /// <summary>Answers that take a sick store, a slow sender or a mistake of ours: other tests make them, and not of every operation.</summary>
    private static readonly string[] NotAsked = ["408", "500", "503"];

    private readonly TaskCompletionSource _gate = new();
    private StubUpstream _upstream = null!;
    private RunningServer _server = null!;
    private OpenApiCalls _api = null!;
    private JsonElement _document;
    private int _polls;

    public async ValueTask InitializeAsync()
    {
        _upstream = await StubUpstream.StartAsync(async context =>
        {
            // The first poll is answered, and the trial run; a later poll goes on until the test ends.
            if (Interlocked.Increment(ref _polls) > 2)
                await _gate.Task;
            await StubUpstream.JsonAsync(context, """[{"timestamp":1629254311.5,"priority":"high","user_id":"4501"},{"timestamp":"never"},{"timestamp":"nor this"}]""");
        });
        var source = SomeSource.Valid(SomeSource.Yaml("allow_private: true", "{ time: timestamp, priority: priority, user_id: user_id }")
            .Replace("https://incidents.example.com", _upstream.Url, StringComparison.Ordinal).Replace("requests:", "records: \".\"\nrequests:", StringComparison.Ordinal));
        _server = await RunningServer.StartAsync(journal:
        [
            new Append { Entries = [.. Enumerable.Range(1, 5).Select(i => Some.Event(userId: $"{4500 + i}", id: i) with { SrcIp = "10.0.0.1", Country = "DE" })] },
            new Append
            {
                Entries =
                [
                    Some.Event(userId: null, id: 99) with { Attribution = new Attribution(AttributionRule.Unresolved, null, "17.0.0.9") },
                    Some.Event("4501", Priority.None, "alert", "waf", kind: Tocsin.EventKind.Alert, data: """{"a":{"b":["c"]}}""", id: 100),
                ],
            },
        ], sources: source);
        await _server.AppendAsync(Some.Amendment(1, "4777"));
        _document = JsonElement.Parse(await _server.Client.GetStringAsync("/openapi/v1.json"));
        _api = new OpenApiCalls(_document);
        while (JsonElement.Parse(await _server.Client.GetStringAsync("/sources/example/syncs")).GetArrayLength() == 0)
            await Task.Yield();
    }

    public async ValueTask DisposeAsync()
    {
        _gate.TrySetResult();
        await _server.DisposeAsync();
        await _upstream.DisposeAsync();
    }

    [Fact]
    public void The_description_keeps_the_rules_of_OpenAPI_3_1() => new OpenApiRules(_document).Broken().ShouldBeEmpty();

    [Fact]
    public void It_describes_every_endpoint_but_its_own_and_no_other()
    {
        var endpoints = _server.Endpoints.Where(endpoint => !endpoint.RoutePattern.RawText!.Contains("openapi", StringComparison.Ordinal))
            .SelectMany(endpoint => endpoint.Metadata.GetMetadata<Microsoft.AspNetCore.Routing.HttpMethodMetadata>()!.HttpMethods
                .Where(method => method != "HEAD").Select(method => $"{method} /{endpoint.RoutePattern.RawText!.TrimStart('/')}"));
        _api.Operations.Select(operation => $"{operation.Method} {operation.Path}").ShouldBe(endpoints, ignoreOrder: true);
    }

    /// <summary>A push that is accepted and not stored yet needs a broker: RabbitQueueTests of the system tests see it.</summary>
    private static bool NeedsBroker(string operation, string status) => operation is "pushEvent" or "pushEvents" && status == "202";

    [Fact]
    public async Task Every_operation_answers_as_it_says()
    {
        await ReadAsync();
        await PushAsync();
        await OperateAsync();
        await TokensAsync();
        await SessionAsync();
        await RefuseAsync();
        var missing = _api.Operations.SelectMany(operation => operation.Element.GetProperty("responses").EnumerateObject()
            .Where(response => !NotAsked.Contains(response.Name) && !NeedsBroker(operation.Id, response.Name) && !_api.Seen.Contains((operation.Id, response.Name))).Select(response => $"{operation.Id} {response.Name}"));
        missing.ShouldBeEmpty("described, and not seen");
    }

    private async Task ReadAsync()
    {
        var id = Some.Id(2).ToString();
        await OkAsync("listPeople", "/people?user_id=4501&user_id=4502&q=a&limit=1");
        await _api.CallAsync(_server.Client, "listPeople", 304, "/people", null, ("If-None-Match", (await _server.GetAsync("/people")).Headers.ETag!.ToString()));
        await OkAsync("getBoard", "/incidents");
        var tag = (await _server.GetAsync("/incidents?limit=1")).Headers.ETag!.ToString();
        await OkAsync("getBoard", "/incidents?limit=1&per_priority=1&priority=high&kind=incident&since=-90000h&user_id=4502&user_id=4503&severity=low");
        await _api.CallAsync(_server.Client, "getBoard", 304, "/incidents?limit=1", null, ("If-None-Match", tag));
        await OkAsync("getEmployee", "/incidents/4502?type=intrusion&source=elevate");
        tag = (await _server.GetAsync("/incidents/4502")).Headers.ETag!.ToString();
        await _api.CallAsync(_server.Client, "getEmployee", 304, "/incidents/4502", null, ("If-None-Match", tag));
        await RefusedAsync("getEmployee", 404, "/incidents/nobody");
        foreach (var (list, path) in new[] { ("listEvents", "/events"), ("listAlerts", "/alerts") })
        {
            await OkAsync(list, path);
            await _api.CallAsync(_server.Client, list, 200, $"{path}?limit=100000", null, ("Accept", "application/x-ndjson"));
            await _api.CallAsync(_server.Client, list, 200, path, null, ("Accept", "text/csv"));
            await _api.CallAsync(_server.Client, list, 406, path, null, ("Accept", "image/png"));
            await RefusedAsync(list, 400, $"{path}?limit=0");
            await RefusedAsync(list, 400, $"{path}?cursor=nonsense");
        }
        await OkAsync("listEvents", "/events?limit=1&order=asc&order_by=sequence");
        await OkAsync("listEvents", $"/events?kind=incident&type=in.*&source=elevate&device=x&priority=high&country=DE&ip=10.0.0.0%2F8&src_ip=10.0.0.1&dst_ip=1.1.1.1&id={id}&external_id=1&hours=24&q=x");
        await OkAsync("listEvents", "/events?data.a.b[0]=c&time=1629254311.8207245&until=2026-01-01T00:00:00Z");
        await OkAsync("getEvent", $"/events/{id}");
        await OkAsync("getEvent", $"/events/{Some.Id(1)}");
        await RefusedAsync("getEvent", 404, $"/events/{Some.Id(1234)}");
        await OkAsync("getStats", "/stats");
        await OkAsync("getStats", "/stats?by=user_id&every=1h&limit=1&since=2021-08-18T00:00:00Z&until=2021-08-19T00:00:00Z");
        await OkAsync("getStats", "/stats?by=country&every=1h&since=2021-08-18T00:00:00Z&until=2021-08-19T00:00:00Z");
        await OkAsync("streamEvents", "/events/stream?last_event_id=0");
        await OkAsync("getMetrics", "/metrics");
        await OkAsync("getHealth", "/health");
        using var stranger = _server.Open(null);
        foreach (var (name, path) in new[] { ("getHealth", "/health"), ("isAlive", "/livez"), ("isReady", "/readyz") })
            await _api.CallAsync(stranger, name, 200, path);
        await OkAsync("listSources", "/sources");
        await OkAsync("getSource", "/sources/example");
        (await OkAsync("listSyncs", "/sources/example/syncs")).GetArrayLength().ShouldBe(1);
        (await OkAsync("listRejects", "/sources/example/rejects?limit=1")).GetArrayLength().ShouldBe(1);
        foreach (var (name, path) in new[] { ("getSource", "/sources/none"), ("listSyncs", "/sources/none/syncs"), ("listRejects", "/sources/none/rejects") })
            await RefusedAsync(name, 404, path);
    }

    private async Task PushAsync()
    {
        foreach (var (push, path) in new[] { ("pushEvent", "/event"), ("pushEvents", "/events") })
        {
            var key = ("Idempotency-Key", push);
            await SendAsync(push, 201, path, $$"""{"event_type":"x","id":{{path.Length}},"priority":3,"user":12,"device":null,"time":1769860800,"kind":null,"other":true}""");
            await SendAsync(push, 201, path, """{"type":"x"}""", headers: key);
            await SendAsync(push, 200, path, """{"type":"x"}""", headers: key);
            await SendAsync(push, 409, path, """{"type":"y"}""", headers: key);
            await SendAsync(push, 200, path, $$"""[{"type":"x","external_id":"{{push}}"},{"type":"x","severity":"low","data":[1]}]""");
            await SendAsync(push, 200, path, $"{{\"type\":\"x\",\"external_id\":\"{push}\"}}\n{{\"type\":1}}\n{{\n", "application/x-ndjson");
            var gzip = Gzip("""{"type":"zipped"}""");
            await _api.CallAsync(_server.Client, push, 201, path, gzip);
            await SendAsync(push, 400, path, "{");
            await SendAsync(push, 400, path, "{}", headers: ("Idempotency-Key", new string('k', 300)));
            await SendAsync(push, 403, path, """{"type":"x","source":"example"}""");
            await SendAsync(push, 413, path, $"[\"{new string('x', 11 << 20)}\"]");
            await SendAsync(push, 415, path, "{}", "text/plain");
            var packed = RunningServer.Body("{}"u8.ToArray(), "application/json");
            packed.Headers.ContentEncoding.Add("br");
            await _api.CallAsync(_server.Client, push, 415, path, packed);
            await SendAsync(push, 422, path, """{"user_id":"1"}""");
            await SendAsync(push, 422, path, "[]");
        }
    }

    private async Task OperateAsync()
    {
        await OkAsync("listHolders", "/identities?unresolved=true&limit=10");
        await SendAsync("assignAddress", 201, "/identities", """{"ip":"17.0.0.9","user_id":"4506","to":"2030-01-01T00:00:00Z"}""");
        (await OkAsync("listHolders", "/identities?ip=17.0.0.9&at=-1h")).GetArrayLength().ShouldBe(1);
        await RefusedAsync("listHolders", 400, "/identities");
        await SendAsync("assignAddress", 422, "/identities", "{}");
        await SendAsync("changeSource", 200, "/sources/example", """{"every":"5m"}""", method: HttpMethod.Patch);
        await SendAsync("changeSource", 200, "/sources/example", "{}", method: HttpMethod.Patch);
        await SendAsync("changeSource", 422, "/sources/example", """{"every":"soon"}""", method: HttpMethod.Patch);
        await SendAsync("changeSource", 404, "/sources/none", "{}", method: HttpMethod.Patch);
        await _api.CallAsync(_server.Client, "changeSource", 412, "/sources/example", RunningServer.Body("{}"u8.ToArray(), "application/json"), ("If-Match", "\"v0\""));
        await SendAsync("testSource", 200, "/sources/test", """{"name":"example"}""");
        await SendAsync("testSource", 404, "/sources/test", """{"name":"none"}""");
        await SendAsync("testSource", 422, "/sources/test", """{"file":"name: x"}""");
        await OkAsync("getConfig", "/config");
        await SendAsync("changeConfig", 200, "/config", """{"sync_interval_minutes":45}""");
        await SendAsync("changeConfig", 412, "/config", """{"sync_interval_minutes":45}""", headers: ("If-Match", "\"v0\""));
        await SendAsync("changeConfig", 422, "/config", """{"sync_interval_minutes":0}""");
        await OkAsync("getConfig", "/config");
        await _api.CallAsync(_server.Client, "resetConfig", 412, "/config", null, ("If-Match", "\"v0\""));
        await OkAsync("resetConfig", "/config");
        await _api.CallAsync(_server.Client, "sync", 202, "/sync");
        await Until.TrueAsync(() => Volatile.Read(ref _polls) > 2);
        await _api.CallAsync(_server.Client, "sync", 409, "/sync?source=example");
        await _api.CallAsync(_server.Client, "sync", 404, "/sync?source=none");
    }

    private async Task TokensAsync()
    {
        await SendAsync("createToken", 201, "/tokens", """{"name":"shop","scopes":["ingest","read"],"expires":"90d"}""");
        await SendAsync("createToken", 409, "/tokens", """{"name":"shop","scopes":["ingest"]}""");
        await SendAsync("createToken", 422, "/tokens", """{"name":"a b","scopes":["all"]}""");
        await OkAsync("listTokens", "/tokens");
        await OkAsync("getToken", "/tokens/shop");
        await RefusedAsync("getToken", 404, "/tokens/none");
        await _api.CallAsync(_server.Client, "revokeToken", 204, "/tokens/shop");
        await _api.CallAsync(_server.Client, "revokeToken", 404, "/tokens/shop");
        await _api.CallAsync(_server.Client, "revokeToken", 409, "/tokens/admin");
    }

    private async Task SessionAsync()
    {
        await SendAsync("signIn", 200, "/session", $$"""{"token":"{{RunningServer.Token}}"}""");
        await SendAsync("signIn", 403, "/session", $$"""{"token":"{{RunningServer.Token}}"}""", headers: ("Origin", "https://elsewhere.example"));
        await SendAsync("signIn", 422, "/session", """{"token":""}""");
        // Each from an address of its own, as below.
        using var guessing = _server.Open(null, from: "127.0.2.3");
        for (var i = 0; i <= Tocsin.Access.GuessThrottle.MaxGuesses; i++)
            await _api.CallAsync(guessing, "signIn", i < Tocsin.Access.GuessThrottle.MaxGuesses ? 401 : 429, "/session", RunningServer.Body(Encoding.UTF8.GetBytes($$"""{"token":"{{Wrong}}"}"""), "application/json"));
        using var browser = _server.Open(null);
        browser.DefaultRequestHeaders.Add("Cookie", await SessionApiTests.SignInAsync(_server, RunningServer.Token));
        await _api.CallAsync(browser, "getSession", 200, "/session");
        await OkAsync("getSession", "/session");
        foreach (var operation in _api.Operations.Where(operation => operation.Method != HttpMethod.Get && operation.Id != "signIn"))
            (await _api.CallAsync(browser, operation.Id, 403, JsonSchema.Pattern(@"\{[^}]+\}").Replace(operation.Path, "none"), Json(operation))).GetProperty("code").GetString().ShouldBe("csrf");
        await _api.CallAsync(browser, "signOut", 204, "/session", null, ("X-Tocsin-Session", "1"));
        await _api.CallAsync(browser, "getSession", 200, "/session");
        await _api.CallAsync(browser, "signOut", 204, "/session");
    }

    /// <summary>What every operation refuses alike: strangers, tokens that may not, guesses, names that are not known, bodies that are too large or no JSON.</summary>
    private async Task RefuseAsync()
    {
        using var ingest = await TokenAsync("ingest");
        using var metrics = await TokenAsync("metrics");
        using var guessing = _server.Open(Wrong, from: "127.0.2.2");
        for (var i = 0; i < Tocsin.Access.GuessThrottle.MaxGuesses; i++)
            (await guessing.GetAsync("/sources")).Dispose();
        var number = 0;
        foreach (var operation in _api.Operations)
        {
            var path = JsonSchema.Pattern(@"\{[^}]+\}").Replace(operation.Path, "none");
            await _api.CallAsync(_server.Client, operation.Id, 400, path + "?nonsense=1", Json(operation));
            if (operation.Element.GetProperty("security").GetArrayLength() > 0)
            {
                // Each from an address of its own: this one is not about guessing.
                using var stranger = _server.Open(Wrong, from: $"127.0.3.{++number}");
                await _api.CallAsync(stranger, operation.Id, 401, path, Json(operation));
                await _api.CallAsync(guessing, operation.Id, 429, path, Json(operation));
                await _api.CallAsync(operation.Id == "getMetrics" ? ingest : metrics, operation.Id, 403, path, Json(operation));
            }
            if (operation.Element.TryGetProperty("requestBody", out _) && operation.Path is not ("/event" or "/events"))
            {
                await SendAsync(operation.Id, 413, path, $"\"{new string('x', 70_000)}\"", method: operation.Method);
                await SendAsync(operation.Id, 415, path, "{}", "text/plain", operation.Method);
                await SendAsync(operation.Id, 400, path, "{", method: operation.Method);
            }
            // Another method is no operation of the path: it is refused, and as every refusal is.
            using var response = await _server.SendAsync(HttpMethod.Put, path);
            await RunningServer.ProblemAsync(response, 405);
        }
    }

    private async Task<HttpClient> TokenAsync(string scope)
    {
        var made = await SendAsync("createToken", 201, "/tokens", $$"""{"name":"only-{{scope}}","scopes":["{{scope}}"]}""");
        return _server.Open(made.GetProperty("token").GetString());
    }

    private static ByteArrayContent? Json(OpenApiOperation operation) =>
        operation.Element.TryGetProperty("requestBody", out _) ? RunningServer.Body("{}"u8.ToArray(), "application/json") : null;

    private Task<JsonElement> OkAsync(string operation, string path) => _api.CallAsync(_server.Client, operation, 200, path);

    private Task<JsonElement> RefusedAsync(string operation, int status, string path) => _api.CallAsync(_server.Client, operation, status, path);

    private Task<JsonElement> SendAsync(string operation, int status, string path, string body, string type = "application/json", HttpMethod? method = null, params (string Name, string Value)[] headers)
    {
        _api.Operations.Single(one => one.Id == operation).Method.ShouldBe(method ?? HttpMethod.Post);
        return _api.CallAsync(_server.Client, operation, status, path, RunningServer.Body(Encoding.UTF8.GetBytes(body), type), headers);
    }

    private static ByteArrayContent Gzip(string text)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest))
            gzip.Write(Encoding.UTF8.GetBytes(text));
        var body = RunningServer.Body(packed.ToArray(), "application/json");
        body.Headers.ContentEncoding.Add("gzip");
        return body;
    }
}
