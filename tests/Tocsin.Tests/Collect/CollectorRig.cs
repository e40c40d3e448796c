using Microsoft.Extensions.Logging.Abstractions;
using Tocsin.Collect;
using Tocsin.Enrich;
using Tocsin.Journal;

namespace Tocsin.Tests.Collect;

/// <summary>Sources that are polled, with a real store behind them, and nothing else of the service.</summary>
internal sealed class CollectorRig : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly IdentityStore _identities;
    private Task _running = Task.CompletedTask;

    public CollectorRig(string folder, IReadOnlyList<SourceDefinition> sources, TimeProvider time)
    {
        Store = new TestStore(folder);
        Journal = new EventJournal(Store, 100_000, NullLogger<EventJournal>.Instance);
        var directory = new IdentityDirectory();
        var late = new LateAttribution(Journal, directory, time, NullLogger<LateAttribution>.Instance);
        _identities = new IdentityStore(Journal, directory, late);
        Collector = new Collector(sources, TimeSpan.FromMinutes(30), Journal, directory, _identities, late, time, NullLogger<Collector>.Instance);
    }

    public TestStore Store { get; }

    public Collector Collector { get; }

    public EventJournal Journal { get; }

    public async Task StartAsync()
    {
        await Collector.LoadAsync(default);
        foreach (var source in Collector.Sources)
            Store.Runs(source.Name, (await Collector.HistoryAsync(source.Name, default)).Select(run => (int)run.GetProperty("run").GetInt64()).DefaultIfEmpty().Max());
        _running = Collector.RunAsync(_stop.Token);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await Until.DoneAsync(_running);
        await Journal.DisposeAsync();
        Collector.Dispose();
        _identities.Dispose();
        _stop.Dispose();
    }
}
