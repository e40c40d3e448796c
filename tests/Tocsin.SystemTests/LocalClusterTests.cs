namespace Tocsin.SystemTests;

/// <summary>
/// <c>deploy/local-cluster check</c>: three nodes on PostgreSQL behind three nodes of RabbitMQ; one of each is killed while load runs, one is stopped past its
/// lease, and nothing is lost, doubled or different.
/// </summary>
public sealed class LocalClusterTests
{
    [Fact]
    public async Task A_cluster_whose_parts_die_loses_nothing_doubles_nothing_and_ends_with_equal_boards()
    {
        if (!File.Exists("/usr/lib/rabbitmq/bin/rabbitmq-server") || !Directory.Exists("/usr/lib/postgresql")
            || !Directory.EnumerateFiles("/usr/lib/postgresql", "initdb", SearchOption.AllDirectories).Any())
        {
            const string Missing = "PostgreSQL or RabbitMQ is not installed (Debian: apt-get install postgresql rabbitmq-server).";
            Assert.SkipUnless(Environment.GetEnvironmentVariable("CI") is "true" or "1", Missing);
            Assert.Fail(Missing);
        }
        var kills = Environment.GetEnvironmentVariable("TOCSIN_CLUSTER_KILLS") ?? "1";
        var check = await Tool.RunAsync("env", $"TOCSIN_CLUSTER_PORT={Ports.Free(12)}", Path.Combine(Shared.Repository, "deploy/local-cluster"), "check", "--kills", kills);
        foreach (var line in check.Out.Split('\n').Where(line => line.Contains("again", StringComparison.Ordinal) || line.Contains("another", StringComparison.Ordinal) || line.StartsWith("Stored", StringComparison.Ordinal)))
            Figures.Print($"local cluster: {line.Trim()}");
        check.Code.ShouldBe(0, check.Out + check.Err);
        check.Out.ShouldContain("OK: nothing lost, nothing doubled, the boards are equal");
    }
}
