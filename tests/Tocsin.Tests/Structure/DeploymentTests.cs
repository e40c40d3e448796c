using System.Text.Json;
using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace Tocsin.Tests.Structure;

/// <summary>What deploy/ and compose.yaml say is there, and says the same everywhere. No container is started.</summary>
public sealed partial class DeploymentTests
{
    private const string Demo = "compose.yaml";
    private const string Cluster = "deploy/cluster/compose.yaml";
    private const string Secrets = "deploy/cluster/.env.example";
    private const string Dockerfile = "deploy/Dockerfile";

    /// <summary>Addresses of the services of deploy/cluster, in the files of those that ask them.</summary>
    private static readonly string[] NamingServices =
        [Cluster, "deploy/cluster/nginx/nginx.conf", "deploy/cluster/prometheus/prometheus.yaml", "deploy/cluster/grafana/provisioning/datasources/prometheus.yaml", Secrets];

    [Theory]
    [InlineData(Demo)]
    [InlineData(Cluster)]
    public void What_is_mounted_or_built_from_is_there(string compose)
    {
        var mounts = Services(compose).SelectMany(service => Yaml.Texts(service.Value, "volumes")).ToList();
        var volumes = ((Dictionary<object, object?>)Yaml.Read(compose)["volumes"]!).Keys.Cast<string>().ToList();
        foreach (var mount in mounts.Select(mount => mount.Split(':')))
            if (mount[0][0] == '.')
            {
                Path.Exists(Beside(compose, mount[0])).ShouldBeTrue(mount[0]);
                mount.ShouldContain("ro", mount[0]);
            }
            else if (mount[0][0] != '/')
                volumes.ShouldContain(mount[0]);
        mounts.Select(mount => mount.Split(':')[0]).Intersect(volumes).ShouldBe(volumes, ignoreOrder: true);
        foreach (var build in Services(compose).Values.Select(service => Yaml.At(service, "build")).OfType<object>())
            Path.Combine(Beside(compose, (string)Yaml.At(build, "context")!), (string)Yaml.At(build, "dockerfile")!).ShouldSatisfyAllConditions(path => File.Exists(path).ShouldBeTrue(path));
    }

    [Theory]
    [InlineData(Demo)]
    [InlineData(Cluster)]
    public void Every_service_is_pinned_bounded_and_started_again(string compose)
    {
        var version = XDocument.Parse(SourceTree.Text("Directory.Build.props")).Descendants("Version").Single().Value;
        foreach (var (name, service) in Services(compose))
        {
            var image = (string)Yaml.At(service, "image")!;
            if (image.StartsWith("tocsin:", StringComparison.Ordinal))
                image.ShouldBe("tocsin:" + version, name);
            image.ShouldMatch(@"^[a-z/-]+:v?\d+\.\d+(\.\d+)?$", name);
            Yaml.At(service, "restart").ShouldBe("unless-stopped", name);
            Yaml.At(service, "mem_limit").ShouldNotBeNull(name);
            Yaml.At(service, "cpus").ShouldNotBeNull(name);
            foreach (var port in Yaml.Texts(service, "ports"))
                port.ShouldMatch(@"^(127\.0\.0\.1:\d+|\$\{\w+:-127\.0\.0\.1:\d+\}):\d+$", name);
        }
    }

    [Fact]
    public void Variables_and_their_example_are_the_same_and_no_secret_is_in_it()
    {
        var example = SourceTree.Lines(Secrets).Where(line => line.Length > 0 && line[0] != '#').Select(line => line.Split('=', 2)).ToDictionary(pair => pair[0], pair => pair[1]);
        var used = Variable().Matches(SourceTree.Text(Cluster)).Select(match => match.Groups["name"].Value).Distinct().ToList();

        example.Keys.Where(name => name != "COMPOSE_PROFILES").ShouldBe(used, ignoreOrder: true);
        foreach (var (name, value) in example.Where(pair => pair.Key.EndsWith("TOKEN", StringComparison.Ordinal) || pair.Key.EndsWith("PASSWORD", StringComparison.Ordinal) || pair.Key.EndsWith("COOKIE", StringComparison.Ordinal)))
            value.ShouldBe(name is "ELEVATE_PASSWORD" or "ALERTS_PASSWORD" ? "tocsin" : "", $"{name}: the mock's is public, any other is a secret");
    }

    [Fact]
    public void Every_node_has_what_its_configuration_refers_to()
    {
        foreach (var (compose, name) in new[] { (Demo, "tocsin"), (Cluster, "tocsin-1"), (Cluster, "tocsin-2"), (Cluster, "tocsin-3") })
        {
            var service = Services(compose)[name];
            var given = Yaml.At(service, "environment") is Dictionary<object, object?> map ? map.Keys.Cast<string>() : Yaml.Texts(service, "environment").Select(line => line.Split('=')[0]);
            var files = Yaml.Texts(service, "volumes").Where(mount => mount[0] == '.').Select(mount => Beside(compose, mount.Split(':')[0]))
                .SelectMany(path => File.Exists(path) ? [path] : Directory.GetFiles(path, "*.yaml", SearchOption.AllDirectories)).ToList();
            var referred = files.SelectMany(file => Reference().Matches(string.Join('\n', File.ReadLines(file).Where(line => !line.TrimStart().StartsWith('#')))))
                .Select(match => match.Groups["name"].Value).Distinct().ToList();

            referred.Count.ShouldBeGreaterThan(5);
            given.Except(["TOCSIN_ADMIN_TOKEN"]).ShouldBe(referred, ignoreOrder: true, name);
        }
    }

    [Fact]
    public void Who_asks_another_asks_one_that_is_there()
    {
        var services = Services(Cluster).Keys;
        foreach (var file in NamingServices)
        {
            var hosts = HostAndPort().Matches(SourceTree.Text(file)).Select(match => match.Groups["host"].Value).Distinct().ToList();
            hosts.ShouldNotBeEmpty(file);
            hosts.Except(services).ShouldBeEmpty(file);
        }
        var rabbits = RabbitNode().Matches(SourceTree.Text("deploy/cluster/rabbitmq/rabbitmq.conf")).Select(match => match.Groups["host"].Value).ToList();
        rabbits.ShouldBe(services.Where(name => name.StartsWith("rabbitmq-", StringComparison.Ordinal)), ignoreOrder: true);
        foreach (var name in rabbits)
            Yaml.At(Services(Cluster)[name], "hostname").ShouldBe(name);
    }

    [Theory]
    [InlineData("elevate")]
    [InlineData("alerts")]
    public void The_demo_polls_what_the_ready_made_source_says_every_5_s(string source)
    {
        var demo = Yaml.Read($"deploy/demo/sources/{source}.yaml");
        demo["every"].ShouldBe("5s");
        demo["every"] = Yaml.Read($"sources/{source}.yaml")["every"];

        JsonSerializer.Serialize(demo.ToDictionary(pair => (string)pair.Key, pair => Json(pair.Value)))
            .ShouldBe(JsonSerializer.Serialize(Yaml.Read($"sources/{source}.yaml").ToDictionary(pair => (string)pair.Key, pair => Json(pair.Value))));
    }

    [Fact]
    public void The_image_is_built_from_what_is_there_and_not_ignored()
    {
        var copied = SourceTree.Lines(Dockerfile).Where(line => line.StartsWith("COPY ", StringComparison.Ordinal) && !line.Contains("--from", StringComparison.Ordinal))
            .SelectMany(line => line.Split(' ')[1..^1]).ToList();
        var let = SourceTree.Lines(".dockerignore").Where(line => line.StartsWith('!')).Select(line => line[1..]).ToList();

        copied.ShouldBe(let, ignoreOrder: true);
        foreach (var path in copied)
            Path.Exists(Path.Combine(SourceTree.Root, path)).ShouldBeTrue(path);
        SourceTree.Lines(Dockerfile).Last(line => line.StartsWith("USER ", StringComparison.Ordinal)).ShouldBe("USER app");
    }

    [Fact]
    public void Every_file_for_a_program_can_be_read_by_it()
    {
        SourceTree.Files("deploy", "*.yaml").Count.ShouldBeGreaterThan(5);
        foreach (var path in SourceTree.Files("deploy", "*.yaml"))
            Should.NotThrow(() => Yaml.Read(path), path);
        foreach (var path in SourceTree.Files("deploy", "*.json"))
            Should.NotThrow(() => JsonElement.Parse(SourceTree.Text(path)), path);
    }

    private static Dictionary<string, object?> Services(string compose) =>
        ((Dictionary<object, object?>)Yaml.Read(compose)["services"]!).ToDictionary(pair => (string)pair.Key, pair => pair.Value);

    private static string Beside(string compose, string path) => Path.GetFullPath(Path.Combine(SourceTree.Root, Path.GetDirectoryName(compose)!, path));

    private static object? Json(object? node) => node switch
    {
        Dictionary<object, object?> map => map.ToDictionary(pair => (string)pair.Key, pair => Json(pair.Value)),
        List<object?> list => list.ConvertAll(Json),
        _ => node,
    };

    [GeneratedRegex(@"\$\{(?<name>[A-Z_]+)(:[^}]*)?\}", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Variable();

    [GeneratedRegex(@"\$\{env:(?<name>[A-Z_]+)\}", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Reference();

    /// <summary>Names in front of a port; what has a dot is an address, what has a letter or a brace before it is something else.</summary>
    [GeneratedRegex(@"(?<![\w.{$-])(?<host>[a-z][a-z-]*(-[0-9])?):(5672|9000|9001|9090|9100|15692)\b|Host=(?<host>[a-z0-9-]+)", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex HostAndPort();

    [GeneratedRegex("rabbit@(?<host>[a-z0-9-]+)", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex RabbitNode();
}
