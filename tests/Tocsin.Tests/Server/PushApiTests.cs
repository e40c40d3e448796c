using System.IO.Compression;
using System.Net;
using System.Text;
using System.Text.Json;
using Tocsin.Collect.Push;
using Tocsin.Tests.Collect;

namespace Tocsin.Tests.Server;

/// <summary>The push door over HTTP, on the whole service.</summary>
public sealed class PushApiTests : IAsyncLifetime
{
    private RunningServer _server = null!;

    public async ValueTask InitializeAsync() => _server = await RunningServer.StartAsync(sources: SomeSource.Valid(SomeSource.Yaml()));

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task The_curl_line_of_an_audit_service_works()
    {
        using var client = _server.Open(null);
        client.DefaultRequestHeaders.TryAddWithoutValidation("Authorization", RunningServer.Token);
        using var body = RunningServer.Body("""{"event_type":"account_created","user_id":"1234","variant_data":{"response":"data_here"}}"""u8.ToArray(), "application/json");

        using var response = await client.PostAsync(new Uri("/event", UriKind.Relative), body);

        response.StatusCode.ShouldBe(HttpStatusCode.Created);
        var answer = await JsonAsync(response);
        response.Headers.Location.ShouldNotBeNull().ToString().ShouldBe("/events/" + answer.GetProperty("id").GetString());
        answer.GetProperty("sequence").GetInt64().ShouldBeGreaterThan(0);
        answer.GetProperty("status").GetString().ShouldBe("created");
    }

    [Fact]
    public async Task Both_doors_take_one_an_array_and_lines()
    {
        foreach (var path in new[] { "/event", "/events" })
        {
            (await PostAsync("""{"type":"x"}""", path: path)).Status.ShouldBe(201);
            (await PostAsync("""[{"type":"x"},{"type":"x"}]""", path: path)).Body.GetProperty("created").GetInt32().ShouldBe(2);
            foreach (var type in new[] { "application/x-ndjson", "application/jsonl", "application/ndjson; charset=utf-8" })
                (await PostAsync("{\"type\":\"x\"}\n", type: type, path: path)).Body.GetProperty("created").GetInt32().ShouldBe(1);
        }
    }

    [Fact]
    public async Task A_good_event_is_kept_beside_a_bad_one_and_each_has_its_result()
    {
        var (status, body) = await PostAsync("""[{"type":"x"},{"type":"x","time":"soon"},{"type":"x","source":"example"},{"type":"x","id":"1"},{"type":"x","id":"1"},{"type":"y","id":"1"}]""");

        status.ShouldBe(200);
        Counts(body).ShouldBe((2, 1, 3));
        var results = body.GetProperty("results").EnumerateArray().ToArray();
        results.Select(result => result.GetProperty("index").GetInt32()).ShouldBe([0, 1, 2, 3, 4, 5]);
        results.Select(result => result.GetProperty("status").GetString()).ShouldBe(["created", "rejected", "rejected", "created", "duplicate", "rejected"]);
        Error(results[1]).ShouldBe(("/events/1/time", "invalid"));
        Error(results[2]).ShouldBe(("/events/2/source", "reserved_source"));
        Error(results[5]).ShouldBe(("/events/5/external_id", "idempotency_conflict"));
        results[1].GetProperty("id").ValueKind.ShouldBe(JsonValueKind.Null);
        results[4].GetProperty("id").GetString().ShouldBe(results[3].GetProperty("id").GetString());
        results[0].TryGetProperty("errors", out _).ShouldBeFalse();
    }

    [Fact]
    public async Task A_long_batch_is_answered_with_its_rejects_and_duplicates_only()
    {
        var events = Enumerable.Range(0, 1_000).Select(i => $"{{\"type\":\"x\",\"id\":\"{i}\"}}").ToList();
        (await PostAsync(Lines(events), Ndjson)).Body.GetProperty("results").GetArrayLength().ShouldBe(1_000);
        events.AddRange(["{}", "{\"type\":\"x\",\"id\":\"new\"}"]);
        var (_, body) = await PostAsync(Lines(events), Ndjson);
        Counts(body).ShouldBe((1, 1_000, 1));
        body.GetProperty("results").GetArrayLength().ShouldBe(1_001);
    }

    [Fact]
    public async Task Only_duplicates_are_200_and_nothing_good_is_422_with_places()
    {
        await PostAsync("""[{"type":"x","id":"1"}]""");
        Counts((await PostAsync("""[{"type":"x","id":"1"}]""")).Body).ShouldBe((0, 1, 0));
        var problem = await ProblemAsync("""[{"type":"x","kind":"?"},{"type":"y","id":"1","priority":9}]""", 422);
        problem.GetProperty("errors").EnumerateArray().Select(error => error.GetProperty("pointer").GetString()).ShouldBe(["/events/0/kind", "/events/1/priority"]);
        (await ProblemAsync("""[{"type":"other","id":"1"}]""", 422)).GetProperty("errors")[0].GetProperty("code").GetString().ShouldBe("idempotency_conflict");
        (await ProblemAsync("[]", 422)).GetProperty("code").GetString().ShouldBe("empty_batch");
        (await ProblemAsync("""{"type":"x","time":"soon"}""", 422)).GetProperty("errors")[0].GetProperty("pointer").GetString().ShouldBe("/time");
    }

    [Fact]
    public async Task A_repeat_of_an_external_id_is_known_also_after_a_restart_and_other_content_is_409()
    {
        const string Event = """{"type":"x","external_id":"abc","data":{"n":1}}""";
        var first = await PostAsync(Event);
        await AgainAsync();
        _server = await _server.RestartAsync();
        await AgainAsync();

        var problem = await ProblemAsync(Event.Replace('1', '2'), 409);
        problem.GetProperty("code").GetString().ShouldBe("idempotency_conflict");
        problem.GetProperty("errors")[0].GetProperty("pointer").GetString().ShouldBe("/external_id");

        async Task AgainAsync()
        {
            var again = await PostAsync(Event);
            again.Status.ShouldBe(200);
            again.Body.GetProperty("status").GetString().ShouldBe("duplicate");
            again.Body.GetProperty("id").GetString().ShouldBe(first.Body.GetProperty("id").GetString());
            again.Body.GetProperty("sequence").GetInt64().ShouldBe(first.Body.GetProperty("sequence").GetInt64());
        }
    }

    [Fact]
    public async Task An_idempotency_key_makes_a_blind_retry_safe_and_cannot_be_used_for_another_event()
    {
        var first = await PostAsync("""{"type":"x"}""", key: "k");
        first.Status.ShouldBe(201);
        var again = await PostAsync("""{ "type" : "x" }""", key: "k");
        again.Status.ShouldBe(200);
        again.Body.GetProperty("id").GetString().ShouldBe(first.Body.GetProperty("id").GetString());
        (await PostAsync("""{"type":"x"}""", key: "k2")).Status.ShouldBe(201);
        (await ProblemAsync("""{"type":"y"}""", 409, key: "k")).GetProperty("code").GetString().ShouldBe("idempotency_conflict");
    }

    [Fact]
    public async Task A_blind_retry_of_a_partly_rejected_batch_gets_the_same_ids_and_rejects()
    {
        const string Batch = """[{"type":"a"},{"type":7},{"type":"c","id":"9"},{"type":"d"}]""";
        var (_, first) = await PostAsync(Batch, key: "batch");
        var (_, again) = await PostAsync(Batch, key: "batch");

        Counts(first).ShouldBe((3, 0, 1));
        Counts(again).ShouldBe((0, 3, 1));
        Ids(again).ShouldBe(Ids(first));
        again.GetProperty("results")[1].GetRawText().ShouldBe(first.GetProperty("results")[1].GetRawText());
    }

    [Fact]
    public async Task The_same_key_with_another_batch_stores_nothing_of_it()
    {
        var head = await HeadAsync();
        await PostAsync("""[{"type":"a"},{"type":"b"}]""", key: "k");
        foreach (var other in new[] { """[{"type":"a"},{"type":"b"},{"type":"c"}]""", """[{"type":"a"}]""", """[{"type":"b"},{"type":"a"}]""", """[{},{"type":"a"},{"type":"b"}]""" })
        {
            var problem = await ProblemAsync(other, 422, key: "k");
            problem.GetProperty("code").GetString().ShouldBe("idempotency_conflict");
            problem.GetProperty("errors").EnumerateArray().Last().GetProperty("code").GetString().ShouldBe("idempotency_conflict");
        }
        (await HeadAsync()).ShouldBe(head + 2 + 1);
    }

    [Fact]
    public async Task An_external_id_in_conflict_is_one_reject_of_a_batch_under_a_new_key()
    {
        await PostAsync("""{"type":"x","id":"1"}""");
        Counts((await PostAsync("""[{"type":"y","id":"1"},{"type":"z"}]""", key: "new")).Body).ShouldBe((1, 0, 1));
    }

    [Theory]
    [InlineData("{\"type\":\"x\",\"source\":\"example\"}", "reserved_source")]
    [InlineData("{\"type\":\"x\",\"source\":\"TOCSIN\"}", "reserved_source")]
    [InlineData("{\"type\":\"tocsin.sign_in\"}", "reserved_type")]
    public async Task What_only_Tocsin_and_its_sources_may_say_is_403(string json, string code) =>
        (await ProblemAsync(json, 403)).GetProperty("code").GetString().ShouldBe(code);

    [Theory]
    [InlineData("{", "invalid_json")]
    [InlineData("""{"type":"x","data":{"a":1,"a":2}}""", "duplicate_name")]
    [InlineData("""{"type":"x","data":"\ud800"}""", "lone_surrogate")]
    [InlineData("", "invalid_json")]
    public async Task What_is_not_strict_JSON_is_400(string json, string code) => (await ProblemAsync(json, 400)).GetProperty("code").GetString().ShouldBe(code);

    [Theory]
    [InlineData("text/plain")]
    [InlineData("application/json; charset=utf-16")]
    [InlineData("application/x-www-form-urlencoded")]
    [InlineData("application/jsonp")]
    public async Task Another_media_type_is_415(string type) =>
        (await RunningServer.ProblemAsync(await _server.PostAsync("/events", """{"type":"x"}""", type), 415)).GetProperty("code").GetString().ShouldBe("unsupported_media_type");

    [Fact]
    public async Task A_body_without_a_media_type_is_415()
    {
        using var body = new ByteArrayContent("""{"type":"x"}"""u8.ToArray());
        await RunningServer.ProblemAsync(await _server.SendAsync(HttpMethod.Post, "/event", body), 415);
    }

    [Theory]
    [InlineData("")]
    [InlineData("a\u0001b")]
    public async Task An_idempotency_key_that_cannot_be_one_is_400(string key) => await ProblemAsync("""{"type":"x"}""", 400, key: key);

    [Fact]
    public async Task An_idempotency_key_has_a_longest()
    {
        (await PostAsync("""{"type":"x"}""", key: new string('k', 256))).Status.ShouldBe(201);
        await ProblemAsync("""{"type":"x"}""", 400, key: new string('k', 257));
    }

    [Fact]
    public async Task A_body_may_be_gzip()
    {
        var (status, body) = await SendAsync(Gzip(Encoding.UTF8.GetBytes(Lines(Enumerable.Repeat("{\"type\":\"x\"}", 500)))), Ndjson, "gzip");
        status.ShouldBe(200);
        Counts(body).ShouldBe((500, 0, 0));
        (await SendAsync("""{"type":"x"}"""u8.ToArray(), "application/json", "identity")).Status.ShouldBe(201);
        (await SendAsync("""{"type":"x"}"""u8.ToArray(), "application/json", "gzip")).Status.ShouldBe(400);
        (await SendAsync(Gzip("""{"type":"x"}"""u8.ToArray())[..^12], "application/json", "gzip")).Status.ShouldBe(400);
        foreach (var other in new[] { "zstd", "br", "gzip, gzip" })
            (await SendAsync("""{"type":"x"}"""u8.ToArray(), "application/json", other)).Status.ShouldBe(415);
    }

    /// <summary>Lines are whole up to the cut: nothing but the archive itself says that there were more.</summary>
    [Fact]
    public async Task A_gzip_body_that_is_cut_is_400_and_nothing_of_it_is_stored()
    {
        var whole = Gzip(Encoding.UTF8.GetBytes(Lines(Enumerable.Range(0, 2_000).Select(i => $"{{\"type\":\"x\",\"data\":{i * 7919 % 1000}}}"))));
        var head = await HeadAsync();
        foreach (var cut in new[] { whole[..^1], whole[..^4], whole[..^8], whole[..^12], whole[..(whole.Length / 2)], whole[..5], [.. whole, .. whole[..5]], [.. whole, .. whole[..^4]] })
        {
            var (status, body) = await SendAsync(cut, Ndjson, "gzip");
            (status, body.GetProperty("code").GetString()).ShouldBe((400, "invalid_gzip"), $"{cut.Length} of {whole.Length}");
        }
        (await HeadAsync()).ShouldBe(head + 1);
    }

    [Fact]
    public async Task Gzip_members_one_behind_the_other_are_one_body()
    {
        byte[] members = [.. Gzip("{\"type\":\"x\"}\n{\"ty"u8.ToArray()), .. Gzip("pe\":\"x\"}\n"u8.ToArray()), .. Gzip([]), .. Gzip("{\"type\":\"x\"}\n"u8.ToArray())];
        Counts((await SendAsync(members, Ndjson, "gzip")).Body).ShouldBe((3, 0, 0));
    }

    [Fact]
    public async Task A_body_may_have_10_MiB_and_no_more_as_sent_and_inflated()
    {
        // Spaces after an event are part of the body and not of the event.
        byte[] Body(int length) => [.. """{"type":"x"}"""u8, .. Enumerable.Repeat((byte)' ', length - 12)];
        (await SendAsync(Body(PushLimits.MaxBodyBytes), "application/json")).Status.ShouldBe(201);
        (await SendAsync(Gzip(Body(PushLimits.MaxBodyBytes)), "application/json", "gzip")).Status.ShouldBe(201);
        (await SendAsync(Gzip(Body(PushLimits.MaxBodyBytes + 1)), "application/json", "gzip")).Status.ShouldBe(413);
        (await SendAsync(Gzip(new byte[200 << 20]), "application/json", "gzip")).Status.ShouldBe(413);
        using var request = new HttpRequestMessage(HttpMethod.Post, "/events") { Content = RunningServer.Body(Body(PushLimits.MaxBodyBytes + 1), "application/json") };
        request.Headers.ExpectContinue = true;
        (await RunningServer.ProblemAsync(await _server.Client.SendAsync(request), 413)).GetProperty("code").GetString().ShouldBe("too_large");
    }

    [Fact]
    public async Task An_Idempotency_Key_holds_one_request_also_where_each_event_has_an_id_of_its_own()
    {
        const string First = """[{"type":"a","id":"1"},{"type":"b","id":"2"}]""";
        Counts((await PostAsync(First, key: "own ids")).Body).ShouldBe((2, 0, 0));
        Counts((await PostAsync(First, key: "own ids")).Body).ShouldBe((0, 2, 0));
        var head = await HeadAsync();
        foreach (var other in (string[])["""[{"type":"c","id":"3"}]""", """[{"type":"c"}]""", """[{"type":"a","id":"1"},{"type":"b","id":"2"},{"type":"c","id":"3"}]"""])
            (await ProblemAsync(other, 422, key: "own ids")).GetProperty("code").GetString().ShouldBe("idempotency_conflict");
        var single = await ProblemAsync("""{"type":"c","id":"3"}""", 409, key: "own ids");
        single.GetProperty("errors")[0].GetProperty("detail").GetString().ShouldNotBeNull().ShouldContain("Idempotency-Key");

        Counts((await PostAsync("""[{"type":"plain"}]""", key: "plain first")).Body).ShouldBe((1, 0, 0));
        await ProblemAsync("""{"type":"c","id":"3"}""", 409, key: "plain first");
        (await HeadAsync()).ShouldBe(head + 2);
    }

    [Fact]
    public async Task Ten_thousand_events_commit_together_and_one_more_is_413()
    {
        Counts((await PostAsync(Lines(Enumerable.Repeat("{\"type\":\"x\"}", 10_000)), Ndjson)).Body).ShouldBe((10_000, 0, 0));
        await ProblemAsync(Lines(Enumerable.Repeat("{\"type\":\"x\"}", 10_001)), 413, Ndjson);
    }

    [Fact]
    public async Task When_the_queue_is_full_a_push_is_429_with_when_to_come_again_and_nothing_is_lost()
    {
        await using var server = await RunningServer.StartAsync(queueCapacity: 1);
        var (created, refused) = (0, 0);
        for (var round = 0; round < 50 && refused == 0; round++)
        {
            var responses = await Task.WhenAll(Enumerable.Range(0, 32).Select(_ => server.PostAsync("/event", """{"type":"x"}""")));
            foreach (var response in responses)
                if (response.StatusCode == HttpStatusCode.Created)
                    created++;
                else
                {
                    refused++;
                    (await RunningServer.ProblemAsync(response, 429)).GetProperty("code").GetString().ShouldBe("queue_full");
                    response.Headers.GetValues("Retry-After").ShouldHaveSingleItem().ShouldBe("1");
                    response.Headers.GetValues("RateLimit-Policy").ShouldHaveSingleItem().ShouldBe("\"queue\";q=1");
                    response.Headers.GetValues("RateLimit").ShouldHaveSingleItem().ShouldStartWith("\"queue\";r=");
                }
        }
        refused.ShouldBeGreaterThan(0);
        // The service's own probe of the store may be in the queue just then.
        using var last = await AcceptedAsync(server);
        JsonElement.Parse(await last.Content.ReadAsStringAsync()).GetProperty("sequence").GetInt64().ShouldBe(created + 1);
    }

    [Fact]
    public async Task The_description_says_what_goes_in_and_what_comes_out()
    {
        var document = JsonElement.Parse(await _server.Client.GetStringAsync("/openapi/v1.json"));
        foreach (var path in new[] { "/event", "/events" })
        {
            var post = document.GetProperty("paths").GetProperty(path).GetProperty("post");
            post.GetProperty("requestBody").GetProperty("content").EnumerateObject().Select(type => type.Name).ShouldBe(["application/json", "application/x-ndjson"]);
            post.GetProperty("responses").EnumerateObject().Select(response => response.Name).ShouldBe(["200", "201", "202", "400", "401", "403", "408", "409", "413", "415", "422", "429", "500", "503"]);
        }
    }

    private static async Task<HttpResponseMessage> AcceptedAsync(RunningServer server)
    {
        for (var tries = 0; ; tries++)
        {
            var response = await server.PostAsync("/event", """{"type":"x"}""");
            if (response.StatusCode != HttpStatusCode.TooManyRequests || tries == 50)
                return response;
            response.Dispose();
        }
    }

    private const string Ndjson = "application/x-ndjson";

    private async Task<(int Status, JsonElement Body)> PostAsync(string body, string type = "application/json", string? key = null, string path = "/events")
    {
        using var response = await RespondAsync(body, type, key, path);
        var text = await response.Content.ReadAsStringAsync();
        ((int)response.StatusCode).ShouldBeInRange(200, 201, text);
        return ((int)response.StatusCode, JsonElement.Parse(text));
    }

    private async Task<JsonElement> ProblemAsync(string body, int status, string type = "application/json", string? key = null)
    {
        using var response = await RespondAsync(body, type, key, "/events");
        return await RunningServer.ProblemAsync(response, status);
    }

    private Task<HttpResponseMessage> RespondAsync(string body, string type, string? key, string path) =>
        _server.SendAsync(HttpMethod.Post, path, RunningServer.Body(Encoding.UTF8.GetBytes(body), type), key is null ? [] : [("Idempotency-Key", key)]);

    private async Task<(int Status, JsonElement Body)> SendAsync(byte[] body, string type, string? encoding = null)
    {
        using var content = RunningServer.Body(body, type);
        if (encoding is not null)
            content.Headers.TryAddWithoutValidation("Content-Encoding", encoding);
        using var response = await _server.SendAsync(HttpMethod.Post, "/events", content);
        return ((int)response.StatusCode, JsonElement.Parse(await response.Content.ReadAsStringAsync()));
    }

    /// <summary>The sequence that a new event gets.</summary>
    private async Task<long> HeadAsync() => (await PostAsync("""{"type":"mark"}""")).Body.GetProperty("sequence").GetInt64();

    private static (int Created, int Duplicates, int Rejected) Counts(JsonElement body) =>
        (body.GetProperty("created").GetInt32(), body.GetProperty("duplicates").GetInt32(), body.GetProperty("rejected").GetInt32());

    private static (string? Pointer, string? Code) Error(JsonElement result)
    {
        var error = result.GetProperty("errors").EnumerateArray().ShouldHaveSingleItem();
        return (error.GetProperty("pointer").GetString(), error.GetProperty("code").GetString());
    }

    private static string?[] Ids(JsonElement body) => [.. body.GetProperty("results").EnumerateArray().Select(result => result.GetProperty("id").GetString())];

    private static string Lines(IEnumerable<string> events) => string.Concat(events.Select(e => e + "\n"));

    private static byte[] Gzip(byte[] body)
    {
        using var output = new MemoryStream();
        using (var gzip = new GZipStream(output, CompressionLevel.Fastest))
            gzip.Write(body);
        return output.ToArray();
    }

    private static async Task<JsonElement> JsonAsync(HttpResponseMessage response) => JsonElement.Parse(await response.Content.ReadAsStringAsync());
}
