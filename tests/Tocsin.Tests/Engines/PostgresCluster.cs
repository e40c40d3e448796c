using System.Diagnostics;
using Npgsql;
using Tocsin.Engines.Postgres;

namespace Tocsin.Tests.Engines;

/// <summary>
/// A private PostgreSQL on a free port of the loopback, in a folder of its own, as a user who owns nothing else when the tests run as root. Where it is not
/// installed its tests are skipped and say so; with CI=true that is a failure.
/// </summary>
internal sealed class PostgresCluster : IAsyncDisposable
{
    public const string Password = "p w;'\"=";
    private const string Role = "tocsin";
    private static readonly Lazy<Task<PostgresCluster>> Common = new(() => StartAsync(isDurable: false));
    private static readonly TimeSpan OrphansEndWithin = TimeSpan.FromSeconds(20);
    private static int _databases;

    private readonly string _folder;
    private readonly string _bin;
    private readonly bool _isDurable;
    private int _starts;

    private readonly Lazy<Task> _role;
    private readonly Lazy<Task> _template;

    private PostgresCluster(string folder, string bin, bool isDurable, int port)
    {
        (_folder, _bin, _isDurable, Port) = (folder, bin, isDurable, port);
        (_role, _template) = (new(MakeRoleAsync), new(MakeTemplateAsync));
    }

    public int Port { get; }

    private string Data => Path.Combine(_folder, "data");

    /// <summary>One cluster for all tests of a run; what it commits need not outlive the machine.</summary>
    public static Task<PostgresCluster> SharedAsync()
    {
        RequireInstalled();
        return Common.Value;
    }

    /// <summary>Stops the shared one, if a test asked for it.</summary>
    public static async Task StopSharedAsync()
    {
        if (Common.IsValueCreated)
            await (await Common.Value).DisposeAsync();
    }

    /// <summary>A cluster of the caller's own. Durable: as in production, a commit is on disk.</summary>
    public static async Task<PostgresCluster> StartAsync(bool isDurable)
    {
        var bin = RequireInstalled();
        var folder = Directory.CreateTempSubdirectory("tocsin-postgres-").FullName;
        await File.WriteAllTextAsync(Path.Combine(folder, "password"), Password);
        await RunAsync("chmod", ["-R", "a+rX", folder]);
        if (Environment.IsPrivilegedProcess)
            await RunAsync("chown", ["-R", "nobody", folder]);
        var cluster = new PostgresCluster(folder, bin, isDurable, Ports.Free());
        await cluster.AsOwnerAsync("initdb", ["-D", cluster.Data, "-U", "postgres", "-A", "scram-sha-256", "--pwfile", Path.Combine(folder, "password"), "-E", "UTF8", "--locale=C", "--no-sync"]);
        await cluster.StartAsync();
        return cluster;
    }

    /// <summary>A way into a database, as the one who owns the server.</summary>
    public string Connection(string database = "postgres", string user = "postgres", string password = Password) =>
        new NpgsqlConnectionStringBuilder { Host = "127.0.0.1", Port = Port, Database = database, Username = user, Password = password, Pooling = false }.ConnectionString;

    /// <summary>An empty database of a role that owns it and is no superuser.</summary>
    public async Task<string> CreateDatabaseAsync(string options = "")
    {
        await _role.Value;
        var name = $"t{Interlocked.Increment(ref _databases)}";
        await ExecuteAsync($"CREATE DATABASE {name} OWNER {Role} {options}");
        return Connection(name, Role, "secret");
    }

    /// <summary>A database with an empty journal, copied from one that was made once.</summary>
    public async Task<string> CreateJournalAsync()
    {
        await _template.Value;
        return await CreateDatabaseAsync("TEMPLATE journal STRATEGY file_copy");
    }

    private async Task MakeRoleAsync() => await ExecuteAsync($"CREATE ROLE {Role} LOGIN PASSWORD 'secret'");

    private async Task MakeTemplateAsync()
    {
        await _role.Value;
        await ExecuteAsync($"CREATE DATABASE journal OWNER {Role}");
        await (await PostgresJournalStore.OpenAsync(Connection("journal", Role, "secret"), TimeProvider.System, null, default)).DisposeAsync();
    }

    public async Task ExecuteAsync(string sql, string? connection = null)
    {
        await using var open = new NpgsqlConnection(connection ?? Connection());
        await open.OpenAsync();
        await using var command = new NpgsqlCommand(sql, open);
        await command.ExecuteNonQueryAsync();
    }

    /// <summary>After a kill the orphans hold the old memory until they notice, and a new postmaster gives up at once where it finds them: it is started again.</summary>
    public async Task StartAsync()
    {
        var since = TimeProvider.System.GetTimestamp();
        while (true)
        {
            var log = Path.Combine(_folder, $"log{_starts++}");
            try
            {
                await StartAsync(log);
                return;
            }
            catch (InvalidOperationException) when (TimeProvider.System.GetElapsedTime(since) < OrphansEndWithin && HoldOrphansMemory(log))
            {
                await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System);
            }
        }
    }

    private Task StartAsync(string log) => AsOwnerAsync("pg_ctl",
    [
        "start", "-w", "-D", Data, "-l", log, "-o",
        $"-p {Port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c max_connections=200 -c shared_buffers=128MB -c max_wal_size=4GB -c fsync={(_isDurable ? "on" : "off")}",
    ]);

    private static bool HoldOrphansMemory(string log) =>
        File.Exists(log) && File.ReadAllText(log).Contains("pre-existing shared memory block", StringComparison.Ordinal);

    /// <summary>
    /// Ends the server with kill -9. Its backends notice that a moment later, and may end what they are at; with them it is as a power cut: all vanish.
    /// </summary>
    public async Task KillAsync(bool withBackends = false)
    {
        var postmaster = int.Parse((await File.ReadAllLinesAsync(Path.Combine(Data, "postmaster.pid")))[0], System.Globalization.CultureInfo.InvariantCulture);
        using var process = Process.GetProcessById(postmaster);
        process.Kill(entireProcessTree: withBackends);
        await process.WaitForExitAsync();
    }

    /// <summary>Begins anew as a standby, which only reads.</summary>
    public async Task BecomeStandbyAsync()
    {
        await AsOwnerAsync("pg_ctl", ["stop", "-w", "-D", Data, "-m", "fast"]);
        await File.WriteAllTextAsync(Path.Combine(Data, "standby.signal"), "");
        await RunAsync("chmod", ["a+rw", Path.Combine(Data, "standby.signal")]);
        await StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await AsOwnerAsync("pg_ctl", ["stop", "-D", Data, "-m", "immediate"], mayFail: true);
        Directory.Delete(_folder, recursive: true);
    }

    private static string RequireInstalled()
    {
        var bin = Directory.Exists("/usr/lib/postgresql")
            ? Directory.GetDirectories("/usr/lib/postgresql").OrderDescending(StringComparer.Ordinal).Select(version => Path.Combine(version, "bin")).Append("/usr/local/bin")
            : ["/usr/local/bin", "/usr/bin", "/opt/homebrew/bin"];
        if (bin.FirstOrDefault(folder => File.Exists(Path.Combine(folder, "initdb"))) is { } found)
            return found;
        const string reason = "PostgreSQL is not installed: no initdb in /usr/lib/postgresql/*/bin, /usr/local/bin or /usr/bin";
        if (Environment.GetEnvironmentVariable("CI") == "true")
            throw new InvalidOperationException(reason);
        Assert.Skip(reason);
        return "";
    }

    /// <summary>PostgreSQL refuses to run as root.</summary>
    private Task AsOwnerAsync(string program, string[] arguments, bool mayFail = false) => Environment.IsPrivilegedProcess
        ? RunAsync("runuser", ["-u", "nobody", "--", Path.Combine(_bin, program), .. arguments], mayFail)
        : RunAsync(Path.Combine(_bin, program), arguments, mayFail);

    private static async Task RunAsync(string program, string[] arguments, bool mayFail = false)
    {
        // To a file, not a pipe: the server inherits it and would keep a pipe open for ever.
        var output = Path.GetTempFileName();
        var quoted = string.Join(' ', arguments.Prepend(program).Select(argument => $"'{argument.Replace("'", "'\\''", StringComparison.Ordinal)}'"));
        using var process = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", $"{quoted} >'{output}' 2>&1"]) { WorkingDirectory = "/" })!;
        await process.WaitForExitAsync();
        var text = await File.ReadAllTextAsync(output);
        File.Delete(output);
        if (process.ExitCode != 0 && !mayFail)
            throw new InvalidOperationException($"{program} {string.Join(' ', arguments)}: {text}");
    }
}
