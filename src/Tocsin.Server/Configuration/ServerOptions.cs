using Tocsin.Engines.RabbitMq;

namespace Tocsin.Server.Configuration;

/// <summary>What <c>tocsin.yaml</c> and the environment say, checked. Paths are absolute.</summary>
public sealed record ServerOptions
{
    /// <summary>Where the service listens. Default <c>http://127.0.0.1:9000</c>: reachable from elsewhere only when somebody decides so.</summary>
    public IReadOnlyList<string> Urls { get; init; } = ["http://127.0.0.1:9000"];

    /// <summary>Folder of the embedded store, the admin token and all else that is kept. Default <c>./data</c>.</summary>
    public required string Data { get; init; }

    /// <summary>Which files are sources: a path whose last part may hold <c>*</c> and <c>?</c>. Default <c>sources/*.yaml</c> in the data folder.</summary>
    public required string Sources { get; init; }

    /// <summary>Time between the starts of two polls of a source without an <c>every</c> of its own, 1 s to 24 h. Default 30 min.</summary>
    public TimeSpan SyncInterval { get; init; } = TimeSpan.FromMinutes(30);

    /// <summary>True when the file or the environment says <see cref="SyncInterval"/>.</summary>
    public bool IsSyncIntervalSaid { get; init; }

    /// <summary>The embedded store, in the data folder.</summary>
    public const string Sqlite = "sqlite";

    /// <summary>A PostgreSQL database, which nodes share.</summary>
    public const string Postgres = "postgres";

    /// <summary>The store's engine, one of the two. Default <see cref="Sqlite"/>.</summary>
    public string StoreEngine { get; init; } = Sqlite;

    /// <summary>How the database is reached, with its password: never shown. Null with the embedded store.</summary>
    public string? StoreConnection { get; init; }

    /// <summary>The queue in front of the push door: <c>memory</c>, the journal's own, or <c>rabbitmq</c>.</summary>
    public string QueueEngine { get; init; } = "memory";

    /// <summary>
    /// Events that may wait to be committed (with RabbitMQ, requests that may wait in the broker), 1 to 10,000,000; more are refused until there is room. Default
    /// 100,000: some 100 MB at 1 KiB each.
    /// </summary>
    public int QueueCapacity { get; init; } = 100_000;

    /// <summary>The broker; null for the queue in memory. Never shown as it was written: a password is in it.</summary>
    public BrokerUrl? QueueUrl { get; init; }

    /// <summary>How long a push behind a broker waits for its commit before it is answered with 202, 0 s to 30 s. Default 1 s.</summary>
    public TimeSpan QueueWait { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Incidents on the board, the newest, 1 to 100,000,000. Default 1,000,000: what fits into 500 MB.</summary>
    public int BoardMax { get; init; } = 1_000_000;

    /// <summary>True opens the reading routes to anyone. Default false.</summary>
    public bool AnonymousRead { get; init; }

    /// <summary>Where <c>/metrics</c> is served, open to whoever can reach it, and then nowhere else. Default none: at <see cref="Urls"/>, for tokens that may.</summary>
    public IReadOnlyList<string> MetricsUrls { get; init; } = [];

    /// <summary>The country database, an MMDB file; null for the one that ships with the program.</summary>
    public string? GeoDatabase { get; init; }

    /// <summary>The mock upstream that runs beside the service, in the demo only; no key of the file says it.</summary>
    public Uri? DemoMock { get; init; }

    /// <summary>The file that says whose a network, an address, a host or a device is; null for none.</summary>
    public string? Owners { get; init; }

    /// <summary>The file that says who the people are; null for none.</summary>
    public string? People { get; init; }

    /// <summary>The file that was read; null when there is none.</summary>
    public string? ConfigFile { get; init; }
}
