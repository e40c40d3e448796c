using Tocsin.Server.Configuration;

namespace Tocsin.Tests.Server;

public sealed class TocsinYamlTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory().FullName;

    private string ConfigPath => Path.Combine(folder, "tocsin.yaml");

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void Without_a_file_everything_has_its_default()
    {
        var result = Read(null);

        result.Errors.ShouldBeEmpty();
        result.Options.Urls.ShouldBe(["http://127.0.0.1:9000"]);
        result.Options.MetricsUrls.ShouldBeEmpty();
        result.Options.ShouldBe(new ServerOptions
        {
            Urls = result.Options.Urls,
            MetricsUrls = result.Options.MetricsUrls,
            Data = Path.GetFullPath("data"),
            Sources = Path.GetFullPath("data/sources/*.yaml"),
            SyncInterval = TimeSpan.FromMinutes(30),
            StoreEngine = "sqlite",
            QueueEngine = "memory",
            QueueCapacity = 100_000,
            BoardMax = 1_000_000,
        });
    }

    [Fact]
    public void A_broker_is_taken_from_the_environment_and_its_password_shows_nowhere()
    {
        File.WriteAllText(ConfigPath, "queue: { engine: rabbitmq, wait: 300ms }");
        var read = Read(ConfigPath, ("TOCSIN__QUEUE__URL", "amqp://tocsin:hunter2@a:1,b/v"));

        read.Errors.ShouldBeEmpty();
        read.Options.QueueWait.ShouldBe(TimeSpan.FromMilliseconds(300));
        read.Options.QueueUrl!.Nodes.ShouldBe([("a", 1), ("b", 5672)]);
        read.Options.ToString().ShouldNotContain("hunter2");
        Read(ConfigPath, ("TOCSIN__QUEUE__URL", "amqp//tocsin:hunter2@a")).Errors.ShouldHaveSingleItem().ToString()
            .ShouldBe("environment: TOCSIN__QUEUE__URL: is no address of a broker (allowed: amqp://USER:PASSWORD@HOST:5672/VHOST, or amqps://, several HOST:PORT with commas)");
    }

    [Fact]
    public void A_file_is_taken_with_its_paths_relative_to_itself()
    {
        var options = Valid("""
            urls: http://127.0.0.1:9000;http://[::1]:9001
            data: ./kept
            store: { engine: sqlite }
            queue: { engine: memory, capacity: 500 }
            sources: ./feeds/*.yaml
            sync: { interval: 45s }
            board: { max: 2000 }
            retention: { max_age: forever }
            auth: { anonymous_read: true }
            metrics: { urls: http://127.0.0.1:9100;http://10.0.0.1:9100 }
            """);

        options.Urls.ShouldBe(["http://127.0.0.1:9000", "http://[::1]:9001"]);
        options.Data.ShouldBe(Path.Combine(folder, "kept"));
        options.Sources.ShouldBe(Path.Combine(folder, "feeds", "*.yaml"));
        options.SyncInterval.ShouldBe(TimeSpan.FromSeconds(45));
        options.QueueCapacity.ShouldBe(500);
        options.BoardMax.ShouldBe(2000);
        options.AnonymousRead.ShouldBeTrue();
        options.MetricsUrls.ShouldBe(["http://127.0.0.1:9100", "http://10.0.0.1:9100"]);
        options.ConfigFile.ShouldBe(ConfigPath);
    }

    [Fact]
    public void Without_a_pattern_the_sources_are_in_the_data_folder() =>
        Valid("data: /srv/tocsin").Sources.ShouldBe("/srv/tocsin/sources/*.yaml");

    [Theory]
    [InlineData("TOCSIN__SYNC__INTERVAL", "10s")]
    [InlineData("tocsin__sync__interval", "10s")]
    public void The_environment_overrides_the_file_also_where_the_file_is_wrong(string name, string value)
    {
        File.WriteAllText(ConfigPath, "sync: { interval: never }");

        var result = Read(ConfigPath, (name, value));

        result.Errors.ShouldBeEmpty();
        result.Options.SyncInterval.ShouldBe(TimeSpan.FromSeconds(10));
    }

    [Fact]
    public void A_name_with_a_single_underscore_keeps_it_and_other_variables_are_not_looked_at() =>
        Read(null, ("TOCSIN__AUTH__ANONYMOUS_READ", "true"), ("TOCSIN_ADMIN_TOKEN", "x"), ("PATH", "y")).ShouldSatisfyAllConditions(
            result => result.Errors.ShouldBeEmpty(),
            result => result.Options.AnonymousRead.ShouldBeTrue());

    [Fact]
    public void The_later_of_two_variables_wins_and_a_reference_in_one_is_resolved() =>
        Read(null, ("TOCSIN__DATA", "/a"), ("TOCSIN__DATA", "/${env:TOKEN}")).Options.Data.ShouldBe("/" + Collect.SomeSource.TokenValue);

    [Theory]
    [InlineData("TOCSIN__STROE__ENGINE", "sqlite", "environment: TOCSIN__STROE__ENGINE: unknown key; did you mean store.engine? (allowed: urls, data, store.engine,")]
    [InlineData("TOCSIN__URLS", "https://127.0.0.1:9443", "environment: TOCSIN__URLS: \"https://127.0.0.1:9443\" asks for TLS, which ends at a proxy")]
    [InlineData("TOCSIN__STORE", "sqlite", "environment: TOCSIN__STORE: unknown key")]
    [InlineData("TOCSIN__BOARD__MAX", "0", "environment: TOCSIN__BOARD__MAX: \"0\" is not a whole number in range (allowed: 1 to 100000000)")]
    [InlineData("TOCSIN__DATA", "", "environment: TOCSIN__DATA: has no value")]
    [InlineData("TOCSIN__STORE__CONNECTION", "Host=db;Password=hunter2", "environment: TOCSIN__STORE__CONNECTION: is said, and the store is not postgres")]
    public void A_variable_that_is_wrong_is_told(string name, string value, string expected)
    {
        var error = Read(null, (name, value)).Errors.ShouldHaveSingleItem().ToString();
        error.ShouldStartWith(expected);
        error.ShouldNotContain("hunter2");
    }

    [Theory]
    [InlineData("url: http://127.0.0.1:9000", "url: unknown key; did you mean urls? (allowed: urls, data, store, queue, sources, sync, board, retention, geoip, owners, people, auth, metrics)")]
    [InlineData("urls: 127.0.0.1:9000", "urls: \"127.0.0.1:9000\" is not where a service can listen (allowed: http://ADDRESS:PORT, several with ;)")]
    [InlineData("urls: http://127.0.0.1:9000/base", "urls: \"http://127.0.0.1:9000/base\" is not where")]
    [InlineData("urls: http://127.0.0.1:99999", "urls: \"http://127.0.0.1:99999\" is not where")]
    [InlineData("urls: https://127.0.0.1:9443", "urls: \"https://127.0.0.1:9443\" asks for TLS, which ends at a proxy in front of this service (allowed: http://ADDRESS:PORT, several with ;)")]
    [InlineData("urls: http://127.0.0.1:9000;HTTPS://+:9443", "urls: \"http://127.0.0.1:9000;HTTPS://+:9443\" asks for TLS")]
    [InlineData("metrics: { urls: https://127.0.0.1:9100 }", "metrics.urls: \"https://127.0.0.1:9100\" asks for TLS")]
    [InlineData("urls: ;", "urls: \";\" is not where")]
    [InlineData("store: { engine: postgres }", "store.engine: postgres needs store.connection, as connection: \"${env:TOCSIN_POSTGRES}\"")]
    [InlineData("store: { engine: postgres, connection: \"Host=db;Password=hunter2\" }", "store.connection: a secret does not stand in the file itself (allowed: ${env:NAME}, ${file:PATH})")]
    [InlineData("store: { connection: \"${env:TOKEN}\" }", "store.connection: is said, and the store is not postgres (allowed: with store.engine: postgres)")]
    [InlineData("store: { engine: sqllite }", "store.engine: \"sqllite\" is not known; did you mean sqlite? (allowed: sqlite, postgres)")]
    [InlineData("store: { conection: x }", "store.conection: unknown key; did you mean connection? (allowed: engine, connection)")]
    [InlineData("store: sqlite", "store: must be a section of keys and values")]
    [InlineData("store: { engine: postgres, connection: \"${env:NONE}\" }", "store.connection: environment variable NONE")]
    [InlineData("queue: { engine: rabbitmq }", "queue.engine: needs queue.url (allowed: queue: { engine: rabbitmq, url: \"${env:TOCSIN_RABBITMQ}\" })")]
    [InlineData("queue: { engine: rabitmq }", "queue.engine: \"rabitmq\" is not known; did you mean rabbitmq? (allowed: memory, rabbitmq)")]
    [InlineData("queue: { url: x }", "queue.url: is of use with queue.engine: rabbitmq only")]
    [InlineData("queue: { engine: rabbitmq, url: \"amqp://u:hunter2@h\" }", "queue.url: a secret does not stand in the file itself (allowed: ${env:NAME}, ${file:PATH})")]
    [InlineData("queue: { engine: rabbitmq, url: \"${env:NONE}\" }", "queue.url: ")]
    [InlineData("queue: { wait: 1m }", "queue.wait: \"1m\" is not a duration in range (allowed: 0d to 30s")]
    [InlineData("queue: { capacity: many }", "queue.capacity: \"many\" is not a whole number in range (allowed: 1 to 10000000)")]
    [InlineData("sync: { interval: 500ms }", "sync.interval: \"500ms\" is not a duration in range (allowed: 1s to 1d, as 300ms, 30s, 5m, 1h, 2d)")]
    [InlineData("sync: { interval: 25h }", "sync.interval: \"25h\" is not a duration in range")]
    [InlineData("retention: { max_age: 90d }", "retention.max_age: \"90d\" is not supported by this version (allowed: forever)")]
    [InlineData("geoip: { database: ./geo.mmdb }", "geoip.database: no such file")]
    [InlineData("owners: ./owners.csv", "owners: no such file")]
    [InlineData("people: ./people.csv", "people: no such file")]
    [InlineData("metrics: { urls: 127.0.0.1:9100 }", "metrics.urls: \"127.0.0.1:9100\" is not where a service can listen")]
    [InlineData("metrics: { urls: \"http://127.0.0.1:9100;http://127.0.0.1:9000\" }", "metrics.urls: \"http://127.0.0.1:9100;http://127.0.0.1:9000\" is where the service listens already")]
    [InlineData("metrics: { urls: \"http://localhost:9000\" }", "metrics.urls: \"http://localhost:9000\" is where the service listens already")]
    [InlineData("metrics: { urls: \"http://0.0.0.0:9000\" }", "metrics.urls: \"http://0.0.0.0:9000\" is where the service listens already")]
    [InlineData("metrics: { urls: \"http://127.0.0.1:9000/\" }", "metrics.urls: \"http://127.0.0.1:9000/\" is where the service listens already")]
    [InlineData("auth: { anonymous_read: maybe }", "auth.anonymous_read: \"maybe\" is not known (allowed: true, false)")]
    [InlineData("sources: ./*/a.yaml", "sources: \"./*/a.yaml\" has a wildcard in a folder's name (allowed: wildcards in the last part only, as ./sources/*.yaml)")]
    [InlineData("sources: .", "sources: \".\" is a folder")]
    [InlineData("data: [a]", "data: must be a single value")]
    public void A_mistake_in_the_file_is_told(string yaml, string expected)
    {
        File.WriteAllText(ConfigPath, yaml);
        Read(ConfigPath).Errors.ShouldHaveSingleItem().ToString().ShouldStartWith($"{ConfigPath}:1: {expected}");
    }

    [Fact]
    public void The_mistakes_in_owners_and_people_are_told_with_their_lines()
    {
        var beside = Path.GetDirectoryName(ConfigPath)!;
        File.WriteAllText(Path.Combine(beside, "o.csv"), "match,user_id\n10.0.0.0/99,a\n10.0.0.1,\n");
        File.WriteAllText(Path.Combine(beside, "p.csv"), "user_id\n1\n1\n");
        File.WriteAllText(ConfigPath, "owners: ./o.csv\npeople: ./p.csv\n");

        Read(ConfigPath).Errors.Select(error => $"{Path.GetFileName(error.File)}:{error.Line}").ShouldBe(["o.csv:2", "o.csv:3", "p.csv:3"]);
        Read(ConfigPath).Errors[0].ToString().ShouldStartWith($"{Path.Combine(beside, "o.csv")}:2: match: ");
    }

    [Fact]
    public void All_mistakes_of_file_and_environment_are_told_at_once()
    {
        File.WriteAllText(ConfigPath, "board: { max: 0 }\nsync:\n  interval: 0s\ndata:\n");

        Read(ConfigPath, ("TOCSIN__URLS", "x"), ("TOCSIN__X", "y")).Errors.Select(error => (error.File, error.Line, error.Key)).ShouldBe(
            [(ConfigPath, 1, "board.max"), (ConfigPath, 3, "sync.interval"), (ConfigPath, 4, "data"), ("environment", 0, "TOCSIN__X"), ("environment", 0, "TOCSIN__URLS")]);
    }

    [Fact]
    public void A_file_that_is_not_there_is_a_mistake() =>
        Read(ConfigPath).Errors.ShouldHaveSingleItem().ToString().ShouldBe($"{ConfigPath}: no such file");

    [Fact]
    public void An_empty_file_is_all_defaults() => Valid("# nothing yet\n").Data.ShouldBe(Path.Combine(folder, "data"));

    private ServerOptions Valid(string yaml)
    {
        File.WriteAllText(ConfigPath, yaml);
        var result = Read(ConfigPath);
        result.Errors.ShouldBeEmpty();
        return result.Options;
    }

    private static TocsinReadResult Read(string? path, params (string Name, string Value)[] environment) =>
        TocsinYaml.Read(path, Collect.SomeSource.Secrets, environment.Select(pair => KeyValuePair.Create(pair.Name, pair.Value)));
}
