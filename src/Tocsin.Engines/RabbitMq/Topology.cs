using RabbitMQ.Client;

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

    public static async Task DeclareAsync(IChannel channel, Version? broker, CancellationToken cancellation)
    {
        Dictionary<string, object?> push = new(StringComparer.Ordinal)
        {
            ["x-queue-type"] = "quorum", ["x-single-active-consumer"] = true, ["x-overflow"] = "reject-publish", ["x-max-length-bytes"] = MaxBytes,
        };
        if (broker >= DropsByDefault)
            push["x-delivery-limit"] = -1;
        // One consumer at a time, the others stand by: that keeps the order, also when one dies and its messages go to the next.
        await channel.QueueDeclareAsync(Push, durable: true, exclusive: false, autoDelete: false, push, cancellationToken: cancellation);
        await channel.QueueDeclareAsync(Dead, durable: true, exclusive: false, autoDelete: false, new Dictionary<string, object?>(StringComparer.Ordinal)
        {
            ["x-queue-type"] = "quorum", ["x-overflow"] = "reject-publish", ["x-max-length"] = MaxDeadLetters,
        }, cancellationToken: cancellation);
    }
}
