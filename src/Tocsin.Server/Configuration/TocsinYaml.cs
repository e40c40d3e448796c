using Tocsin.Collect;
using Tocsin.Collect.Reading;
using Tocsin.Engines.RabbitMq;
using Tocsin.Enrich;

namespace Tocsin.Server.Configuration;

/// <summary>The reader of <c>tocsin.yaml</c> and of what the environment overrides in it.</summary>
public static class TocsinYaml
{
    private const string EnvironmentPrefix = "TOCSIN__";
    private const string RabbitMq = "rabbitmq";
    private const string NotSupported = "is not supported by this version";

    private static readonly string[] Keys =
    [
        "urls", "data", "store.engine", "store.connection", "queue.engine", "queue.capacity", "queue.url", "queue.wait", "sources", "sync.interval", "board.max",
        "retention.max_age", "geoip.database", "owners", "people", "auth.anonymous_read", "metrics.urls",
    ];


    /// <summary>Reads everything and reports every mistake.</summary>
    /// <param name="path">The file; null for none. Its folder is what relative paths in it are relative to.</param>
    /// <param name="secrets">Resolves references.</param>
    /// <param name="environment">
    /// All variables; those that begin with <c>TOCSIN__</c>, in any case, override keys: <c>TOCSIN__SYNC__INTERVAL</c> is
    /// <c>sync.interval</c>. The later of two wins, so a caller can append what its command line says. Relative paths are relative
    /// to the current folder.
    /// </param>
    public static TocsinReadResult Read(string? path, SecretResolver secrets, IEnumerable<KeyValuePair<string, string>> environment)
    {
        var folder = path is null ? Environment.CurrentDirectory : Path.GetDirectoryName(Path.GetFullPath(path))!;
        var file = new ConfigFile(path ?? "", folder, secrets);
        var variables = new ConfigFile("environment", Environment.CurrentDirectory, secrets);
        var settings = new Dictionary<string, ConfigScalar>(StringComparer.Ordinal);
        if (path is not null && YamlText.Read(path, file) is { } yaml && YamlText.Parse(yaml, file) is { } root)
            Flatten(root, settings);
        Override(environment, variables, settings);
        var tables = new List<ConfigError>();
        var options = Options(settings, folder, tables) with { ConfigFile = path is null ? null : Path.GetFullPath(path) };
        return new TocsinReadResult(options, [.. file.Errors, .. variables.Errors, .. tables]);
    }

    private static void Flatten(YamlSection section, Dictionary<string, ConfigScalar> settings)
    {
        foreach (var name in section.Names)
        {
            var key = section.KeyOf(name);
            if (Keys.Contains(key))
            {
                if (section.Scalar(name) is { } scalar)
                    settings[key] = scalar;
            }
            else if (Array.Exists(Keys, known => known.StartsWith(key + ".", StringComparison.Ordinal)))
            {
                if (section.Section(name) is { } child)
                    Flatten(child, settings);
            }
            else
                section.File.FailUnknown(section.LineOf(name), key, name, Children(section.Key));
        }
    }

    private static string[] Children(string parent)
    {
        var prefix = parent.Length == 0 ? "" : parent + ".";
        return [.. Keys.Where(key => key.StartsWith(prefix, StringComparison.Ordinal)).Select(key => key[prefix.Length..].Split('.')[0]).Distinct()];
    }

    private static void Override(IEnumerable<KeyValuePair<string, string>> environment, ConfigFile variables, Dictionary<string, ConfigScalar> settings)
    {
        foreach (var (name, value) in environment.Where(pair => pair.Key.StartsWith(EnvironmentPrefix, StringComparison.OrdinalIgnoreCase)))
        {
            var key = name[EnvironmentPrefix.Length..].ToLowerInvariant().Replace("__", ".", StringComparison.Ordinal);
            if (Keys.Contains(key))
                settings[key] = new ConfigScalar(variables, 0, name, value);
            else
                variables.FailUnknown(0, name, key, Keys);
        }
    }

    private static ServerOptions Options(Dictionary<string, ConfigScalar> settings, string folder, List<ConfigError> tables)
    {
        ConfigScalar? Get(string key) => settings.GetValueOrDefault(key);

        OnlyYet(Get("retention.max_age"), "forever");
        var data = Get("data")?.FullPath() ?? Path.GetFullPath("data", folder);
        var unset = new ServerOptions { Data = data, Sources = Path.Combine(data, "sources", "*.yaml") };
        var urls = Urls(Get("urls")) ?? unset.Urls;
        var store = Get("store.engine")?.OneOf([ServerOptions.Sqlite, ServerOptions.Postgres]) ?? unset.StoreEngine;
        return unset with
        {
            Urls = urls,
            Sources = Sources(Get("sources")) ?? unset.Sources,
            SyncInterval = Get("sync.interval")?.Duration(TimeSpan.FromSeconds(1), TimeSpan.FromDays(1)) ?? unset.SyncInterval,
            IsSyncIntervalSaid = Get("sync.interval") is not null,
            StoreEngine = store,
            StoreConnection = Connection(Get("store.connection"), Get("store.engine"), store),
            QueueEngine = Get("queue.engine")?.OneOf(["memory", RabbitMq]) ?? unset.QueueEngine,
            QueueUrl = BrokerUrlOf(Get("queue.engine"), Get("queue.url")),
            QueueWait = Get("queue.wait")?.Duration(TimeSpan.Zero, TimeSpan.FromSeconds(30)) ?? unset.QueueWait,
            QueueCapacity = (int?)Get("queue.capacity")?.Integer(1, 10_000_000) ?? unset.QueueCapacity,
            BoardMax = (int?)Get("board.max")?.Integer(1, 100_000_000) ?? unset.BoardMax,
            GeoDatabase = ExistingFile(Get("geoip.database")),
            Owners = Table(Get("owners"), Owners.MaxBytes, Owners.Read, tables),
            People = Table(Get("people"), People.MaxBytes, People.Read, tables),
            AnonymousRead = Get("auth.anonymous_read")?.Flag() ?? unset.AnonymousRead,
            MetricsUrls = MetricsUrls(Get("metrics.urls"), urls) ?? unset.MetricsUrls,
        };
    }

    /// <summary>One value is done, the others that the contract knows are not; what it does not know is a mistake like any.</summary>
    private static string? OnlyYet(ConfigScalar? scalar, string supported, params string[] later)
    {
        if (scalar is null)
            return null;
        if (later.Length > 0 && !later.Contains(scalar.Raw))
            return scalar.OneOf([supported]);
        if (scalar.Raw == supported)
            return supported;
        scalar.Fail($"\"{scalar.Raw}\" {NotSupported}", supported);
        return null;
    }

    /// <summary>It holds a password, and so is a reference in a file; the environment may say it as it is.</summary>
    private static string? Connection(ConfigScalar? scalar, ConfigScalar? engine, string store)
    {
        if (store != ServerOptions.Postgres)
            scalar?.Fail("is said, and the store is not postgres", "with store.engine: postgres");
        else if (scalar is null)
            engine!.Fail("postgres needs store.connection, as connection: \"${env:TOCSIN_POSTGRES}\"");
        else
            return scalar.IsInFile ? scalar.Secret() : scalar.Text();
        return null;
    }

    /// <summary>What is wrong with it is said without it: a password stands in it.</summary>
    private static BrokerUrl? BrokerUrlOf(ConfigScalar? engine, ConfigScalar? scalar)
    {
        if (engine?.Raw != RabbitMq)
        {
            scalar?.Fail("is of use with queue.engine: rabbitmq only");
            return null;
        }
        if (scalar is null)
            engine.Fail("needs queue.url", "queue: { engine: rabbitmq, url: \"${env:TOCSIN_RABBITMQ}\" }");
        if (scalar?.Secret() is not { } text)
            return null;
        if (!BrokerUrl.TryParse(text, out var url))
            scalar.Fail("is no address of a broker", BrokerUrl.Form);
        return url;
    }

    private static string[]? Urls(ConfigScalar? scalar)
    {
        if (scalar?.Text() is not { } text)
            return null;
        var (urls, defect) = ListenCheck.Read(text);
        if (defect is null)
            return urls;
        scalar.Fail($"\"{scalar.Raw}\" {defect}", "http://ADDRESS:PORT, several with ;");
        return null;
    }

    /// <summary>Open to anybody: so never where the service itself listens.</summary>
    private static string[]? MetricsUrls(ConfigScalar? scalar, IReadOnlyList<string> taken)
    {
        var urls = Urls(scalar);
        if (urls is not null && Array.Exists(urls, url => taken.Any(other => ListenCheck.Overlap(url, other))))
            scalar!.Fail($"\"{scalar.Raw}\" is where the service listens already", "an address of its own");
        return urls;
    }

    private static string? ExistingFile(ConfigScalar? scalar)
    {
        var path = scalar?.FullPath();
        if (path is not null && !File.Exists(path))
            scalar!.Fail("no such file");
        return path;
    }

    /// <summary>A file of rows is read to the end: at the start each of its mistakes is one of the configuration.</summary>
    private static string? Table<T>(ConfigScalar? scalar, long maxBytes, Func<byte[], FileContent<T>> read, List<ConfigError> tables)
        where T : class
    {
        if (ExistingFile(scalar) is not { } path || !File.Exists(path))
            return null;
        try
        {
            if (new FileInfo(path).Length > maxBytes)
                scalar!.Fail($"the file has more than {maxBytes:N0} bytes");
            else
                tables.AddRange(read(File.ReadAllBytes(path)).Mistakes.Select(mistake => new ConfigError(path, mistake.Line, "", mistake.Message)));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            scalar!.Fail($"cannot be read: {error.Message}");
        }
        return path;
    }

    private static string? Sources(ConfigScalar? scalar)
    {
        if (scalar?.FullPath() is not { } pattern)
            return null;
        if (Path.GetDirectoryName(pattern)?.AsSpan().IndexOfAny('*', '?') is >= 0)
            scalar.Fail($"\"{scalar.Raw}\" has a wildcard in a folder's name", "wildcards in the last part only, as ./sources/*.yaml");
        else if (Directory.Exists(pattern))
            scalar.Fail($"\"{scalar.Raw}\" is a folder", "a file or a pattern, as ./sources/*.yaml");
        return pattern;
    }
}

/// <summary>What came of reading the configuration.</summary>
/// <param name="Options">Defaults stand where a value is wrong: start nothing while there is a mistake.</param>
/// <param name="Errors">All mistakes: the file's by line, then the environment's, then those of the files of owners and people.</param>
public sealed record TocsinReadResult(ServerOptions Options, IReadOnlyList<ConfigError> Errors);
