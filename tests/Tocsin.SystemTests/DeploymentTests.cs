using System.Text.RegularExpressions;

namespace Tocsin.SystemTests;

/// <summary>The configurations of compose.yaml and deploy/ as Tocsin reads them, laid out as they are mounted.</summary>
public sealed partial class DeploymentTests
{
    private static readonly Dictionary<string, string> Secrets = new(ReadyMade.Environment("http://mock:9001"))
    {
        ["TOCSIN_POSTGRES"] = "Host=postgres;Database=tocsin;Username=tocsin;Password=0123abcd",
        ["TOCSIN_RABBITMQ"] = "amqp://tocsin:0123abcd@rabbitmq-1:5672,rabbitmq-2:5672,rabbitmq-3:5672/tocsin",
    };

    [Theory]
    [InlineData("deploy/demo/tocsin.yaml", "deploy/demo/sources")]
    [InlineData("deploy/cluster/tocsin.yaml", "sources")]
    [InlineData("deploy/tocsin.yaml", null)]
    public async Task A_configuration_that_is_shipped_has_no_mistake(string file, string? sources)
    {
        using var folder = new TempFolder();
        var path = folder.Write("etc/tocsin.yaml", await File.ReadAllTextAsync(Path.Combine(Shared.Repository, file), TestContext.Current.CancellationToken));
        foreach (var source in sources is null ? [] : (string[])["elevate", "alerts"])
            folder.Write($"etc/sources/{source}.yaml", await File.ReadAllTextAsync(Path.Combine(Shared.Repository, sources!, $"{source}.yaml"), TestContext.Current.CancellationToken));

        var end = await TocsinProcess.RunAsync(folder.Path, Secrets, "config", "check", path);

        end.Code.ShouldBe(0, end.ToString());
        end.Out.ShouldContain($", {(sources is null ? 0 : 2)} sources");
    }

    /// <summary>Where it can be asked: what systemd would only say in its journal, and go on.</summary>
    [Fact]
    public async Task The_unit_is_one_that_systemd_understands()
    {
        if (Tool.Find("systemd-analyze") is null)
            Chromium.LeaveOut("No systemd-analyze: it comes with systemd.");
        using var folder = new TempFolder();
        // The program is not where the unit says it is; all else is as it ships.
        var unit = await File.ReadAllTextAsync(Path.Combine(Shared.Repository, "deploy/tocsin.service"), TestContext.Current.CancellationToken);
        Start().IsMatch(unit).ShouldBeTrue();

        var end = await Tool.RunAsync("systemd-analyze", "verify", "--man=no", folder.Write("tocsin.service", Start().Replace(unit, "=/bin/true ")));

        end.Code.ShouldBe(0, end.ToString());
        end.Err.Contains("tocsin.service", StringComparison.Ordinal).ShouldBeFalse(end.ToString());
    }

    [GeneratedRegex(@"(?<=^ExecStart(Pre)?)=/opt/tocsin/Tocsin\.Server ", RegexOptions.ExplicitCapture | RegexOptions.Multiline, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Start();
}
