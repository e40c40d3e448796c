using Microsoft.AspNetCore.Server.Kestrel.Core;
using Tocsin.Access;
using Tocsin.Collect;
using Tocsin.Enrich;
using Tocsin.Journal;
using Tocsin.Projections;
using Tocsin.Server.Api;
using Tocsin.Server.Api.Description;
using Tocsin.Server.Configuration;
using Tocsin.Server.Enrichment;
using Tocsin.Server.Health;
using Tocsin.Server.Metrics;

namespace Tocsin.Server;

/// <summary>Wires the stages top to bottom, in the order in which a record goes through the house.</summary>
internal sealed partial class Composition : IAsyncDisposable
{
    private static readonly TimeSpan DrainDeadline = TimeSpan.FromSeconds(7);
    private static readonly TimeSpan CloseDeadline = TimeSpan.FromSeconds(9);
    private static readonly TimeSpan MinCloseTime = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan CompleteLook = TimeSpan.FromMilliseconds(100);
    private readonly CancellationTokenSource _stop = new();
    private readonly EventJournal _journal;
    private readonly IPushQueue _queue;
    private readonly Collector _collector;
    private readonly IdentityStore _identities;
    private readonly BoardFeeder _feeder;
    private readonly IncidentBoard _board;
    private readonly Freshness _freshness;
    private readonly EventExport _export;
    private readonly TimeProvider _time;
    private readonly LateAttribution _late;
    private readonly StoreProbe _probe;
    private readonly GuessThrottle _guesses;
    private readonly TokenStore _tokens;
    private readonly SessionStore _sessions;
    private readonly SignInCode? _signInCode;
    private readonly LiveTail _tail;
    private readonly MetricsRegistry _metrics;
    private readonly EnrichmentFiles _files;
    private readonly SourceLeases? _leases;
    private readonly StateFollower _follower;
    private readonly Lazy<WebApplication> _web;
    private readonly ILogger _logger;
    private DemoApi? _demo;
    private readonly WebApplication? _metricsWeb;
    private Task _collecting = Task.CompletedTask;
    private Task _background = Task.CompletedTask;

    private Composition(ServerOptions options, IReadOnlyList<SourceDefinition> sources, EventJournal journal, IPushQueue queue, MetricsRegistry metrics, AdminToken admin, ClusterNode? node, ILoggerFactory logs, TimeProvider time)
    {
        (AdminToken, _time, _metrics, _logger) = (admin, time, metrics, logs.CreateLogger<Composition>());

        // Access: who may.
        var access = new AccessControl(admin.Hash, options.AnonymousRead, time);
        var actions = new OwnActions(journal, time);
        _guesses = new GuessThrottle(time, actions.Record);
        _tokens = new TokenStore(journal, access, actions, [.. sources.Select(source => source.Name)], time);
        _sessions = new SessionStore(journal, access, actions, time);
        _signInCode = options.DemoMock is null ? null : new SignInCode(time);
        var callers = new Callers(access, _sessions, options.Urls.Select(url => BindingAddress.Parse(url).Host));

        // Enrich: whom a record concerns, and from where.
        var directory = new IdentityDirectory();

        // Journal: kept for good.
        (_journal, _queue) = (journal, queue);

        // Collect: records come in.
        _late = new LateAttribution(journal, directory, time, logs.CreateLogger<LateAttribution>());
        _files = new EnrichmentFiles(options, directory, _late.OwnersChanged, metrics.Meter, time, logs.CreateLogger<EnrichmentFiles>());
        _identities = new IdentityStore(journal, directory, _late);
        _leases = node is null ? null : new SourceLeases(journal, node, sources.Select(source => source.Name), time, logs.CreateLogger<SourceLeases>());
        _collector = new Collector(sources, options.SyncInterval, journal, directory, _identities, _late, time, logs.CreateLogger<Collector>(), metrics.Meter, _files.Countries, _leases);
        _follower = new StateFollower(time, logs.CreateLogger<StateFollower>());
        _follower.On([TokenStore.StateName, TokenStore.UsesName], (_, stop) => _tokens.LoadAsync(stop));
        _follower.On([SessionStore.StateName], (_, stop) => _sessions.LoadAsync(stop));
        _collector.Follow(_follower);
        journal.StateChanged = _follower.Changed;

        // Projections: answers kept ready.
        _board = new IncidentBoard(journal.Store.Info.Id, options.BoardMax);
        _feeder = new BoardFeeder(journal, _board, time);
        _tail = new LiveTail(journal, time, metrics.Meter);
        BoardMetrics.Observe(metrics.Meter, _board);

        // Server: the doors.
        _probe = new StoreProbe(journal, time);
        _export = new EventExport(
            journal, (context, what) => actions.RecordAsync(OwnActionType.Export, context.Actor(), what, data: null, context.RequestAborted), time, logs.CreateLogger<EventExport>());
        _freshness = new Freshness(_collector, journal, _board, time);
        ProcessMetrics.Observe(metrics.Meter);
        StoreSize.Observe(metrics.Meter, options.Data, time);
        if (options.MetricsUrls.Count > 0)
            _metricsWeb = MetricsListener.Create(options.MetricsUrls, metrics, callers, _guesses, logs);
        // Made when it is started: by then the first calls to the upstreams are on their way.
        _web = new Lazy<WebApplication>(() =>
        {
            var web = Web(options, logs, time);
            var refused = new RefusedPushes(metrics.Meter);
            web.UseMiddleware<HttpMetrics>(metrics.Meter, refused, time);
            web.UseMiddleware<BoardFastPath>(_board, _freshness, callers);
            web.UseThreadPool();
            web.UseMiddleware<ErrorMiddleware>();
            web.UseSafeHeaders();
            web.UseHead();
            web.UseRouting();
            web.UseMiddleware<RouteRulesMiddleware>(callers, _guesses);
            Pages.Map(web);
            new BoardApi(_board, _freshness, time).Map(web);
            new SourcesApi(_collector, actions).Map(web);
            new ConfigApi(_collector, actions, options).Map(web);
            new SourceTestApi(_collector, directory, _files.Countries, journal, time).Map(web);
            if (options.DemoMock is { } mock)
                (_demo = new DemoApi(mock)).Map(web);
            new IdentitiesApi(directory, _identities, journal, actions, time).Map(web);
            new PeopleApi(_files).Map(web);
            new EventsApi(journal, _export, time).Map(web);
            new StatsApi(journal, time).Map(web);
            new StreamApi(_tail, callers, new StreamMetrics(metrics.Meter), time, _stop.Token).Map(web);
            new PushApi(journal, queue, sources, _files.Countries, time).Map(web);
            new TokensApi(_tokens).Map(web);
            new SessionApi(access, callers, _sessions, _tokens, _guesses, _signInCode, options, time).Map(web);
            if (_metricsWeb is null)
                new MetricsApi(metrics).Map(web, Scope.Metrics);
            new HealthApi(journal, queue, _probe, _collector, _board, _feeder, _files, refused, _leases, time).Map(web);
            web.MapOpenApi().WithMetadata(RouteRules.Open);
            return web;
        });
    }

    /// <summary>Ends, with the error, only when a part of the service broke: there is no going on without it.</summary>
    public Task Broken => _background;

    /// <summary>True after a stop that did not wait for the store any longer: it was not closed.</summary>
    public bool IsStoreHanging { get; private set; }

    /// <summary>The token that was made or given at this start.</summary>
    public AdminToken AdminToken { get; }

    /// <summary>A code that signs in once, for a link; only the demo has one. One made before is good no more.</summary>
    public string? MakeSignInCode() => _signInCode?.Make();

    /// <summary>Which engine it runs on, and its version.</summary>
    public string StoreVersion => $"{_journal.Store.Info.Engine} {_journal.Store.Info.EngineVersion}";

    /// <summary>Where it listens.</summary>
    public IReadOnlyCollection<string> Addresses => [.. _web.Value.Urls];

    /// <summary>Where <c>/metrics</c> alone is served; empty when it stands with the rest.</summary>
    public IReadOnlyCollection<string> MetricsAddresses => [.. _metricsWeb?.Urls ?? []];

    /// <summary>For tests that look at what was kept.</summary>
    internal EventJournal Journal => _journal;

    /// <summary>Every route, for tests that hold all of them to a rule.</summary>
    internal IEnumerable<EndpointDataSource> Routes => ((IEndpointRouteBuilder)_web.Value).DataSources;

    /// <summary>
    /// Opens the journal, starts to poll, rebuilds the board, and listens once it is whole. Throws <see cref="JournalOpenException"/> when the store cannot
    /// be opened, <see cref="QueueOpenException"/> when the broker cannot be used, and <see cref="IOException"/> when an address is taken: nothing was changed then.
    /// </summary>
    public static async Task<Composition> StartAsync(
        ServerOptions options, IReadOnlyList<SourceDefinition> sources, string? adminToken, ILoggerFactory logs, TimeProvider time, CancellationToken cancellation)
    {
        // Pool threads wait in SQLite's calls; the pool's own growth (one thread in half a second) would make answers wait with them.
        ThreadPool.SetMinThreads(32, 32);
        ListenCheck.Run(options.Urls, ListenCheck.Options);
        ListenCheck.Run(options.MetricsUrls, "metrics.urls");
        await QueueOpening.CheckAsync(options, cancellation);
        var wentBack = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var store = await StoreOpening.OpenAsync(options, sentence => wentBack.TrySetException(new JournalUnavailableException(sentence)), logs, time, cancellation);
        var metrics = new MetricsRegistry();
        var journal = new EventJournal(store, options.QueueCapacity, logs.CreateLogger<EventJournal>(), new JournalMetrics(metrics.Meter, time, sources.Select(source => source.Name)));
        Composition? composition = null;
        IPushQueue? queue = null;
        try
        {
            queue = await QueueOpening.OpenAsync(options, journal, metrics.Meter, logs, time, cancellation);
            var admin = await StoreOpening.TokenAsync(journal, options.Data, adminToken, cancellation);
            composition = new Composition(options, sources, journal, queue, metrics, admin, NodeOf(options, time), logs, time);
            await composition._tokens.LoadAsync(cancellation);
            await composition._sessions.LoadAsync(cancellation);
            await composition._collector.LoadAsync(cancellation);
            // The upstream takes its time: it is asked while the board is rebuilt and the doors are made, and not after.
            composition._collecting = Task.Run(composition.CollectAsync, CancellationToken.None);
            await composition._feeder.CatchUpAsync(cancellation);
            await composition._web.Value.StartAsync(cancellation);
            if (composition._metricsWeb is { } metricsWeb)
                await metricsWeb.StartAsync(cancellation);
            composition._background = composition.RunAsync(wentBack.Task);
            return composition;
        }
        catch
        {
            if (composition is not null)
                await composition.DisposeAsync();
            else
            {
                if (queue is not null)
                    await queue.DisposeAsync();
                await journal.DisposeAsync();
                metrics.Dispose();
            }
            throw;
        }
    }

    /// <summary>Completes when every source has finished once; gives how many events are on the board then.</summary>
    public async Task<int> CompleteAsync(CancellationToken cancellation)
    {
        while (_freshness.Current.Incomplete is not null)
            await Task.Delay(CompleteLook, _time, cancellation);
        return _board.Count;
    }

    /// <summary>Drains: no new requests, polls end, what was accepted is committed, the store is closed.</summary>
    public async ValueTask DisposeAsync()
    {
        var began = _time.GetTimestamp();
        using var deadline = new CancellationTokenSource(DrainDeadline);
        await _stop.CancelAsync();
        if (_web.IsValueCreated)
            await _web.Value.StopAsync(deadline.Token);
        if (_metricsWeb is not null)
            await _metricsWeb.DisposeAsync();
        await _queue.DisposeAsync().AsTask().WaitAsync(deadline.Token).ContinueWith(static _ => { }, TaskScheduler.Default);
        await Task.WhenAll(_background, _collecting).WaitAsync(deadline.Token).ContinueWith(static _ => { }, TaskScheduler.Default);
        await _tokens.SaveUsesAsync(deadline.Token).ContinueWith(static _ => { }, TaskScheduler.Default);
        // A store that hangs for good must not keep the process: nobody was told that what waits for it is kept. A slow one has what is left of ten seconds.
        var closed = _journal.DisposeAsync().AsTask();
        var left = CloseDeadline - _time.GetElapsedTime(began);
        if (await Task.WhenAny(closed, Task.Delay(left < MinCloseTime ? MinCloseTime : left, _time)) != closed)
        {
            Log.StoreHangs(_logger);
            IsStoreHanging = true;
            return;
        }
        await closed;
        if (_web.IsValueCreated)
            await _web.Value.DisposeAsync();
        _demo?.Dispose();
        _collector.Dispose();
        _leases?.Dispose();
        _identities.Dispose();
        _tokens.Dispose();
        _sessions.Dispose();
        _export.Dispose();
        _tail.Dispose();
        _stop.Dispose();
        _metrics.Dispose();
    }

    private Task RunAsync(Task wentBack)
    {
        var stop = _stop.Token;
        return Workers.RunAsync(
        [
            _feeder.RunAsync(stop), _tail.RunAsync(stop), _late.RunAsync(stop), _collecting, _probe.RunAsync(stop), _files.RunAsync(stop), _tokens.RunAsync(stop), _sessions.RunAsync(stop), _guesses.RunAsync(stop), _follower.RunAsync(stop), _queue.RunAsync(stop), wentBack.WaitAsync(stop),
        ], stop);
    }

    /// <summary>Polls, and where several nodes share the store shows the others that this one lives.</summary>
    private Task CollectAsync() => Workers.RunAsync(_leases is null ? [_collector.RunAsync(_stop.Token)] : [_collector.RunAsync(_stop.Token), _leases.RunAsync(_stop.Token)], _stop.Token);

    /// <summary>Null where one process has the store to itself. The name is the same after a restart: two processes cannot listen at one address.</summary>
    private static ClusterNode? NodeOf(ServerOptions options, TimeProvider time) => options.StoreEngine != ServerOptions.Postgres
        ? null
        : new ClusterNode(Guid.NewGuid().ToString("N"), $"{Environment.MachineName}:{BindingAddress.Parse(options.Urls[0]).Port}", ServerVersion.Text, time.GetUtcNow());

    private static WebApplication Web(ServerOptions options, ILoggerFactory logs, TimeProvider time)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions
        {
            ContentRootPath = AppContext.BaseDirectory,
            WebRootPath = Path.Combine(AppContext.BaseDirectory, "wwwroot"),
        });
        builder.WebHost.UseKestrelCore().UseSockets(sockets => sockets.UnsafePreferInlineScheduling = true).UseUrls([.. options.Urls]).ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.ConfigureEndpointDefaults(endpoint => endpoint.Protocols = HttpProtocols.Http1);
        });
        builder.Services.AddSingleton(logs).AddSingleton(time).AddRoutingCore();
        builder.Services.ConfigureHttpJsonOptions(json => ApiJson.Configure(json.SerializerOptions));
        builder.Services.Configure<RouteHandlerOptions>(routes => routes.ThrowOnBadRequest = true);
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = DrainDeadline);
        ApiDescription.Add(builder.Services);
        return builder.Build();
    }

    private static partial class Log
    {
        [LoggerMessage(230, LogLevel.Critical, "The store does not answer; ending without it. What was accepted and not answered yet may not be kept")]
        public static partial void StoreHangs(ILogger logger);
    }
}
