using System.Threading.Channels;
using RabbitMQ.Client;

namespace Tocsin.Engines.RabbitMq;

/// <summary>Reads requests as they come, one after the other, while those before them are committed.</summary>
internal sealed class PushConsumer(IChannel channel, string journal, ChannelWriter<Delivery> deliveries, RabbitMetrics metrics, Func<Task> cancelled) : AsyncDefaultBasicConsumer(channel)
{
    private readonly StringCache _words = new();

    public override Task HandleBasicDeliverAsync(string consumerTag, ulong deliveryTag, bool redelivered, string exchange, string routingKey,
        IReadOnlyBasicProperties properties, ReadOnlyMemory<byte> body, CancellationToken cancellationToken = default)
    {
        try
        {
            metrics.Delivered(redelivered);
            deliveries.TryWrite(Read(deliveryTag, redelivered, properties, body));
        }
        catch (Exception error)
        {
            // The client would only tell of it and go on, and what is acknowledged behind this request would be it as well. Nothing is taken behind it.
            deliveries.TryComplete(new DeliveryLostException($"a request of {body.Length} bytes from the broker could not be taken in ({error.Message})", error));
        }
        return Task.CompletedTask;
    }

    /// <summary>The broker took the queue away.</summary>
    public override async Task HandleBasicCancelAsync(string consumerTag, CancellationToken cancellationToken = default)
    {
        await base.HandleBasicCancelAsync(consumerTag, cancellationToken);
        await cancelled();
    }

    private Delivery Read(ulong tag, bool again, IReadOnlyBasicProperties properties, ReadOnlyMemory<byte> body)
    {
        var (id, its) = (properties.MessageId ?? "", properties.AppId);
        // Two services of different journals at one virtual host; or the journal was made anew while requests waited.
        if (its is not null && its != journal)
            return Unreadable($"it is for another journal, {its}, and this is {journal}");
        try
        {
            var (pushed, respondAsync) = PushMessage.Read(body.Span, _words);
            return new Delivery { Tag = tag, IsAgain = again, Id = id, Journal = its, Bytes = body.Length, ReplyTo = properties.ReplyTo, Pushed = pushed, RespondAsync = respondAsync };
        }
        catch (InvalidDataException error)
        {
            return Unreadable($"it is no request of Tocsin's: {error.Message}");
        }

        Delivery Unreadable(string why) => new() { Tag = tag, IsAgain = again, Id = id, Journal = its, Bytes = body.Length, Unreadable = body.ToArray(), Defect = why };
    }
}

/// <summary>Hears from other nodes what the commits of this one's requests came to.</summary>
internal sealed class ReplyConsumer(IChannel channel, Askers askers) : AsyncDefaultBasicConsumer(channel)
{
    public override Task HandleBasicDeliverAsync(string consumerTag, ulong deliveryTag, bool redelivered, string exchange, string routingKey,
        IReadOnlyBasicProperties properties, ReadOnlyMemory<byte> body, CancellationToken cancellationToken = default)
    {
        try
        {
            askers.Tell(properties.CorrelationId ?? "", ResultMessage.Read(body.Span));
        }
        catch (InvalidDataException)
        {
            // Of a version that is not known here: whoever waits is told that the request is accepted.
        }
        return Task.CompletedTask;
    }
}

/// <summary>A request that the broker gave was not taken in, for a reason that is not its own: nothing behind it may be acknowledged.</summary>
internal sealed class DeliveryLostException(string message, Exception inner) : Exception(message, inner);

/// <summary>Requests wait in the broker, and it gives them to nobody.</summary>
internal sealed class StandstillException(string message) : Exception(message);
