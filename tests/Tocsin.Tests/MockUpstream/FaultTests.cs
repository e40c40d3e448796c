using System.Globalization;
using System.IO.Compression;
using System.Text.Json;

namespace Tocsin.Tests.MockUpstream;

public sealed class FaultTests
{
    private const string Feed = "/incidents/denial/";

    [Theory]
    [InlineData("""{"failure_rate":1}""")]
    [InlineData("""{"http_500":1}""")]
    [InlineData("""{"faults":{"http_500":1}}""")]
    public async Task Http_500_answers_500_until_it_is_off(string config)
    {
        await using var mock = await RunningMock.StartAsync();
        await mock.SetAsync(config);
        foreach (var path in new[] { Feed, "/identities/", "/alerts" })
        {
            using var response = await mock.GetAsync(path);
            ((int)response.StatusCode).ShouldBe(500);
        }

        await mock.SetAsync("""{"failure_rate":0,"http_500":0}""");
        (await mock.RecordsAsync(Feed)).Length.ShouldBe(20);
    }

    [Fact]
    public async Task Http_429_says_when_to_come_back_in_seconds_and_as_a_date_in_turn()
    {
        await using var mock = await RunningMock.StartAsync();
        await mock.SetAsync("""{"http_429":1}""");
        using var first = await mock.GetAsync(Feed);
        using var second = await mock.GetAsync(Feed);
        ((int)first.StatusCode).ShouldBe(429);
        ((int)second.StatusCode).ShouldBe(429);
        first.Headers.RetryAfter!.Delta.ShouldBe(TimeSpan.FromSeconds(1));
        second.Headers.RetryAfter!.Date!.Value.ShouldBeGreaterThan(mock.Time.GetUtcNow());
    }

    [Fact]
    public async Task Timeout_says_nothing_for_a_minute_and_then_closes()
    {
        await using var mock = await RunningMock.StartAsync();
        await mock.SetAsync("""{"timeout":1}""");
        var call = mock.GetAsync(Feed);
        await mock.Time.UntilTimerAsync(TimeSpan.FromSeconds(60));
        call.IsCompleted.ShouldBeFalse();
        mock.Time.Advance(TimeSpan.FromSeconds(60));
        await Should.ThrowAsync<HttpRequestException>(call);
    }

    [Fact]
    public async Task Stopping_does_not_wait_for_calls_that_wait()
    {
        await using var mock = await RunningMock.StartAsync();
        await mock.SetAsync("""{"timeout":1}""");
        var call = mock.GetAsync(Feed);
        await mock.Time.UntilTimerAsync(TimeSpan.FromSeconds(60));
        await mock.Server.StopAsync();
        await Should.ThrowAsync<HttpRequestException>(call);
    }

    [Fact]
    public async Task Truncate_sends_half_of_what_it_promised()
    {
        await using var mock = await RunningMock.StartAsync();
        var whole = (await mock.TextAsync(Feed)).Length;
        await mock.SetAsync("""{"truncate":1}""");
        using var response = await mock.GetAsync(Feed, HttpCompletionOption.ResponseHeadersRead);
        response.Content.Headers.ContentLength.ShouldBe(whole);
        using var body = await response.Content.ReadAsStreamAsync();
        var half = new byte[whole / 2];
        await body.ReadExactlyAsync(half);
        await Should.ThrowAsync<HttpIOException>(async () => await body.ReadExactlyAsync(new byte[1]));
    }

    [Theory]
    [InlineData(Feed)]
    [InlineData("/identities/")]
    [InlineData("/alerts")]
    [InlineData("/alerts?since=2100-01-01T00:00:00Z")]
    public async Task Malformed_is_complete_but_no_JSON(string path)
    {
        await using var mock = await RunningMock.StartAsync();
        await mock.SetAsync("""{"malformed":1}""");
        var text = await mock.TextAsync(path);
        Should.Throw<JsonException>(() => JsonDocument.Parse(text));
    }

    [Fact]
    public async Task Repeat_serves_the_previous_answer_of_an_incident_feed()
    {
        await using var mock = await RunningMock.StartAsync();
        var previous = await mock.TextAsync(Feed);
        await mock.PostAsync("/add?n=3&type=denial");
        await mock.SetAsync("""{"repeat":1}""");
        (await mock.TextAsync(Feed)).ShouldBe(previous);
        (await mock.RecordsAsync("/incidents/other/")).Length.ShouldBe(20, "a feed without a previous answer serves its newest");
        await mock.SetAsync("""{"repeat":0}""");
        (await mock.RecordsAsync(Feed)).Length.ShouldBe(23);
    }

    [Fact]
    public async Task Repeat_repeats_items_of_the_alert_feed()
    {
        await using var mock = await RunningMock.StartAsync();
        var alerts = await mock.RecordsAsync("/alerts");
        await mock.SetAsync("""{"repeat":1}""");
        var repeated = await mock.RecordsAsync("/alerts");
        repeated.Length.ShouldBeGreaterThan(alerts.Length);
        repeated.Distinct().ShouldBe(alerts);
    }

    [Theory]
    [InlineData(Feed)]
    [InlineData("/alerts")]
    public async Task Out_of_order_has_the_same_records_in_another_order(string path)
    {
        await using var mock = await RunningMock.StartAsync();
        var records = await mock.RecordsAsync(path);
        await mock.SetAsync("""{"out_of_order":1}""");
        var shuffled = await mock.RecordsAsync(path);
        shuffled.ShouldNotBe(records);
        shuffled.ShouldBe(records, ignoreOrder: true);
    }

    [Theory]
    [InlineData("/incidents/denial/")]
    [InlineData("/incidents/other/")]
    [InlineData("/alerts")]
    public async Task Wrong_type_adds_strangers_and_touches_no_real_record(string path)
    {
        await using var mock = await RunningMock.StartAsync();
        var records = await mock.RecordsAsync(path);
        await mock.SetAsync("""{"wrong_type":1}""");
        var mixed = await mock.RecordsAsync(path);
        mixed.Length.ShouldBe(records.Length + 4);
        mixed.Where(records.Contains).ShouldBe(records);
    }

    [Fact]
    public async Task Wrong_type_adds_strangers_to_the_identities_too()
    {
        await using var mock = await RunningMock.StartAsync();
        var real = (await mock.JsonAsync("/identities/")).EnumerateObject().Select(p => p.ToString()).ToList();
        await mock.SetAsync("""{"wrong_type":1}""");
        var mixed = (await mock.JsonAsync("/identities/")).EnumerateObject().Select(p => p.ToString()).ToList();
        mixed.Count.ShouldBeGreaterThan(real.Count);
        mixed.Take(real.Count).ShouldBe(real);
    }

    [Fact]
    public async Task Redirect_points_elsewhere()
    {
        await using var mock = await RunningMock.StartAsync();
        await mock.SetAsync("""{"redirect":1}""");
        using (var response = await mock.GetAsync(Feed))
        {
            ((int)response.StatusCode).ShouldBe(302);
            response.Headers.Location!.ToString().ShouldBe("http://127.0.0.1:1/");
        }

        await mock.SetAsync("""{"redirect_to":"http://192.0.2.1/steal"}""");
        using var other = await mock.GetAsync(Feed);
        other.Headers.Location!.ToString().ShouldBe("http://192.0.2.1/steal");
    }

    [Fact]
    public async Task Big_body_is_a_hundred_MiB_that_look_like_JSON()
    {
        await using var mock = await RunningMock.StartAsync();
        await mock.SetAsync("""{"big_body":1}""");
        using var response = await mock.GetAsync(Feed, HttpCompletionOption.ResponseHeadersRead);
        response.Content.Headers.ContentLength.ShouldBe(100L << 20);
        using var body = await response.Content.ReadAsStreamAsync();
        var start = new byte[12];
        await body.ReadExactlyAsync(start);
        start.ShouldBe("{\"results\": "u8.ToArray());
    }

    [Fact]
    public async Task Gzip_bomb_is_small_and_inflates_past_any_sane_limit()
    {
        await using var mock = await RunningMock.StartAsync();
        await mock.SetAsync("""{"gzip_bomb":1}""");
        using var response = await mock.GetAsync(Feed, HttpCompletionOption.ResponseHeadersRead);
        response.Content.Headers.ContentEncoding.ShouldBe(["gzip"]);
        response.Content.Headers.ContentLength!.Value.ShouldBeLessThan(2 << 20);
        using var inflated = new GZipStream(await response.Content.ReadAsStreamAsync(), CompressionMode.Decompress);
        // five MiB show that it goes on past the first members; all of it would only take time
        await inflated.ReadExactlyAsync(new byte[5 << 20]);
    }

    [Fact]
    public async Task Identity_gap_hides_the_same_share_each_time_and_a_greater_one_hides_more()
    {
        await using var mock = await RunningMock.StartAsync(o => o with { Employees = 1000 });
        async Task<HashSet<string>> Known() => [.. (await mock.JsonAsync("/identities/")).EnumerateObject().Select(p => p.Name)];
        var all = await Known();
        await mock.SetAsync("""{"identity_gap":0.3}""");
        var most = await Known();
        most.Count.ShouldBeInRange(600, 800);
        (await Known()).ShouldBe(most);
        await mock.SetAsync("""{"faults":{"identity_gap":0.6}}""");
        var some = await Known();
        some.Count.ShouldBeInRange(300, 500);
        most.ShouldBeSubsetOf(all);
        some.ShouldBeSubsetOf(most);
        await mock.SetAsync("""{"identity_gap":0}""");
        (await Known()).ShouldBe(all);
    }

    [Fact]
    public async Task A_rate_is_the_share_of_calls_and_follows_from_the_seed()
    {
        var outcomes = new List<string>();
        for (var run = 0; run < 2; run++)
        {
            await using var mock = await RunningMock.StartAsync(o => o with { Seed = 3 });
            await mock.SetAsync("""{"http_500":0.3,"http_429":0.2}""");
            var statuses = new List<int>();
            for (var i = 0; i < 200; i++)
            {
                using var response = await mock.GetAsync(Feed);
                statuses.Add((int)response.StatusCode);
            }

            statuses.Count(s => s == 500).ShouldBeInRange(35, 85);
            statuses.Count(s => s == 429).ShouldBeInRange(20, 60);
            outcomes.Add(string.Join(',', statuses));
        }

        outcomes[1].ShouldBe(outcomes[0]);
    }

    [Fact]
    public async Task Controls_are_never_faulted_and_need_no_password()
    {
        await using var mock = await RunningMock.StartAsync();
        await mock.SetAsync("""{"failure_rate":1,"latency_ms":60000}""");
        mock.Client.DefaultRequestHeaders.Authorization = null;
        foreach (var path in new[] { "/", "/config", "/ledger" })
        {
            using var response = await mock.GetAsync(path);
            response.IsSuccessStatusCode.ShouldBeTrue(path);
        }

        (await mock.PostAsync("/add")).Status.ShouldBe(200);
    }

    [Fact]
    public async Task Latency_delays_each_call_and_calls_wait_at_the_same_time()
    {
        await using var mock = await RunningMock.StartAsync(o => o with { Latency = TimeSpan.FromMilliseconds(300) });
        var first = mock.GetAsync(Feed);
        await mock.Time.UntilTimerAsync(TimeSpan.FromMilliseconds(300));
        await mock.SetAsync("""{"latency_ms":450}""");
        var second = mock.GetAsync("/identities/");
        await mock.Time.UntilTimerAsync(TimeSpan.FromMilliseconds(450));
        mock.Time.TimerCount.ShouldBe(2);
        first.IsCompleted.ShouldBeFalse();
        mock.Time.Advance(TimeSpan.FromMilliseconds(450));
        (await first).Dispose();
        (await second).Dispose();
        (await mock.JsonAsync("/config")).GetProperty("latency_ms").GetDouble().ToString(CultureInfo.InvariantCulture).ShouldBe("450");
    }
}
