using System.Diagnostics;
using System.Net.Sockets;
using System.Text.RegularExpressions;

namespace Tocsin.SystemTests.Kit;

/// <summary>A real nginx with the configuration of deploy/cluster, in which nothing but names, ports and folders is another's.</summary>
internal sealed partial class Nginx : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);
    private readonly TempFolder _folder;
    private readonly Process _process;

    private Nginx(TempFolder folder, Process process, string url) => (_folder, _process, Url) = (folder, process, url);

    public string Url { get; }

    /// <summary>Starts it in front of these nodes, at least one; the configuration's three take turns among them.</summary>
    public static async Task<Nginx> StartAsync(params int[] nodes)
    {
        var program = Tool.Find("nginx") ?? (File.Exists("/usr/sbin/nginx") ? "/usr/sbin/nginx" : null);
        if (program is null)
            Chromium.LeaveOut("No nginx: ./test installs it where it may, else install the package nginx-light.");
        var folder = new TempFolder();
        var port = Ports.Free();
        var start = new ProcessStartInfo(program!, ["-p", folder.Path, "-c", folder.Write("nginx.conf", Configuration(folder.Path, port, nodes))])
        {
            UseShellExecute = false, RedirectStandardError = true, RedirectStandardOutput = true,
        };
        var nginx = new Nginx(folder, Process.Start(start)!, $"http://127.0.0.1:{port}");
        var errors = nginx._process.StandardError.ReadToEndAsync();
        try
        {
            await Eventually.BeAsync("nginx listens", Patience, async () =>
            {
                nginx._process.HasExited.ShouldBeFalse(nginx._process.HasExited ? await errors : null);
                // No request: a node that fails it would be left alone for a while.
                return await ListensAsync(port);
            });
            return nginx;
        }
        catch
        {
            await nginx.DisposeAsync();
            throw;
        }
    }

    private static async Task<bool> ListensAsync(int port)
    {
        try
        {
            using var socket = await RawHttp.ConnectAsync(port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    /// <summary>The file of deploy/cluster, for this machine.</summary>
    private static string Configuration(string folder, int port, int[] nodes)
    {
        var text = File.ReadAllText(Path.Combine(Shared.Repository, "deploy/cluster/nginx/nginx.conf"));
        text.ShouldContain("listen 8080;");
        text = Node().Replace(text, match => $"server 127.0.0.1:{nodes[(int.Parse(match.Groups["number"].Value) - 1) % nodes.Length]} ")
            .Replace("listen 8080;", $"listen 127.0.0.1:{port};", StringComparison.Ordinal).Replace("/tmp/nginx", folder + "/nginx", StringComparison.Ordinal);
        // As root its workers would be somebody who may not enter the folder.
        return (Environment.IsPrivilegedProcess ? "user root;\n" : "") + "daemon off;\n" + text;
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            // TERM, so that its workers end with it.
            await Tool.RunAsync("kill", "-TERM", _process.Id.ToString());
            using var deadline = new CancellationTokenSource(Patience);
            await _process.WaitForExitAsync(deadline.Token);
        }
        _process.Dispose();
        _folder.Dispose();
    }

    [GeneratedRegex(@"server tocsin-(?<number>[123]):9000 ", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Node();
}
