using RabbitMQ.Client;
using Tocsin.Journal;

namespace Tocsin.Engines.RabbitMq;

/// <summary>
/// Puts requests that cannot be stored where people can look at them, over the publisher's connection: a broker that is short of memory or disk would stop the
/// committer's when it published.
/// </summary>
internal sealed class Aside(Publisher publisher, TimeProvider time)
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Ends when the broker has confirmed it. Throws <see cref="QueueUnavailableException"/>: it may be there all the same, and is put there again.
    /// </summary>
    public async Task PutAsync(Delivery delivery, CancellationToken cancellation)
    {
        var connection = publisher.Connection ?? throw new QueueUnavailableException($"a request that cannot be stored waits to be set aside: {publisher.Error ?? "the broker is away"}");
        IChannel? channel = null;
        try
        {
            // A channel each: one that was refused may refuse for good, and there are few.
            channel = await connection.CreateChannelAsync(Broker.Confirms, cancellation);
            await channel.BasicPublishAsync("", Topology.Dead, mandatory: true, Properties(delivery), Body(delivery), CancellationToken.None).AsTask().WaitAsync(Deadline, time, cancellation);
        }
        catch (RabbitMQ.Client.Exceptions.PublishException error)
        {
            throw new QueueUnavailableException(error.IsReturn
                ? $"a request that cannot be stored waits to be set aside: the queue {Topology.Dead} is gone from the broker"
                : $"{Topology.Dead} holds {Topology.MaxDeadLetters} requests that cannot be stored, and there is one more: tocsin queue dead list", error);
        }
        catch (Exception error) when (Broker.IsFault(error) && !cancellation.IsCancellationRequested)
        {
            throw new QueueUnavailableException($"a request that cannot be stored waits to be set aside: the broker does not confirm it ({error.Message})", error);
        }
        finally
        {
            if (channel is not null)
                _ = Broker.LetGoAsync(channel);
        }
    }

    private BasicProperties Properties(Delivery delivery) => new()
    {
        DeliveryMode = DeliveryModes.Persistent, MessageId = delivery.Id, AppId = delivery.Journal,
        Headers = new Dictionary<string, object?>(StringComparer.Ordinal) { [Topology.Reason] = delivery.Defect, [Topology.DeadAt] = EventTime.From(time.GetUtcNow(), 3).ToString() },
    };

    private static byte[] Body(Delivery delivery)
    {
        if (delivery.Unreadable is { } bytes)
            return bytes;
        using var message = new MessageWriter();
        PushMessage.Write(message, delivery.Pushed, delivery.RespondAsync);
        return message.Written.ToArray();
    }
}
