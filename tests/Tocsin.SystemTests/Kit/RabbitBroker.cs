using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace Tocsin.SystemTests.Kit;

/// <summary>
/// A RabbitMQ of its own: one node, or several as a cluster, on free ports, with their own port mapper, cookie and folder, as a throw-away user. Killed by
/// process group, and gone with the test.
/// </summary>
internal sealed class RabbitBroker : IAsyncDisposable
{
    private const string Scripts = "/usr/lib/rabbitmq/bin";
    private const string Account = "tocsin-rabbit-test";
    private const int SigKill = 9, SigStop = 19, SigCont = 18;
    private static readonly TimeSpan StartDeadline = TimeSpan.FromSeconds(60);

    private readonly TempFolder _folder = new();
    private readonly int _mapper = Ports.Free();
    private readonly string _cookie = Guid.NewGuid().ToString("N");
    private readonly Node[] _nodes;
    private readonly bool _isRoot = GetEffectiveUserId() == 0;
    private Process? _mapperProcess;

    private RabbitBroker(int nodes) => _nodes = [.. Enumerable.Range(1, nodes).Select(n => new Node($"tocsin{n}@localhost", Ports.Free(), Ports.Free()))];

    /// <summary>Where all nodes are, for <c>queue.url</c>.</summary>
    public string Url => $"amqp://guest:guest@{string.Join(',', _nodes.Select(node => $"127.0.0.1:{node.Port}"))}";

    public int Count => _nodes.Length;

    /// <summary>Where one node is.</summary>
    public string UrlOf(int node) => $"amqp://guest:guest@127.0.0.1:{_nodes[node].Port}";

    /// <summary>Starts it; where RabbitMQ is not installed the test is skipped, in CI it fails.</summary>
    public static async Task<RabbitBroker> StartOrSkipAsync(int nodes = 1)
    {
        if (!File.Exists($"{Scripts}/rabbitmq-server") || Tool.Find("epmd") is null)
        {
            const string Missing = "RabbitMQ is not installed (Debian: apt-get install rabbitmq-server).";
            Assert.SkipUnless(Environment.GetEnvironmentVariable("CI") is "true" or "1", Missing);
            Assert.Fail(Missing);
        }
        var broker = new RabbitBroker(nodes);
        try
        {
            await broker.StartAsync();
            return broker;
        }
        catch
        {
            await broker.DisposeAsync();
            throw;
        }
    }

    /// <summary>Runs a command of the broker's own tool on a node.</summary>
    public async Task<string> ControlAsync(int node, params string[] args)
    {
        var (code, output, error) = await RunControlAsync(node, args);
        code.ShouldBe(0, $"rabbitmqctl {string.Join(' ', args)}: {output} {error}");
        return output;
    }

    /// <summary>What the broker says when asked; nothing where it cannot say just now.</summary>
    public async Task<string> AskAsync(int node, params string[] args) => await RunControlAsync(node, args) is { Code: 0, Output: var said } ? said : "";

    private async Task<(int Code, string Output, string Error)> RunControlAsync(int node, string[] args)
    {
        using var process = Start(node, "rabbitmqctl", ["-n", _nodes[node].Name, .. args]);
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync();
        return (process.ExitCode, await output, await error);
    }

    /// <summary>kill -9 of a node's whole process group.</summary>
    public async Task KillAsync(int node)
    {
        var process = _nodes[node].Process!;
        _ = NativeKill(-process.Id, SigKill);
        await process.WaitForExitAsync();
    }

    /// <summary>Stops a node dead: it answers nothing, and its connections stay.</summary>
    public void Freeze(int node) => NativeKill(-_nodes[node].Process!.Id, SigStop).ShouldBe(0);

    public void Thaw(int node) => NativeKill(-_nodes[node].Process!.Id, SigCont).ShouldBe(0);

    /// <summary>Starts a node that was killed, on what it has on disk.</summary>
    public async Task RestartAsync(int node)
    {
        Launch(node);
        await ReadyAsync(node);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var process in _nodes.Select(node => node.Process).Append(_mapperProcess).OfType<Process>())
        {
            if (!process.HasExited)
                _ = NativeKill(-process.Id, SigKill);
            await process.WaitForExitAsync();
            process.Dispose();
        }
        _folder.Dispose();
    }

    private async Task StartAsync()
    {
        if (_isRoot && (await Tool.RunAsync("id", Account)).Code != 0)
            (await Tool.RunAsync("useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", Account)).Code.ShouldBe(0, "a throw-away user");
        var cookie = _folder.Write(".erlang.cookie", _cookie);
        File.SetUnixFileMode(cookie, UnixFileMode.UserRead);
        _folder.Write("enabled_plugins", "[].\n");
        for (var n = 0; n < _nodes.Length; n++)
        {
            Directory.CreateDirectory(_folder.File($"n{n}"));
            // Small: a broker beside others must not stop publishing because the machine is small, and must be blocked on demand.
            _folder.Write($"n{n}/rabbitmq.conf", string.Create(CultureInfo.InvariantCulture, $"""
                listeners.tcp.1 = 127.0.0.1:{_nodes[n].Port}
                disk_free_limit.absolute = 50MB
                log.console = false
                cluster_partition_handling = pause_minority
                net_ticktime = 15

                """));
        }
        if (_isRoot)
            (await Tool.RunAsync("chown", "-R", Account, _folder.Path)).Code.ShouldBe(0);
        _mapperProcess = Start(0, Tool.Find("epmd")!, ["-port", _mapper.ToString(CultureInfo.InvariantCulture), "-address", "127.0.0.1"]);
        for (var n = 0; n < _nodes.Length; n++)
            Launch(n);
        await Task.WhenAll(Enumerable.Range(0, _nodes.Length).Select(ReadyAsync));
        for (var n = 1; n < _nodes.Length; n++)
        {
            await ControlAsync(n, "stop_app");
            await ControlAsync(n, "join_cluster", _nodes[0].Name);
            await ControlAsync(n, "start_app");
            await ReadyAsync(n);
        }
    }

    private void Launch(int node)
    {
        _nodes[node].Process?.Dispose();
        var process = Start(node, "rabbitmq-server", []);
        // Read to nothing: a pipe that is full would stop it.
        process.OutputDataReceived += static (_, _) => { };
        process.ErrorDataReceived += static (_, _) => { };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        _nodes[node].Process = process;
    }

    private Task ReadyAsync(int node) => Eventually.BeAsync($"node {node} of the broker listens", StartDeadline, async () =>
    {
        _nodes[node].Process!.HasExited.ShouldBeFalse($"node {node} of the broker ended: {Log(node)}");
        using var socket = new System.Net.Sockets.TcpClient();
        try
        {
            await socket.ConnectAsync("127.0.0.1", _nodes[node].Port);
            return true;
        }
        catch (System.Net.Sockets.SocketException)
        {
            return false;
        }
    }, () => Log(node));

    /// <summary>The end of a node's log.</summary>
    public string Log(int node)
    {
        var file = _folder.File($"n{node}/log/{_nodes[node].Name}.log");
        return File.Exists(file) ? string.Join('\n', File.ReadLines(file).TakeLast(30)) : "no log";
    }

    private Process Start(int node, string program, string[] args)
    {
        var start = new ProcessStartInfo("setsid") { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true, WorkingDirectory = _folder.Path };
        if (_isRoot)
            foreach (var part in new[] { "setpriv", "--reuid", Account, "--regid", "nogroup", "--clear-groups" })
                start.ArgumentList.Add(part);
        start.ArgumentList.Add(program.Contains('/', StringComparison.Ordinal) ? program : $"{Scripts}/{program}");
        foreach (var arg in args)
            start.ArgumentList.Add(arg);
        var (home, at) = (_folder.Path, _nodes[node]);
        foreach (var (name, value) in new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["HOME"] = home, ["ERL_EPMD_PORT"] = _mapper.ToString(CultureInfo.InvariantCulture), ["ERL_EPMD_ADDRESS"] = "127.0.0.1",
            ["RABBITMQ_NODENAME"] = at.Name, ["RABBITMQ_DIST_PORT"] = at.DistributionPort.ToString(CultureInfo.InvariantCulture),
            ["RABBITMQ_MNESIA_BASE"] = $"{home}/n{node}/data", ["RABBITMQ_LOG_BASE"] = $"{home}/n{node}/log", ["RABBITMQ_CONFIG_FILE"] = $"{home}/n{node}/rabbitmq.conf",
            ["RABBITMQ_ENABLED_PLUGINS_FILE"] = $"{home}/enabled_plugins", ["RABBITMQ_GENERATED_CONFIG_DIR"] = $"{home}/n{node}/generated", ["RABBITMQ_PID_FILE"] = $"{home}/n{node}/pid",
            // Nodes of a test share the machine with it: few threads, that do not spin while they wait.
            ["RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS"] = "+S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none",
        })
            start.Environment[name] = value;
        return Process.Start(start)!;
    }

    [DllImport("libc", EntryPoint = "kill", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int NativeKill(int process, int signal);

    [DllImport("libc", EntryPoint = "geteuid")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern uint GetEffectiveUserId();

    private sealed class Node(string name, int port, int distributionPort)
    {
        public string Name { get; } = name;

        public int Port { get; } = port;

        public int DistributionPort { get; } = distributionPort;

        public Process? Process { get; set; }
    }
}
