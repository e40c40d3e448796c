using System.Collections.Concurrent;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging.Abstractions;
using Tocsin.Collect;
using Tocsin.Enrich;
using Tocsin.Journal;

namespace Tocsin.Tests.Collect;

/// <summary>Nodes that share one journal, with a clock that only the test moves: one polls, its death passes that on, and one that slept writes nothing.</summary>
public sealed class SourceLeaseTests : IAsyncLifetime
{
    private readonly TempFolder _folder = new();
    private readonly FakeTimeProvider _time = new();
    private readonly ConcurrentQueue<string> _calls = [];
    private Func<HttpContext, Task> _answer = context => StubUpstream.JsonAsync(context, "[]");
    private StubUpstream _stub = null!;
    private EventJournal _journal = null!;
    private readonly List<Node> _nodes = [];

    public async ValueTask InitializeAsync()
    {
        _journal = new EventJournal(new TestStore(_folder.Path), 100_000, NullLogger<EventJournal>.Instance);
        _stub = await StubUpstream.StartAsync(context =>
        {
            _calls.Enqueue(context.Request.Headers["X-Node"].ToString());
            return _answer(context);
        });
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var node in _nodes)
            await node.DisposeAsync();
        await _journal.DisposeAsync();
        await _stub.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task One_node_polls_and_the_other_shows_what_it_says()
    {
        var a = await StartAsync("a");
        await Until.TrueAsync(() => a.View.LastSuccess is not null);
        var b = await StartAsync("b");
        await TickAsync(() => b.View.LastSuccess is not null && b.View.Node == "a");
        a.View.Node.ShouldBe("a");
        _calls.ShouldAllBe(node => node == "a");
        await TickAsync(() => a.Leases.Nodes.Count == 2);
        a.Leases.Nodes.Select(node => (node.Name, string.Join(',', node.Sources))).ShouldBe([("a", "s"), ("b", "")]);
    }

    [Fact]
    public async Task A_node_that_ends_gives_its_sources_to_another_at_once()
    {
        var a = await StartAsync("a");
        await Until.TrueAsync(() => a.View.LastSuccess is not null);
        var b = await StartAsync("b");
        var before = _time.GetUtcNow();
        await a.StopAsync();
        await TickAsync(() => b.View.Node == "b");
        (_time.GetUtcNow() - before).ShouldBeLessThan(SourceLeases.DeadAfter - SourceLeases.BeatEvery);
        await Until.TrueAsync(() => _calls.Contains("b"));
        await TickAsync(() => b.Leases.Nodes.Count == 1);
    }

    [Fact]
    public async Task A_node_that_died_is_followed_within_fifteen_seconds_and_not_while_it_lives()
    {
        var a = await StartAsync("a");
        await Until.TrueAsync(() => a.View.LastSuccess is not null);
        var b = await StartAsync("b");
        var before = _time.GetUtcNow();
        await TickAsync(() => _time.GetUtcNow() > before + 2 * SourceLeases.DeadAfter);
        _calls.ShouldAllBe(node => node == "a");
        a.Freeze();
        before = _time.GetUtcNow();
        await TickAsync(() => b.View.Node == "b");
        (_time.GetUtcNow() - before).ShouldBeInRange(SourceLeases.DeadAfter - SourceLeases.BeatEvery, TimeSpan.FromSeconds(15));
        await Until.TrueAsync(() => _calls.Contains("b"));
    }

    [Fact]
    public async Task A_page_that_was_fetched_under_a_lease_that_is_lost_is_not_written()
    {
        var gate = new TaskCompletionSource();
        _answer = async context =>
        {
            if (context.Request.Headers["X-Node"] == "a")
                await gate.Task;
            await StubUpstream.JsonAsync(context, """[{"type":"late","time":1}]""");
        };
        var a = await StartAsync("a");
        await Until.TrueAsync(() => _calls.Contains("a"));
        a.Freeze();
        var b = await StartAsync("b");
        _answer = context => StubUpstream.JsonAsync(context, """[{"type":"b","time":1}]""");
        await TickAsync(() => b.View.LastSuccess is not null);
        var head = _journal.Head;
        gate.SetResult();
        await Until.TrueAsync(() => a.View.LastError is not null);
        a.View.LastError!.ShouldContain("another node");
        (await _journal.ReadAsync(0, 100, default)).Select(entry => ((SecurityEvent)entry.Entry).Type).ShouldBe(["b"]);
        _journal.Head.ShouldBe(head);
    }

    [Fact]
    public async Task A_restarted_node_takes_its_own_sources_back_at_once()
    {
        var a = await StartAsync("a");
        await Until.TrueAsync(() => a.View.LastSuccess is not null);
        a.Freeze();
        _time.Advance(TimeSpan.FromMilliseconds(1));
        var again = await StartAsync("a");
        await Until.TrueAsync(() => again.View.LastSuccess > a.View.LastSuccess);
    }

    [Fact]
    public async Task A_request_to_poll_reaches_the_node_that_polls()
    {
        var a = await StartAsync("a");
        await Until.TrueAsync(() => a.View.LastSuccess is not null);
        var b = await StartAsync("b");
        await TickAsync(() => b.View.Node == "a" && b.View.Status == SourcePhase.Idle);
        // No poll of its own schedule is under way or due: time stands still from here.
        await Until.TrueAsync(() => a.View.NextRun > _time.GetUtcNow() && a.View.Status == SourcePhase.Idle);
        var calls = _calls.Count;
        (await b.Collector.PollNowAsync("s", default)).ShouldBe(true);
        a.Changed("sync-requests");
        await Until.TrueAsync(() => _calls.Count == calls + 1);
        _calls.ShouldAllBe(node => node == "a");
        (await b.Collector.PollNowAsync("none", default)).ShouldBeNull();
    }

    [Fact]
    public async Task A_schedule_that_is_changed_at_one_node_holds_at_the_node_that_polls()
    {
        var a = await StartAsync("a");
        await Until.TrueAsync(() => a.View.LastSuccess is not null);
        var b = await StartAsync("b");
        await b.Collector.RescheduleAsync("s", change => change with { Enabled = false });
        a.Changed("source-schedule");
        await Until.TrueAsync(() => !a.View.Enabled);
        await b.Collector.ChangeIntervalAsync(7, "me");
        a.Changed(SyncIntervalChange.StateName);
        await Until.TrueAsync(() => a.Collector.Interval.Every == TimeSpan.FromMinutes(7));
    }

    private async Task<Node> StartAsync(string name)
    {
        var yaml = $$"""
            name: s
            kind: incident
            base_url: {{_stub.Url}}
            every: 5s
            auth: { header: { name: X-Node, value: "${env:NODE}" } }
            requests: [ { get: /s } ]
            records: "."
            map: { type: type, time: time }
            """;
        var source = SourceFile.Parse(yaml, "s.yaml", AppContext.BaseDirectory, new SecretResolver(_ => name)).Source!;
        var node = new Node(name, source, _journal, _time);
        _nodes.Add(node);
        await node.StartAsync();
        return node;
    }

    /// <summary>Lets time go by in small steps until something holds; it stands still while a node is at work on its leases, however long that takes.</summary>
    private async Task TickAsync(Func<bool> condition)
    {
        await Until.TrueAsync(() =>
        {
            if (_nodes.TrueForAll(node => node.IsAtRest))
            {
                foreach (var node in _nodes)
                    node.Changed(SourceLease.StateName, "source-status");
                _time.Advance(TimeSpan.FromMilliseconds(50));
            }
            return condition();
        });
    }

    /// <summary>One node: its own memory, the journal of all.</summary>
    private sealed class Node : IAsyncDisposable
    {
        private readonly CancellationTokenSource _stop = new();
        private readonly Freezing _time;
        private readonly Freezing _leaseTime;
        private readonly StateFollower _follower;
        private readonly IdentityStore _identities;
        private Task _running = Task.CompletedTask;

        public Node(string name, SourceDefinition source, EventJournal journal, TimeProvider time)
        {
            (_time, _leaseTime) = (new Freezing(time), new Freezing(time));
            var directory = new IdentityDirectory();
            var late = new LateAttribution(journal, directory, _time, NullLogger<LateAttribution>.Instance);
            _identities = new IdentityStore(journal, directory, late);
            Leases = new SourceLeases(journal, new ClusterNode(Guid.NewGuid().ToString(), name, "1", time.GetUtcNow()), [source.Name], _leaseTime, NullLogger<SourceLeases>.Instance);
            Collector = new Collector([source], TimeSpan.FromMinutes(30), journal, directory, _identities, late, _time, NullLogger<Collector>.Instance, leases: Leases);
            _follower = new StateFollower(_time, NullLogger<StateFollower>.Instance);
            Collector.Follow(_follower);
        }

        public Collector Collector { get; }

        public SourceLeases Leases { get; }

        public SourceView View => Collector.View("s")!;

        /// <summary>Its leases wait for their next look, or for nothing any more.</summary>
        public bool IsAtRest => _leaseTime.IsFrozen || _leaseTime.IsAwaited || _running.IsCompleted;

        public async Task StartAsync()
        {
            await Collector.LoadAsync(default);
            _running = Task.WhenAll(Collector.RunAsync(_stop.Token), Leases.RunAsync(_stop.Token), _follower.RunAsync(_stop.Token));
        }

        public void Changed(params string[] names)
        {
            if (!_time.IsFrozen)
                _follower.Changed(names);
        }

        /// <summary>Its timers fire no more, and nothing is told to it, as to a process that is stopped.</summary>
        public void Freeze() => _time.IsFrozen = _leaseTime.IsFrozen = true;

        public async Task StopAsync()
        {
            await _stop.CancelAsync();
            await _running.ContinueWith(static _ => { }, TaskScheduler.Default).WaitAsync(TimeSpan.FromSeconds(20), TimeProvider.System);
        }

        public async ValueTask DisposeAsync()
        {
            await StopAsync();
            Collector.Dispose();
            Leases.Dispose();
            _identities.Dispose();
            _stop.Dispose();
        }
    }

    /// <summary>A clock whose timers can be made to fire no more.</summary>
    private sealed class Freezing(TimeProvider time) : TimeProvider
    {
        private volatile bool _isFrozen;
        private int _timers;

        public bool IsFrozen
        {
            get => _isFrozen;
            set => _isFrozen = value;
        }

        /// <summary>True while somebody waits for one of its timers.</summary>
        public bool IsAwaited => Volatile.Read(ref _timers) > 0;

        public override long TimestampFrequency => time.TimestampFrequency;

        public override DateTimeOffset GetUtcNow() => time.GetUtcNow();

        public override long GetTimestamp() => time.GetTimestamp();

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            var timer = time.CreateTimer(given => { if (!_isFrozen) callback(given); }, state, dueTime, period);
            Interlocked.Increment(ref _timers);
            return new Counted(timer, () => Interlocked.Decrement(ref _timers));
        }

        /// <summary>A delay disposes of its timer when it is over.</summary>
        private sealed class Counted(ITimer timer, Action over) : ITimer
        {
            private int _isOver;

            public bool Change(TimeSpan dueTime, TimeSpan period) => timer.Change(dueTime, period);

            public void Dispose()
            {
                timer.Dispose();
                if (Interlocked.Exchange(ref _isOver, 1) == 0)
                    over();
            }

            public ValueTask DisposeAsync()
            {
                Dispose();
                return ValueTask.CompletedTask;
            }
        }
    }
}
