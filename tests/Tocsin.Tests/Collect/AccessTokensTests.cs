using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Tocsin.Collect;

namespace Tocsin.Tests.Collect;

/// <summary>OAuth 2.0 client credentials, with a real token endpoint at another origin than the upstream.</summary>
public sealed class AccessTokensTests : IAsyncLifetime
{
    private readonly FakeTimeProvider _time = new();
    private StubUpstream _login = null!;
    private StubUpstream _upstream = null!;
    private int _issued;
    private string _accepted = "at-1";
    private Func<HttpContext, Task> _token;

    public AccessTokensTests() => _token = context => IssueAsync(context, "\"expires_in\":3600");

    public async ValueTask InitializeAsync()
    {
        _login = await StubUpstream.StartAsync(context => _token(context));
        _upstream = await StubUpstream.StartAsync(context =>
        {
            if (context.Request.Headers.Authorization == "Bearer " + _accepted)
                return StubUpstream.JsonAsync(context, "[7]");
            context.Response.StatusCode = 401;
            return Task.CompletedTask;
        });
    }

    public async ValueTask DisposeAsync()
    {
        await _login.DisposeAsync();
        await _upstream.DisposeAsync();
    }

    [Fact]
    public async Task A_token_is_fetched_with_the_secret_and_shown_to_the_upstream()
    {
        string? form = null;
        _token = async context =>
        {
            form = await new StreamReader(context.Request.Body).ReadToEndAsync();
            await IssueAsync(context, "\"expires_in\":3600");
        };
        using var client = Client("scope: \"read all\", audience: \"https://api/\"");
        (await client.GetAsync("/incidents/", default)).Failure.ShouldBeNull();
        form.ShouldBe("grant_type=client_credentials&scope=read+all&audience=https%3A%2F%2Fapi%2F");
        _login.Calls.Single().Authorization.ShouldBe("Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes("me:" + SomeSource.TokenValue)));
        _upstream.Calls.Single().Authorization.ShouldBe("Bearer at-1");
    }

    [Fact]
    public async Task The_secret_can_go_into_the_form_instead()
    {
        string? form = null;
        _token = async context =>
        {
            form = await new StreamReader(context.Request.Body).ReadToEndAsync();
            await IssueAsync(context, "\"expires_in\":3600");
        };
        using var client = Client("client_auth: body");
        (await client.GetAsync("/incidents/", default)).Failure.ShouldBeNull();
        form.ShouldBe("grant_type=client_credentials&client_id=me&client_secret=" + SomeSource.TokenValue);
        _login.Calls.Single().Authorization.ShouldBeNull();
    }

    [Fact]
    public async Task Id_and_secret_are_encoded_before_they_are_joined_by_a_colon()
    {
        var source = Source() with { Auth = new OAuth2Auth(new Uri(_login.Url), "a:b c", "p%:/ +") { AllowPrivate = true } };
        using var client = new UpstreamClient(source, _time);
        await client.GetAsync("/incidents/", default);
        _login.Calls.Single().Authorization.ShouldBe("Basic " + Convert.ToBase64String(Encoding.ASCII.GetBytes("a%3Ab+c:p%25%3A%2F+%2B")));
    }

    [Theory]
    [InlineData("\"expires_in\":3600", 3600 - 30)]
    [InlineData("\"expires_in\":\"3600\"", 3600 - 30)]
    [InlineData("\"expires_in\":100", 90)]
    [InlineData("\"x\":1", 270)]
    [InlineData("\"expires_in\":null", 270)]
    [InlineData("\"expires_in\":\"soon\"", 270)]
    [InlineData("\"expires_in\":1e300", 86400 - 30)]
    [InlineData("\"expires_in\":\"\\ud800\"", 270)]
    [InlineData("\"expires_in\":[1]", 270)]
    public async Task A_token_is_kept_until_shortly_before_it_ends(string life, int seconds)
    {
        _token = context => IssueAsync(context, life);
        using var client = Client();
        (await client.GetAsync("/incidents/", default)).Failure.ShouldBeNull();
        _time.Advance(TimeSpan.FromSeconds(seconds) - TimeSpan.FromMilliseconds(1));
        (await client.GetAsync("/incidents/", default)).Failure.ShouldBeNull();
        _issued.ShouldBe(1);
        _accepted = "at-2";
        _time.Advance(TimeSpan.FromMilliseconds(1));
        (await client.GetAsync("/incidents/", default)).Failure.ShouldBeNull();
        _issued.ShouldBe(2);
    }

    [Theory]
    [InlineData("0")]
    [InlineData("-5")]
    public async Task A_token_without_a_life_serves_the_calls_that_wanted_it(string life)
    {
        _token = context => IssueAsync(context, $"\"expires_in\":{life}");
        using var client = Client();
        (await client.GetAsync("/incidents/", default)).Failure.ShouldBeNull();
        _accepted = "at-2";
        (await client.GetAsync("/incidents/", default)).Failure.ShouldBeNull();
        _issued.ShouldBe(2);
    }

    [Fact]
    public async Task All_calls_of_a_source_share_one_fetch_and_one_failure()
    {
        var gate = new TaskCompletionSource();
        _token = async context =>
        {
            await gate.Task;
            context.Response.StatusCode = 503;
        };
        using var client = Client();
        var calls = Enumerable.Range(0, 8).Select(_ => client.GetAsync("/incidents/", default)).ToArray();
        await Until.TrueAsync(() => _login.Calls.Count == 1);
        gate.SetResult();
        (await Until.DoneAsync(Task.WhenAll(calls))).ShouldAllBe(result => result.Failure!.Kind == FetchFailureKind.ServerError);
        _token = context => IssueAsync(context, "\"expires_in\":3600");
        (await client.GetAsync("/incidents/", default)).Failure.ShouldBeNull();
        (_login.Calls.Count, _upstream.Calls.Count).ShouldBe((2, 1));
    }

    [Fact]
    public async Task A_token_that_was_taken_and_is_no_more_is_fetched_anew_once()
    {
        using var client = Client();
        (await client.GetAsync("/incidents/", default)).Failure.ShouldBeNull();
        _accepted = "at-2";
        (await client.GetAsync("/incidents/", default)).Failure.ShouldBeNull();
        (_issued, _upstream.Calls.Count).ShouldBe((2, 3));
        _accepted = "none";
        var failure = (await client.GetAsync("/incidents/", default)).Failure.ShouldNotBeNull();
        (failure.Kind, failure.IsTransient).ShouldBe((FetchFailureKind.Unauthorised, false));
        (_issued, _upstream.Calls.Count).ShouldBe((3, 5));
    }

    [Fact]
    public async Task A_new_token_that_the_upstream_does_not_take_is_a_failure_at_once_and_not_kept()
    {
        _accepted = "none";
        using var client = Client();
        (await client.GetAsync("/incidents/", default)).Failure.ShouldNotBeNull().Kind.ShouldBe(FetchFailureKind.Unauthorised);
        (_issued, _upstream.Calls.Count).ShouldBe((1, 1));
        _accepted = "at-2";
        (await client.GetAsync("/incidents/", default)).Failure.ShouldBeNull();
    }

    [Theory]
    [InlineData(401, """{"error":"invalid_client","error_description":"no \u001b[31msuch tkn-94c1f0"}""", FetchFailureKind.Unauthorised, "invalid_client (no ?[31msuch ***)")]
    [InlineData(400, """{"error":"invalid_client"}""", FetchFailureKind.Unauthorised, "400 invalid_client: check auth.oauth2")]
    [InlineData(400, """{"error":"invalid_scope"}""", FetchFailureKind.Unauthorised, "invalid_scope")]
    [InlineData(400, """{"error":"invalid_request"}""", FetchFailureKind.UnexpectedStatus, "invalid_request")]
    [InlineData(400, """{"error":7}""", FetchFailureKind.UnexpectedStatus, "400")]
    [InlineData(403, "<html>", FetchFailureKind.RateLimited, "403")] // It says when to come again.
    [InlineData(404, "", FetchFailureKind.UnexpectedStatus, "404")]
    [InlineData(302, "", FetchFailureKind.Redirected, "not followed with a secret")]
    [InlineData(429, "", FetchFailureKind.RateLimited, "429")]
    [InlineData(503, """{"error":"invalid_client"}""", FetchFailureKind.ServerError, "503")]
    [InlineData(200, "", FetchFailureKind.Malformed, "no JSON object")]
    [InlineData(200, "[]", FetchFailureKind.Malformed, "no JSON object")]
    [InlineData(200, """{"token_type":"bearer"}""", FetchFailureKind.Malformed, "no access_token")]
    [InlineData(200, """{"access_token":"","token_type":"bearer"}""", FetchFailureKind.Malformed, "no access_token")]
    [InlineData(200, """{"access_token":"hunter2"}""", FetchFailureKind.Malformed, "no token_type")]
    [InlineData(200, """{"access_token":"hunter2","access_token":"x","token_type":"bearer"}""", FetchFailureKind.Malformed, "no JSON object")]
    [InlineData(200, """{"access_token":"hunter2\r\nX-Other: 1","token_type":"bearer"}""", FetchFailureKind.Malformed, "no header can carry")]
    [InlineData(200, """{"access_token":"hunter2 x","token_type":"bearer"}""", FetchFailureKind.Malformed, "no header can carry")]
    [InlineData(200, """{"access_token":"hunter2é","token_type":"bearer"}""", FetchFailureKind.Malformed, "no header can carry")]
    [InlineData(200, """{"access_token":"hunter2","token_type":"mac"}""", FetchFailureKind.UnexpectedStatus, "mac")]
    public async Task A_token_endpoint_that_gives_none_is_a_failure_of_the_call_without_a_secret(int status, string body, FetchFailureKind kind, string says)
    {
        _token = context =>
        {
            context.Response.StatusCode = status;
            context.Response.Headers.RetryAfter = "7";
            context.Response.Headers.Location = _upstream.Url;
            return context.Response.WriteAsync(body);
        };
        using var client = Client();
        var failure = (await client.GetAsync("/incidents/", default)).Failure.ShouldNotBeNull();
        failure.Kind.ShouldBe(kind, failure.Message);
        failure.Message.ShouldContain("token endpoint");
        failure.Message.ShouldContain(says);
        failure.Message.ShouldNotContain("hunter2");
        failure.Message.ShouldNotContain(SomeSource.TokenValue);
        if (status is 429 or 503)
            failure.RetryAfter.ShouldBe(TimeSpan.FromSeconds(7));
        _upstream.Calls.ShouldBeEmpty();
        _login.Calls.Count.ShouldBe(1);
    }

    [Fact]
    public async Task A_long_description_is_cut_and_a_large_answer_refused()
    {
        _token = context =>
        {
            context.Response.StatusCode = 400;
            return context.Response.WriteAsync(JsonSerializer.Serialize(new { error = "x", error_description = new string('y', 5000) }));
        };
        using var client = Client();
        (await client.GetAsync("/incidents/", default)).Failure.ShouldNotBeNull().Message.Length.ShouldBeLessThan(400);
        _token = context => StubUpstream.JsonAsync(context, $"{{\"access_token\":\"{new string('y', 70_000)}\",\"token_type\":\"bearer\"}}");
        (await client.GetAsync("/incidents/", default)).Failure.ShouldNotBeNull().Kind.ShouldBe(FetchFailureKind.TooLarge);
    }

    [Fact]
    public async Task The_time_out_covers_the_token_and_the_call_together()
    {
        _token = context =>
        {
            _time.Advance(TimeSpan.FromSeconds(2));
            return IssueAsync(context, "\"expires_in\":3600");
        };
        await using var slow = await StubUpstream.StartAsync(StubUpstream.HangAsync);
        using var client = new UpstreamClient(Source(more: "timeout: 3s") with { BaseUrl = new Uri(slow.Url) }, _time);
        var get = client.GetAsync("/incidents/", default);
        await Until.TrueAsync(() => slow.Calls.Count == 1);
        _time.Advance(TimeSpan.FromSeconds(1));
        (await Until.DoneAsync(get)).Failure.ShouldNotBeNull().Kind.ShouldBe(FetchFailureKind.TimedOut);
    }

    [Fact]
    public async Task A_token_endpoint_that_hangs_ends_by_the_time_out_and_who_stops_waits_no_longer()
    {
        _token = StubUpstream.HangAsync;
        using var client = new UpstreamClient(Source(more: "timeout: 3s"), _time);
        using var stop = new CancellationTokenSource();
        var (first, second) = (client.GetAsync("/incidents/", default), client.GetAsync("/incidents/", stop.Token));
        await Until.TrueAsync(() => _login.Calls.Count == 1);
        await stop.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(second);
        _time.Advance(TimeSpan.FromSeconds(3));
        (await Until.DoneAsync(first)).Failure.ShouldNotBeNull().Kind.ShouldBe(FetchFailureKind.TimedOut);
    }

    [Fact]
    public async Task Neither_token_nor_secret_goes_where_a_redirect_leads_or_is_shown()
    {
        await using var other = await StubUpstream.StartAsync(context => StubUpstream.JsonAsync(context, "[1]"));
        await using var stub = await StubUpstream.StartAsync(context =>
        {
            context.Response.StatusCode = 302;
            context.Response.Headers["X-Echo"] = context.Request.Headers.Authorization;
            context.Response.Headers.Location = context.Request.Path == "/incidents/" ? "/next?at-1" : $"{other.Url}/?at-1";
            return Task.CompletedTask;
        });
        var source = Source() with { BaseUrl = new Uri(stub.Url) };
        var recorder = new ExchangeRecorder(source, _time);
        using var client = new UpstreamClient(source, _time, recorder);
        var result = await client.GetAsync("/incidents/", default);
        result.Failure.ShouldNotBeNull().Kind.ShouldBe(FetchFailureKind.Redirected);
        other.Calls.ShouldBeEmpty();
        stub.Calls.ShouldAllBe(call => call.Authorization == "Bearer at-1");
        recorder.Exchanges.Select(exchange => exchange.Request[..4]).ShouldBe(["POST", "GET ", "GET "]);
        var shown = $"{JsonSerializer.Serialize(recorder.Exchanges)} {source} {source.Auth} {result}";
        shown.ShouldNotContain("at-1");
        shown.ShouldNotContain(SomeSource.TokenValue);
        shown.ShouldNotContain(Convert.ToBase64String(Encoding.UTF8.GetBytes("me:" + SomeSource.TokenValue)));
    }

    [Theory]
    [InlineData(false, true, true)]
    [InlineData(true, false, true)]
    [InlineData(true, true, false)]
    public async Task Consent_to_one_host_is_none_to_the_other(bool login, bool upstream, bool refused)
    {
        var source = Source() with { AllowPrivate = upstream };
        using var client = new UpstreamClient(source with { Auth = (OAuth2Auth)source.Auth! with { AllowPrivate = login } }, _time);
        var result = await client.GetAsync("/incidents/", default);
        (result.Failure?.Kind == FetchFailureKind.AddressRefused).ShouldBe(refused);
        if (!login)
            _login.Calls.ShouldBeEmpty();
        if (!upstream)
            _upstream.Calls.ShouldBeEmpty();
    }

    [Theory]
    [InlineData("http://127.0.0.1:1", "https://login.example.com", false, true, false)]
    [InlineData("https://a.example.com", "http://127.0.0.1:1", false, false, true)]
    [InlineData("https://a.example.com", "https://login.example.com", false, false, false)]
    [InlineData("https://127.0.0.1", "https://10.0.0.1?tenant=1", true, true, true)]
    public void Http_is_consent_to_its_own_host_and_the_line_to_both(string baseUrl, string tokenUrl, bool line, bool upstream, bool login)
    {
        var source = SomeSource.Valid(SomeSource.Yaml($"{(line ? "allow_private: true\n" : "")}auth: {{ oauth2: {{ token_url: \"{tokenUrl}\", client_id: me, client_secret: \"${{env:TOKEN}}\" }} }}")
            .Replace("https://incidents.example.com", baseUrl, StringComparison.Ordinal));
        (source.AllowPrivate, source.Auth.ShouldBeOfType<OAuth2Auth>().AllowPrivate).ShouldBe((upstream, login));
        $"{source.Auth}".ShouldNotContain(SomeSource.TokenValue);
    }

    private Task IssueAsync(HttpContext context, string life) =>
        StubUpstream.JsonAsync(context, $"{{\"access_token\":\"at-{Interlocked.Increment(ref _issued)}\",\"token_type\":\"BeaRer\",{life}}}");

    private UpstreamClient Client(string oauth2 = "") => new(Source(oauth2), _time);

    private SourceDefinition Source(string oauth2 = "", string more = "") =>
        SomeSource.Valid(SomeSource.Yaml($"{more}\nauth: {{ oauth2: {{ token_url: \"{_login.Url}/token\", client_id: me, client_secret: \"${{env:TOKEN}}\", {oauth2} }} }}".TrimStart())
            .Replace("https://incidents.example.com", _upstream.Url, StringComparison.Ordinal));
}
