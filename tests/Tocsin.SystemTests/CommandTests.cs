using System.Text.Json;

namespace Tocsin.SystemTests;

/// <summary>The command line, as scripts and people use it.</summary>
public sealed class CommandTests(StillHouse house) : IClassFixture<StillHouse>
{
    private static readonly string[][] AllCommands =
    [
        ["demo"], ["serve"], ["mock"], ["init"], ["config", "check"], ["source", "list"], ["source", "sync"], ["source", "test"], ["token", "create"], ["token", "list"], ["token", "revoke"], ["incidents"], ["events", "list"], ["events", "export"], ["events", "tail"], ["health"],
    ];

    private Dictionary<string, string> Service => new() { ["TOCSIN_URL"] = house.Server.Home.Url, ["TOCSIN_TOKEN"] = ServerHome.Token };

    [Fact]
    public async Task Every_command_explains_itself_with_examples()
    {
        foreach (var command in AllCommands)
        {
            var end = await TocsinProcess.RunAsync(house.Server.Home.Folder, null, [.. command, "--help"]);
            end.Code.ShouldBe(0, end.ToString());
            end.Err.ShouldBeEmpty();
            end.Out.ShouldMatch(@"Examples?:\s+tocsin " + string.Join(' ', command));
        }
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("serve --nonsense")]
    [InlineData("serve --port nine")]
    [InlineData("incidents -o xml")]
    [InlineData("source sync")]
    [InlineData("token create --name x")]
    [InlineData("token create --scope read")]
    [InlineData("token create --name x --scope read,write")]
    [InlineData("token create --name x --scope read --expires soon")]
    [InlineData("token revoke")]
    [InlineData("events")]
    [InlineData("events list -o xml")]
    [InlineData("events list --limit many")]
    [InlineData("events export -o table")]
    [InlineData("events tail -o csv")]
    [InlineData("health --url nowhere")]
    [InlineData("mock --latency soon")]
    [InlineData("mock --urls https://127.0.0.1:9443")]
    [InlineData("mock --urls nowhere")]
    [InlineData("serve --urls https://127.0.0.1:9443")]
    [InlineData("serve --port 1 --urls http://127.0.0.1:2")]
    [InlineData("source test nobody")]
    public async Task Misuse_is_exit_2_with_a_word_on_stderr(string line)
    {
        using var folder = new TempFolder();
        var end = await TocsinProcess.RunAsync(folder.Path, null, line.Split(' '));
        end.Code.ShouldBe(2, end.ToString());
        end.Out.ShouldBeEmpty();
        end.Err.ShouldNotBeEmpty();
        end.Err.ShouldNotContain("   at ", Case.Sensitive, "no stack");
        Directory.EnumerateFileSystemEntries(folder.Path).ShouldBeEmpty();
    }

    [Fact]
    public async Task What_init_writes_passes_the_check_and_is_never_overwritten()
    {
        using var folder = new TempFolder();
        var end = await TocsinProcess.RunAsync(folder.Path, null, "init", "here");
        end.Code.ShouldBe(0, end.ToString());
        foreach (var file in ReadyMade.Names.Select(name => $"sources/{name}.yaml.example").Concat(["tocsin.yaml", "identities.csv", "owners.csv"]))
            File.Exists(folder.File($"here/{file}")).ShouldBeTrue(file);
        (await TocsinProcess.RunAsync(folder.Path, null, "config", "check", "here/tocsin.yaml")).Code.ShouldBe(0);

        File.Move(folder.File("here/sources/elevate.yaml.example"), folder.File("here/sources/elevate.yaml"));
        end = await TocsinProcess.RunAsync(folder.Path, null, "config", "check", "here/tocsin.yaml");
        end.Code.ShouldBe(2, "the variables are not set");
        end.Err.ShouldContain("ELEVATE_URL");
        end = await TocsinProcess.RunAsync(folder.Path, Upstream("https://incidents.example.com"), "config", "check", "here/tocsin.yaml");
        end.Code.ShouldBe(0, end.ToString());
        end.Out.ShouldContain("1 source");

        await File.WriteAllTextAsync(folder.File("here/tocsin.yaml"), "# mine\n");
        (await TocsinProcess.RunAsync(folder.Path, null, "init", "here")).Code.ShouldBe(1);
        (await File.ReadAllTextAsync(folder.File("here/tocsin.yaml"))).ShouldBe("# mine\n");
    }

    [Fact]
    public async Task A_source_file_is_tried_without_writing_anything()
    {
        const string Password = "a-password-nobody-may-see";
        using var folder = new TempFolder();
        var file = Path.Combine(Shared.Repository, "sources", "elevate.yaml");
        await using var mock = await MockProcess.StartAsync("--per-type", "20");

        var end = await TocsinProcess.RunAsync(folder.Path, Upstream(mock.Url), "source", "test", file);
        end.Code.ShouldBe(0, end.ToString());
        foreach (var type in SourceYaml.AllTypes)
            end.Out.ShouldContain($"GET /incidents/{type}/: ok");
        end.Out.ShouldMatch(@"GET [^\n]*/identities/[^\n]*: ok");
        end.Out.ShouldContain("20 records");
        end.Out.ShouldContain("cursor", Case.Insensitive);
        end.Out.ShouldNotContain("Basic dG9jc2lu");
        end.Err.ShouldBeEmpty();

        await mock.SetAsync("""{"malformed":1}""");
        end = await TocsinProcess.RunAsync(folder.Path, Upstream(mock.Url), "source", "test", file);
        end.Code.ShouldBe(1, end.ToString());
        end.Out.ShouldContain("FAILED");

        await mock.CalmAsync();
        var environment = Upstream(mock.Url);
        environment["ELEVATE_PASSWORD"] = Password;
        end = await TocsinProcess.RunAsync(folder.Path, environment, "source", "test", file);
        end.Code.ShouldBe(1, end.ToString());
        end.Out.ShouldContain("401");
        (end.Out + end.Err).ShouldNotContain(Password);
        (end.Out + end.Err).ShouldNotContain(Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes($"tocsin:{Password}")));

        end = await TocsinProcess.RunAsync(folder.Path, null, "source", "test", file);
        end.Code.ShouldBe(2, "its variables are not set");
        Directory.EnumerateFileSystemEntries(folder.Path).ShouldBeEmpty("nothing is written");
    }

    [Fact]
    public async Task The_board_comes_as_table_json_ndjson_and_csv()
    {
        var board = await house.Server.BoardAsync();
        var json = await RunAsync("incidents", "-o", "json");
        Board.Difference(house.Expected, Board.Read(JsonElement.Parse(json.Out))).ShouldBeNull();
        var lines = (await RunAsync("incidents", "-o", "ndjson")).Out.TrimEnd('\n').Split('\n');
        lines.Length.ShouldBe(house.Expected.Count);
        lines.ShouldAllBe(line => JsonElement.Parse(line).GetProperty("user_id").GetString()!.Length > 0);
        var csv = (await RunAsync("incidents", "-o", "csv")).Out.TrimEnd('\n').Split('\n');
        csv.Length.ShouldBe(house.Expected.Count + 1);
        csv[0].ShouldStartWith("user_id,");
        var table = (await RunAsync("incidents")).Out.TrimEnd('\n').Split('\n');
        table.Length.ShouldBe(house.Expected.Count + 1);
        table[0].ShouldStartWith("user_id");

        var person = board.Json.EnumerateObject().First().Name;
        var one = await RunAsync("incidents", "--user", person, "-o", "json");
        JsonElement.Parse(one.Out).EnumerateObject().Select(employee => employee.Name).ShouldBe([person]);
        var nobody = await TocsinProcess.RunAsync(house.Server.Home.Folder, Service, "incidents", "--user", "nobody");
        nobody.Code.ShouldBe(1, nobody.ToString());
        nobody.Out.ShouldBeEmpty();
    }

    [Fact]
    public async Task Sources_and_health_are_told_and_a_sync_is_started()
    {
        var list = JsonElement.Parse((await RunAsync("source", "list", "-o", "json")).Out);
        list[0].GetProperty("name").GetString().ShouldBe("elevate");
        (await RunAsync("source", "list")).Out.ShouldContain("elevate");
        var health = JsonElement.Parse((await RunAsync("health", "-o", "json")).Out);
        health.GetProperty("status").GetString().ShouldBe("healthy");
        (await RunAsync("health")).Out.ShouldContain("elevate");
        var sync = await RunAsync("source", "sync", "elevate");
        sync.Out.ShouldBeEmpty();
        sync.Err.ShouldContain("elevate");
        (await TocsinProcess.RunAsync(house.Server.Home.Folder, Service, "source", "sync", "nobody")).Code.ShouldBe(1);
    }

    [Fact]
    public async Task A_token_is_made_for_a_script_listed_and_revoked()
    {
        var made = await RunAsync("token", "create", "--name", "script", "--scope", "ingest,read", "--scope", "operate", "--expires", "90d");
        made.Out.ShouldMatch("^tocsin_[A-Za-z0-9_-]{43}\n$");
        made.Err.ShouldContain("ingest read operate");
        made.Err.ShouldNotContain(made.Out.Trim());
        var service = Service;
        service["TOCSIN_TOKEN"] = made.Out.Trim();
        (await TocsinProcess.RunAsync(house.Server.Home.Folder, service, "source", "list")).Code.ShouldBe(0);
        (await TocsinProcess.RunAsync(house.Server.Home.Folder, service, "token", "list")).Code.ShouldBe(4);

        foreach (var format in new[] { "table", "json", "ndjson", "csv" })
        {
            var list = await RunAsync("token", "list", "-o", format);
            list.Out.ShouldContain("script");
            list.Out.ShouldContain("admin");
            list.Out.ShouldNotContain(made.Out.Trim());
        }
        var again = await TocsinProcess.RunAsync(house.Server.Home.Folder, Service, "token", "create", "--name", "script", "--scope", "read");
        (again.Code, again.Out).ShouldBe((1, ""));
        var reserved = await TocsinProcess.RunAsync(house.Server.Home.Folder, Service, "token", "create", "--name", "elevate", "--scope", "read");
        (reserved.Code, reserved.Out).ShouldBe((1, ""));
        reserved.Err.ShouldContain("/name");

        (await RunAsync("token", "revoke", "script")).Out.ShouldBeEmpty();
        (await TocsinProcess.RunAsync(house.Server.Home.Folder, Service, "token", "revoke", "script")).Code.ShouldBe(1);
        (await TocsinProcess.RunAsync(house.Server.Home.Folder, service, "source", "list")).Code.ShouldBe(4);
    }

    [Fact]
    public async Task Events_are_listed_and_exported_in_every_form()
    {
        for (var i = 0; i < 3; i++)
            await house.Server.PostAsync("/event", $$"""{"type":"command.listed","user_id":"=u{{i}}","time":{{1_700_000_000 + i}},"data":{{i}}}""");
        const string Type = "command.listed";
        var json = JsonElement.Parse((await RunAsync("events", "list", "--type", Type, "-o", "json")).Out);
        json.EnumerateArray().Select(e => e.GetProperty("user_id").GetString()).ShouldBe(["=u2", "=u1", "=u0"], "the newest first");
        JsonElement.Parse((await RunAsync("events", "list", "--type", "command.*", "--user", "=u1", "--since", "2023-11-14T00:00:00Z", "-o", "json")).Out).GetArrayLength().ShouldBe(1);
        foreach (var command in new[] { "list", "export" })
        {
            var lines = (await RunAsync("events", command, "--type", Type, "--limit", "2", "-o", "ndjson")).Out.TrimEnd('\n').Split('\n');
            lines.Select(line => JsonElement.Parse(line).GetProperty("data").GetInt32()).Order().Count().ShouldBe(2);
            var csv = (await RunAsync("events", command, "--type", Type, "-o", "csv")).Out;
            csv.ShouldContain("'=u0", Case.Sensitive, "no formula");
        }
        var table = (await RunAsync("events", "list", "--type", Type)).Out.TrimEnd('\n').Split('\n');
        table.Length.ShouldBe(4);
        table[0].ShouldStartWith("time");
        (await RunAsync("events", "export", "--kind", "incident")).Out.Count(c => c == '\n').ShouldBe(house.Expected.Count, "an export has no default limit");
        var wrong = await TocsinProcess.RunAsync(house.Server.Home.Folder, Service, "events", "list", "--since", "yesterday");
        (wrong.Code, wrong.Out).ShouldBe((2, ""));
        wrong.Err.ShouldContain("since");
    }

    [Fact]
    public async Task The_tail_shows_events_as_they_come_until_it_is_told_to_stop()
    {
        await using var tail = TocsinProcess.Start(house.Server.Home.Folder, Service, "events", "tail", "--type", "command.tailed", "-o", "ndjson");
        var sent = 0;
        // Who listens from now on may miss what came before: so it is said until it is heard.
        await Eventually.BeAsync("an event shows", TimeSpan.FromSeconds(20), async () =>
        {
            await house.Server.PostAsync("/event", $$"""{"type":"command.tailed","data":{{sent++}}}""");
            return tail.Out.Contains('\n', StringComparison.Ordinal);
        }, tail.Shown);
        await house.Server.PostAsync("/event", """{"type":"command.other"}""");
        var (end, _) = await tail.TerminateAsync();
        end.Code.ShouldBe(0, end.ToString());
        var seen = end.Out.TrimEnd('\n').Split('\n').Select(line => JsonElement.Parse(line).GetProperty("data").GetInt32()).ToArray();
        seen.ShouldBe(Enumerable.Range(seen[0], seen.Length), "each once, in order, and only what was asked for");
    }

    [Theory]
    [InlineData("table")]
    [InlineData("json")]
    public async Task An_event_as_deep_as_the_door_takes_it_does_not_end_the_tail(string format)
    {
        var type = "command.deep_" + format;
        var deep = $$"""{"type":"{{type}}","n":{{string.Concat(Enumerable.Repeat("[", 63))}}{{string.Concat(Enumerable.Repeat("]", 63))}}}""";
        await using var tail = TocsinProcess.Start(house.Server.Home.Folder, Service, "events", "tail", "--type", type, "-o", format);
        await Eventually.BeAsync("an event shows", TimeSpan.FromSeconds(20), async () =>
        {
            (await house.Server.PostAsync("/event", deep)).Status.ShouldBe(System.Net.HttpStatusCode.Created);
            return tail.Out.Contains(type, StringComparison.Ordinal);
        }, tail.Shown);
        var (end, _) = await tail.TerminateAsync();
        (end.Code, end.Err).ShouldBe((0, ""));
        (await RunAsync("events", "list", "--type", type, "-o", format)).Out.ShouldContain(type);
    }

    [Theory]
    [InlineData("incidents")]
    [InlineData("health -o json")]
    [InlineData("token list")]
    [InlineData("source list")]
    [InlineData("source sync elevate")]
    [InlineData("events list")]
    [InlineData("events export")]
    [InlineData("events tail")]
    public async Task No_service_is_exit_3(string line)
    {
        using var folder = new TempFolder();
        var end = await TocsinProcess.RunAsync(folder.Path, null, [.. line.Split(' '), "--url", $"http://127.0.0.1:{Ports.Free()}"]);
        end.Code.ShouldBe(3, end.ToString());
        end.Out.ShouldBeEmpty();
        end.Err.ShouldContain("TOCSIN_URL");
    }

    [Theory]
    [InlineData("incidents")]
    [InlineData("source list -o json")]
    [InlineData("source sync elevate")]
    [InlineData("events list")]
    [InlineData("events export -o csv")]
    [InlineData("events tail")]
    public async Task A_wrong_token_is_exit_4(string line)
    {
        var service = Service;
        foreach (var token in new[] { "kJ8-vW2m_QpZ5rT9xLc3NfY7bHs5", "" })
        {
            service["TOCSIN_TOKEN"] = token;
            var end = await TocsinProcess.RunAsync(Path.GetTempPath(), service, line.Split(' '));
            end.Code.ShouldBe(4, end.ToString());
            end.Out.ShouldBeEmpty();
            end.Err.ShouldNotBeEmpty();
        }
    }

    [Theory]
    [InlineData("a\nb")]
    [InlineData("tökén-of-somebody-else-entirely")]
    public async Task A_token_that_cannot_be_sent_is_exit_4(string token)
    {
        var service = Service;
        service["TOCSIN_TOKEN"] = token;
        var end = await TocsinProcess.RunAsync(house.Server.Home.Folder, service, "source", "list");
        (end.Code, end.Out).ShouldBe((4, ""));
        end.Err.ShouldStartWith("What stands in TOCSIN_TOKEN is no token");
        end.Err.Count(c => c == '\n').ShouldBe(1);
        service["TOCSIN_TOKEN"] = $" {ServerHome.Token}\r\n";
        (await TocsinProcess.RunAsync(house.Server.Home.Folder, service, "source", "list")).Code.ShouldBe(0);
    }

    [Fact]
    public async Task The_token_of_the_data_folder_is_used_and_kept_from_others()
    {
        using var home = new ServerHome();
        var port = Ports.Free();
        await using var server = TocsinProcess.Start(home.Folder, null, "serve", "--data", home.Data, "--port", port.ToString());
        var file = Path.Combine(home.Data, "admin.token");
        await Eventually.BeAsync("it listens", TimeSpan.FromSeconds(20), () => Task.FromResult(server.Err.Contains("listens", StringComparison.Ordinal)), server.Shown);
        File.GetUnixFileMode(file).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
        var token = (await File.ReadAllTextAsync(file)).Trim();
        (server.Out + server.Err).ShouldNotContain(token, Case.Sensitive, "shown on a terminal only");

        var end = await TocsinProcess.RunAsync(home.Folder, null, "source", "list", "-o", "json", "--url", $"http://127.0.0.1:{port}", "--data", home.Data);
        end.Code.ShouldBe(0, end.ToString());
        foreach (var kept in Directory.EnumerateFiles(home.Data).Where(kept => kept != file && !kept.EndsWith(".lock", StringComparison.Ordinal)))
        {
            await using var stream = new FileStream(kept, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            using var reader = new StreamReader(stream, System.Text.Encoding.Latin1);
            (await reader.ReadToEndAsync()).ShouldNotContain(token, Case.Sensitive, kept);
        }
    }

    /// <summary>Runs a command that must go well, and whose output must be free of control sequences.</summary>
    private async Task<Finished> RunAsync(params string[] args)
    {
        var end = await TocsinProcess.RunAsync(house.Server.Home.Folder, Service, args);
        end.Code.ShouldBe(0, end.ToString());
        (end.Out + end.Err).ShouldNotContain("\u001b");
        return end;
    }

    private static Dictionary<string, string> Upstream(string url) => new() { ["ELEVATE_URL"] = url, ["ELEVATE_USER"] = "tocsin", ["ELEVATE_PASSWORD"] = "tocsin" };
}
