using System.Collections.Concurrent;
using RabbitMQ.Client;

namespace Tocsin.SystemTests.Kit;

/// <summary>Stands first in line at the queue of pushes, and takes what comes without letting it go: as long as this is there no service commits anything.</summary>
internal sealed class HeldQueue : IAsyncDisposable
{
    private readonly IConnection _connection;

    private HeldQueue(IConnection connection) => _connection = connection;

    /// <summary>What has come.</summary>
    public ConcurrentQueue<byte[]> Bodies { get; } = [];

    /// <summary>Takes the queue before a service does, and with it <paramref name="inHand"/> messages.</summary>
    public static async Task<HeldQueue> TakeAsync(RabbitBroker broker, ushort inHand = 1)
    {
        var connection = await new ConnectionFactory { Uri = new Uri(broker.UrlOf(0)) }.CreateConnectionAsync();
        var held = new HeldQueue(connection);
        var channel = await connection.CreateChannelAsync();
        // As the service declares it: another argument, and the service would refuse to start.
        await channel.QueueDeclareAsync(OneBroker.Push, durable: true, exclusive: false, autoDelete: false, new Dictionary<string, object?>(StringComparer.Ordinal)
        {
            ["x-queue-type"] = "quorum", ["x-single-active-consumer"] = true, ["x-overflow"] = "reject-publish", ["x-max-length-bytes"] = 16L << 30,
        });
        await channel.BasicQosAsync(0, inHand, global: false);
        await channel.BasicConsumeAsync(OneBroker.Push, autoAck: false, new Taker(channel, held.Bodies));
        return held;
    }

    /// <summary>Lets go: all of it is given to the next in line, in its order.</summary>
    public ValueTask DisposeAsync() => _connection.DisposeAsync();

    private sealed class Taker(IChannel channel, ConcurrentQueue<byte[]> bodies) : AsyncDefaultBasicConsumer(channel)
    {
        public override Task HandleBasicDeliverAsync(string consumerTag, ulong deliveryTag, bool redelivered, string exchange, string routingKey,
            IReadOnlyBasicProperties properties, ReadOnlyMemory<byte> body, CancellationToken cancellationToken = default)
        {
            bodies.Enqueue(body.ToArray());
            return Task.CompletedTask;
        }
    }
}
