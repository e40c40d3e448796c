namespace Tocsin.SystemTests;

/// <summary>Every source file that comes with the product, tried by the command against answers in its upstream's shape.</summary>
public sealed class ReadyMadeSourceTests
{
    [Fact]
    public void Each_source_file_has_answers_to_try_it_against_and_a_page() =>
        ReadyMade.Names.ShouldAllBe(name => Directory.Exists(ReadyMade.Fixture(name)) && File.Exists(Path.Combine(Shared.Repository, "docs", "sources", name + ".md")));

    [Fact]
    public async Task The_incident_api_s_feeds_name_their_people_in_seven_ways()
    {
        var end = await TestAsync("elevate");
        end.Out.ShouldContain("  2025-01-15T10:00:00.1234567Z  denial  high  user 4506 (record)  src_ip 203.0.113.9");
        end.Out.ShouldContain("  2025-01-15T10:01:40.25Z  intrusion  critical  user 4506 (identity)  src_ip 203.0.113.77");
        end.Out.ShouldContain("  2025-01-15T10:02:00.0625Z  executable  medium  user 87 (identity)\n");
        end.Out.ShouldContain("  2025-01-15T10:02:50.125Z  other  low  user unknown (unresolved)\n");
        foreach (var type in SourceYaml.AllTypes)
            end.Out.ShouldContain($"GET /incidents/{type}/: ok");
        end.Out.ShouldContain("Next cursor: none");
        end.Out.ShouldNotContain("not read by the map", Case.Sensitive, "these records hold nothing else");
    }

    [Fact]
    public async Task The_alert_api_s_two_formats_become_one()
    {
        var end = await TestAsync("alerts");
        end.Out.ShouldMatch(@"> GET http://127\.0\.0\.1:\d+/alerts\?since=\d{4}-\d\d-\d\dT\d\d%3A\d\d%3A\d\dZ&page=1&limit=1000\n");
        end.Out.ShouldContain("  2025-01-15T10:00:00.250Z  alert  high  user unknown (unresolved)  device firewall  src_ip 10.20.0.11  dst_ip 203.0.113.50");
        end.Out.ShouldContain("  2025-01-15T10:01:00Z  alert  critical  user unknown (unresolved)  device waf  src_ip 10.20.0.12  dst_ip 198.51.100.7");
        end.Out.ShouldContain("  id leg-0001\n");
        end.Out.ShouldContain("  next cursor: 2025-01-15T10:02:00Z\n");
        end.Out.ShouldMatch(@"next page: GET \S*/alerts\?since=\S+&page=2&limit=1000\n");
        end.Out.ShouldNotContain("not read by the map");
    }

    [Fact]
    public async Task GitHub_s_audit_log_is_searched_by_the_second_oldest_first()
    {
        var end = await TestAsync("github-audit");
        end.Out.ShouldMatch(@"> GET \S+/audit-log\?include=web&order=asc&phrase=created%3A%3E%3D\d{4}-\d\d-\d\dT\d\d%3A\d\d%3A\d\dZ&per_page=100\n");
        end.Out.ShouldContain("Authorization: Bearer ***");
        end.Out.ShouldContain("  2025-01-15T10:00:00.123Z  repo.create  no priority  user ada-acme (record)  device acme/rocket  src_ip 198.51.100.24");
        end.Out.ShouldContain("  id fx-repo-create-0001==\n");
        end.Out.ShouldContain("  2025-01-15T10:02:00.789Z  org.add_member  no priority  user grace-acme (record)  device acme  src_ip 2001:db8:41::7");
        end.Out.ShouldContain("  people: 3 record\n");
        end.Out.ShouldContain("  next cursor: 2025-01-15T10:02:00.789Z\n");
        end.Out.ShouldMatch(@"next page: GET \S+/audit-log\?\S+&after=MjAyNXxmeC0z&before=\n");
    }

    [Fact]
    public async Task Okta_s_system_log_is_asked_by_its_own_scheme_and_an_unknown_name_is_nobody_s()
    {
        var end = await TestAsync("okta-system-log");
        end.Out.ShouldMatch(@"> GET \S+/api/v1/logs\?sortOrder=ASCENDING&since=\d{4}-\d\d-\d\dT\d\d%3A\d\d%3A\d\dZ&limit=1000\n");
        end.Out.ShouldContain("  2025-01-15T10:00:00.123Z  user.session.start  low  user ada@acme.example (record)  device Computer  src_ip 198.51.100.24");
        end.Out.ShouldContain("  id 7f3a0001-d2f1-11ef-8a01-5b1f00000001\n");
        end.Out.ShouldContain("  2025-01-15T10:01:00.456Z  user.session.start  low  user unknown (nobody named)  device Unknown  src_ip 203.0.113.80");
        end.Out.ShouldContain("  device Ada's laptop  ");
        end.Out.ShouldContain("  next cursor: 2025-01-15T10:02:00.789Z\n");
        end.Out.ShouldMatch(@"next page: GET \S+/api/v1/logs\?sortOrder=ASCENDING&limit=1000&after=1736935320789_1\n");
    }

    [Theory]
    [InlineData("elevate", 9, "critical")]
    [InlineData("alerts", 5, "critical")]
    [InlineData("github-audit", 5, null)]
    [InlineData("okta-system-log", 5, "high")]
    public async Task The_service_takes_every_record_of_every_page_once(string name, int records, string? highest)
    {
        await using var mock = await MockProcess.StartAsync("--replay", ReadyMade.Fixture(name));
        using var home = new ServerHome { More = ReadyMade.Environment(mock.Url) };
        Directory.CreateDirectory(Path.Combine(home.Data, "sources"));
        await File.WriteAllTextAsync(Path.Combine(home.Data, "sources", $"{name}.yaml"), ReadyMade.Text(name).ReplaceLineEndings("\n")
            .Replace("every: 1m", "every: 200ms", StringComparison.Ordinal).Replace("every: 30s", "every: 200ms", StringComparison.Ordinal));
        await using var server = await ServerProcess.StartAsync(home);

        await Eventually.BeAsync("the source was polled and polled again", TimeSpan.FromSeconds(20), async () =>
            (await server.SourceAsync(name)).GetProperty("counts").GetProperty("duplicates").GetInt64() >= records, server.Process.Shown);

        var counts = (await server.SourceAsync(name)).GetProperty("counts");
        counts.GetProperty("events").GetInt64().ShouldBe(records);
        foreach (var none in new[] { "rejected", "changed", "failed" })
            counts.GetProperty(none).GetInt64().ShouldBe(0, none);
        var events = (await server.JsonAsync($"/events?source={name}")).EnumerateArray().ToList();
        events.Count.ShouldBe(records);
        events.Select(e => e.GetProperty("priority").GetString()).ToHashSet().Contains(highest).ShouldBeTrue();
        if (highest is null)
            events.ShouldAllBe(e => e.GetProperty("priority").ValueKind == System.Text.Json.JsonValueKind.Null);
    }

    /// <summary>The command goes well, with no record kept aside, no priority unknown, and no secret shown.</summary>
    private static async Task<Finished> TestAsync(string name)
    {
        using var folder = new TempFolder();
        var file = folder.Write($"{name}.yaml", ReadyMade.Text(name));
        await using var mock = await MockProcess.StartAsync("--replay", ReadyMade.Fixture(name));
        var end = await TocsinProcess.RunAsync(folder.Path, ReadyMade.Environment(mock.Url), "source", "test", file);
        end.Code.ShouldBe(0, end.ToString());
        end.Err.ShouldBeEmpty();
        end.Out.ShouldNotContain("kept aside");
        end.Out.ShouldNotContain("unknown priority");
        end.Out.ShouldNotContain("tocsin:tocsin");
        end.Out.ShouldNotContain("SSWS");
        return end;
    }
}
