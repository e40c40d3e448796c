using System.Diagnostics.Metrics;
using Tocsin.Enrich;
using Tocsin.Enrich.Geo;
using Tocsin.Server.Configuration;

namespace Tocsin.Server.Enrichment;

/// <summary>
/// The files that say more of an event than its record does. They are read at the start and again when they change; whoever asks meanwhile is answered from
/// what was read before.
/// </summary>
internal sealed partial class EnrichmentFiles
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);
    private readonly DateTimeOffset _startedAt;
    private readonly WatchedFile<CountryDatabase>? _geo;
    private readonly WatchedFile<Owners>? _owners;
    private readonly WatchedFile<People>? _people;
    private readonly IdentityDirectory _directory;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly bool _isStarted;
    private volatile People _known = Tocsin.Enrich.People.None;

    /// <summary>Reads them. Owners go into the directory; <paramref name="ownersChanged"/> is called whenever others did later.</summary>
    public EnrichmentFiles(ServerOptions options, IdentityDirectory directory, Action ownersChanged, Meter meter, TimeProvider time, ILogger<EnrichmentFiles> logger)
    {
        (_directory, _time, _logger, _startedAt) = (directory, time, logger, time.GetUtcNow());
        _geo = options.GeoDatabase is null ? null : new(options.GeoDatabase, CountryDatabase.MaxBytes, ShippedCountries.Parse, database => Countries.Database = database, time);
        _people = options.People is null ? null : new(options.People, Tocsin.Enrich.People.MaxBytes, Tocsin.Enrich.People.Read, people => _known = people, time);
        _owners = options.Owners is null ? null : new(options.Owners, Owners.MaxBytes, Owners.Read, owners =>
        {
            directory.Owners = owners;
            if (_isStarted)
                ownersChanged();
        }, time);
        Look();
        _isStarted = true;
        Countries.Database ??= ShippedCountries.Get()?.Value;
        meter.CreateObservableGauge("tocsin_enrichment_file_ok", Observe, null, "1 when the file, as it stands now, is in use; 0 when it was refused.");
        meter.CreateObservableCounter("tocsin_geoip_broken_total", () => Countries.Database?.Broken ?? 0, null, "Look-ups without an answer, because the record in the database cannot be read.");
    }

    /// <summary>The countries of addresses.</summary>
    public Countries Countries { get; } = new();

    /// <summary>Who the people are.</summary>
    public People People => _known;

    /// <summary>True when a file is refused.</summary>
    public bool HasError => Geo.Error is not null || _owners?.State.Error is not null || _people?.State.Error is not null;

    /// <summary>How the country database stands.</summary>
    public GeoHealth Geo
    {
        get
        {
            var database = Countries.Database;
            var shipped = ShippedCountries.IsShipped(database);
            var error = _geo?.State.Error is { } refused ? $"{NameOf(_geo)}: {refused}" : _geo is null && ShippedCountries.Get() is { Value: null } bad ? bad.Mistakes[0].Message : null;
            return new GeoHealth(
                error is not null ? "error" : database is null ? "off" : "ok", database is null ? null : shipped ? "shipped" : NameOf(_geo!), database?.Type, database?.Built,
                database is null ? null : shipped ? _startedAt : _geo!.State.LoadedAt, shipped ? ShippedCountries.Attribution : null, error);
        }
    }

    /// <summary>How the file of owners stands.</summary>
    public TableHealth OwnersHealth => Table(_owners, _directory.Owners.Rows);

    /// <summary>How the file of people stands.</summary>
    public TableHealth PeopleHealth => Table(_people, _known.Rows);

    /// <summary>Looks again and again until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        using var timer = new PeriodicTimer(Interval, _time);
        while (await timer.WaitForNextTickAsync(cancellation))
            Look();
    }

    private void Look()
    {
        Look("geoip.database", _geo);
        Look("owners", _owners);
        Look("people", _people);
    }

    private void Look<T>(string key, WatchedFile<T>? file)
        where T : class
    {
        if (file?.Look() != true)
            return;
        if (file.State.Error is { } error)
            Log.Refused(_logger, key, file.Path, error);
        else
            Log.Read(_logger, key, file.Path);
    }

    private static TableHealth Table<T>(WatchedFile<T>? file, int rows)
        where T : class =>
        new(file is null ? "off" : file.State.Error is null ? "ok" : "error", rows, file is null ? null : NameOf(file), file?.State.LoadedAt, file?.State.Error);

    /// <summary>Whoever may read learns which file it is, and not where on the machine it lies.</summary>
    private static string NameOf<T>(WatchedFile<T> file)
        where T : class => Path.GetFileName(file.Path);

    private IEnumerable<Measurement<long>> Observe()
    {
        foreach (var (file, error) in new[] { ("geoip", Geo.Error), ("owners", _owners?.State.Error), ("people", _people?.State.Error) })
            yield return new(error is null ? 1 : 0, new KeyValuePair<string, object?>("file", file));
    }

    private static partial class Log
    {
        [LoggerMessage(220, LogLevel.Information, "{Key}: {File} was read")]
        public static partial void Read(ILogger logger, string key, string file);

        [LoggerMessage(221, LogLevel.Warning, "{Key}: {File} is refused, what was read before stays in use: {Error}")]
        public static partial void Refused(ILogger logger, string key, string file, string error);
    }
}
