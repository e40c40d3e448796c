using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace Tocsin.Engines.RabbitMq;

/// <summary>
/// The queues in the broker. Both are quorum queues (a majority of nodes has written a message before it is confirmed). Their arguments cannot be changed once
/// they are there: never change what stands here without another name.
/// </summary>
internal static class Topology
{
    public const string Push = "tocsin.push";
    public const string Dead = "tocsin.push.dead";

    /// <summary>Headers of a dead letter: why, and when.</summary>
    public const string Reason = "tocsin-reason", DeadAt = "tocsin-dead-at";

    /// <summary>What may wait in the broker whatever the settings say: its disk has an end.</summary>
    private const long MaxBytes = 16L << 30;

    /// <summary>Beyond it nothing more is set aside: the requests wait in their queue, and health says so.</summary>
    public const int MaxDeadLetters = 10_000;

    /// <summary>From here on a quorum queue drops what it has given out 20 times, unless it is told not to: a node that dies again and again must not cost an acknowledged request.</summary>
    private static readonly Version DropsByDefault = new(4, 0);

    /// <summary>What tells the broker not to, for a queue that cannot say so itself.</summary>
    public const string KeepAll = """rabbitmqctl set_policy --apply-to queues tocsin '^tocsin[.]push' '{"delivery-limit":-1}'""";

    private static readonly Dictionary<string, object?> PushArguments = new(StringComparer.Ordinal)
    {
        // One consumer at a time, the others stand by: that keeps the order, also when one dies and its messages go to the next.
        ["x-queue-type"] = "quorum", ["x-single-active-consumer"] = true, ["x-overflow"] = "reject-publish", ["x-max-length-bytes"] = MaxBytes,
    };

    private static readonly Dictionary<string, object?> DeadArguments = new(StringComparer.Ordinal)
    {
        ["x-queue-type"] = "quorum", ["x-overflow"] = "reject-publish", ["x-max-length"] = MaxDeadLetters,
    };

    /// <summary>
    /// Makes the queues where they are not there. False when one of them was made under RabbitMQ 3 and the broker is a later one: it is used as it is, but drops
    /// messages unless a policy says otherwise.
    /// </summary>
    public static async Task<bool> DeclareAsync(IConnection connection, CancellationToken cancellation)
    {
        var drops = Broker.VersionOf(connection) >= DropsByDefault;
        return await DeclareAsync(connection, Push, PushArguments, drops, cancellation) & await DeclareAsync(connection, Dead, DeadArguments, drops, cancellation);
    }

    private static async Task<bool> DeclareAsync(IConnection connection, string name, Dictionary<string, object?> arguments, bool drops, CancellationToken cancellation)
    {
        if (drops)
            try
            {
                await DeclareAsync(connection, name, new Dictionary<string, object?>(arguments, StringComparer.Ordinal) { ["x-delivery-limit"] = -1 }, cancellation);
                return true;
            }
            catch (OperationInterruptedException error) when (error.ShutdownReason?.ReplyCode == BrokerFault.PreconditionFailed)
            {
                // It was made without the limit; or it is no queue of Tocsin's, which the next line finds as well.
            }
        await DeclareAsync(connection, name, arguments, cancellation);
        return !drops;
    }

    /// <summary>On a channel of its own: the broker closes it when it refuses.</summary>
    private static async Task DeclareAsync(IConnection connection, string name, Dictionary<string, object?> arguments, CancellationToken cancellation)
    {
        await using var channel = await connection.CreateChannelAsync(cancellationToken: cancellation);
        await channel.QueueDeclareAsync(name, durable: true, exclusive: false, autoDelete: false, arguments, cancellationToken: cancellation);
    }
}
