using System.Text;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;
using Tocsin.Journal;

namespace Tocsin.Engines.RabbitMq;

/// <summary>Connects to one node of the broker after the other, from any of them on. Connections do not mend themselves: whoever has one makes a new one when it has ended.</summary>
internal static class Broker
{
    /// <summary>Before it a quorum queue did not exist.</summary>
    private static readonly Version Oldest = new(3, 8);

    private static readonly System.Buffers.SearchValues<char> Digits = System.Buffers.SearchValues.Create("0123456789.");

    /// <summary>A node that stands still is given up after three of them, and what is left of the one that runs.</summary>
    private static readonly TimeSpan Heartbeat = TimeSpan.FromSeconds(5);

    /// <summary>A node that stands still accepts connections and says nothing: the client itself would wait for it for ever.</summary>
    private static readonly TimeSpan ConnectDeadline = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan CallDeadline = TimeSpan.FromSeconds(10);

    /// <summary>Channels that tell what was confirmed. No limiter of the client's: it slows down long before its limit, and who publishes bounds what may wait.</summary>
    public static readonly CreateChannelOptions Confirms = new(true, true, outstandingPublisherConfirmationsRateLimiter: null);

    /// <summary>A message is a request of 10 MiB at most, with ids and names added to each of its events.</summary>
    private const uint MaxMessageBytes = 64 << 20;

    public static async Task<IConnection> ConnectAsync(BrokerUrl url, string name, TimeProvider time, CancellationToken cancellation)
    {
        var factory = new ConnectionFactory
        {
            UserName = url.User,
            Password = url.Password,
            VirtualHost = url.VirtualHost,
            AutomaticRecoveryEnabled = false,
            TopologyRecoveryEnabled = false,
            RequestedHeartbeat = Heartbeat,
            RequestedConnectionTimeout = ConnectDeadline,
            ContinuationTimeout = CallDeadline,
            HandshakeContinuationTimeout = CallDeadline,
            MaxInboundMessageBodySize = MaxMessageBytes,
        };
        var (first, errors) = (Random.Shared.Next(url.Nodes.Count), new List<Exception>());
        for (var i = 0; i < url.Nodes.Count; i++)
        {
            var (host, port) = url.Nodes[(first + i) % url.Nodes.Count];
            var connecting = ConnectAsync(factory, new AmqpTcpEndpoint(host, port, new SslOption(host, enabled: url.IsTls), MaxMessageBytes), name, time, cancellation);
            try
            {
                return await connecting.WaitAsync(ConnectDeadline, time, cancellation);
            }
            catch (Exception error)
            {
                // Not waited for: to give up a node that stands still takes the client 5 s more.
                _ = connecting.ContinueWith(static late => late.IsCompletedSuccessfully ? LetGoAsync(late.Result) : Task.CompletedTask, TaskScheduler.Default);
                if (!IsFault(error) || cancellation.IsCancellationRequested)
                    throw;
                errors.Add(error);
            }
        }
        // What a node answered says more than that another did not.
        throw errors.Find(static error => error is not (TimeoutException or OperationCanceledException)) ?? errors[0];
    }

    /// <summary>Closes it, however it is; of one whose node stands still that takes long, and nobody need wait for it.</summary>
    public static Task LetGoAsync(IAsyncDisposable ended) => ended.DisposeAsync().AsTask().ContinueWith(static _ => { }, TaskScheduler.Default);

    /// <summary>Waits for what is done over a connection and closes it then; for its end it waits only when all ends.</summary>
    public static async Task LettingGoAsync(this Task work, IConnection connection, CancellationToken stop)
    {
        try
        {
            await work;
        }
        finally
        {
            var closing = LetGoAsync(connection);
            if (stop.IsCancellationRequested)
                await closing;
        }
    }

    private static async Task<IConnection> ConnectAsync(ConnectionFactory factory, AmqpTcpEndpoint node, string name, TimeProvider time, CancellationToken cancellation)
    {
        using var late = new CancellationTokenSource(ConnectDeadline, time);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellation);
        return await factory.CreateConnectionAsync([node], name, ended.Token);
    }

    /// <summary>
    /// Looks whether the broker can be used, and makes the queues where they are not there. Throws <see cref="QueueOpenException"/>: nothing was made then.
    /// </summary>
    public static async Task CheckAsync(BrokerUrl url, TimeProvider time, CancellationToken cancellation)
    {
        try
        {
            await using var connection = await ConnectAsync(url, "tocsin start", time, cancellation);
            var version = VersionOf(connection);
            if (version < Oldest)
                throw new QueueOpenException($"RabbitMQ at {url} is version {version}, which has no quorum queues: {Oldest} or later is needed.");
            await Topology.DeclareAsync(connection, cancellation);
            await connection.CloseAsync(cancellation);
        }
        catch (Exception error) when (IsFault(error) && !cancellation.IsCancellationRequested)
        {
            throw new QueueOpenException(BrokerFault.Of(error, url), error);
        }
    }

    /// <summary>What a broker that is away, or refuses, makes the client throw.</summary>
    public static bool IsFault(Exception error) =>
        error is RabbitMQClientException or IOException or TimeoutException or OperationCanceledException or System.Net.Sockets.SocketException or ObjectDisposedException
            or System.Threading.Channels.ChannelClosedException;

    internal static Version? VersionOf(IConnection connection) =>
        connection.ServerProperties?.TryGetValue("version", out var value) == true && value is byte[] text ? Parse(Encoding.UTF8.GetString(text)) : null;

    /// <summary>The leading numbers of a version like <c>3.13.0-rc.1</c>; null when there are none.</summary>
    internal static Version? Parse(string text)
    {
        var end = text.AsSpan().IndexOfAnyExcept(Digits);
        return Version.TryParse(end < 0 ? text : text[..end].TrimEnd('.'), out var version) ? version : null;
    }
}
