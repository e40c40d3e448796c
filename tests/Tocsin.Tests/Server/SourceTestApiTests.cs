using System.Net.Http.Json;
using System.Text.Json;
using Tocsin.Tests.Collect;

namespace Tocsin.Tests.Server;

/// <summary>Trying a source over HTTP: what it shows, and what a file that came over the network may not do.</summary>
public sealed class SourceTestApiTests : IAsyncLifetime
{
    private const string Alerts = """[{"id":"a","at":"2026-01-01T10:00:00Z","who":"4506","dst":"8.8.8.8","more":1},{"id":"b"}]""";
    private StubUpstream _upstream = null!;
    private RunningServer _server = null!;

    public async ValueTask InitializeAsync()
    {
        _upstream = await StubUpstream.StartAsync(context => StubUpstream.JsonAsync(context, Alerts));
        _server = await RunningServer.StartAsync(sources: SomeSource.Valid(Yaml("example", "auth: { bearer: \"${env:TOKEN}\" }")));
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        await _upstream.DisposeAsync();
    }

    [Fact]
    public async Task A_configured_source_is_tried_by_its_name_and_nothing_is_kept()
    {
        await Until.TrueAsync(() => _server.EventsAsync().GetAwaiter().GetResult().Length == 1);
        using var response = await TestAsync(new { name = "example" });
        response.StatusCode.ShouldBe(System.Net.HttpStatusCode.OK);
        var text = await response.Content.ReadAsStringAsync();
        text.ShouldNotContain(SomeSource.TokenValue);
        var answer = JsonElement.Parse(text);
        answer.GetProperty("ok").GetBoolean().ShouldBeFalse("a record would be kept aside");
        var call = answer.GetProperty("calls")[0];
        call.GetProperty("exchanges")[0].GetProperty("request_headers").EnumerateArray().Single(header => header.GetProperty("name").GetString() == "Authorization").GetProperty("value").GetString().ShouldBe("Bearer ***");
        call.GetProperty("events")[0].GetProperty("user_id").GetString().ShouldBe("4506");
        call.GetProperty("events")[0].GetProperty("country").GetString().ShouldBe("US");
        call.GetProperty("unmapped").EnumerateArray().Select(name => name.GetString()).ShouldBe(["more"]);
        call.GetProperty("rejects")[0].GetProperty("reason").GetString()!.ShouldContain("time is absent");
        call.GetProperty("next_cursor").GetString().ShouldBe("2026-01-01T10:00:00Z");
        call.GetProperty("next_request").GetString().ShouldBe("/alerts?since=2026-01-01T09%3A55%3A00Z");
        (await _server.EventsAsync()).Length.ShouldBe(1, "what its own poll brought");
    }

    [Fact]
    public async Task A_file_may_go_where_a_configured_source_is_at_home()
    {
        using var response = await TestAsync(new { file = Yaml("mine", "") });
        var answer = JsonElement.Parse(await response.Content.ReadAsStringAsync());
        answer.GetProperty("source").GetString().ShouldBe("mine");
        answer.GetProperty("calls")[0].GetProperty("records").GetInt32().ShouldBe(2);
    }

    [Fact]
    public async Task A_record_as_deep_as_records_may_be_is_shown()
    {
        var deep = $"{new string('[', 62)}{new string(']', 62)}";
        await using var upstream = await StubUpstream.StartAsync(context => StubUpstream.JsonAsync(context, $$"""[{"id":"a","at":"2026-01-01T10:00:00Z","deep":{{deep}}}]"""));
        await using var server = await RunningServer.StartAsync(sources: SomeSource.Valid(Yaml("deep", "").Replace(_upstream.Url, upstream.Url, StringComparison.Ordinal)));
        using var response = await server.SendAsync(HttpMethod.Post, "/sources/test", JsonContent.Create(new { name = "deep" }));
        response.StatusCode.ShouldBe(System.Net.HttpStatusCode.OK);
        (await response.Content.ReadAsStringAsync()).ShouldContain(deep);
    }

    [Theory]
    [InlineData("base_url: http://127.0.0.1:1", "private network")]
    [InlineData("base_url: https://10.0.0.1\nallow_private: true", "private network")]
    [InlineData("base_url: https://evil.example\nauth: { bearer: \"${env:PATH}\" }", "refers to a secret")]
    [InlineData("base_url: https://evil.example/${env:PATH}", "refers to a secret")]
    [InlineData("base_url: https://evil.example\nauth: { bearer: \"${file:/etc/hostname}\" }", "files of the machine are not read")]
    [InlineData("base_url: https://evil.example\nidentities: { file: /etc/passwd }", "files of the machine are not read")]
    [InlineData("base_url: file:///etc/passwd", "not an absolute http or https URL")]
    public async Task A_file_may_neither_enter_other_private_networks_nor_carry_secrets_away(string lines, string why)
    {
        var text = Yaml("mine", "").Replace($"base_url: {_upstream.Url}", lines, StringComparison.Ordinal);
        var before = _upstream.Calls.Count;
        using var response = await TestAsync(new { file = text });
        var problem = await RunningServer.ProblemAsync(response, 422);
        problem.GetProperty("errors").EnumerateArray().Select(error => error.GetProperty("detail").GetString()).ShouldContain(detail => detail!.Contains(why));
        problem.ToString().ShouldNotContain(Environment.GetEnvironmentVariable("PATH")!);
        _upstream.Calls.Count.ShouldBeLessThanOrEqualTo(before + 1, "only the source's own poll");
    }

    /// <summary>The file goes where the secret is shown already, so it may refer to it; what it asks for is that we show it.</summary>
    [Theory]
    [InlineData("type: { set: \"${env:PATH}\" }")]
    [InlineData("device: { from: id, values: { a: \"x${env:PATH}\" } }")]
    [InlineData("description: { from: id, values: { b: c }, else: \"${env:PATH}\" }")]
    [InlineData("src_ip: \"${env:PATH}\"")]
    [InlineData("type: a }\nrecords: \"${env:PATH}\"\nretry: { attempts: 1")]
    [InlineData("type: a }\nauth: { header: { name: \"${env:PATH}\", value: \"${env:PATH}\" }")]
    [InlineData("type: a }\nenabled: \"${env:PATH}\"\nretry: { attempts: 1")]
    public async Task No_secret_comes_out_as_a_part_of_an_event(string map)
    {
        var text = Yaml("mine", "").Replace("dst_ip: dst }", $"{map} }}", StringComparison.Ordinal);
        using var response = await TestAsync(new { file = text });
        var problem = await RunningServer.ProblemAsync(response, 422);
        problem.GetProperty("errors").EnumerateArray().ShouldContain(error => error.GetProperty("detail").GetString()!.Contains("only in base_url, under auth and in a get"));
        problem.ToString().ShouldNotContain(Environment.GetEnvironmentVariable("PATH")!);
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"name":"example","file":"name: x"}""")]
    public async Task It_wants_one_of_name_and_file(string body)
    {
        using var response = await _server.PostAsync("/sources/test", body);
        await RunningServer.ProblemAsync(response, 422);
    }

    private string Yaml(string name, string more) =>
        SomeSource.Yaml($"every: 24h\ncursor: {{ param: since }}\n{more}", "{ external_id: id, time: at, user_id: who, dst_ip: dst }")
            .Replace("name: example", $"name: {name}", StringComparison.Ordinal)
            .Replace("https://incidents.example.com", _upstream.Url, StringComparison.Ordinal)
            .Replace("/incidents/", "/alerts", StringComparison.Ordinal);

    private Task<HttpResponseMessage> TestAsync(object body) => _server.SendAsync(HttpMethod.Post, "/sources/test", JsonContent.Create(body));
}
