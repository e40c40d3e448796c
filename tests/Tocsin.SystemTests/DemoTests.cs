using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Reflection;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Tocsin.SystemTests;

/// <summary>A demo on ports of its own.</summary>
public sealed class RunningDemo : IAsyncLifetime
{
    private readonly TempFolder _folder = new();

    internal TocsinProcess Process { get; private set; } = null!;

    internal HttpClient Http { get; private set; } = null!;

    internal int Port { get; } = Ports.Free(2);

    internal string Url => $"http://127.0.0.1:{Port}";

    /// <summary>From the start of the process to the first answer that misses nothing.</summary>
    internal TimeSpan Complete { get; private set; }

    public async ValueTask InitializeAsync()
    {
        Process = TocsinProcess.Start(_folder.Path, null, "demo", "--port", Port.ToString(), "--mock-port", (Port + 1).ToString(), "--data", "demo-data");
        Http = ServerProcess.Client(Url, null);
        await Eventually.BeAsync("the demo shows employees and misses nothing", TimeSpan.FromSeconds(30), async () =>
        {
            using var answer = await Http.GetAsync("/incidents");
            var board = await BoardReply.ReadAsync(answer);
            return board.Status == HttpStatusCode.OK && board.Incomplete is null && board.Incidents().Count > 0;
        }, Process.Shown);
        Complete = TimeProvider.System.GetElapsedTime(Process.StartedAt);
        await Eventually.BeAsync("it has said so", TimeSpan.FromSeconds(5), () => Task.FromResult(Process.Out.Contains("All feeds are in", StringComparison.Ordinal)));
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await Process.DisposeAsync();
        _folder.Dispose();
    }

    /// <summary>Runs a line in bash, as somebody does who copied it.</summary>
    internal async Task<Finished> BashAsync(string line)
    {
        var start = new ProcessStartInfo("bash") { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false, WorkingDirectory = _folder.Path };
        start.ArgumentList.Add("-c");
        start.ArgumentList.Add(line);
        using var bash = System.Diagnostics.Process.Start(start)!;
        var (output, errors) = (bash.StandardOutput.ReadToEndAsync(), bash.StandardError.ReadToEndAsync());
        using var deadline = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        await bash.WaitForExitAsync(deadline.Token);
        return new Finished(bash.ExitCode, await output, await errors);
    }
}

/// <summary>What somebody sees who runs the demo and does what it says.</summary>
public sealed class DemoTests(RunningDemo demo) : IClassFixture<RunningDemo>
{
    private static readonly TimeSpan Promised = TimeSpan.FromSeconds(15);

    [Fact]
    public void It_shows_employees_and_misses_nothing_within_fifteen_seconds()
    {
        Figures.Print($"demo: complete {demo.Complete.TotalMilliseconds:F0} ms after the start of the process");
        demo.Complete.ShouldBeLessThan(Promised);
        demo.Process.Out.ShouldContain($"http://127.0.0.1:{demo.Port}/");
        demo.Process.Out.ShouldContain($"http://127.0.0.1:{demo.Port + 1}/");
        demo.Process.Out.Trim().Split('\n')[0].ShouldMatch($@"^Open  http://127\.0\.0\.1:{demo.Port}/#signin=[A-Za-z0-9_-]{{43}}$");
        demo.Process.Out.ShouldMatch(@"Admin token\s+tocsin_[A-Za-z0-9_-]{40,}");
    }

    [Fact]
    public async Task The_three_lines_it_prints_work_as_they_stand()
    {
        var lines = demo.Process.Out.Split('\n').Select(line => line.Trim()).Where(line => line.StartsWith("curl ", StringComparison.Ordinal)).ToArray();
        lines.Length.ShouldBe(3);
        foreach (var line in lines)
        {
            await WorksAsync(line, line);
        }
        JsonElement.Parse((await demo.BashAsync(lines[0].Replace("curl ", "curl -s ", StringComparison.Ordinal))).Out).EnumerateObject().Count().ShouldBe(2);
    }

    [Fact]
    public async Task The_link_it_prints_signs_in_once()
    {
        var code = demo.Process.Out.Trim().Split('\n')[0].Split("#signin=")[1].Trim();
        using var first = await demo.Http.PostAsync("/session", new StringContent($$"""{"code":"{{code}}"}""", null, "application/json"));
        first.StatusCode.ShouldBe(HttpStatusCode.OK);
        JsonElement.Parse(await first.Content.ReadAsStringAsync()).GetProperty("demo").GetBoolean().ShouldBeTrue();
        using var again = await demo.Http.PostAsync("/session", new StringContent($$"""{"code":"{{code}}"}""", null, "application/json"));
        again.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task Its_page_is_the_dashboard_and_every_part_of_it_is_served()
    {
        var html = await demo.Http.GetStringAsync("/");
        var parts = Regex.Matches(html, "(href|src)=\"(?<part>[^\"]+\\.(js|css|svg))\"", RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(1)).Select(match => match.Groups["part"].Value).Distinct().ToArray();
        parts.ShouldContain("app.js");
        parts.ShouldContain("pages/overview.js");
        foreach (var part in parts)
            (await demo.Http.GetStringAsync("/" + part)).ShouldNotBeEmpty(part);
        (await demo.Http.GetStringAsync("/pages/overview.js")).ShouldContain("readBody(\"sources\"");
        var sources = JsonElement.Parse(await demo.Http.GetStringAsync("/sources"));
        sources.EnumerateArray().Select(source => source.GetProperty("name").GetString()).ShouldBe(["alerts", "elevate"]);
        sources[0].GetProperty("last_success").GetString().ShouldNotBeNullOrEmpty();
    }

    [Fact]
    public async Task New_records_drip_in()
    {
        async Task<long> Sequence() => (await BoardReply.ReadAsync(await demo.Http.GetAsync("/incidents?limit=1"))).Sequence;
        var first = await Sequence();
        await Eventually.BeAsync("a new record shows", TimeSpan.FromSeconds(15), async () => await Sequence() > first);
    }

    [Fact]
    public async Task Only_reading_is_open()
    {
        using var answer = await demo.Http.PostAsync("/sync", null);
        answer.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task Ports_that_are_taken_lead_to_the_next_pair_and_it_says_so_and_a_signal_ends_it()
    {
        using var folder = new TempFolder();
        var port = Ports.Free(4);
        using var taken = new TcpListener(IPAddress.Loopback, port);
        taken.Start();
        await using var second = TocsinProcess.Start(folder.Path, null, "demo", "--port", port.ToString(), "--data", "demo-data");
        await Eventually.BeAsync("it says where it is", TimeSpan.FromSeconds(20), () => Task.FromResult(second.Out.Contains("curl ", StringComparison.Ordinal)), second.Shown);

        second.Err.ShouldContain(port.ToString());
        second.Out.ShouldContain($"http://127.0.0.1:{port + 2}/incidents");
        second.Out.ShouldContain($"http://127.0.0.1:{port + 3}/");
        using var http = ServerProcess.Client($"http://127.0.0.1:{port + 2}", null);
        (await http.GetAsync("/incidents")).StatusCode.ShouldBe(HttpStatusCode.OK);

        var (end, took) = await second.TerminateAsync();
        end.Code.ShouldBe(0, end.ToString());
        took.ShouldBeLessThan(TimeSpan.FromSeconds(10));
        Figures.Print($"demo: out {took.TotalMilliseconds:F0} ms after SIGTERM");
    }

    [Fact]
    public async Task Started_again_on_its_folder_it_prints_the_same_token()
    {
        using var folder = new TempFolder();
        var tokens = new List<string>();
        for (var start = 0; start < 2; start++)
        {
            var port = Ports.Free(2);
            await using var again = TocsinProcess.Start(folder.Path, null, "demo", "--port", port.ToString(), "--data", "demo-data");
            await Eventually.BeAsync("it prints its token", TimeSpan.FromSeconds(20), () => Task.FromResult(again.Out.Contains("Ctrl+C", StringComparison.Ordinal)), again.Shown);
            tokens.Add(again.Out.Split('\n').Single(line => line.Contains("Admin token", StringComparison.Ordinal)));
            (await again.TerminateAsync()).End.Code.ShouldBe(0);
        }
        tokens[0].ShouldBe(tokens[1]);
    }

    /// <summary>The data of a demo, too: the lines of the readme read its token from there.</summary>
    [Fact]
    public async Task Dotnet_run_puts_relative_paths_where_it_is_called_from()
    {
        var configuration = typeof(DemoTests).Assembly.GetCustomAttribute<AssemblyConfigurationAttribute>()!.Configuration;
        var end = await demo.BashAsync($"dotnet run --no-build -c {configuration} --project '{Path.Combine(Shared.Repository, "src", "Tocsin.Server")}' -- init started-here && ls started-here/tocsin.yaml");
        end.Code.ShouldBe(0, end.ToString());
    }

    [Fact]
    public async Task Every_curl_line_of_the_readme_works_against_the_demo()
    {
        var readme = Path.Combine(Shared.Repository, "README.md");
        Assert.SkipUnless(File.Exists(readme), "README.md is not there yet.");
        var token = demo.Process.Out.Split('\n').Single(line => line.Contains("Admin token", StringComparison.Ordinal)).Split(' ')[^1].Trim();
        var commands = CurlLines(await File.ReadAllLinesAsync(readme)).ToArray();
        commands.ShouldNotBeEmpty();
        foreach (var command in commands)
        {
            var here = command.Replace("127.0.0.1:9000", $"127.0.0.1:{demo.Port}").Replace("localhost:9000", $"127.0.0.1:{demo.Port}")
                .Replace("127.0.0.1:9001", $"127.0.0.1:{demo.Port + 1}").Replace("localhost:9001", $"127.0.0.1:{demo.Port + 1}")
                .Replace("./tocsin-demo/", "./demo-data/").Replace(" tocsin-demo/", " demo-data/");
            await WorksAsync($"export TOKEN={token} TOCSIN_TOKEN={token}; {here}", here);
        }
        TestContext.Current.TestOutputHelper?.WriteLine($"{commands.Length} lines of README.md ran");
    }

    /// <summary>Runs a curl line; its answer must be JSON.</summary>
    private async Task WorksAsync(string line, string shown)
    {
        var end = await demo.BashAsync(line.Replace("curl ", "curl -sS --fail-with-body ", StringComparison.Ordinal));
        // A sync that finds one under way says 409, which is an answer.
        if (line.Contains("/sync", StringComparison.Ordinal) && end.Code == 22)
            JsonElement.Parse(end.Out).GetProperty("already_running").GetArrayLength().ShouldBeGreaterThan(0, end.ToString());
        else
            end.Code.ShouldBe(0, $"{shown}\n{end}");
        JsonElement.Parse(end.Out);
    }

    /// <summary>Lines that begin with <c>$ curl</c> in console fences, joined with those that they go on in.</summary>
    private static IEnumerable<string> CurlLines(string[] lines)
    {
        var inside = false;
        for (var i = 0; i < lines.Length; i++)
        {
            var line = lines[i];
            if (line.TrimStart().StartsWith("```", StringComparison.Ordinal))
                inside = !inside && line.TrimStart().StartsWith("```console", StringComparison.Ordinal);
            if (!inside || !line.StartsWith("$ curl", StringComparison.Ordinal))
                continue;
            var command = line[2..];
            while (command.EndsWith('\\') && i + 1 < lines.Length)
                command = $"{command[..^1]} {lines[++i].TrimStart('>', ' ')}";
            yield return command;
        }
    }
}
