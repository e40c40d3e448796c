using System.Diagnostics.Metrics;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Tocsin.Enrich;
using Tocsin.Enrich.Geo;
using Tocsin.Journal;

namespace Tocsin.Collect;

/// <summary>All configured sources, each on its own schedule.</summary>
public sealed partial class Collector : IDisposable
{
    private readonly CollectStages _stages;
    private readonly Dictionary<string, SourceRunner> _runners;
    private readonly TimeSpan _fileInterval;
    private readonly KeptSetting<SyncIntervalChange> _interval;

    // The schedule that is put together last is the one that is put into use last.
    private readonly Lock _scheduling = new();

    public Collector(
        IReadOnlyList<SourceDefinition> sources, TimeSpan defaultInterval, EventJournal journal, IdentityDirectory directory,
        IdentityStore identities, LateAttribution late, TimeProvider time, ILogger<Collector> logger, Meter? meter = null, Countries? countries = null, SourceLeases? leases = null)
    {
        _stages = new CollectStages(journal, directory, countries ?? new Countries(), identities, late, time, logger, leases);
        _fileInterval = defaultInterval;
        _interval = new KeptSetting<SyncIntervalChange>(
            journal, SyncIntervalChange.StateName, SyncIntervalChange.Key, new SyncIntervalChange(null, null, null), SyncIntervalJson.Default.SyncIntervalChange);
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
        await _interval.LoadAsync(cancellation);
        foreach (var runner in _runners.Values)
        {
            await runner.LoadAsync(cancellation);
            if (runner.Lease is { } lease)
                await runner.Status.FollowAsync(lease, _stages.Journal.Store, cancellation);
            else
                await runner.RetryRejectsAsync(cancellation);
            Reschedule(runner);
        }
    }

    /// <summary>Polls until cancelled, also when there is nothing to poll; completes when no poll is under way any more.</summary>
    public Task RunAsync(CancellationToken cancellation) => _runners.Count == 0
        ? Task.Delay(Timeout.InfiniteTimeSpan, _stages.Time, cancellation)
        : Workers.RunAsync([.. _runners.Values.Select(runner => _stages.Leases is null ? runner.RunAsync(cancellation) : PollWhileHeldAsync(runner, cancellation))], cancellation);

    /// <summary>The sources as they stand, by name.</summary>
    public IReadOnlyList<SourceView> View() => [.. Sources.Select(source => View(source.Name)!)];

    /// <summary>One source as it stands; null when there is none of this name.</summary>
    public SourceView? View(string name) => _runners.GetValueOrDefault(name) is { } runner ? runner.Status.View() with { Node = runner.Lease?.Holder } : null;

    /// <summary>Polls now, at this node: null when there is no such source, true when something was started or told to wait no longer.</summary>
    public bool? PollNow(string name) => _runners.GetValueOrDefault(name)?.PollNow();

    /// <summary>How often sources without an <c>every</c> of their own are polled.</summary>
    public SyncInterval Interval
    {
        get
        {
            var (change, version) = _interval.Current;
            return new SyncInterval(change.Minutes is { } minutes ? TimeSpan.FromMinutes(minutes) : _fileInterval, change.Minutes is null, change.ChangedAt, change.ChangedBy, version);
        }
    }

    /// <summary>Sources with an <c>every</c> of their own, by their file or by <see cref="RescheduleAsync"/>: <see cref="Interval"/> does not concern them.</summary>
    public IReadOnlyList<string> WithOwnInterval => [.. _runners.Values.Where(runner => runner.HasOwnInterval).Select(runner => runner.Source.Name).Order(StringComparer.Ordinal)];

    /// <summary>
    /// The version of what was changed of a source's schedule: another after each change, also across restarts; 0 before the first, and for a source that is not
    /// there. Ask before <see cref="View(string)"/>: the view then shows this version, or a later one.
    /// </summary>
    public long ScheduleVersion(string name) => _runners.GetValueOrDefault(name)?.ScheduleVersion ?? 0;

    /// <summary>
    /// Changes a source's schedule for good: it applies at once, survives a restart and wins over the file and over <see cref="Interval"/>. What
    /// <paramref name="edit"/> leaves null follows them. <paramref name="record"/>, where given, is committed with the change.
    /// <paramref name="mayReplace"/>, where given, is asked of the version that would be replaced.
    /// </summary>
    public async Task<SettingChange> RescheduleAsync(
        string name, Func<ScheduleChange, ScheduleChange> edit, SecurityEvent? record = null, Func<long, bool>? mayReplace = null)
    {
        if (_runners.GetValueOrDefault(name) is not { } runner)
            return SettingChange.Unknown;
        if (!await runner.Change.ChangeAsync(edit, mayReplace, record))
            return SettingChange.Refused;
        Reschedule(runner);
        return SettingChange.Done;
    }

    /// <summary>
    /// Sets <see cref="Interval"/> for good, 1 to 1,440 minutes, or takes back what was set (null). As <see cref="RescheduleAsync"/>.
    /// </summary>
    public async Task<SettingChange> ChangeIntervalAsync(int? minutes, string by, SecurityEvent? record = null, Func<long, bool>? mayReplace = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(minutes ?? SyncInterval.MinMinutes, SyncInterval.MinMinutes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(minutes ?? SyncInterval.MinMinutes, SyncInterval.MaxMinutes);
        if (!await _interval.ChangeAsync(change => change.With(minutes, _stages.Time.GetUtcNow(), by), mayReplace, record))
            return SettingChange.Refused;
        foreach (var runner in _runners.Values)
            if (!runner.HasOwnInterval)
                Reschedule(runner);
        return SettingChange.Done;
    }

    /// <summary>The last polls, newest first.</summary>
    public async Task<IReadOnlyList<JsonElement>> HistoryAsync(string name, CancellationToken cancellation)
    {
        var runs = new List<JsonElement>();
        await foreach (var row in _stages.Journal.Store.AllStateAsync(SourceStatus.HistoryName(name), cancellation))
            runs.Add(JsonElement.Parse(row.Value));
        return [.. runs.OrderByDescending(run => run.GetProperty("run").GetInt64())];
    }

    /// <summary>Rows of rejects as stored JSON, after a key: at most <paramref name="limit"/>, and fewer, though never none, where records are large.</summary>
    public Task<RejectPage> RejectsAsync(string name, string? afterKey, int limit, CancellationToken cancellation) =>
        RejectStore.PageAsync(_stages.Journal.Store, name, afterKey, limit, cancellation);

    private void Reschedule(SourceRunner runner)
    {
        lock (_scheduling)
            runner.Reschedule(Interval.Every);
    }

    public void Dispose()
    {
        foreach (var runner in _runners.Values)
            runner.Dispose();
    }
}

/// <summary>What became of a change.</summary>
public enum SettingChange
{
    /// <summary>It is as asked, durably, and in use.</summary>
    Done,

    /// <summary>There is nothing of this name.</summary>
    Unknown,

    /// <summary>The version that would have been replaced was not one that may be: nothing was changed.</summary>
    Refused,
}
