using System.Diagnostics.Metrics;
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
    private readonly TimeProvider _time;
    private readonly ILogger _logger;

    /// <summary>Reads them.</summary>
    public EnrichmentFiles(ServerOptions options, Meter meter, TimeProvider time, ILogger<EnrichmentFiles> logger)
    {
        (_time, _logger, _startedAt) = (time, logger, time.GetUtcNow());
        _geo = options.GeoDatabase is null ? null : new(options.GeoDatabase, CountryDatabase.MaxBytes, ShippedCountries.Parse, database => Countries.Database = database, time);
        Look();
        Countries.Database ??= ShippedCountries.Get()?.Value;
        meter.CreateObservableGauge("tocsin_enrichment_files_ok", Observe, null, "1 when the file, as it stands now, is in use; 0 when it was refused.");
        meter.CreateObservableCounter("tocsin_geoip_broken_total", () => Countries.Database?.Broken ?? 0, null, "Look-ups without an answer, because the record in the database cannot be read.");
    }

    /// <summary>The countries of addresses.</summary>
    public Countries Countries { get; } = new();

    /// <summary>True when a file is refused.</summary>
    public bool HasError => Geo.Error is not null;

    public GeoHealth Geo
    {
        get
        {
            var database = Countries.Database;
            var shipped = ShippedCountries.IsShipped(database);
            var error = _geo?.State.Error is { } refused ? $"{_geo.Path}: {refused}" : _geo is null && ShippedCountries.Get() is { Value: null } bad ? bad.Mistakes[0].Message : null;
            return new GeoHealth(
                error is not null ? "error" : database is null ? "off" : "ok", database is null ? null : shipped ? "shipped" : _geo!.Path, database?.Type, database?.Built,
                database is null ? null : shipped ? _startedAt : _geo!.State.LoadedAt, shipped ? ShippedCountries.Attribution : null, error);
        }
    }

    /// <summary>Looks again and again until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        using var timer = new PeriodicTimer(Interval, _time);
        while (await timer.WaitForNextTickAsync(cancellation))
            Look();
    }

    private void Look() => Look("geoip.database", _geo);

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

    private IEnumerable<Measurement<long>> Observe()
    {
        yield return new(Geo.Error is null ? 1 : 0, new KeyValuePair<string, object?>("file", "geoip"));
    }

    private static partial class Log
    {
        [LoggerMessage(220, LogLevel.Information, "{Key}: {File} was read")]
        public static partial void Read(ILogger logger, string key, string file);

        [LoggerMessage(221, LogLevel.Warning, "{Key}: {File} is refused, what was read before stays in use: {Error}")]
        public static partial void Refused(ILogger logger, string key, string file, string error);
    }
}
