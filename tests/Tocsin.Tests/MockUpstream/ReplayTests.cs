using System.Text.Json;

namespace Tocsin.Tests.MockUpstream;

public sealed class ReplayTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("tocsin-replay-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task The_recorded_answers_come_back_byte_for_byte()
    {
        var capture = Shared.CaptureOrSkip();
        await using var mock = await RunningMock.StartAsync(o => o with { ReplayDirectory = capture });
        foreach (var type in RunningMock.Types)
            (await BytesAsync(mock, $"/incidents/{type}/")).ShouldBe(await File.ReadAllBytesAsync(Path.Combine(capture, type + ".json")));
        (await BytesAsync(mock, "/identities/")).ShouldBe(await File.ReadAllBytesAsync(Path.Combine(capture, "identities.json")));

        var ledger = await mock.JsonAsync("/ledger");
        ledger.GetProperty("incidents").EnumerateObject().Sum(t => t.Value.GetInt32()).ShouldBe(2100);
        ledger.GetProperty("identities").GetInt32().ShouldBe(5000);
    }

    [Fact]
    public async Task Files_that_are_no_JSON_come_back_too_and_have_no_records()
    {
        Write("denial.json", "\uFEFF{\"results\": [ NaN");
        Write("identities.json", "");
        Write("other.json", """{"results":[{"a":1}, {"a":2}]}""");
        await using var mock = await RunningMock.StartAsync(o => o with { ReplayDirectory = _folder.FullName });
        (await BytesAsync(mock, "/incidents/denial/")).ShouldBe(await File.ReadAllBytesAsync(Path.Combine(_folder.FullName, "denial.json")));
        (await BytesAsync(mock, "/identities/")).ShouldBeEmpty();
        var ledger = await mock.JsonAsync("/ledger?full=true");
        ledger.GetProperty("records").GetProperty("other")[1].GetProperty("a").GetInt32().ShouldBe(2);
        ledger.GetProperty("identities").GetInt32().ShouldBe(0);
    }

    [Fact]
    public async Task Any_other_file_is_served_at_its_path()
    {
        Write("alerts.json", "[1]");
        Write("v2/things.json", "[2]");
        Write("incidents/denial.json", "[3]");
        await using var mock = await RunningMock.StartAsync(o => o with { ReplayDirectory = _folder.FullName });
        (await mock.TextAsync("/alerts?since=2026-01-01T00:00:00Z")).ShouldBe("[1]");
        (await mock.TextAsync("/v2/things/?since=2026-01-01T00:00:00Z")).ShouldBe("[2]");
        (await mock.TextAsync("/v2/things?phrase=a%20b&per_page=100")).ShouldBe("[2]");
        (await mock.TextAsync("/incidents/denial/")).ShouldBe("[3]");
        using var redirect = await mock.GetAsync("/incidents/denial?a=b%26c&d");
        ((int)redirect.StatusCode).ShouldBe(301);
        redirect.Headers.Location!.OriginalString.ShouldBe("/incidents/denial/?a=b%26c&d", "the query goes along");
        (await mock.TextAsync("/")).ShouldContain("/v2/things");
    }

    [Theory]
    [InlineData("/secret/")]
    [InlineData("/..%2Fsecret/")]
    [InlineData("/%2e%2e/secret/")]
    [InlineData("/.hidden/")]
    [InlineData("/recorded.json")]
    [InlineData("/linked/")]
    public async Task Nothing_but_the_files_of_the_folder_can_be_reached(string path)
    {
        Write("secret.json", "secret");
        Write("in/recorded.json", "[]");
        Write("in/.hidden.json", "secret");
        File.CreateSymbolicLink(Path.Combine(_folder.FullName, "in", "linked.json"), Path.Combine(_folder.FullName, "secret.json"));
        await using var mock = await RunningMock.StartAsync(o => o with { ReplayDirectory = Path.Combine(_folder.FullName, "in") });
        using var response = await mock.GetAsync(path);
        ((int)response.StatusCode).ShouldBe(404);
    }

    [Fact]
    public async Task Faults_and_the_password_work_and_nothing_is_made()
    {
        Write("denial.json", """{"results":[]}""");
        await using var mock = await RunningMock.StartAsync(o => o with { ReplayDirectory = _folder.FullName, DripPerSecond = 5 });
        mock.Time.Advance(TimeSpan.FromSeconds(10));
        (await mock.PostAsync("/add?n=1")).Status.ShouldBe(409);
        (await mock.TextAsync("/incidents/denial/")).ShouldBe("""{"results":[]}""");
        await mock.SetAsync("""{"malformed":1}""");
        var cut = await mock.TextAsync("/incidents/denial/");
        Should.Throw<JsonException>(() => JsonDocument.Parse(cut));
        mock.Client.DefaultRequestHeaders.Authorization = null;
        using var response = await mock.GetAsync("/incidents/denial/");
        ((int)response.StatusCode).ShouldBe(401);
    }

    [Fact]
    public async Task A_folder_without_recordings_is_an_IOException()
    {
        await Should.ThrowAsync<IOException>(() => RunningMock.StartAsync(o => o with { ReplayDirectory = _folder.FullName }));
        await Should.ThrowAsync<IOException>(() => RunningMock.StartAsync(o => o with { ReplayDirectory = Path.Combine(_folder.FullName, "none") }));
    }

    private static async Task<byte[]> BytesAsync(RunningMock mock, string path) => await mock.Client.GetByteArrayAsync(path);

    private void Write(string name, string text)
    {
        var path = Path.Combine(_folder.FullName, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
    }
}
