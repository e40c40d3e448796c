using System.Diagnostics.Metrics;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Tocsin.Enrich;
using Tocsin.Enrich.Geo;
using Tocsin.Journal;

namespace Tocsin.Collect;

/// <summary>All configured sources, each on its own schedule.</summary>
public sealed class Collector : IDisposable
{
    private readonly CollectStages _stages;
    private readonly Dictionary<string, SourceRunner> _runners;

    public Collector(
        IReadOnlyList<SourceDefinition> sources, TimeSpan defaultInterval, EventJournal journal, IdentityDirectory directory,
        IdentityStore identities, LateAttribution late, TimeProvider time, ILogger<Collector> logger, Meter? meter = null, Countries? countries = null)
    {
        _stages = new CollectStages(journal, directory, countries ?? new Countries(), identities, late, time, logger);
        _runners = sources.ToDictionary(source => source.Name, source => new SourceRunner(source, defaultInterval, _stages), StringComparer.Ordinal);
        if (meter is not null)
            CollectMetrics.Observe(meter, this, time);
    }

    /// <summary>The sources as configured, by name.</summary>
    public IReadOnlyList<SourceDefinition> Sources => [.. _runners.Values.Select(runner => runner.Source).OrderBy(source => source.Name, StringComparer.Ordinal)];

    /// <summary>Restores what is known of each source and its identities. Before <see cref="RunAsync"/>.</summary>
    public async Task LoadAsync(CancellationToken cancellation)
    {
        await _stages.Identities.LoadAsync(_runners.Keys, cancellation);
        foreach (var runner in _runners.Values)
        {
            await runner.LoadAsync(cancellation);
            runner.Reschedule((await ChangeAsync(runner.Source.Name, cancellation)).Change);
        }
    }

    /// <summary>Polls until cancelled, also when there is nothing to poll; completes when no poll is under way any more.</summary>
    public Task RunAsync(CancellationToken cancellation) => _runners.Count == 0
        ? Task.Delay(Timeout.InfiniteTimeSpan, _stages.Time, cancellation)
        : Task.WhenAll(_runners.Values.Select(runner => runner.RunAsync(cancellation)));

    /// <summary>The sources as they stand, by name.</summary>
    public IReadOnlyList<SourceView> View() => [.. Sources.Select(source => _runners[source.Name].Status.View())];

    /// <summary>One source as it stands; null when there is none of this name.</summary>
    public SourceView? View(string name) => _runners.GetValueOrDefault(name)?.Status.View();

    /// <summary>Polls now: null when there is no such source, true when something was started or told to wait no longer.</summary>
    public bool? PollNow(string name) => _runners.GetValueOrDefault(name)?.PollNow();

    /// <summary>
    /// Changes a source's schedule for good: it applies at once, survives a restart and wins over the file. What is null stays as it is. Null when there is
    /// no such source. <paramref name="record"/>, where given, is committed with the change.
    /// </summary>
    public async Task<SourceView?> RescheduleAsync(string name, bool? enabled, TimeSpan? every, CancellationToken cancellation, SecurityEvent? record = null)
    {
        if (_runners.GetValueOrDefault(name) is not { } runner)
            return null;
        while (true)
        {
            var (earlier, version) = await ChangeAsync(name, cancellation);
            var change = new ScheduleChange(enabled ?? earlier.Enabled, every ?? earlier.Every);
            var result = await _stages.Journal.AppendAsync(new Append
            {
                Entries = record is null ? [] : [record],
                State = [new StateWrite(ScheduleChange.StateName, name, JsonSerializer.SerializeToUtf8Bytes(change, SourceJson.Default.ScheduleChange))],
                Expect = [new StateExpectation(ScheduleChange.StateName, name, version)],
            }, cancellation);
            if (result.Status == AppendStatus.Conflict)
                continue; // Somebody changed it in between: take that in, and change it again.
            runner.Reschedule(change);
            return runner.Status.View();
        }
    }

    /// <summary>The last polls, newest first.</summary>
    public async Task<IReadOnlyList<JsonElement>> HistoryAsync(string name, CancellationToken cancellation)
    {
        var runs = new List<JsonElement>();
        await foreach (var row in _stages.Journal.Store.AllStateAsync(SourceStatus.HistoryName(name), cancellation))
            runs.Add(JsonElement.Parse(row.Value));
        return [.. runs.OrderByDescending(run => run.GetProperty("run").GetInt64())];
    }

    /// <summary>Rows of rejects as stored JSON, after a key, at most <paramref name="limit"/>.</summary>
    public ValueTask<IReadOnlyList<StateRow>> RejectsAsync(string name, string? afterKey, int limit, CancellationToken cancellation) =>
        _stages.Journal.Store.ListStateAsync(RejectStore.StateName(name), afterKey, limit, cancellation);

    private async Task<(ScheduleChange Change, long Version)> ChangeAsync(string name, CancellationToken cancellation) =>
        await _stages.Journal.Store.GetStateAsync(ScheduleChange.StateName, name, cancellation) is { } row
            ? (JsonSerializer.Deserialize(row.Value, SourceJson.Default.ScheduleChange)!, row.Version)
            : (new ScheduleChange(null, null), 0);

    public void Dispose()
    {
        foreach (var runner in _runners.Values)
            runner.Dispose();
    }
}
