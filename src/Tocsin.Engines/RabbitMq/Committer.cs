using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;
using Tocsin.Collect.Push;
using Tocsin.Journal;

namespace Tocsin.Engines.RabbitMq;

/// <summary>
/// Takes requests from the broker and stores them: every node stands ready, the broker gives them to one. What was stored is acknowledged after it, so that
/// what a node that dies had in hand goes to the next, in its order. Makes a new connection whenever it has ended.
/// </summary>
internal sealed partial class Committer(
    RabbitOptions options, string node, EventJournal journal, Askers askers, Publisher publisher, RabbitMetrics metrics, TimeProvider time) : IAsyncDisposable
{
    /// <summary>Requests in hand. Of the largest, 640 MB; of the usual ones enough that each commit has a group.</summary>
    private const ushort Prefetch = 64;

    /// <summary>Events, and bytes of their messages, that are committed together; a request alone may have more.</summary>
    private const int MaxGroup = 10_000;
    private const long MaxGroupBytes = 16 << 20;

    /// <summary>How long a group is put off while a burst comes in, and how often it is looked whether one still does.</summary>
    private static readonly TimeSpan LongestWay = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan LongestStandstill = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan LookForBurst = TimeSpan.FromMilliseconds(20);

    private readonly ILogger _logger = options.Logs.CreateLogger<Committer>();
    private readonly PushStore _store = new(journal, time);
    private readonly PushRejects _rejects = new(journal);
    private readonly Replies _replies = new(options, publisher, time);
    private readonly Aside _aside = new(publisher, time);
    private readonly CancellationTokenSource _stop = new();
    private volatile string? _error = "not connected yet";
    private volatile ChannelReader<Delivery>? _deliveries;
    private int _committing;

    /// <summary>Why nothing is committed now; null when it is.</summary>
    public string? Error => _error ?? _store.Waits;

    /// <summary>Requests that wait in the broker, as it said last, and those that it has given to this node.</summary>
    public int Depth => Volatile.Read(ref _depth) + Volatile.Read(ref _committing) + (_deliveries?.Count ?? 0);

    /// <summary>Requests that were set aside, as the broker said last.</summary>
    public int DeadLetters => Volatile.Read(ref _deadLetters);

    private int _depth;
    private int _deadLetters;

    /// <summary>Ends when it broke.</summary>
    public Task Running { get; private set; } = Task.CompletedTask;

    public void Start()
    {
        _replies.Start();
        Running = Task.Run(RunAsync);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await Running.ContinueWith(static _ => { }, TaskScheduler.Default);
        await _replies.DisposeAsync();
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        var (backoff, said) = (new Backoff(time), "");
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                var connection = await Broker.ConnectAsync(options.Url, $"tocsin {node} commit", time, _stop.Token);
                await ServeAsync(connection, backoff).LettingGoAsync(connection, _stop.Token);
            }
            catch (Exception) when (_stop.IsCancellationRequested)
            {
                return;
            }
            catch (Exception error) when (Broker.IsFault(error))
            {
                _error = BrokerFault.Of(error, options.Url);
            }
            catch (Exception error) when (error is DeliveryLostException or StandstillException)
            {
                _error = error.Message;
            }
            finally
            {
                publisher.ReplyTo = null;
                _deliveries = null;
                Volatile.Write(ref _committing, 0);
                Volatile.Write(ref _depth, 0);
            }
            // Said once, however often it is tried.
            if (backoff.IsFirst || said != _error)
                Log.Lost(_logger, said = _error ?? "the connection ended");
            await backoff.WaitAsync(_stop.Token).ContinueWith(static _ => { }, TaskScheduler.Default);
        }
    }

    /// <summary>One connection, to its end.</summary>
    private async Task ServeAsync(IConnection connection, Backoff backoff)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        if (!await Topology.DeclareAsync(connection, ended.Token))
            Log.Drops(_logger, Topology.KeepAll);
        var pushes = await OpenAsync(connection, ended);
        var watch = await OpenAsync(connection, ended);
        publisher.ReplyTo = await HearAsync(connection, ended.Token);

        var deliveries = Channel.CreateUnbounded<Delivery>();
        _deliveries = deliveries.Reader;
        await pushes.BasicQosAsync(0, Prefetch, global: false, ended.Token);
        await pushes.BasicConsumeAsync(Topology.Push, autoAck: false, new PushConsumer(pushes, journal.Store.Info.Id.ToString(), deliveries.Writer, metrics, () => ended.CancelAsync()), ended.Token);
        _error = null;

        Task[] work = [CommitAsync(deliveries.Reader, pushes, ended.Token), WatchAsync(watch, backoff, ended.Token)];
        try
        {
            await await Task.WhenAny(work);
        }
        catch (OperationCanceledException) when (ended.IsCancellationRequested && !_stop.IsCancellationRequested)
        {
            _error = $"the connection to RabbitMQ at {options.Url} ended";
        }
        finally
        {
            await ended.CancelAsync();
            await Task.WhenAll(work).ContinueWith(static _ => { }, TaskScheduler.Default);
        }
    }

    /// <summary>Hears of commits that other nodes make. Null when the broker does not let it (a user who may use queues of Tocsin's names only): then 202 is the answer.</summary>
    private async Task<string?> HearAsync(IConnection connection, CancellationToken ended)
    {
        var channel = await connection.CreateChannelAsync(cancellationToken: ended);
        try
        {
            var queue = await channel.QueueDeclareAsync("", durable: false, exclusive: true, autoDelete: true, cancellationToken: ended);
            await channel.BasicConsumeAsync(queue.QueueName, autoAck: true, new ReplyConsumer(channel, askers), ended);
            return queue.QueueName;
        }
        catch (OperationInterruptedException error) when (connection.IsOpen)
        {
            Log.Deaf(_logger, BrokerFault.Of(error, options.Url));
            return null;
        }
    }

    private static async Task<IChannel> OpenAsync(IConnection connection, CancellationTokenSource ended)
    {
        var channel = await connection.CreateChannelAsync(cancellationToken: ended.Token);
        channel.ChannelShutdownAsync += (_, _) => CancelAsync(ended);
        return channel;
    }

    private static async Task CancelAsync(CancellationTokenSource ended)
    {
        try
        {
            await ended.CancelAsync();
        }
        catch (ObjectDisposedException)
        {
            // It had ended already.
        }
    }

    private async Task CommitAsync(ChannelReader<Delivery> deliveries, IChannel pushes, CancellationToken ended)
    {
        var batch = new List<Delivery>();
        while (await deliveries.WaitToReadAsync(ended))
        {
            Gather(deliveries, batch);
            Volatile.Write(ref _committing, batch.Count);
            await GiveWayAsync(ended);
            var results = await _store.StoreAsync(batch, again: false, ended);
            for (var i = 0; i < batch.Count; i++)
                if (results[i] is { } result)
                    await TellAsync(batch[i], result, ended);
                else
                    await SetAsideAsync(batch[i], ended);
            await pushes.BasicAckAsync(batch[^1].Tag, multiple: true, ended);
            Volatile.Write(ref _committing, 0);
        }
    }

    private static void Gather(ChannelReader<Delivery> deliveries, List<Delivery> batch)
    {
        batch.Clear();
        var (weight, bytes) = (0, 0L);
        while (deliveries.TryPeek(out var next))
        {
            weight += next.Weight;
            bytes += next.Bytes;
            if (batch.Count > 0 && (weight > MaxGroup || bytes > MaxGroupBytes))
                return;
            deliveries.TryRead(out next);
            batch.Add(next!);
        }
    }

    /// <summary>
    /// A burst of requests whose senders do not wait for their commit is taken first: what is in the broker is safe, and storing it costs the same a moment later. Not
    /// while somebody here waits for a commit, and not when the broker fills up.
    /// </summary>
    private async Task GiveWayAsync(CancellationToken ended)
    {
        var began = time.GetTimestamp();
        while (publisher.IsBurst && askers.IsEmpty && Depth < options.Capacity / 2 && time.GetElapsedTime(began) < LongestWay)
            await Task.Delay(LookForBurst, time, ended);
    }

    private async Task TellAsync(Delivery delivery, AppendResult result, CancellationToken ended)
    {
        var isOurs = delivery.Id.StartsWith(node, StringComparison.Ordinal);
        var told = isOurs && askers.Tell(delivery.Id, result);
        if (!isOurs)
            _replies.Tell(delivery, result);
        // Where another node was told nobody here knows whether its sender still waited: rather twice than never.
        if (!told && (result.Status == AppendStatus.OtherContent || result.Entries.Any(entry => entry.Status == EntryStatus.Changed)))
            await KeepRejectsAsync(delivery, result, ended);
    }

    private async Task KeepRejectsAsync(Delivery delivery, AppendResult result, CancellationToken ended)
    {
        for (var backoff = new Backoff(time); ; await backoff.WaitAsync(ended))
        {
            try
            {
                var (conflicts, refused) = await _rejects.KeepAsync(delivery.Pushed, result, time.GetUtcNow(), ended);
                metrics.Conflicts(conflicts);
                Log.Conflicts(_logger, conflicts, delivery.Pushed.Sender, refused);
                return;
            }
            catch (JournalUnavailableException)
            {
                // They are kept when the store is back; until then their message is not acknowledged.
            }
        }
    }

    /// <summary>Puts a request where people can look at it, and only then takes it from the queue. As long as there is no room for it, it waits, and all behind it.</summary>
    private async Task SetAsideAsync(Delivery delivery, CancellationToken ended)
    {
        for (var backoff = new Backoff(time); ; await backoff.WaitAsync(ended))
        {
            try
            {
                await _aside.PutAsync(delivery, ended);
                _error = null;
                metrics.Dead();
                Log.Dead(_logger, delivery.Id, delivery.Defect!);
                return;
            }
            catch (QueueUnavailableException error)
            {
                _error = error.Message;
            }
        }
    }

    private async Task WatchAsync(IChannel channel, Backoff backoff, CancellationToken ended)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1), time);
        // One that ends within the first second is not tried again at once.
        for (var since = time.GetTimestamp(); ; await timer.WaitForNextTickAsync(ended), backoff.Reset())
        {
            var before = _depth;
            Volatile.Write(ref _depth, (int)Math.Min(int.MaxValue / 2, await channel.MessageCountAsync(Topology.Push, ended)));
            // What waits, is neither more nor less, and is given to nobody while the store is well is the broker's fault: a new consumer ends it.
            if (_depth == 0 || _depth != before || Volatile.Read(ref _committing) > 0 || Error is not null || journal.LastError is not null)
                since = time.GetTimestamp();
            else if (time.GetElapsedTime(since) > LongestStandstill)
                throw new StandstillException($"{_depth} requests wait in the broker, and it gives them to nobody: a new connection asks for them");
            Volatile.Write(ref _deadLetters, (int)Math.Min(int.MaxValue, await channel.MessageCountAsync(Topology.Dead, ended)));
        }
    }

    private static partial class Log
    {
        [LoggerMessage(310, LogLevel.Warning, "Nothing comes from the broker to be stored: {Error}")]
        public static partial void Lost(ILogger logger, string error);

        [LoggerMessage(311, LogLevel.Error, "The request {Id} cannot be stored and was set aside (tocsin queue dead list): {Reason}")]
        public static partial void Dead(ILogger logger, string id, string reason);

        [LoggerMessage(312, LogLevel.Warning, "{Events} accepted events of {Sender} are there already with other content, and kept as rejects (but {Refused}, for which there is no room)")]
        public static partial void Conflicts(ILogger logger, int events, string sender, int refused);

        [LoggerMessage(314, LogLevel.Warning, "This node does not hear what others commit for it, and answers 202 then: {Error}")]
        public static partial void Deaf(ILogger logger, string error);

        [LoggerMessage(313, LogLevel.Warning, "A queue was made under RabbitMQ 3, and the broker of today drops what it has given out 20 times, unless it is told not to: {Command}")]
        public static partial void Drops(ILogger logger, string command);
    }
}
