using System.Net;
using System.Text;
using System.Text.Json;

namespace Tocsin.Tests.Server;

/// <summary>Bodies of requests: what is taken, and how what is not is refused.</summary>
public sealed partial class ApiTests
{
    [Theory]
    [InlineData("text/plain")]
    [InlineData("application/xml")]
    [InlineData("application/x-www-form-urlencoded")]
    [InlineData("multipart/form-data; boundary=x")]
    public async Task A_media_type_that_is_not_taken_is_415(string contentType) =>
        await RunningServer.ProblemAsync(await _server.PostAsync("/identities", """{"ip":"17.0.0.1","user_id":"7"}""", contentType), 415);

    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("7")]
    [InlineData("{")]
    [InlineData("{\"ip\":\"17.0.0.1\",\"user_id\":\"7\"}{}")]
    [InlineData("{\"ip\":\"17.0.0.1\",\"user_id\":\"7\",}")]
    [InlineData("{\"ip\":\"17.0.0.1\",\"user_id\":7}")]
    [InlineData("{\"ip\":\"17.0.0.1\",\"user_id\":\"7\",\"more\":1}")]
    [InlineData("{\"ip\":\"17.0.0.1\",\"user_id\":\"7\",\"user_id\":\"8\"}")]
    [InlineData("{\"ip\":\"17.0.0.1\",\"User_Id\":\"7\"}")]
    [InlineData("{\"ip\":\"17.0.0.1\",\"user_id\":\"\\ud800\"}")]
    [InlineData("{\"ip\":\"17.0.0.1\",\"\\ud800\":\"7\"}")]
    [InlineData("{\"ip\":\"17.0.0.1\",\"user_id\":\"7\",\"from\":\"yesterday\"}")]
    [InlineData("{\"ip\":\"17.0.0.1\",\"user_id\":\"7\",\"from\":\"2026-01-01T00:00:00\"}")]
    [InlineData("{\"ip\":\"17.0.0.1\",\"user_id\":\"7\",\"from\":true}")]
    [InlineData("{\"ip\":\"17.0.0.1\",\"user_id\":\"7\",\"from\":1e400}")]
    [InlineData("// comment\n{\"ip\":\"17.0.0.1\",\"user_id\":\"7\"}")]
    public async Task A_body_that_is_not_the_JSON_of_the_route_is_400(string body) => await RunningServer.ProblemAsync(await _server.PostAsync("/identities", body), 400);

    [Fact]
    public async Task Bytes_that_are_no_UTF_8_and_JSON_without_a_bottom_are_400()
    {
        await RunningServer.ProblemAsync(await _server.PostAsync("/identities", [.. "{\"ip\":\"17.0.0.1\",\"user_id\":\""u8, 0xFF, .. "\"}"u8]), 400);
        await RunningServer.ProblemAsync(await _server.PostAsync("/identities", new string('[', 50_000)), 400);
        await RunningServer.ProblemAsync(await _server.PostAsync("/identities", string.Concat(Enumerable.Repeat("{\"ip\":", 5_000))), 400);
    }

    [Theory]
    [InlineData("{}", "/ip,/user_id")]
    [InlineData("{\"ip\":\"386255\",\"user_id\":\"7\"}", "/ip")]
    [InlineData("{\"ip\":\"[::1]:80\",\"user_id\":\"7\"}", "/ip")]
    [InlineData("{\"ip\":\"17.0.0.1\",\"user_id\":\" \"}", "/user_id")]
    [InlineData("{\"ip\":null,\"user_id\":null}", "/ip,/user_id")]
    [InlineData("{\"ip\":\"17.0.0.1\",\"user_id\":\"a\\n\\u001b[2Jb\"}", "/user_id")]
    [InlineData("{\"ip\":\"17.0.0.1\",\"user_id\":\"7\",\"from\":\"2026-01-02T00:00:00Z\",\"to\":\"2026-01-01T00:00:00Z\"}", "/to")]
    [InlineData("{\"ip\":\"17.0.0.1\",\"user_id\":\"7\",\"from\":5,\"to\":5}", "/to")]
    public async Task What_reads_well_and_cannot_be_used_is_422_with_its_fields(string body, string pointers)
    {
        var problem = await RunningServer.ProblemAsync(await _server.PostAsync("/identities", body), 422);
        string.Join(',', problem.GetProperty("errors").EnumerateArray().Select(error => error.GetProperty("pointer").GetString())).ShouldBe(pointers);
    }

    [Fact]
    public async Task A_body_larger_than_the_route_takes_is_413_and_the_next_call_is_fine()
    {
        var body = Encoding.UTF8.GetBytes($$"""{"ip":"17.0.0.1","user_id":"{{new string('x', 2 << 20)}}"}""");
        // Asked first (RFC 9110, 10.1.1): else the answer may come while the body is still on its way, and the client sees a broken pipe instead.
        using var request = new HttpRequestMessage(HttpMethod.Post, "/identities") { Content = new ByteArrayContent(body), Headers = { ExpectContinue = true } };
        request.Content.Headers.ContentType = new("application/json");
        (await RunningServer.ProblemAsync(await _server.Client.SendAsync(request), 413)).GetProperty("code").GetString().ShouldBe("too_large");
        (await _server.GetAsync("/livez")).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task An_assignment_is_taken_said_back_and_found_again()
    {
        var response = await _server.PostAsync("/identities", """{"ip":"::FFFF:17.9.9.9","user_id":"é 7","from":"2026-01-01T01:00:00+01:00","to":1767312000.5}""");
        response.StatusCode.ShouldBe(HttpStatusCode.Created);
        var found = JsonElement.Parse(await _server.Client.GetStringAsync(response.Headers.Location)).EnumerateArray().ShouldHaveSingleItem();
        (found.GetProperty("ip").GetString(), found.GetProperty("user_id").GetString(), found.GetProperty("from").GetString(), found.GetProperty("to").GetString(), found.GetProperty("source").GetString())
            .ShouldBe(("17.9.9.9", "é 7", "2026-01-01T00:00:00.000Z", "2026-01-02T00:00:00.500Z", "manual"));
        (await _server.Client.GetStringAsync("/identities?ip=17.9.9.9&at=2026-01-03T00:00:00Z")).ShouldBe("[]");
    }

    [Fact]
    public async Task A_time_as_a_number_reads_the_same_wherever_the_network_cuts_the_body()
    {
        foreach (var pad in Enumerable.Range(4040, 60))
        {
            var body = $$"""{"ip":"17.8.8.8","user_id":"7",{{new string(' ', pad)}}"from":1767312000.5}""";
            using var response = await _server.PostAsync("/identities", body);
            response.StatusCode.ShouldBe(HttpStatusCode.Created, $"{pad}");
        }
    }
}
