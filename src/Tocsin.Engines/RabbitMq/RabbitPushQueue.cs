using System.Diagnostics.CodeAnalysis;
using System.Diagnostics.Metrics;
using Tocsin.Journal;

namespace Tocsin.Engines.RabbitMq;

/// <summary>
/// A quorum queue of RabbitMQ in front of the journal: for bursts, and for a store that is away. A request is one message; it is kept when a majority of
/// the broker's nodes has written it, and this or another node commits it in its order.
/// </summary>
public sealed class RabbitPushQueue : IPushQueue
{
    private static readonly TimeSpan FirstConnection = TimeSpan.FromSeconds(5);
    private readonly RabbitOptions _options;
    private readonly Publisher _publisher;
    private readonly Committer _committer;

    private RabbitPushQueue(RabbitOptions options, EventJournal journal, Meter meter, TimeProvider time)
    {
        _options = options;
        var node = Guid.NewGuid().ToString("N");
        var (askers, metrics) = (new Askers(), new RabbitMetrics(meter));
        _publisher = new Publisher(options, node, journal.Store.Info.Id.ToString(), askers, metrics, time);
        _committer = new Committer(options, node, journal, askers, _publisher, metrics, time);
        metrics.Observe(this);
    }

    /// <inheritdoc/>
    public PushQueueState State => new("rabbitmq", _committer.Depth, _options.Capacity) { Error = _publisher.Error ?? _committer.Error, DeadLetters = _committer.DeadLetters };

    /// <inheritdoc/>
    public bool Repeats => true;

    /// <summary>Looks whether the broker can be used, and makes the queues. Throws <see cref="QueueOpenException"/>: nothing was changed then.</summary>
    public static Task CheckAsync(BrokerUrl url, TimeProvider time, CancellationToken cancellation) => Broker.CheckAsync(url, time, cancellation);

    /// <summary>Begins to publish and to commit.</summary>
    public static async Task<RabbitPushQueue> StartAsync(RabbitOptions options, EventJournal journal, Meter meter, TimeProvider time, CancellationToken cancellation)
    {
        var queue = new RabbitPushQueue(options, journal, meter, time);
        queue._committer.Start();
        // Else the first pushes would be refused. A broker that is away just now is no reason not to start: it was there a moment ago.
        await queue._publisher.StartAsync().WaitAsync(FirstConnection, time, cancellation).ContinueWith(static _ => { }, TaskScheduler.Default);
        return queue;
    }

    /// <inheritdoc/>
    public bool TryOffer(Pushed pushed, bool respondAsync, [NotNullWhen(true)] out Task<AppendResult?>? done)
    {
        if (_committer.Depth >= _options.Capacity)
        {
            done = Task.FromException<AppendResult?>(new QueueUnavailableException("as many requests wait in the broker as may") { IsFull = true });
            return true;
        }
        var taken = _publisher.TryPublish(pushed, respondAsync, out var published);
        done = published;
        return taken;
    }

    /// <inheritdoc/>
    public async Task RunAsync(CancellationToken cancellation) => await await Task.WhenAny(_publisher.Running, _committer.Running).WaitAsync(cancellation);

    /// <summary>Takes no more. What waits in the broker stays there.</summary>
    public async ValueTask DisposeAsync()
    {
        await _publisher.DisposeAsync();
        await _committer.DisposeAsync();
    }
}
