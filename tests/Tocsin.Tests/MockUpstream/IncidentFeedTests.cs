using System.Globalization;
using System.Text.Json;

namespace Tocsin.Tests.MockUpstream;

public sealed class IncidentFeedTests
{
    [Theory]
    [InlineData("denial", "priority, reported_by, timestamp, source_ip")]
    [InlineData("intrusion", "priority, internal_ip, source_ip, timestamp")]
    [InlineData("executable", "priority, machine_ip, timestamp")]
    [InlineData("misuse", "priority, employee_id, timestamp")]
    [InlineData("unauthorized", "priority, employee_id, timestamp")]
    [InlineData("probing", "priority, ip, timestamp")]
    [InlineData("other", "priority, identifier, timestamp")]
    public async Task Fields_stand_in_the_order_of_the_wire(string type, string fields)
    {
        await using var mock = await RunningMock.StartAsync();
        var results = (await mock.JsonAsync($"/incidents/{type}/")).GetProperty("results");
        results.GetArrayLength().ShouldBe(20);
        foreach (var record in results.EnumerateArray())
            string.Join(", ", record.EnumerateObject().Select(p => p.Name)).ShouldBe(fields);
    }

    [Fact]
    public async Task Records_ascend_within_the_last_seven_days_and_each_has_an_instant_of_its_own()
    {
        await using var mock = await RunningMock.StartAsync(o => o with { PerType = 2000 });
        var now = (decimal)mock.Time.GetUtcNow().ToUnixTimeSeconds();
        foreach (var type in RunningMock.Types)
        {
            var times = (await mock.JsonAsync($"/incidents/{type}/")).GetProperty("results").EnumerateArray()
                .Select(r => r.GetProperty("timestamp").GetRawText()).ToList();
            times.ShouldAllBe(t => t.Length - t.IndexOf('.') - 1 >= 1 && t.Length - t.IndexOf('.') - 1 <= 7);
            var seconds = times.ConvertAll(t => decimal.Parse(t, CultureInfo.InvariantCulture));
            seconds.Zip(seconds.Skip(1)).ShouldAllBe(pair => pair.First < pair.Second);
            seconds[0].ShouldBeGreaterThanOrEqualTo(now - 7 * 86400);
            seconds[^1].ShouldBeLessThanOrEqualTo(now);
        }
    }

    [Fact]
    public async Task Every_internal_address_and_id_is_in_the_identities_and_no_source_ip_is()
    {
        await using var mock = await RunningMock.StartAsync(o => o with { PerType = 200 });
        var identities = (await mock.JsonAsync("/identities/")).EnumerateObject().ToDictionary(p => p.Name, p => p.Value.GetInt32());
        var ids = identities.Values.ToHashSet();
        ids.Count.ShouldBe(50);
        identities.Keys.ShouldAllBe(ip => ip.StartsWith("17."));
        ids.Select(id => id.ToString(CultureInfo.InvariantCulture).Length).Distinct().Order().ShouldBe([2, 3, 4, 5, 6]);
        foreach (var type in RunningMock.Types)
        {
            foreach (var field in (await mock.JsonAsync($"/incidents/{type}/")).GetProperty("results").EnumerateArray().SelectMany(r => r.EnumerateObject()))
            {
                if (field.Name == "source_ip")
                    identities.ShouldNotContainKey(field.Value.GetString()!);
                else if (field.Name == "priority")
                    field.Value.GetString().ShouldBeOneOf("low", "medium", "high", "critical");
                else if (field.Value.ValueKind == JsonValueKind.String)
                    identities.ShouldContainKey(field.Value.GetString()!);
                else if (field.Name != "timestamp")
                    ids.ShouldContain(field.Value.GetInt32());
            }
        }
    }

    [Fact]
    public async Task The_identifier_of_other_is_a_number_about_half_the_time()
    {
        await using var mock = await RunningMock.StartAsync(o => o with { PerType = 1000 });
        (await mock.JsonAsync("/incidents/other/")).GetProperty("results").EnumerateArray()
            .Count(r => r.GetProperty("identifier").ValueKind == JsonValueKind.Number).ShouldBeInRange(400, 600);
    }

    [Fact]
    public async Task The_same_seed_and_start_make_the_same_records_and_another_seed_others()
    {
        await using var first = await RunningMock.StartAsync(o => o with { Seed = 7 });
        await using var same = await RunningMock.StartAsync(o => o with { Seed = 7 });
        await using var other = await RunningMock.StartAsync(o => o with { Seed = 8 });
        foreach (var path in RunningMock.Types.Select(t => $"/incidents/{t}/").Append("/identities/").Append("/alerts"))
        {
            var text = await first.TextAsync(path);
            (await same.TextAsync(path)).ShouldBe(text);
            (await other.TextAsync(path)).ShouldNotBe(text);
        }
    }

    [Fact]
    public async Task The_window_slides_with_the_clock_and_the_ledger_keeps_what_left_it()
    {
        await using var mock = await RunningMock.StartAsync();
        mock.Time.Advance(TimeSpan.FromDays(8));
        await mock.PostAsync("/add?n=2&type=denial");
        (await mock.RecordsAsync("/incidents/denial/")).Length.ShouldBe(2);
        (await mock.JsonAsync("/ledger")).GetProperty("incidents").GetProperty("denial").GetInt32().ShouldBe(22);
    }

    [Fact]
    public async Task Nothing_leaves_the_window_in_the_first_hour()
    {
        await using var mock = await RunningMock.StartAsync(o => o with { PerType = 5000 });
        mock.Time.Advance(TimeSpan.FromMinutes(59));
        (await mock.RecordsAsync("/incidents/denial/")).Length.ShouldBe(5000);
    }

    [Fact]
    public async Task Two_hundred_thousand_records_are_one_answer()
    {
        await using var mock = await RunningMock.StartAsync(o => o with { PerType = 200_000 });
        (await mock.RecordsAsync("/incidents/other/")).Length.ShouldBe(200_000);
    }

    [Fact]
    public async Task Without_the_slash_at_the_end_it_redirects()
    {
        await using var mock = await RunningMock.StartAsync();
        foreach (var path in RunningMock.Types.Select(t => $"/incidents/{t}").Append("/identities"))
        {
            using var response = await mock.GetAsync(path);
            ((int)response.StatusCode).ShouldBe(301);
            response.Headers.Location!.ToString().ShouldBe(path + "/");
        }
    }

    [Theory]
    [InlineData("/identities/")]
    [InlineData("/incidents/denial/")]
    [InlineData("/alerts")]
    [InlineData("/nothing/")]
    public async Task A_call_without_the_password_is_refused(string path)
    {
        await using var mock = await RunningMock.StartAsync();
        foreach (var header in new[] { null, "Basic dG9jc2luOndyb25n", "Bearer dG9jc2luOnRvY3Npbg==", "Basic" })
        {
            mock.Client.DefaultRequestHeaders.Authorization = null;
            mock.Client.DefaultRequestHeaders.Remove("Authorization");
            mock.Client.DefaultRequestHeaders.TryAddWithoutValidation("Authorization", header ?? "");
            using var response = await mock.GetAsync(path);
            ((int)response.StatusCode).ShouldBe(401);
            response.Headers.WwwAuthenticate.ToString().ShouldStartWith("Basic");
        }
    }

    [Theory]
    [InlineData("/incidents/nonsense/")]
    [InlineData("/incidents/")]
    [InlineData("/nothing/")]
    public async Task What_is_not_there_is_404(string path)
    {
        await using var mock = await RunningMock.StartAsync();
        using var response = await mock.GetAsync(path);
        ((int)response.StatusCode).ShouldBe(404);
    }
}
