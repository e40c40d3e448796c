using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace Tocsin.SystemTests;

/// <summary>Starts that cannot work: one clear sentence that says what to do, its exit code, and nothing changed.</summary>
public sealed class BadStartTests
{
    private const int NewerVersion = 9_999;

    [Fact]
    public async Task A_configuration_with_mistakes_names_all_of_them_and_starts_nothing()
    {
        using var folder = new TempFolder();
        var config = folder.Write("tocsin.yaml", """
            urls: ftp://nowhere
            data: ./data
            sync: { interval: 0s }
            board: { max: -5 }
            sources: ./sources/*.yaml
            colour: red
            """);
        folder.Write("sources/one.yaml", new SourceYaml("https://10.0.0.1") { Name = "one", Every = "soon" }.ToString().Replace("kind: incident", "kind: incidents"));
        folder.Write("sources/two.yaml", new SourceYaml("https://incidents.example.com") { Name = "one" }.ToString().Replace("${env:MOCK_PASSWORD}", "${env:NOT_SET_ANYWHERE}"));
        string[] expected =
        [
            "tocsin.yaml:1: urls:", "tocsin.yaml:3: sync.interval:", "tocsin.yaml:4: board.max:", "tocsin.yaml:6: colour:",
            "one.yaml:2: kind:", "incident, alert, audit", "one.yaml:3: base_url:", "allow_private: true", "one.yaml:5: every:",
            "two.yaml:4: auth.basic.password:", "NOT_SET_ANYWHERE",
        ];
        foreach (var arguments in new string[][] { ["serve", "--config", config], ["config", "check", config] })
        {
            var end = await TocsinProcess.RunAsync(folder.Path, new Dictionary<string, string> { ["MOCK_USER"] = "u", ["MOCK_PASSWORD"] = "p" }, arguments);
            end.Code.ShouldBe(2, end.ToString());
            end.Out.ShouldBeEmpty();
            foreach (var part in expected)
                end.Err.ShouldContain(part, Case.Sensitive, end.Err);
            Directory.Exists(folder.File("data")).ShouldBeFalse();
        }
    }

    [Fact]
    public async Task A_port_that_is_taken_is_said_and_nothing_is_made()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var port = ((IPEndPoint)taken.LocalEndpoint).Port;
        using var folder = new TempFolder();

        var end = await TocsinProcess.RunAsync(folder.Path, null, "serve", "--data", "data", "--port", port.ToString());

        OneSentence(end, port.ToString(), "--port");
        Directory.EnumerateFileSystemEntries(folder.Path).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_data_folder_that_cannot_be_written_is_said()
    {
        using var folder = new TempFolder();
        folder.Write("a-file", "in the way");

        var end = await TocsinProcess.RunAsync(folder.Path, null, "serve", "--data", "a-file/data", "--port", Ports.Free().ToString());

        OneSentence(end, "a-file/data", "--data");
        Directory.EnumerateFileSystemEntries(folder.Path).Count().ShouldBe(1);
    }

    [Fact]
    public async Task A_database_of_a_newer_version_is_left_as_it_is()
    {
        using var home = new ServerHome();
        await using (var server = await ServerProcess.StartAsync(home))
            (await server.Process.TerminateAsync()).End.Code.ShouldBe(0);
        var journal = Path.Combine(home.Data, "journal.db");
        (new FileInfo(journal + "-wal") is { Exists: true, Length: > 0 }).ShouldBeFalse("a clean end leaves nothing in the WAL");
        // The user version, big-endian, in the header of an SQLite file.
        var bytes = await File.ReadAllBytesAsync(journal);
        BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(60, 4), NewerVersion);
        await File.WriteAllBytesAsync(journal, bytes);
        var before = Hashes(home.Data);

        var end = await TocsinProcess.RunAsync(home.Folder, home.Environment, "serve", "--data", home.Data, "--port", home.Port.ToString());

        OneSentence(end, "newer", "version");
        Hashes(home.Data).ShouldBe(before);
    }

    [Fact]
    public async Task A_second_process_on_the_same_data_is_refused_and_changes_nothing()
    {
        using var home = new ServerHome();
        await using var server = await ServerProcess.StartAsync(home);
        await server.Process.WhileFrozenAsync(async () =>
        {
            var before = Hashes(home.Data);
            var end = await TocsinProcess.RunAsync(home.Folder, home.Environment, "serve", "--data", home.Data, "--port", Ports.Free().ToString());
            OneSentence(end, home.Data, "in use");
            Hashes(home.Data).ShouldBe(before);
        });
        (await server.BoardAsync()).Status.ShouldBe(HttpStatusCode.OK);
    }

    [Theory]
    [InlineData("short")]
    [InlineData("change-me-change-me-change-me")]
    [InlineData("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")]
    public async Task A_weak_admin_token_is_refused_and_not_printed(string token)
    {
        using var folder = new TempFolder();
        var end = await TocsinProcess.RunAsync(
            folder.Path, new Dictionary<string, string> { ["TOCSIN_ADMIN_TOKEN"] = token }, "serve", "--data", "data", "--port", Ports.Free().ToString());

        end.Code.ShouldBeOneOf(1, 2);
        end.Err.ShouldContain("TOCSIN_ADMIN_TOKEN");
        end.Err.ShouldContain("openssl rand");
        end.Err.ShouldNotContain(token);
        Directory.EnumerateFileSystemEntries(folder.Path).ShouldBeEmpty();
    }

    [Theory]
    [InlineData("https://127.0.0.1:9443")]
    [InlineData("https://10.1.2.3")]
    [InlineData("https://[::1]")]
    [InlineData("https://169.254.169.254")]
    [InlineData("https://localhost")]
    public async Task A_private_address_is_refused_at_check_with_the_line_to_add(string url)
    {
        using var home = new ServerHome(new SourceYaml(url));
        var file = Path.Combine(home.Data, "sources", "elevate.yaml");
        var environment = new Dictionary<string, string>(home.Environment) { ["TOCSIN__DATA"] = home.Data };

        var end = await TocsinProcess.RunAsync(home.Folder, environment, "config", "check");
        end.Code.ShouldBe(2, end.ToString());
        end.Err.ShouldContain("elevate.yaml:3: base_url:");
        end.Err.ShouldContain("allow_private: true");

        await File.AppendAllTextAsync(file, "allow_private: true\n");
        end = await TocsinProcess.RunAsync(home.Folder, environment, "config", "check");
        end.Code.ShouldBe(0, end.ToString());
    }

    [Fact]
    public async Task A_name_that_leads_to_this_machine_is_refused_when_it_connects()
    {
        var name = PrivateName();
        Assert.SkipWhen(name is null, "No name but localhost resolves to this machine here.");
        using var canary = new TcpListener(IPAddress.Any, 0);
        canary.Start();
        using var home = new ServerHome(new SourceYaml($"https://{name}:{((IPEndPoint)canary.LocalEndpoint).Port}"));
        await using var server = await ServerProcess.StartAsync(home);

        await Eventually.BeAsync("the refusal shows with the line to add", TimeSpan.FromSeconds(10), async () =>
            (await server.SourceAsync()).GetProperty("last_error").GetString()?.Contains("allow_private: true", StringComparison.Ordinal) == true,
            server.Process.Shown);

        canary.Pending().ShouldBeFalse("nothing was connected to");
        (await server.BoardAsync()).Incomplete.ShouldBe("elevate");
    }

    private static void OneSentence(Finished end, params string[] parts)
    {
        end.Code.ShouldBe(1, end.ToString());
        end.Out.ShouldBeEmpty();
        foreach (var part in parts)
            end.Err.ShouldContain(part, Case.Insensitive);
        end.Err.TrimEnd('\n').ShouldNotContain('\n', "one sentence, no stack");
    }

    private static Dictionary<string, string> Hashes(string folder) => Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories)
        .ToDictionary(file => file, file =>
        {
            // The lock is held, also against reading.
            if (file.EndsWith(".lock", StringComparison.Ordinal))
                return $"{new FileInfo(file).Length} {File.GetLastWriteTimeUtc(file):O}";
            using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            return Convert.ToHexString(SHA256.HashData(stream));
        });

    /// <summary>A name that is not visibly private and resolves to private addresses only: of the hosts file, or the machine's own.</summary>
    private static string? PrivateName()
    {
        const string Hosts = "/etc/hosts";
        var candidates = (File.Exists(Hosts) ? File.ReadAllLines(Hosts) : []).Where(line => !line.StartsWith('#')).SelectMany(line => line.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries).Skip(1))
            .Append("localhost.localdomain").Append(Dns.GetHostName());
        return candidates.FirstOrDefault(name =>
        {
            try
            {
                return name != "localhost" && Dns.GetHostAddresses(name) is { Length: > 0 } addresses && addresses.All(IsPrivate);
            }
            catch (SocketException)
            {
                return false;
            }
        });
    }

    private static bool IsPrivate(IPAddress address) => IPAddress.IsLoopback(address) || address.IsIPv6LinkLocal
        || address.GetAddressBytes() is [10, ..] or [172, >= 16 and < 32, ..] or [192, 168, ..] or [127, ..];
}
