using System.Net.Http.Headers;

namespace Tocsin.Tests.MockUpstream;

/// <summary>Recorded answers that have headers and further pages.</summary>
public sealed class ReplayPageTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("tocsin-replay-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task A_walk_by_links_goes_from_file_to_file()
    {
        Write("api/v1/logs.json", "[1]");
        Write("api/v1/logs.headers", "Link: <{base}/api/v1/logs?limit=1>; rel=\"self\"\nlink: <{base}/api/v1/logs?limit=1&after=b2>; rel=\"next\"\n");
        Write("api/v1/logs@after=b2.json", "[2]");
        await using var mock = await StartAsync();
        foreach (var path in new[] { "/api/v1/logs", "/api/v1/logs/", "/api/v1/logs?since=2026-01-01T00:00:00Z&after=other" })
        {
            using var first = await mock.GetAsync(path);
            first.Headers.GetValues("Link").ShouldBe([
                $"<{mock.Server.BaseAddress}api/v1/logs?limit=1>; rel=\"self\"", $"<{mock.Server.BaseAddress}api/v1/logs?limit=1&after=b2>; rel=\"next\""]);
            (await first.Content.ReadAsStringAsync()).ShouldBe("[1]");
        }

        using var second = await mock.GetAsync("/api/v1/logs?limit=1&after=b2");
        (await second.Content.ReadAsStringAsync()).ShouldBe("[2]");
        second.Headers.Contains("Link").ShouldBeFalse();
    }

    [Fact]
    public async Task A_recorded_type_is_served_and_a_token_is_as_good_as_the_password()
    {
        Write("orgs/acme/audit-log.json", "[]");
        Write("orgs/acme/audit-log.headers", "Content-Type: application/vnd.github+json\r\n");
        await using var mock = await StartAsync();
        foreach (var (scheme, token, status) in new[] { ("Bearer", "tocsin", 200), ("SSWS", "tocsin", 200), ("Bearer", "other", 401), ("Basic", "tocsin", 401) })
        {
            mock.Client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue(scheme, token);
            using var response = await mock.GetAsync("/orgs/acme/audit-log?phrase=a&page=2");
            ((int)response.StatusCode).ShouldBe(status);
            if (status == 200)
                response.Content.Headers.ContentType!.ToString().ShouldBe("application/vnd.github+json");
        }
    }

    [Fact]
    public async Task Pages_of_the_alerts_are_counted_together()
    {
        Write("alerts.json", "[{}, {}]");
        Write("alerts@page=2.json", "[{}]");
        Write("alerts@page=3.json", "[]");
        await using var mock = await StartAsync();
        (await mock.JsonAsync("/ledger?full=true")).GetProperty("records").GetProperty("alerts").GetArrayLength().ShouldBe(3);
        (await mock.JsonAsync("/ledger")).GetProperty("alerts").GetInt32().ShouldBe(3);
        (await mock.PostAsync("/revise?n=1")).Status.ShouldBe(409);
        using var ids = await mock.GetAsync("/ledger?feed=alerts&ids=true");
        ((int)ids.StatusCode).ShouldBe(409);
    }

    [Theory]
    [InlineData("x.headers", "Set-Cookie: a=b", "x.headers, line 1")]
    [InlineData("x.headers", "Link: <a>\nnonsense", "x.headers, line 2")]
    [InlineData("x.headers", "Link: \u00FC", "x.headers, line 1")]
    [InlineData("y.headers", "Link: <a>", "y.headers")]
    [InlineData("y@page=2.json", "[]", "y@page=2.json")]
    public async Task What_makes_no_sense_is_named_at_the_start(string name, string text, string named)
    {
        Write("x.json", "[]");
        Write(name, text);
        (await Should.ThrowAsync<IOException>(StartAsync)).Message.ShouldContain(named);
    }

    [Fact]
    public async Task Headers_are_bounded()
    {
        Write("x.json", "[]");
        Write("x.headers", "Link: " + new string('a', 8 * 1024));
        (await Should.ThrowAsync<IOException>(StartAsync)).Message.ShouldContain("x.headers");
    }

    private Task<RunningMock> StartAsync() => RunningMock.StartAsync(o => o with { ReplayDirectory = _folder.FullName });

    private void Write(string name, string text)
    {
        var path = Path.Combine(_folder.FullName, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
    }
}
