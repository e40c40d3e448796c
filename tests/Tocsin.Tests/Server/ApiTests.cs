using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Tocsin.Collect;
using Tocsin.Journal;
using Tocsin.Server.Api;
using Tocsin.Tests.Collect;

namespace Tocsin.Tests.Server;

public sealed class ApiFixture : IAsyncLifetime
{
    internal RunningServer Server { get; private set; } = null!;

    public async ValueTask InitializeAsync() => Server = await RunningServer.StartAsync(journal:
    [
        new Append { Entries = [.. Enumerable.Range(1, 30).Select(i => Some.Event(userId: $"{4500 + i}", id: i))] },
        new Append { Entries = [Some.Event(userId: null, id: 99) with { Attribution = new Attribution(AttributionRule.Unresolved, null, "17.0.0.9") }] },
    ]);

    public async ValueTask DisposeAsync() => await Server.DisposeAsync();
}

/// <summary>The doors as a stranger tries them, through the whole service.</summary>
public sealed partial class ApiTests(ApiFixture fixture) : IClassFixture<ApiFixture>
{
    private readonly RunningServer _server = fixture.Server;

    [Fact]
    public void Every_route_says_who_may_and_which_query_it_takes()
    {
        _server.Endpoints.Count.ShouldBeGreaterThan(10);
        foreach (var endpoint in _server.Endpoints)
            endpoint.Metadata.GetMetadata<RouteRules>().ShouldNotBeNull(endpoint.RoutePattern.RawText);
    }

    [Fact]
    public async Task Every_route_that_needs_a_scope_is_closed_to_strangers_and_to_wrong_tokens()
    {
        using var stranger = _server.Open(null);
        var number = 0;
        foreach (var (method, path, rules) in Routes().Where(route => route.Rules.Scope != Tocsin.Access.Scope.None))
        {
            // Each from an address of its own: this is not about guessing.
            using var wrong = _server.Open("o5Vw1Yq8Zr3Tb6Nc9Xd2Mf4L", from: $"127.0.1.{++number}");
            foreach (var client in new[] { stranger, wrong })
            {
                using var request = new HttpRequestMessage(method, path);
                if (method != HttpMethod.Get)
                    request.Content = RunningServer.Body("{}"u8.ToArray(), "application/json");
                using var response = await client.SendAsync(request);
                await RunningServer.ProblemAsync(response, 401);
                response.Headers.WwwAuthenticate.ToString().ShouldContain("Bearer");
            }
        }
    }

    [Fact]
    public async Task An_empty_authorization_header_is_none_and_not_a_lack_of_scope()
    {
        var raw = await RawAsync("GET /sources HTTP/1.1\r\nHost: x\r\nAuthorization:\r\nConnection: close\r\n\r\n");
        raw.ShouldStartWith("HTTP/1.1 401");
        raw.ShouldContain("WWW-Authenticate: Bearer");
    }

    [Fact]
    public async Task Two_authorization_headers_are_not_the_one_that_is_right()
    {
        var raw = await RawAsync($"GET /sources HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {RunningServer.Token}\r\nAuthorization: Bearer wrong\r\nConnection: close\r\n\r\n");
        raw.ShouldStartWith("HTTP/1.1 401");
    }

    [Fact]
    public async Task A_query_name_that_is_not_known_is_refused_and_named_on_every_route()
    {
        foreach (var (method, path, _) in Routes())
        {
            using var response = await _server.SendAsync(method, path + "?nonsense=1", method == HttpMethod.Get ? null : RunningServer.Body("{}"u8.ToArray(), "application/json"));
            var problem = await RunningServer.ProblemAsync(response, 400);
            problem.GetProperty("detail").GetString().ShouldNotBeNull().ShouldContain("nonsense");
            problem.GetProperty("errors")[0].GetProperty("pointer").GetString().ShouldBe("nonsense");
        }
    }

    [Fact]
    public async Task A_wrong_method_is_405_and_says_which_it_takes()
    {
        foreach (var (path, own) in Routes().GroupBy(route => route.Path).Select(group => (group.Key, group.Select(route => route.Method.Method).ToArray())))
        {
            // There may be a source of this name.
            string[] methods = path == "/sources/test" ? ["GET", "PATCH", .. own] : own;
            foreach (var method in new[] { "POST", "PUT", "DELETE", "PATCH", "BREW" }.Except(methods, StringComparer.Ordinal))
            {
                using var response = await _server.SendAsync(new HttpMethod(method), path);
                await RunningServer.ProblemAsync(response, 405);
                response.Content.Headers.Allow.ShouldBe(methods, ignoreOrder: true, customMessage: path);
            }
        }
    }

    [Fact]
    public async Task HEAD_answers_as_GET_does_without_the_body()
    {
        foreach (var (_, path, _) in Routes().Where(route => route.Method == HttpMethod.Get && !route.Path.Contains("openapi", StringComparison.Ordinal) && route.Path != "/events/stream"))
        {
            using var get = await _server.GetAsync(path);
            using var head = await _server.SendAsync(HttpMethod.Head, path);
            head.StatusCode.ShouldBe(get.StatusCode, path);
            head.Content.Headers.ContentType.ShouldBe(get.Content.Headers.ContentType, path);
            (await head.Content.ReadAsByteArrayAsync()).ShouldBeEmpty();
            if (get.Headers.ETag is { } tag)
                head.Headers.ETag.ShouldBe(tag);
        }
    }

    [Theory]
    [InlineData("/nowhere")]
    [InlineData("/sources/none")]
    [InlineData("/sources/none/syncs")]
    [InlineData("/sources/none/rejects")]
    [InlineData("/incidents/nobody")]
    [InlineData("/incidents/%2e%2e%2f")]
    [InlineData("/../../etc/passwd")]
    public async Task What_is_not_there_is_a_404_problem(string path) => await RunningServer.ProblemAsync(await _server.GetAsync(path), 404);

    [Theory]
    [InlineData("/incidents?since=-9999999d", "since")]
    [InlineData("/incidents?since=-999999d", "since")]
    [InlineData("/incidents?since=yesterday", "since")]
    [InlineData("/incidents?since=", "since")]
    [InlineData("/incidents?since=-24h&since=-1h", "since")]
    [InlineData("/incidents?until=2026-01-01", "until")]
    [InlineData("/incidents?until=1e400", "until")]
    [InlineData("/incidents?limit=0", "limit")]
    [InlineData("/incidents?limit=10001", "limit")]
    [InlineData("/incidents?limit=1.5", "limit")]
    [InlineData("/incidents?limit=99999999999999999999", "limit")]
    [InlineData("/incidents?limit=%2B5", "limit")]
    [InlineData("/incidents?limit=%D9%A3", "limit")]
    [InlineData("/incidents?limit=5&limit=5", "limit")]
    [InlineData("/incidents?per_priority=-1", "per_priority")]
    [InlineData("/incidents?priority=urgent", "priority")]
    [InlineData("/incidents?severity=0", "priority")]
    [InlineData("/incidents?kind=Incident", "kind")]
    [InlineData("/incidents?type=", "type")]
    [InlineData("/incidents?cursor=x", "cursor")]
    [InlineData("/incidents?cursor=%00", "cursor")]
    [InlineData("/incidents?cursor=AAAAAAAAAAAAAAAA", "cursor")]
    [InlineData("/incidents?cursor=", "cursor")]
    [InlineData("/identities", "ip")]
    [InlineData("/identities?ip=host", "ip")]
    [InlineData("/identities?unresolved=yes", "unresolved")]
    [InlineData("/identities?ip=17.0.0.1&at=noon", "at")]
    [InlineData("/identities?unresolved=true&limit=1001", "limit")]
    public async Task A_value_that_cannot_be_used_is_400_and_names_its_parameter(string path, string name) =>
        (await RunningServer.ProblemAsync(await _server.GetAsync(path), 400)).GetProperty("errors")[0].GetProperty("pointer").GetString().ShouldBe(name);

    [Fact]
    public async Task Too_many_values_of_one_parameter_are_400() =>
        await RunningServer.ProblemAsync(await _server.GetAsync("/incidents?" + string.Join('&', Enumerable.Range(0, 101).Select(i => $"type=t{i}"))), 400);

    [Fact]
    public async Task A_walk_in_pages_of_any_size_sees_everybody_once_and_a_cursor_keeps_to_its_filter()
    {
        foreach (var limit in new[] { 1, 7, 31, 100 })
        {
            var seen = new List<string>();
            for (var path = $"/incidents?priority=high&limit={limit}"; path is not null;)
            {
                using var page = await _server.GetAsync(path);
                seen.AddRange(JsonElement.Parse(await page.Content.ReadAsStringAsync()).EnumerateObject().Select(employee => employee.Name));
                path = page.Headers.TryGetValues("Link", out var link) ? link.Single().Split('>')[0][1..] : null;
                if (path is not null)
                {
                    await RunningServer.ProblemAsync(await _server.GetAsync(path.Replace("high", "low", StringComparison.Ordinal)), 400);
                    await RunningServer.ProblemAsync(await _server.GetAsync(path[..^3]), 400);
                    (await _server.GetAsync(path.Replace($"limit={limit}", "limit=3", StringComparison.Ordinal))).StatusCode.ShouldBe(HttpStatusCode.OK);
                }
            }
            seen.ShouldBe([.. Enumerable.Range(4501, 30).Select(id => $"{id}"), "unknown"]);
        }
    }

    [Fact]
    public async Task A_cursor_is_not_carried_into_another_filter_that_reads_alike()
    {
        using var page = await _server.GetAsync("/incidents?source=elevate&type=intrusion&limit=1");
        var cursor = page.Headers.GetValues("Link").Single().Split("cursor=")[1].Split('>')[0];
        (await _server.GetAsync($"/incidents?source=elevate&type=intrusion&limit=1&cursor={cursor}")).StatusCode.ShouldBe(HttpStatusCode.OK);
        await RunningServer.ProblemAsync(await _server.GetAsync($"/incidents?source=elevate%26type%3Dintrusion&limit=1&cursor={cursor}"), 400);
    }

    [Theory]
    [InlineData("gzip", "gzip")]
    [InlineData("GZIP", "gzip")]
    [InlineData("gzip;q=0", null)]
    [InlineData("identity", null)]
    [InlineData("identity;q=0, gzip", "gzip")]
    [InlineData("*;q=0", null)]
    [InlineData("deflate", null)]
    [InlineData("gzipped", null)]
    [InlineData("x-gzip", null)]
    [InlineData("gzip;q=nonsense", "gzip")]
    [InlineData("gzip;q=NaN", null)]
    [InlineData(",,;q=1,", null)]
    public async Task An_encoding_is_one_the_client_takes(string accept, string? encoding)
    {
        foreach (var path in new[] { "/incidents", "/incidents?priority=high" })
        {
            using var response = await _server.GetAsync(path, ("Accept-Encoding", accept));
            response.StatusCode.ShouldBe(HttpStatusCode.OK);
            response.Content.Headers.ContentEncoding.SingleOrDefault().ShouldBe(encoding);
            response.Headers.Vary.ShouldContain("Accept-Encoding");
        }
    }

    [Fact]
    public async Task An_unchanged_board_is_304_for_its_own_tag_in_every_form_and_for_no_other()
    {
        foreach (var path in new[] { "/incidents", "/incidents?priority=high", "/incidents/4501" })
        {
            var tag = (await _server.GetAsync(path)).Headers.ETag.ShouldNotBeNull().ToString();
            var zipped = (await _server.GetAsync(path, ("Accept-Encoding", "gzip"))).Headers.ETag.ShouldNotBeNull().ToString();
            foreach (var (match, status) in new[] { (tag, 304), ($"W/{tag}", 304), ($"\"x\", {tag}", 304), ("*", 304), (zipped, zipped == tag ? 304 : 200), (tag.Trim('"'), 200), ("\"x\"", 200), ("", 200) })
            {
                using var response = await _server.GetAsync(path, ("If-None-Match", match));
                ((int)response.StatusCode).ShouldBe(status, $"{path} {match}");
                if (status == 304)
                    (await response.Content.ReadAsByteArrayAsync()).ShouldBeEmpty();
            }
        }
    }

    [Fact]
    public async Task The_hot_answer_and_the_routed_one_carry_the_same_headers()
    {
        using var hot = await _server.GetAsync("/incidents");
        using var routed = await _server.GetAsync("/incidents/4501");
        string[] Names(HttpResponseMessage response) => [.. response.Headers.Select(header => header.Key).Where(name => name is not ("Date" or "Content-Security-Policy" or "Referrer-Policy")).Order(StringComparer.Ordinal)];
        Names(hot).ShouldBe(Names(routed));
    }

    [Fact]
    public async Task Health_says_little_to_strangers_and_all_to_those_who_may_read()
    {
        using var stranger = _server.Open(null);
        JsonElement.Parse(await stranger.GetStringAsync("/health")).EnumerateObject().Select(member => member.Name).ShouldBe(["status"]);
        var all = JsonElement.Parse(await _server.Client.GetStringAsync("/health"));
        all.GetProperty("status").GetString().ShouldBe("healthy");
        foreach (var name in new[] { "version", "uptime_seconds", "store", "queue", "last_sync", "last_success", "last_event_time", "last_error", "sources" })
            all.TryGetProperty(name, out _).ShouldBeTrue(name);
        all.GetRawText().ShouldNotContain(_server.Folder);
    }

    [Fact]
    public async Task Every_answer_says_that_it_is_what_it_says()
    {
        foreach (var path in new[] { "/", "/incidents", "/sources", "/nowhere", "/docs/index.html", "/openapi/v1.json", "/health" })
        {
            using var response = await _server.GetAsync(path);
            response.Headers.GetValues("X-Content-Type-Options").ShouldBe(["nosniff"], path);
            response.Headers.TryGetValues("Server", out _).ShouldBeFalse();
        }
    }

    [Fact]
    public async Task Syncing_with_nothing_to_sync_says_so()
    {
        using var none = await _server.SendAsync(HttpMethod.Post, "/sync");
        ((int)none.StatusCode).ShouldBe(409);
        await RunningServer.ProblemAsync(await _server.SendAsync(HttpMethod.Post, "/sync?source=none"), 404);
        await RunningServer.ProblemAsync(await _server.SendAsync(HttpMethod.Post, "/sync?source="), 400);
    }

    private (HttpMethod Method, string Path, RouteRules Rules)[] Routes() =>
        [.. _server.Endpoints.SelectMany(endpoint => endpoint.Metadata.GetMetadata<Microsoft.AspNetCore.Routing.HttpMethodMetadata>()!.HttpMethods
            .Where(method => method != "HEAD")
            .Select(method => (new HttpMethod(method),
                ("/" + endpoint.RoutePattern.RawText!.TrimStart('/')).Replace("{user_id}", "4501", StringComparison.Ordinal).Replace("{name}", "none", StringComparison.Ordinal).Replace("{documentName}", "v1", StringComparison.Ordinal),
                endpoint.Metadata.GetMetadata<RouteRules>()!)))];

    private async Task<string> RawAsync(string request)
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(_server.Url.Host, _server.Url.Port);
        await socket.SendAsync(Encoding.ASCII.GetBytes(request));
        await using var stream = new NetworkStream(socket);
        using var reader = new StreamReader(stream);
        return await reader.ReadToEndAsync();
    }
}

/// <summary>What needs a service of its own.</summary>
public sealed class ApiStateTests
{
    [Fact]
    public async Task Rejects_of_every_kind_can_be_looked_at_in_pages()
    {
        byte[][] records =
        [
            [.. "{\"a\":\"\\ud800\"}"u8], [.. "{\"a\":1,\"a\":2}"u8], Encoding.UTF8.GetBytes(new string('[', 63) + new string(']', 63)), [.. "7"u8], [.. "\"é\""u8], [.. "{\"a\":\""u8, 0xFF, .. "\"}"u8],
        ];
        var rejects = new RejectStore("example");
        var (writes, _) = rejects.Keep([.. records.Select(record => new RejectedRecord("/incidents/", record, "why"))], Some.Instant);
        var source = SomeSource.Valid(SomeSource.Yaml("enabled: false"));
        await using var server = await RunningServer.StartAsync(journal: [new Append { State = writes }], sources: source);
        var seen = 0;
        for (var path = "/sources/example/rejects?limit=4"; path is not null;)
        {
            using var response = await server.GetAsync(path);
            var text = await response.Content.ReadAsStringAsync();
            response.StatusCode.ShouldBe(HttpStatusCode.OK, text);
            seen += JsonDocument.Parse(text, new JsonDocumentOptions { MaxDepth = 100 }).RootElement.GetArrayLength();
            path = response.Headers.TryGetValues("Link", out var link) ? link.Single().Split('>')[0][1..] : null;
        }
        seen.ShouldBe(records.Length);
    }

    [Fact]
    public async Task An_unresolved_address_is_found_by_name_however_few_events_it_has()
    {
        var events = Enumerable.Range(0, 250).Select(i => Some.Event(userId: null, id: i) with { Attribution = new Attribution(AttributionRule.Unresolved, null, i < 2 ? "17.0.0.250" : $"17.0.1.{i}") });
        await using var server = await RunningServer.StartAsync(journal: [new Append { Entries = [.. events] }]);
        JsonElement.Parse(await server.Client.GetStringAsync("/identities?unresolved=true&ip=17.0.1.200")).EnumerateArray().ShouldHaveSingleItem().GetProperty("count").GetInt64().ShouldBe(1);
        JsonElement.Parse(await server.Client.GetStringAsync("/identities?unresolved=true")).EnumerateArray().First().GetProperty("ip").GetString().ShouldBe("17.0.0.250");
        JsonElement.Parse(await server.Client.GetStringAsync("/identities?unresolved=true&limit=3")).GetArrayLength().ShouldBe(3);
    }

    [Fact]
    public async Task Where_reading_is_open_it_is_reading_alone_that_is_open()
    {
        await using var server = await RunningServer.StartAsync(anonymousRead: true);
        using var stranger = server.Open(null);
        (await stranger.GetAsync("/incidents")).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await stranger.GetAsync("/sources")).StatusCode.ShouldBe(HttpStatusCode.OK);
        await RunningServer.ProblemAsync(await stranger.PostAsync("/sync", null), 401);
        using var body = RunningServer.Body("""{"ip":"17.0.0.1","user_id":"7"}"""u8.ToArray(), "application/json");
        await RunningServer.ProblemAsync(await stranger.PostAsync("/identities", body), 401);
        using var wrong = server.Open("wrong");
        await RunningServer.ProblemAsync(await wrong.GetAsync("/incidents"), 401);
        await RunningServer.ProblemAsync(await wrong.GetAsync("/sources"), 401);
    }

    [Fact]
    public async Task A_source_is_paused_and_rescheduled_for_good_and_mistakes_change_nothing()
    {
        var source = SomeSource.Valid(SomeSource.Yaml("enabled: false\nevery: 5m"));
        await using var server = await RunningServer.StartAsync(sources: source);
        async Task<HttpResponseMessage> PatchAsync(string body, string name = "example") => await server.SendAsync(HttpMethod.Patch, $"/sources/{name}", RunningServer.Body(Encoding.UTF8.GetBytes(body), "application/json"));

        foreach (var (body, status) in new[] { ("{\"every\":\"0s\"}", 422), ("{\"every\":\"25h\"}", 422), ("{\"every\":\"\"}", 422), ("{\"every\":\"-5m\"}", 422), ("{\"every\":\"99999999999999999999h\"}", 422), ("{\"every\":5}", 400), ("{\"enabled\":\"yes\"}", 400), ("{\"x\":1}", 400), ("null", 400) })
            await RunningServer.ProblemAsync(await PatchAsync(body), status);
        await RunningServer.ProblemAsync(await PatchAsync("{}", "none"), 404);
        var view = JsonElement.Parse(await (await PatchAsync("{\"every\":\"90s\"}")).Content.ReadAsStringAsync());
        (view.GetProperty("every_seconds").GetDouble(), view.GetProperty("enabled").GetBoolean(), view.GetProperty("status").GetString()).ShouldBe((90, false, "paused"));
    }
}
