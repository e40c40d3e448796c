using System.Text;
using System.Text.Json;
using Tocsin.Collect;

namespace Tocsin.Tests.Collect;

public sealed class ExchangeRecorderTests
{
    private const string Key = "k/e+y =\"9\"&x";

    private readonly FakeTimeProvider _time = new();

    [Theory]
    [InlineData("auth: { basic: { username: me, password: \"${env:PASSWORD}\" } }", "Authorization", "Basic ***")]
    [InlineData("auth: { bearer: \"${env:TOKEN}\" }", "Authorization", "Bearer ***")]
    [InlineData("auth: { header: { name: X-Mine, value: \"SSWS ${env:TOKEN}\" } }", "X-Mine", "***")]
    public async Task The_headers_that_prove_who_asks_are_shown_without_what_proves_it(string auth, string name, string shown)
    {
        await using var stub = await StubUpstream.StartAsync(context =>
        {
            context.Response.Headers.SetCookie = "id=hunter2; Path=/";
            context.Response.Headers.WWWAuthenticate = "Basic realm=hunter2";
            context.Response.Headers["X-Echo"] = string.Join(' ', context.Request.Headers.Authorization.ToArray()) + context.Request.Headers["X-Mine"];
            context.Response.Headers["X-Session-Token"] = "hunter2";
            context.Response.Headers["X-Plain"] = "to be seen";
            return StubUpstream.JsonAsync(context, "[1]");
        });
        var (exchanges, _) = await RecordAsync(stub, "/incidents/", auth);
        var exchange = exchanges.ShouldHaveSingleItem();
        exchange.Request.ShouldBe($"GET {stub.Url}/incidents/");
        exchange.RequestHeaders.ShouldContain(new ExchangeHeader(name, shown));
        exchange.RequestHeaders.ShouldContain(new ExchangeHeader("Accept", "application/json"));
        (exchange.Status, exchange.Bytes).ShouldBe((200, 3));
        exchange.ResponseHeaders.ShouldContain(new ExchangeHeader("X-Plain", "to be seen"));
        exchange.ResponseHeaders.ShouldContain(new ExchangeHeader("Content-Type", "application/json"));
        foreach (var hidden in new[] { "Set-Cookie", "X-Session-Token" })
            exchange.ResponseHeaders.ShouldContain(new ExchangeHeader(hidden, "***"));
        ShowsNoSecret(exchanges);
    }

    [Fact]
    public async Task A_secret_in_a_requests_path_is_masked_in_every_form_and_wherever_it_comes_back()
    {
        await using var stub = await StubUpstream.StartAsync((context, self) =>
        {
            if (context.Request.Query.ContainsKey("hop"))
            {
                context.Response.Headers.Link = $"<{self.Url}/incidents/?which={SomeSource.TokenValue.ToUpperInvariant()}&q=%74kn-94c1f0>; rel=next";
                context.Response.Headers["X-Form"] = Convert.ToBase64String(Encoding.UTF8.GetBytes(SomeSource.TokenValue));
                return StubUpstream.JsonAsync(context, "[]");
            }
            context.Response.StatusCode = 302;
            context.Response.Headers.Location = $"/x/{SomeSource.TokenValue}/y?hop=1&which={SomeSource.TokenValue}";
            return Task.CompletedTask;
        });
        var (exchanges, _) = await RecordAsync(stub, $"/incidents/?which={SomeSource.TokenValue}", request: "/incidents/?which=${env:TOKEN}");
        exchanges.Select(exchange => exchange.Request).ShouldBe([$"GET {stub.Url}/incidents/?which=***", $"GET {stub.Url}/x/***/y?hop=1&which=***"]);
        exchanges.Select(exchange => exchange.Status).ShouldBe([302, 200]);
        ShowsNoSecret(exchanges);
    }

    [Theory]
    [InlineData("/x?page_token=hunter2")]
    [InlineData("/x?a=1&X-Amz-Signature=hunter2&b=2")]
    [InlineData("/x?sig=hunter2,hunter2;hunter2")]
    [InlineData("/x?a=1;sig=hunter2")]
    [InlineData("/x?%73ig=hunter2")]
    [InlineData("/x?API_KEY=hunter2")]
    [InlineData("/x?Password=hunter2")]
    [InlineData("/x?code=hunter2")]
    [InlineData("/x?client%5Fsecret=hunter2")]
    public async Task What_is_a_secret_by_its_name_is_masked_in_urls_that_answers_give(string url)
    {
        await using var stub = await StubUpstream.StartAsync((context, self) =>
        {
            context.Response.Headers.Link = $"<{self.Url}{url}>; rel=\"next\"";
            context.Response.Headers.ContentLocation = url;
            context.Response.Headers["X-Other"] = "http://me:hunter2@hunter2@host" + url;
            return StubUpstream.JsonAsync(context, "[]");
        });
        var (exchanges, _) = await RecordAsync(stub, url);
        ShowsNoSecret(exchanges);
        exchanges.Single().ResponseHeaders.Single(header => header.Name == "Link").Value.ShouldEndWith("; rel=\"next\"");
    }

    [Fact]
    public async Task Long_values_of_a_query_and_of_a_header_are_cut_and_control_characters_shown_as_none()
    {
        await using var stub = await StubUpstream.StartAsync(context =>
        {
            context.Response.Headers["X-Long"] = new string('y', 5000);
            return StubUpstream.JsonAsync(context, "[]");
        });
        var (exchanges, _) = await RecordAsync(stub, $"/x?a={new string('x', 300)}&b=2");
        exchanges.Single().Request.ShouldBe($"GET {stub.Url}/x?a={new string('x', 200)}…&b=2");
        exchanges.Single().ResponseHeaders.Single(header => header.Name == "X-Long").Value.ShouldBe(new string('y', 1023) + "…");
        new Redaction(SomeSource.Valid(SomeSource.Yaml())).Text("a\u001b[31mb\u009b").ShouldBe("a?[31mb?");
    }

    [Fact]
    public async Task Only_so_many_headers_and_exchanges_are_kept_and_the_others_are_counted()
    {
        await using var stub = await StubUpstream.StartAsync(context =>
        {
            for (var i = 0; i < 60; i++)
                context.Response.Headers[$"X-{i}"] = "1";
            return StubUpstream.JsonAsync(context, "[]");
        });
        var source = Source(stub.Url);
        var recorder = new ExchangeRecorder(source, _time);
        using var client = new UpstreamClient(source, _time, recorder);
        for (var i = 0; i < 103; i++)
            await client.GetAsync("/incidents/", default);
        (recorder.Exchanges.Count, recorder.LeftOut).ShouldBe((100, 3));
        recorder.Exchanges[0].ResponseHeaders.Count.ShouldBe(50);
        recorder.Exchanges[0].HeadersLeftOut.ShouldBeGreaterThanOrEqualTo(10);
    }

    [Fact]
    public async Task An_exchange_without_an_answer_is_kept_with_the_time_it_took()
    {
        await using var stub = await StubUpstream.StartAsync(StubUpstream.HangAsync);
        var record = RecordAsync(stub, "/incidents/", "timeout: 3s");
        await Until.TrueAsync(() => stub.Calls.Count == 1);
        _time.Advance(TimeSpan.FromSeconds(3));
        var exchange = (await Until.DoneAsync(record)).Exchanges.ShouldHaveSingleItem();
        (exchange.Status, exchange.Bytes, exchange.Took).ShouldBe((null, null, TimeSpan.FromSeconds(3)));
        exchange.RequestHeaders.ShouldNotBeEmpty();
    }

    [Theory]
    [InlineData(Key)]
    [InlineData("abc")]
    [InlineData("a%20b%2Fc")]
    [InlineData("p4sswörd€")]
    public void A_value_from_outside_is_masked_in_each_form_that_it_takes_in_a_url(string secret)
    {
        var redaction = new Redaction(SomeSource.Valid(SomeSource.Yaml()) with { OutsideValues = [secret] });
        foreach (var form in new[] { secret, Uri.EscapeDataString(secret), System.Net.WebUtility.UrlEncode(secret), Uri.EscapeDataString(secret).Replace("%2F", "%2f", StringComparison.Ordinal) })
            redaction.Text($"x/{form}?which={form}&b=2").ShouldNotContain(form);
    }

    [Fact]
    public void Of_an_address_from_outside_the_host_may_be_seen_and_what_follows_may_not()
    {
        var redaction = new Redaction(SomeSource.Valid(SomeSource.Yaml()) with { OutsideValues = ["https://hooks.example.com/T00/B00x", "http://127.0.0.1:9001"] });
        redaction.Text("https://hooks.example.com/T00/B00x/incidents/").ShouldBe("https://hooks.example.com/***/incidents/");
        redaction.Text("http://127.0.0.1:9001/incidents/").ShouldBe("http://127.0.0.1:9001/incidents/");
    }

    [Fact]
    public void A_short_value_is_masked_where_it_stands_alone() =>
        new Redaction(SomeSource.Valid(SomeSource.Yaml()) with { OutsideValues = ["in"] }).Text("/incidents/in?in=in").ShouldBe("/incidents/***?***=***");

    private async Task<(IReadOnlyList<Exchange> Exchanges, FetchResult Result)> RecordAsync(StubUpstream stub, string path, string more = "", string request = "/incidents/")
    {
        var source = Source(stub.Url, more, request);
        var recorder = new ExchangeRecorder(source, _time);
        using var client = new UpstreamClient(source, _time, recorder);
        var result = await client.GetAsync(path, default);
        return (recorder.Exchanges, result);
    }

    private static void ShowsNoSecret(IReadOnlyList<Exchange> exchanges)
    {
        var shown = JsonSerializer.Serialize(exchanges) + string.Join(' ', exchanges);
        foreach (var secret in new[] { SomeSource.TokenValue, SomeSource.PasswordValue, "hunter2", Convert.ToBase64String(Encoding.UTF8.GetBytes("me:" + SomeSource.PasswordValue)) })
            shown.ShouldNotContain(secret, Case.Insensitive);
        shown.ShouldNotContain("%74kn");
    }

    private static SourceDefinition Source(string url, string more = "", string request = "/incidents/") =>
        SomeSource.Valid(SomeSource.Yaml(more).Replace("https://incidents.example.com", url, StringComparison.Ordinal)
            .Replace("{ get: /incidents/ }", $"{{ get: \"{request}\" }}", StringComparison.Ordinal));
}
