using Microsoft.Extensions.Logging;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;
using Tocsin.Journal;

namespace Tocsin.Engines.RabbitMq;

/// <summary>
/// Gives requests to the broker over a connection of its own (a broker short of memory or disk stops connections that publish, and the committer's must go on),
/// and makes a new one whenever it has ended. A request is kept once the broker has confirmed it or its commit is known, and not before.
/// </summary>
internal sealed partial class Publisher(RabbitOptions options, string node, string journal, Askers askers, RabbitMetrics metrics, TimeProvider time) : IAsyncDisposable
{
    /// <summary>Requests, and bytes of them, that may wait for the broker's answer.</summary>
    private const int MaxOutstanding = 4_096;
    private const long MaxOutstandingBytes = 64 << 20;

    /// <summary>
    /// A channel whose first message came while its queue's leader was dead refuses all that follow, though another leads by then. So one that refuses is replaced, but not
    /// more often than this: the queue may be full indeed.
    /// </summary>
    private static readonly TimeSpan RenewAfter = TimeSpan.FromSeconds(1);

    /// <summary>Requests that ask whether a silent broker confirms again.</summary>
    private const int Probes = 8;

    /// <summary>So many at once whose senders do not wait for their commit are a burst.</summary>
    private const int Burst = 4;

    /// <summary>A broker that has not confirmed by then has lost its majority, or stands still: the sender is told, and comes again.</summary>
    private static readonly TimeSpan ConfirmDeadline = TimeSpan.FromSeconds(10);

    private readonly ILogger _logger = options.Logs.CreateLogger<Publisher>();
    private readonly CancellationTokenSource _stop = new();
    private readonly TaskCompletionSource _connected = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile IChannel? _channel;
    private volatile IConnection? _connection;
    private volatile string? _error = "not connected yet";
    private volatile string? _blocked;
    private Task _running = Task.CompletedTask;
    private volatile Action _renew = static () => { };
    private volatile Action<string> _leave = static _ => { };
    private long _messages;
    private int _outstanding;
    private long _outstandingBytes;
    private int _unhurried;
    private volatile bool _isSilent;

    /// <summary>Why it cannot publish now; null when it can.</summary>
    public string? Error => Unreachable ?? (_isSilent ? $"RabbitMQ at {options.Url} does not confirm what it is given: check that a majority of its nodes runs" : null);

    private string? Unreachable => _blocked is { } reason ? $"the broker takes nothing now ({reason})" : _error;

    /// <summary>
    /// For what is published beside requests; null while the broker is away or takes nothing. Nothing is published on the committer's: the broker would stop it as well.
    /// </summary>
    public IConnection? Connection => Unreachable is null ? _connection : null;

    /// <summary>The queue on which this node hears of commits that others made; null while it has none.</summary>
    public string? ReplyTo { get; set; }

    /// <summary>Many requests come at once whose senders wait for the broker only.</summary>
    public bool IsBurst => Volatile.Read(ref _unhurried) >= Burst;

    /// <summary>Ends when it broke; it goes on by itself over every fault of the broker.</summary>
    public Task Running => _running;

    /// <summary>Completes when it is connected the first time.</summary>
    public Task StartAsync()
    {
        _running = Task.Run(RunAsync);
        return _connected.Task;
    }

    /// <summary>False when as much waits for the broker as may.</summary>
    public bool TryPublish(Pushed pushed, bool respondAsync, out Task<AppendResult?> done)
    {
        // A broker that has fallen silent is asked by a few only, until it confirms again: the others need not wait for nothing.
        if (Unreachable is not null || _channel is not { } channel || (_isSilent && Volatile.Read(ref _outstanding) >= Probes))
        {
            done = Task.FromException<AppendResult?>(new QueueUnavailableException(Error ?? "the broker is away"));
            return true;
        }
        var message = new MessageWriter();
        PushMessage.Write(message, pushed, respondAsync);
        var bytes = message.Written.Length;
        var (requests, all) = (Interlocked.Increment(ref _outstanding), Interlocked.Add(ref _outstandingBytes, bytes));
        if (requests > MaxOutstanding || (all > MaxOutstandingBytes && all > bytes))
        {
            Release(bytes);
            message.Dispose();
            done = Task.FromResult<AppendResult?>(null);
            return false;
        }
        done = PublishAsync(channel, message, respondAsync);
        return true;
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running.ContinueWith(static _ => { }, TaskScheduler.Default);
        _stop.Dispose();
    }

    private async Task<AppendResult?> PublishAsync(IChannel channel, MessageWriter message, bool respondAsync)
    {
        var id = $"{node}/{Interlocked.Increment(ref _messages)}";
        var began = time.GetTimestamp();
        var told = respondAsync ? null : askers.Wait(id);
        var confirm = ConfirmAsync(channel, id, message, respondAsync);
        try
        {
            var first = told is null ? confirm : await Task.WhenAny(told, confirm).WaitAsync(ConfirmDeadline, time);
            if (first == told)
                return await told;
            if (await confirm.WaitAsync(ConfirmDeadline, time) is { } error)
                return told is not null && !askers.GiveUp(id) ? await told : throw error;
        }
        catch (TimeoutException)
        {
            // Perhaps it is this node, or this channel: another one may be heard. One that says that it takes nothing goes on by itself, and what was asked over one that
            // was left says nothing of the next.
            if (_blocked is null && _channel == channel)
            {
                _isSilent = true;
                _leave("nothing was confirmed in time");
            }
            // Whether the broker has it nobody knows; but when it is committed it is.
            return told is not null && !askers.GiveUp(id) ? await told : throw new QueueUnavailableException("the broker has not confirmed it in time");
        }
        if (told is null)
            return null;
        var left = options.Wait - time.GetElapsedTime(began);
        try
        {
            return await told.WaitAsync(left > TimeSpan.Zero ? left : TimeSpan.Zero, time);
        }
        catch (TimeoutException)
        {
            return askers.GiveUp(id) ? null : await told;
        }
    }

    /// <summary>Never throws: who waits for it may have gone.</summary>
    private async Task<QueueUnavailableException?> ConfirmAsync(IChannel channel, string id, MessageWriter message, bool respondAsync)
    {
        var (bytes, isLetGo) = (message.Written.Length, true);
        Interlocked.Add(ref _unhurried, respondAsync ? 1 : 0);
        try
        {
            var properties = new BasicProperties { DeliveryMode = DeliveryModes.Persistent, MessageId = id, AppId = journal, ReplyTo = ReplyTo };
            await channel.BasicPublishAsync("", Topology.Push, mandatory: true, properties, message.Written, CancellationToken.None).AsTask().WaitAsync(2 * ConfirmDeadline, time);
            _isSilent = false;
            metrics.Confirmed();
            return null;
        }
        catch (PublishException error)
        {
            metrics.Nacked();
            _renew();
            return error.IsReturn
                ? new QueueUnavailableException($"the queue {Topology.Push} is gone from the broker", error)
                : new QueueUnavailableException("as many requests wait in the broker as may", error) { IsFull = true };
        }
        catch (Exception error)
        {
            // What a closed channel was asked last the client may never answer, nor let go of the bytes: they are not used again then.
            isLetGo = error is not TimeoutException;
            metrics.Unknown();
            return new QueueUnavailableException("the connection to the broker was lost", error);
        }
        finally
        {
            Interlocked.Add(ref _unhurried, respondAsync ? -1 : 0);
            if (isLetGo)
                message.Dispose();
            Release(bytes);
        }
    }

    private void Release(int bytes)
    {
        Interlocked.Decrement(ref _outstanding);
        Interlocked.Add(ref _outstandingBytes, -bytes);
    }

    private async Task RunAsync()
    {
        var (backoff, said) = (new Backoff(time), "");
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                var connection = await Broker.ConnectAsync(options.Url, $"tocsin {node} push", time, _stop.Token);
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
            (_channel, _connection) = (null, null);
            // Said once, however often it is tried.
            if (backoff.IsFirst || said != _error)
                Log.Lost(_logger, said = _error!);
            await backoff.WaitAsync(_stop.Token).ContinueWith(static _ => { }, TaskScheduler.Default);
        }
    }

    private async Task ServeAsync(IConnection connection, Backoff backoff)
    {
        var ended = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        _leave = why => ended.TrySetResult(why);
        connection.ConnectionShutdownAsync += (_, reason) => Ended(reason.ReplyText);
        connection.ConnectionBlockedAsync += (_, blocked) => Blocked(blocked.Reason);
        connection.ConnectionUnblockedAsync += (_, _) => Blocked(null);
        _blocked = null;
        Log.Connected(_logger, connection.Endpoint.HostName, connection.Endpoint.Port);
        while (!ended.Task.IsCompleted)
        {
            var channel = await connection.CreateChannelAsync(Broker.Confirms, _stop.Token);
            var (renewed, opened) = (new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously), time.GetTimestamp());
            channel.ChannelShutdownAsync += (_, reason) => _channel == channel ? Ended(reason.ReplyText) : Task.CompletedTask;
            _renew = () => _ = time.GetElapsedTime(opened) > RenewAfter && renewed.TrySetResult();
            if (!channel.IsOpen)
                ended.TrySetResult("closed at once");
            // What the last connection did not confirm says nothing of this one.
            (_channel, _connection, _isSilent, _error) = (channel, connection, false, null);
            _connected.TrySetResult();
            backoff.Reset();
            await Task.WhenAny(ended.Task, renewed.Task).WaitAsync(_stop.Token);
            _channel = null;
            // Of one whose node stands still that takes long.
            _ = Broker.LetGoAsync(channel);
        }
        (_blocked, _error) = (null, $"the connection to RabbitMQ at {options.Url} ended ({await ended.Task})");

        Task Ended(string text)
        {
            _error ??= "the connection to the broker ended";
            ended.TrySetResult(text);
            return Task.CompletedTask;
        }

        Task Blocked(string? why)
        {
            _blocked = why;
            Log.Blocked(_logger, why ?? "no more");
            return Task.CompletedTask;
        }
    }

    private static partial class Log
    {
        [LoggerMessage(300, LogLevel.Information, "Pushes go to RabbitMQ at {Host}:{Port}")]
        public static partial void Connected(ILogger logger, string host, int port);

        [LoggerMessage(301, LogLevel.Warning, "Pushes are refused until the broker is back: {Error}")]
        public static partial void Lost(ILogger logger, string error);

        [LoggerMessage(302, LogLevel.Warning, "RabbitMQ blocks what is pushed: {Reason}")]
        public static partial void Blocked(ILogger logger, string reason);
    }
}
