using System.IO.Compression;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Tocsin.SystemTests;

/// <summary>A service with a full board that nothing changes any more.</summary>
public sealed class StillHouse : IAsyncLifetime
{
    private MockProcess _mock = null!;
    private ServerHome _home = null!;

    internal ServerProcess Server { get; private set; } = null!;

    /// <summary>What the board must show, by an independent grouping.</summary>
    internal IReadOnlyList<Incident> Expected { get; private set; } = [];

    public async ValueTask InitializeAsync()
    {
        _mock = await MockProcess.StartAsync("--per-type", "300", "--employees", "400", "--seed", "5");
        await _mock.SetAsync("""{"identity_gap":0.1}""");
        _home = new ServerHome(new SourceYaml(_mock.Url) { Every = "1h" });
        Server = await ServerProcess.StartAsync(_home);
        await Server.CompleteAsync();
        Expected = await _mock.BoardAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await Server.DisposeAsync();
        await _mock.DisposeAsync();
        _home.Dispose();
    }
}

/// <summary>The HTTP interface, as clients meet it.</summary>
public sealed partial class HttpTests(StillHouse house) : IClassFixture<StillHouse>
{
    private static readonly string[] ProblemFields = ["type", "title", "status", "detail", "code", "trace_id"];

    private static readonly string[] Routes =
    [
        "/incidents", "/incidents/{user_id}", "/sources", "/sources/{name}", "/sources/{name}/syncs", "/sources/{name}/rejects", "/sources/test", "/people", "/sync", "/config", "/health",
        "/livez", "/readyz", "/identities", "/event", "/events", "/events/{id}", "/events/stream", "/alerts", "/stats", "/tokens", "/tokens/{name}", "/session", "/metrics",
    ];

    [Theory]
    [InlineData("/incidents?colour=red", "colour")]
    [InlineData("/incidents?User_Id=4506", "User_Id")]
    [InlineData("/incidents?priority=urgent", "priority")]
    [InlineData("/incidents?severity=5", "priority")]
    [InlineData("/incidents?kind=incidents", "kind")]
    [InlineData("/incidents?since=yesterday", "since")]
    [InlineData("/incidents?since=2026-01-31T12:00:00", "since")]
    [InlineData("/incidents?since=2026-02-30T12:00:00Z", "since")]
    [InlineData("/incidents?until=", "until")]
    [InlineData("/incidents?until=-24y", "until")]
    [InlineData("/incidents?limit=0", "limit")]
    [InlineData("/incidents?limit=ten", "limit")]
    [InlineData("/incidents?limit=99999999999", "limit")]
    [InlineData("/incidents?per_priority=-1", "per_priority")]
    [InlineData("/incidents?cursor=nonsense", "cursor")]
    [InlineData("/incidents?cursor=%00%ff", "cursor")]
    [InlineData("/incidents?cursor=AAAA&cursor=BBBB", "cursor")]
    [InlineData("/incidents?user_id=", "user_id")]
    [InlineData("/incidents/4506?limit=5", "limit")]
    [InlineData("/sources?name=elevate", "name")]
    [InlineData("/sources/elevate/rejects?limit=0", "limit")]
    [InlineData("/sources/elevate/rejects?cursor=x", "cursor")]
    [InlineData("/health?verbose=1", "verbose")]
    [InlineData("/identities", "ip")]
    [InlineData("/identities?ip=999.1.1.1", "ip")]
    [InlineData("/identities?ip=17.1.1.1&at=noon", "at")]
    public async Task A_query_that_cannot_be_used_is_400_and_names_the_parameter(string path, string parameter)
    {
        using var answer = await house.Server.Http.GetAsync(path);
        var problem = await ProblemAsync(answer, HttpStatusCode.BadRequest);
        problem.GetProperty("detail").GetString()!.ShouldContain(parameter, Case.Sensitive);
        problem.GetProperty("errors")[0].GetProperty("pointer").GetString().ShouldBe(parameter);
    }

    [Fact]
    public async Task A_cursor_of_another_filter_is_refused()
    {
        var first = await house.Server.BoardAsync("?limit=5&priority=high");
        var cursor = CursorOf(first.Link);
        (await house.Server.BoardAsync($"?limit=7&priority=high&cursor={cursor}")).Status.ShouldBe(HttpStatusCode.OK, "the limit may change on the way");
        foreach (var filter in new[] { "", "&priority=low", "&priority=high&type=probing", "&priority=high&since=-1h" })
        {
            using var answer = await house.Server.Http.GetAsync($"/incidents?limit=5{filter}&cursor={cursor}");
            (await ProblemAsync(answer, HttpStatusCode.BadRequest)).GetProperty("errors")[0].GetProperty("pointer").GetString().ShouldBe("cursor");
        }
    }

    [Fact]
    public async Task Without_the_token_nothing_is_read()
    {
        using var stranger = ServerProcess.Client(house.Server.Home.Url, null);
        using var guesser = ServerProcess.Client(house.Server.Home.Url, "kJ8-vW2m_QpZ5rT9xLc3NfY7bHs5");
        foreach (var path in new[] { "/incidents", "/incidents/unknown", "/sources", "/sources/elevate", "/sources/elevate/syncs", "/sources/elevate/rejects", "/identities?unresolved=true" })
            foreach (var client in new[] { stranger, guesser })
            {
                using var answer = await client.GetAsync(path);
                var problem = await ProblemAsync(answer, HttpStatusCode.Unauthorized);
                answer.Headers.WwwAuthenticate.ToString().ShouldStartWith("Bearer");
                problem.GetProperty("code").GetString().ShouldBe("unauthorized");
            }
        foreach (var path in new[] { "/sync", "/config", "/identities" })
        {
            using var answer = await stranger.PostAsync(path, new StringContent("{}", new MediaTypeHeaderValue("application/json")));
            await ProblemAsync(answer, HttpStatusCode.Unauthorized);
        }
        JsonElement.Parse(await stranger.GetStringAsync("/health")).EnumerateObject().Select(field => field.Name).ShouldBe(["status"]);
    }

    [Fact]
    public async Task The_bare_token_opens_as_well()
    {
        using var client = ServerProcess.Client(house.Server.Home.Url, null);
        client.DefaultRequestHeaders.TryAddWithoutValidation("Authorization", ServerHome.Token);
        (await client.GetAsync("/incidents")).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Theory]
    [InlineData("GET", "/nothing/here", 404, "not_found")]
    [InlineData("GET", "/incidents/nobody-of-this-name", 404, "not_found")]
    [InlineData("GET", "/sources/nobody", 404, "not_found")]
    [InlineData("GET", "/sources/nobody/syncs", 404, "not_found")]
    [InlineData("GET", "/sources/nobody/rejects", 404, "not_found")]
    [InlineData("POST", "/sync?source=nobody", 404, "not_found")]
    [InlineData("DELETE", "/incidents", 405, "method_not_allowed")]
    [InlineData("POST", "/sources", 405, "method_not_allowed")]
    [InlineData("PUT", "/identities", 405, "method_not_allowed")]
    public async Task Errors_are_problems(string method, string path, int status, string code)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        using var answer = await house.Server.Http.SendAsync(request);
        (await ProblemAsync(answer, (HttpStatusCode)status)).GetProperty("code").GetString().ShouldBe(code);
        if (status == 405)
            answer.Content.Headers.Allow.ShouldNotBeEmpty();
    }

    [Theory]
    [InlineData("text/plain", "{}", 415)]
    [InlineData("application/json", "", 400)]
    [InlineData("application/json", "{\"ip\":", 400)]
    [InlineData("application/json", "[]", 400)]
    [InlineData("application/json", "null", 400)]
    [InlineData("application/json", "{\"ip\":\"17.1.1.1\",\"ip\":\"17.1.1.2\",\"user_id\":\"1\"}", 400)]
    [InlineData("application/json", "{\"ip\":17,\"user_id\":\"1\"}", 400)]
    [InlineData("application/json", "{\"ip\":\"17.1.1.1\",\"user_id\":\"1\",\"colour\":\"red\"}", 400)]
    [InlineData("application/json", "{}", 422)]
    [InlineData("application/json", "{\"ip\":\"17.1.1.999\",\"user_id\":\"1\"}", 422)]
    [InlineData("application/json", "{\"ip\":\"17.1.1.1\",\"user_id\":\"\"}", 422)]
    [InlineData("application/json", "{\"ip\":\"17.1.1.1\",\"user_id\":\"1\",\"from\":\"2026-02-01T00:00:00Z\",\"to\":\"2026-01-01T00:00:00Z\"}", 422)]
    public async Task A_body_that_cannot_be_used_is_refused(string type, string body, int status)
    {
        using var content = new StringContent(body, new MediaTypeHeaderValue(type));
        using var answer = await house.Server.Http.PostAsync("/identities", content);
        var problem = await ProblemAsync(answer, (HttpStatusCode)status);
        if (status == 422)
            problem.GetProperty("errors").EnumerateArray().ShouldAllBe(error => error.GetProperty("pointer").GetString()!.StartsWith('/'));
    }

    [Theory]
    [InlineData("gzip", "gzip")]
    [InlineData("br", "br")]
    [InlineData("gzip, br", "br")]
    [InlineData("br;q=0.5, gzip;q=0.9", "gzip")]
    [InlineData("gzip;q=0, br;q=0", null)]
    [InlineData("br;q=0, gzip", "gzip")]
    [InlineData("*", "br")]
    [InlineData("identity", null)]
    [InlineData("deflate, zstd", null)]
    [InlineData("identity;q=1, *;q=0", null)]
    [InlineData("GZIP", "gzip")]
    [InlineData("gzip;q=nonsense", "gzip")]
    [InlineData("", null)]
    public async Task Each_encoding_gives_the_same_bytes_and_a_tag_of_its_own(string accept, string? expected)
    {
        var plain = await house.Server.BoardAsync();
        using var request = new HttpRequestMessage(HttpMethod.Get, "/incidents");
        request.Headers.TryAddWithoutValidation("Accept-Encoding", accept);
        // Brotli is made once the board stands still for a moment; until then gzip stands in for it.
        (string? Encoding, byte[] Body, string Tag) got = default;
        await Eventually.BeAsync($"{accept} is answered with {expected ?? "no encoding"}", TimeSpan.FromSeconds(5), async () =>
        {
            using var again = new HttpRequestMessage(HttpMethod.Get, "/incidents");
            again.Headers.TryAddWithoutValidation("Accept-Encoding", accept);
            using var answer = await house.Server.Http.SendAsync(again);
            answer.Headers.Vary.ShouldContain("Accept-Encoding");
            got = (answer.Content.Headers.ContentEncoding.FirstOrDefault(), await answer.Content.ReadAsByteArrayAsync(), answer.Headers.ETag!.ToString());
            Inflate(got.Encoding, got.Body).ShouldBe(plain.Body);
            return got.Encoding == expected;
        }, () => got.Encoding ?? "none");
        (got.Tag == plain.ETag).ShouldBe(expected is null);

        using var conditional = new HttpRequestMessage(HttpMethod.Get, "/incidents");
        conditional.Headers.TryAddWithoutValidation("Accept-Encoding", accept);
        conditional.Headers.TryAddWithoutValidation("If-None-Match", $"\"other\", W/{got.Tag}");
        using var unchanged = await house.Server.Http.SendAsync(conditional);
        unchanged.StatusCode.ShouldBe(HttpStatusCode.NotModified);
        (await unchanged.Content.ReadAsByteArrayAsync()).ShouldBeEmpty();
        unchanged.Headers.ETag!.ToString().ShouldBe(got.Tag);
    }

    [Theory]
    [InlineData("/incidents?priority=high")]
    [InlineData("/incidents?limit=20&per_priority=1")]
    [InlineData("/incidents/unknown")]
    public async Task Filtered_answers_have_tags_and_encodings_too(string path)
    {
        using var plain = await house.Server.Http.GetAsync(path);
        var bytes = await plain.Content.ReadAsByteArrayAsync();
        using var packedRequest = new HttpRequestMessage(HttpMethod.Get, path);
        packedRequest.Headers.AcceptEncoding.ParseAdd("gzip");
        using var packed = await house.Server.Http.SendAsync(packedRequest);
        packed.Content.Headers.ContentEncoding.ShouldBe(["gzip"]);
        Inflate("gzip", await packed.Content.ReadAsByteArrayAsync()).ShouldBe(bytes);
        using var again = new HttpRequestMessage(HttpMethod.Get, path);
        again.Headers.IfNoneMatch.Add(plain.Headers.ETag!);
        (await house.Server.Http.SendAsync(again)).StatusCode.ShouldBe(HttpStatusCode.NotModified);
        using var packedTag = new HttpRequestMessage(HttpMethod.Get, path);
        packedTag.Headers.IfNoneMatch.Add(packed.Headers.ETag!);
        (await house.Server.Http.SendAsync(packedTag)).StatusCode.ShouldBe(HttpStatusCode.OK, "the tag of other bytes");
    }

    [Theory]
    [InlineData("/incidents")]
    [InlineData("/incidents?priority=low")]
    [InlineData("/incidents/unknown")]
    [InlineData("/incidents/nobody")]
    [InlineData("/sources")]
    [InlineData("/health")]
    [InlineData("/")]
    public async Task HEAD_answers_as_GET_without_the_body(string path)
    {
        using var get = await house.Server.Http.GetAsync(path);
        using var request = new HttpRequestMessage(HttpMethod.Head, path);
        using var head = await house.Server.Http.SendAsync(request);
        head.StatusCode.ShouldBe(get.StatusCode);
        head.Content.Headers.ContentType.ShouldBe(get.Content.Headers.ContentType);
        if (path.StartsWith("/incidents", StringComparison.Ordinal))
            head.Content.Headers.ContentLength.ShouldBe(get.Content.Headers.ContentLength);
        head.Headers.ETag.ShouldBe(get.Headers.ETag);
        (await head.Content.ReadAsByteArrayAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task The_description_lists_every_route()
    {
        using var open = ServerProcess.Client(house.Server.Home.Url, null);
        var document = JsonElement.Parse(await open.GetStringAsync("/openapi/v1.json"));
        document.GetProperty("openapi").GetString()!.ShouldStartWith("3.");
        var paths = document.GetProperty("paths");
        paths.EnumerateObject().Select(path => path.Name).ShouldBeSubsetOf([.. Routes]);
        foreach (var route in Routes)
            paths.TryGetProperty(route, out _).ShouldBeTrue(route);
        paths.GetProperty("/sync").TryGetProperty("post", out _).ShouldBeTrue();
        paths.GetProperty("/incidents").GetProperty("get").GetProperty("parameters").EnumerateArray()
            .Select(parameter => parameter.GetProperty("name").GetString()).ShouldContain("per_priority");
    }

    [Theory]
    [InlineData("/")]
    [InlineData("/docs/index.html")]
    public async Task The_pages_load_with_all_that_they_name_and_run_no_script_inline(string path)
    {
        using var open = ServerProcess.Client(house.Server.Home.Url, null);
        using var page = await open.GetAsync(path);
        page.StatusCode.ShouldBe(HttpStatusCode.OK);
        page.Content.Headers.ContentType!.MediaType.ShouldBe("text/html");
        var policy = page.Headers.GetValues("Content-Security-Policy").Single();
        policy.Split(';').Select(part => part.Trim()).ShouldContain("script-src 'self'");
        policy.ShouldContain("default-src 'none'");
        page.Headers.GetValues("X-Content-Type-Options").ShouldBe(["nosniff"]);
        var html = await page.Content.ReadAsStringAsync();
        ScriptForm().Matches(html).ShouldAllBe(script => script.Groups["head"].Value.Contains("src=", StringComparison.Ordinal) && script.Groups["body"].Value.Trim().Length == 0);
        html.ShouldNotMatch(@"\son[a-z]+\s*=\s*[""']", "no handlers inline");
        var named = AssetForm().Matches(html).Select(asset => asset.Groups["url"].Value).Where(asset => !asset.StartsWith("data:", StringComparison.Ordinal)).ToArray();
        named.ShouldNotBeEmpty();
        foreach (var asset in named)
        {
            using var got = await open.GetAsync(new Uri(new Uri(open.BaseAddress!, path), asset));
            got.StatusCode.ShouldBe(HttpStatusCode.OK, asset);
            (await got.Content.ReadAsByteArrayAsync()).ShouldNotBeEmpty();
        }
    }

    [Fact]
    public async Task The_docs_are_found_without_a_slash()
    {
        using var open = ServerProcess.Client(house.Server.Home.Url, null);
        using var answer = await open.GetAsync("/docs");
        if (answer.StatusCode != HttpStatusCode.OK)
            ((int)answer.StatusCode).ShouldBeInRange(301, 308);
    }

    [Fact]
    public async Task Health_and_sources_say_what_the_contract_lists()
    {
        var health = await house.Server.JsonAsync("/health");
        foreach (var name in new[] { "status", "version", "uptime_seconds", "store", "queue", "last_sync", "last_success", "last_event_time", "last_error", "sources" })
            health.TryGetProperty(name, out _).ShouldBeTrue(name);
        health.GetProperty("status").GetString().ShouldBe("healthy");
        health.GetProperty("store").GetProperty("engine").GetString().ShouldBe("sqlite");
        var source = (await house.Server.JsonAsync("/sources"))[0];
        foreach (var listed in new[] { health.GetProperty("sources")[0], source })
            foreach (var name in new[] { "name", "status", "last_sync", "last_success", "last_event_time", "last_error", "consecutive_failures", "next_run" })
                listed.TryGetProperty(name, out _).ShouldBeTrue(name);
        foreach (var name in new[] { "polls", "succeeded", "failed", "events", "duplicates", "changed", "rejected", "unattributed", "possible_gaps" })
            source.GetProperty("counts").GetProperty(name).ValueKind.ShouldBe(JsonValueKind.Number, name);
        foreach (var (name, value) in source.EnumerateObject().Where(field => field.Name.StartsWith("last_s", StringComparison.Ordinal)).Select(field => (field.Name, field.Value)))
            value.GetString()!.ShouldMatch(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$", name);
        (await house.Server.JsonAsync("/livez")).ValueKind.ShouldBe(JsonValueKind.Object);
    }

    private static async Task<JsonElement> ProblemAsync(HttpResponseMessage answer, HttpStatusCode status)
    {
        var text = await answer.Content.ReadAsStringAsync();
        answer.StatusCode.ShouldBe(status, text);
        answer.Content.Headers.ContentType!.ToString().ShouldBe("application/problem+json", text);
        var problem = JsonElement.Parse(text);
        foreach (var field in ProblemFields)
            problem.TryGetProperty(field, out _).ShouldBeTrue($"{field} in {text}");
        problem.GetProperty("status").GetInt32().ShouldBe((int)status);
        problem.GetProperty("title").GetString().ShouldNotBeNullOrEmpty();
        problem.GetProperty("trace_id").GetString().ShouldNotBeNullOrEmpty();
        return problem;
    }

    private static byte[] Inflate(string? encoding, byte[] bytes)
    {
        if (encoding is null)
            return bytes;
        using var packed = new MemoryStream(bytes);
        using Stream inflating = encoding == "br" ? new BrotliStream(packed, CompressionMode.Decompress) : new GZipStream(packed, CompressionMode.Decompress);
        using var plain = new MemoryStream();
        inflating.CopyTo(plain);
        return plain.ToArray();
    }

    private static string CursorOf(string? link) => CursorForm().Match(link ?? "") is { Success: true } match ? match.Groups["cursor"].Value : throw new ShouldAssertException($"no cursor in {link}");

    [GeneratedRegex("^<(?<url>[^>]+)>; rel=\"next\"$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex LinkForm();

    [GeneratedRegex("[?&]cursor=(?<cursor>[^&>]+)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex CursorForm();

    [GeneratedRegex("<script(?<head>[^>]*)>(?<body>[^<]*)</script>", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex ScriptForm();

    [GeneratedRegex("<(script|link)[^>]*\\s(src|href)=[\"'](?<url>[^\"']+)[\"']", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex AssetForm();
}
