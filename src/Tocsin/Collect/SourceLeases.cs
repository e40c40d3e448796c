using System.Text.Json;
using Microsoft.Extensions.Logging;
using Tocsin.Journal;

namespace Tocsin.Collect;

/// <summary>
/// Who polls which source, where several nodes share one journal. A lease is a row of state, written only when its holder changes, so that its version is
/// what the holder's writes are fenced by. That a node lives shows in a row of its own, which it writes anew every <see cref="BeatEvery"/>; one whose row has
/// stood still for <see cref="DeadAfter"/>, by the clock of who looks, gives its leases to whoever comes first. No two clocks are compared.
/// </summary>
public sealed partial class SourceLeases : IDisposable
{
    /// <summary>How often a node shows that it lives.</summary>
    public static readonly TimeSpan BeatEvery = TimeSpan.FromSeconds(2);

    /// <summary>A node that showed nothing for so long no longer polls.</summary>
    public static readonly TimeSpan DeadAfter = TimeSpan.FromSeconds(8);

    /// <summary>How often a node looks at the others.</summary>
    public static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(1);

    /// <summary>The row of a node that died stays for a while, for people to see.</summary>
    private static readonly TimeSpan ForgetAfter = TimeSpan.FromHours(1);

    private readonly EventJournal _journal;
    private readonly ClusterNode _me;
    private readonly TimeProvider _time;
    private readonly ILogger<SourceLeases> _logger;
    private readonly Dictionary<string, SourceLease> _leases;
    private readonly Dictionary<string, (NodeRow Row, long Version, long Since)> _nodes = new(StringComparer.Ordinal);
    private TaskCompletionSource _look = NewSignal();
    private long? _beatAt;
    private volatile IReadOnlyList<NodeView> _view = [];

    /// <summary>Leases for these sources, none of them held yet.</summary>
    public SourceLeases(EventJournal journal, ClusterNode me, IEnumerable<string> sources, TimeProvider time, ILogger<SourceLeases> logger)
    {
        (_journal, _me, _time, _logger) = (journal, me, time, logger);
        _leases = sources.ToDictionary(source => source, source => new SourceLease(source), StringComparer.Ordinal);
    }

    /// <summary>The name of this node.</summary>
    public string Me => _me.Name;

    /// <summary>The nodes that live, this one included once it has shown so, by name.</summary>
    public IReadOnlyList<NodeView> Nodes => _view;

    /// <summary>Looks at once instead of when it is time.</summary>
    public void LookNow() => Interlocked.Exchange(ref _look, NewSignal()).SetResult();

    /// <summary>Works until cancelled; then this node takes its row away. Its leases are given back by <see cref="ReleaseAsync"/>.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        try
        {
            while (true)
            {
                var look = Volatile.Read(ref _look).Task;
                await StepAsync(cancellation);
                using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
                await Task.WhenAny(Task.Delay(LookEvery, _time, either.Token), look);
                await either.CancelAsync();
                cancellation.ThrowIfCancellationRequested();
            }
        }
        finally
        {
            await TryAsync(new Append { State = [new StateWrite(NodeRow.StateName, _me.Id, null)] });
        }
    }

    public void Dispose()
    {
        foreach (var lease in _leases.Values)
            lease.Dispose();
    }

    internal SourceLease Of(string source) => _leases[source];

    /// <summary>Gives a lease back, so that another node need not wait until this one counts as dead.</summary>
    internal async Task ReleaseAsync(SourceLease lease)
    {
        var fence = lease.Fence;
        if (!lease.IsHeld || await _journal.Store.GetStateAsync(SourceLease.StateName, lease.Source, CancellationToken.None) is not { } row)
            return;
        lease.Lose(null);
        await TryAsync(new Append { State = [Write(lease.Source, new LeaseRow(null, null, Read(row).Epoch + 1))], Expect = [fence] });
    }

    private async Task StepAsync(CancellationToken cancellation)
    {
        try
        {
            if (_beatAt is not { } beat || _time.GetElapsedTime(beat) >= BeatEvery)
                await BeatAsync(cancellation);
            await ReadNodesAsync(cancellation);
            var rows = new Dictionary<string, StateRow>(StringComparer.Ordinal);
            await foreach (var row in _journal.Store.AllStateAsync(SourceLease.StateName, cancellation))
                rows[row.Key] = row;
            foreach (var lease in _leases.Values)
                await LookAsync(lease, rows.GetValueOrDefault(lease.Source), cancellation);
            View(rows);
        }
        catch (JournalUnavailableException error)
        {
            Log.StoreAway(_logger, error.Message);
            // Nobody could show that they live: they all get their time anew.
            foreach (var (id, node) in _nodes)
                _nodes[id] = node with { Since = _time.GetTimestamp() };
        }
        catch (Exception error) when (!cancellation.IsCancellationRequested)
        {
            // One row that nobody can read must not make this node stand still for good.
            Log.Unexpected(_logger, error);
        }
    }

    private async Task BeatAsync(CancellationToken cancellation)
    {
        var row = JsonSerializer.SerializeToUtf8Bytes(new NodeRow(_me.Name, _me.Version, _me.StartedAt), NodeJson.Default.NodeRow);
        var began = _time.GetTimestamp();
        await _journal.AppendAsync(new Append { State = [new StateWrite(NodeRow.StateName, _me.Id, row)] }, cancellation);
        _beatAt = _time.GetTimestamp();
        // What held this write up held up those of the others too: that time is not held against them.
        foreach (var (id, node) in _nodes)
            _nodes[id] = node with { Since = node.Since + (_beatAt.Value - began) };
    }

    private async Task ReadNodesAsync(CancellationToken cancellation)
    {
        var gone = _nodes.Keys.ToHashSet(StringComparer.Ordinal);
        await foreach (var row in _journal.Store.AllStateAsync(NodeRow.StateName, cancellation))
        {
            gone.Remove(row.Key);
            if (!_nodes.TryGetValue(row.Key, out var known) || known.Version != row.Version)
                _nodes[row.Key] = (JsonSerializer.Deserialize(row.Value, NodeJson.Default.NodeRow)!, row.Version, _time.GetTimestamp());
            else if (_time.GetElapsedTime(known.Since) >= ForgetAfter)
                await _journal.AppendAsync(new Append { State = [new StateWrite(NodeRow.StateName, row.Key, null)], Expect = [new StateExpectation(NodeRow.StateName, row.Key, row.Version)] }, cancellation);
        }
        foreach (var id in gone)
            _nodes.Remove(id);
    }

    private async Task LookAsync(SourceLease lease, StateRow? row, CancellationToken cancellation)
    {
        var kept = row is null ? new LeaseRow(null, null, 0) : Read(row);
        if (kept.Node == _me.Id)
        {
            lease.Take(_me.Name, row!.Version);
            return;
        }
        if (lease.IsHeld)
            Log.Lost(_logger, lease.Source, kept.Name ?? "nobody");
        lease.Lose(kept.Name);
        if (!IsFree(kept, out var expects))
            return;
        var result = await _journal.AppendAsync(new Append
        {
            State = [Write(lease.Source, new LeaseRow(_me.Id, _me.Name, kept.Epoch + 1))],
            Expect = [new StateExpectation(SourceLease.StateName, lease.Source, row?.Version ?? 0), .. expects],
        }, cancellation);
        if (result.Status != AppendStatus.Committed)
            return;
        Log.Taken(_logger, lease.Source, kept.Name ?? "nobody");
        lease.Take(_me.Name, result.StateVersion);
    }

    /// <summary>True when nobody lives who holds it: <paramref name="expects"/> says what must still be so.</summary>
    private bool IsFree(LeaseRow lease, out IReadOnlyList<StateExpectation> expects)
    {
        expects = [];
        if (lease.Node is null || !_nodes.TryGetValue(lease.Node, out var holder))
            return true;
        expects = [new StateExpectation(NodeRow.StateName, lease.Node, holder.Version)];
        if (_time.GetElapsedTime(holder.Since) >= DeadAfter)
            return true;
        // This node before it was restarted: two of one name do not listen at one address.
        expects = [];
        return holder.Row.Name == _me.Name && holder.Row.StartedAt < _me.StartedAt;
    }

    private void View(Dictionary<string, StateRow> rows)
    {
        var sources = rows.ToLookup(row => Read(row.Value).Node, row => row.Key, StringComparer.Ordinal);
        _view =
        [
            .. _nodes.Where(node => _time.GetElapsedTime(node.Value.Since) < DeadAfter).OrderBy(node => node.Value.Row.Name, StringComparer.Ordinal)
                .Select(node => new NodeView(node.Value.Row.Name, node.Value.Row.Version, node.Value.Row.StartedAt, [.. sources[node.Key].Order(StringComparer.Ordinal)])),
        ];
    }

    /// <summary>At the end: a store that is away then is no reason not to end.</summary>
    private async Task TryAsync(Append append)
    {
        try
        {
            await _journal.AppendAsync(append, CancellationToken.None);
        }
        catch (JournalUnavailableException)
        {
            // The others will see it stand still.
        }
    }

    private static LeaseRow Read(StateRow row) => JsonSerializer.Deserialize(row.Value, NodeJson.Default.LeaseRow)!;

    private static StateWrite Write(string source, LeaseRow row) => new(SourceLease.StateName, source, JsonSerializer.SerializeToUtf8Bytes(row, NodeJson.Default.LeaseRow));

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private static partial class Log
    {
        [LoggerMessage(30, LogLevel.Information, "This node now polls {Source}; before it did {Holder}")]
        public static partial void Taken(ILogger logger, string source, string holder);

        [LoggerMessage(31, LogLevel.Warning, "This node no longer polls {Source}: {Holder} does")]
        public static partial void Lost(ILogger logger, string source, string holder);

        [LoggerMessage(32, LogLevel.Warning, "The leases of sources cannot be looked at now: {Error}")]
        public static partial void StoreAway(ILogger logger, string error);

        [LoggerMessage(33, LogLevel.Error, "The leases of sources met an error that nobody expected; they are looked at again")]
        public static partial void Unexpected(ILogger logger, Exception error);
    }
}
