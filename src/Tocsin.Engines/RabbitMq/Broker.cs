using System.Text;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;
using Tocsin.Journal;

namespace Tocsin.Engines.RabbitMq;

/// <summary>Connects to one node of the broker after the other. Connections do not mend themselves: whoever has one makes a new one when it has ended.</summary>
internal static class Broker
{
    /// <summary>Before it a quorum queue did not exist.</summary>
    private static readonly Version Oldest = new(3, 8);

    private static readonly System.Buffers.SearchValues<char> Digits = System.Buffers.SearchValues.Create("0123456789.");

    /// <summary>A node that stands still is given up after two of them.</summary>
    private static readonly TimeSpan Heartbeat = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan ConnectDeadline = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan CallDeadline = TimeSpan.FromSeconds(10);

    /// <summary>A message is a request of 10 MiB at most, with ids and names added to each of its events.</summary>
    private const uint MaxMessageBytes = 64 << 20;

    public static async Task<IConnection> ConnectAsync(BrokerUrl url, string name, CancellationToken cancellation)
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
        var endpoints = url.Nodes.Select(node => new AmqpTcpEndpoint(node.Host, node.Port, new SslOption(node.Host, enabled: url.IsTls), MaxMessageBytes));
        return await factory.CreateConnectionAsync(endpoints, name, cancellation);
    }

    /// <summary>
    /// Looks whether the broker can be used, and makes the queues where they are not there. Throws <see cref="QueueOpenException"/>: nothing was made then.
    /// </summary>
    public static async Task CheckAsync(BrokerUrl url, CancellationToken cancellation)
    {
        try
        {
            await using var connection = await ConnectAsync(url, "tocsin start", cancellation);
            var version = VersionOf(connection);
            if (version < Oldest)
                throw new QueueOpenException($"RabbitMQ at {url} is version {version}, which has no quorum queues: {Oldest} or later is needed.");
            await using var channel = await connection.CreateChannelAsync(cancellationToken: cancellation);
            await Topology.DeclareAsync(channel, version, cancellation);
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
