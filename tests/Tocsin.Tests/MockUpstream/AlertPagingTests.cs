namespace Tocsin.Tests.MockUpstream;

public sealed class AlertPagingTests
{
    private static readonly string[] Styles = ["page", "offset", "cursor", "next_url", "link"];

    public static TheoryData<string> AllStyles => [.. Styles];

    [Theory]
    [MemberData(nameof(AllStyles))]
    public async Task Pages_of_any_style_put_together_are_the_whole(string style)
    {
        await using var mock = await RunningMock.StartAsync();
        var whole = await mock.RecordsAsync("/alerts");
        foreach (var limit in new[] { 1, 7, 20, 21, 10_000 })
            (await mock.WalkAsync(style, $"limit={limit}")).ShouldBe(whole);
    }

    [Theory]
    [MemberData(nameof(AllStyles))]
    public async Task Pages_from_a_time_on_are_what_is_there_from_that_time_on(string style)
    {
        await using var mock = await RunningMock.StartAsync();
        var since = "since=" + Alerts.Created((await mock.AlertsAsync())[5]);
        var expected = await mock.RecordsAsync("/alerts?" + since);
        expected.Length.ShouldBe(15);
        (await mock.WalkAsync(style, $"{since}&limit=4")).ShouldBe(expected);
        (await mock.WalkAsync(style, "since=2030-01-01T00:00:00%2B01:00&limit=4")).ShouldBeEmpty();
    }

    [Theory]
    [MemberData(nameof(AllStyles))]
    public async Task A_walk_misses_nothing_and_repeats_nothing_while_records_come(string style)
    {
        await using var mock = await RunningMock.StartAsync();
        var left = 5;
        var walked = await mock.WalkAsync(style, "limit=6", async () =>
        {
            if (left-- <= 0)
                return;
            mock.Time.Advance(TimeSpan.FromSeconds(1));
            await mock.PostAsync("/add?n=2&type=alerts");
            await mock.PostAsync("/revise?n=1");
        });
        walked.ShouldBe(await mock.RecordsAsync("/alerts"));
        walked.Count.ShouldBeGreaterThan(30);
    }

    [Theory]
    [MemberData(nameof(AllStyles))]
    public async Task A_record_that_comes_late_is_last_in_a_walk_that_reaches_back_to_its_time_and_in_no_other(string style)
    {
        await using var mock = await RunningMock.StartAsync(o => o with { Alerts = 0 });
        await mock.PostAsync("/add?n=3&type=alerts");
        mock.Time.Advance(TimeSpan.FromMinutes(3));
        await mock.PostAsync("/add?n=3&type=alerts");
        var newest = Alerts.Created((await mock.AlertsAsync())[^1]);
        await mock.SetAsync("""{"late_records":1}""");
        (await mock.AlertsAsync()).Count.ShouldBe(7);
        await mock.SetAsync("""{"late_records":0}""");
        await mock.PostAsync("/add?n=2&type=alerts");

        var all = await mock.RecordsAsync("/alerts");
        var late = DateTimeOffset.Parse(Alerts.Created((await mock.AlertsAsync())[6]), null);
        late.ShouldBe(DateTimeOffset.Parse(newest, null).AddMinutes(-2));
        (await mock.WalkAsync(style, "limit=2")).ShouldBe(all);
        (await mock.WalkAsync(style, $"limit=2&since={newest}")).ShouldBe([.. all[3..6], .. all[7..]]);
        (await mock.WalkAsync(style, $"limit=2&since={late:yyyy-MM-dd'T'HH:mm:ss.fff'Z'}")).ShouldBe(all[3..]);
    }

    [Fact]
    public async Task The_next_page_is_at_the_address_that_was_asked_with_the_question_as_it_was()
    {
        await using var mock = await RunningMock.StartAsync();
        const string Query = "limit=3&since=2020-01-01T00:00:00%2B02:00&x=%22%3E%5C";
        var next = (await mock.JsonAsync("/alerts/next_url?" + Query)).GetProperty("next").GetString()!;
        next.ShouldBe($"{mock.Server.BaseAddress}alerts/next_url?limit=3&since=2020-01-01T00%3A00%3A00%2B02%3A00&x=%22%3E%5C&cursor=after-3");
        using var response = await mock.GetAsync("/alerts/link?" + Query);
        Alerts.NextLink(response).ShouldBe(next.Replace("next_url", "link", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("/alerts?since=yesterday")]
    [InlineData("/alerts?page=0")]
    [InlineData("/alerts?limit=-1")]
    [InlineData("/alerts?limit=10001")]
    [InlineData("/alerts?offset=-1")]
    [InlineData("/alerts?page=1&offset=0")]
    [InlineData("/alerts/cursor?cursor=17")]
    [InlineData("/alerts/cursor?cursor=after-")]
    [InlineData("/alerts/next_url?limit=0")]
    [InlineData("/alerts/link?since=soon")]
    public async Task A_query_that_makes_no_sense_is_400(string path)
    {
        await using var mock = await RunningMock.StartAsync();
        using var response = await mock.GetAsync(path);
        ((int)response.StatusCode).ShouldBe(400);
    }
}
