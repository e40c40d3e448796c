using System.Security.Cryptography;
using System.Text;
using RabbitMQ.Client;
using Tocsin.Journal;

namespace Tocsin.Engines.RabbitMq;

/// <summary>A request that was set aside because it cannot be stored.</summary>
/// <param name="Id">The message's id; where it has none, made from its bytes.</param>
/// <param name="Time">When it was set aside; null when nobody said.</param>
/// <param name="Sender">The token's name; null when the message cannot be read.</param>
/// <param name="Events">Its events; null when the message cannot be read.</param>
/// <param name="Bytes">The size of the message.</param>
/// <param name="Reason">Why it cannot be stored.</param>
public sealed record DeadLetter(string Id, string? Time, string? Sender, int? Events, int Bytes, string Reason);

/// <summary>
/// What was set aside, for whoever looks after it: lists it, gives it back to be stored, or drops it. What is in hand meanwhile goes back when this is disposed, or
/// dies. Throws <see cref="QueueUnavailableException"/>: what was not done yet is as it was.
/// </summary>
public sealed class DeadLetters : IAsyncDisposable
{
    private static readonly TimeSpan ConfirmDeadline = TimeSpan.FromSeconds(30);
    private readonly IConnection _connection;
    private readonly IChannel _channel;
    private readonly TimeProvider _time;
    private readonly StringCache _words = new();

    private DeadLetters(IConnection connection, IChannel channel, TimeProvider time) => (_connection, _channel, _time) = (connection, channel, time);

    /// <summary>Connects. Throws <see cref="QueueOpenException"/> when the broker cannot be used.</summary>
    public static async Task<DeadLetters> OpenAsync(BrokerUrl url, TimeProvider time, CancellationToken cancellation)
    {
        await Broker.CheckAsync(url, time, cancellation);
        try
        {
            var connection = await Broker.ConnectAsync(url, "tocsin queue dead", time, cancellation);
            return new DeadLetters(connection, await connection.CreateChannelAsync(new CreateChannelOptions(true, true), cancellation), time);
        }
        catch (Exception error) when (Broker.IsFault(error))
        {
            throw new QueueOpenException(BrokerFault.Of(error, url), error);
        }
    }

    /// <summary>The first of them, the oldest first.</summary>
    public Task<IReadOnlyList<DeadLetter>> ListAsync(int limit, CancellationToken cancellation) => SaidAsync<IReadOnlyList<DeadLetter>>(async () =>
    {
        var letters = new List<DeadLetter>();
        while (letters.Count < limit && await _channel.BasicGetAsync(Topology.Dead, autoAck: false, cancellation) is { } message)
            letters.Add(Letter(message));
        return letters;
    });

    /// <summary>
    /// Gives those with these ids (all, when there are none) back to be stored; each leaves only when the broker has confirmed it in its queue. Gives their number.
    /// </summary>
    public Task<int> ReplayAsync(IReadOnlyCollection<string> ids, CancellationToken cancellation) => TakeAsync(ids, async message =>
    {
        // Without the journal that it was for: who gives it back says that it belongs here.
        var properties = new BasicProperties { DeliveryMode = DeliveryModes.Persistent, MessageId = message.BasicProperties.MessageId };
        // The client must not be cancelled while it waits for a confirm.
        await _channel.BasicPublishAsync("", Topology.Push, mandatory: true, properties, message.Body, CancellationToken.None).AsTask().WaitAsync(ConfirmDeadline, _time, cancellation);
    }, cancellation);

    /// <summary>Drops those with these ids (all, when there are none) for good; gives their number.</summary>
    public Task<int> DropAsync(IReadOnlyCollection<string> ids, CancellationToken cancellation) => TakeAsync(ids, static _ => Task.CompletedTask, cancellation);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _channel.DisposeAsync();
        await _connection.DisposeAsync();
    }

    private Task<int> TakeAsync(IReadOnlyCollection<string> ids, Func<BasicGetResult, Task> take, CancellationToken cancellation) => SaidAsync(async () =>
    {
        // What comes back dead while this goes on waits for the next time.
        var (left, taken) = (await _channel.MessageCountAsync(Topology.Dead, cancellation), 0);
        for (; left > 0 && await _channel.BasicGetAsync(Topology.Dead, autoAck: false, cancellation) is { } message; left--)
        {
            if (ids.Count > 0 && !ids.Contains(Letter(message).Id))
                continue;
            await take(message);
            await _channel.BasicAckAsync(message.DeliveryTag, multiple: false, cancellation);
            taken++;
        }
        return taken;
    });

    private static async Task<T> SaidAsync<T>(Func<Task<T>> action)
    {
        try
        {
            return await action();
        }
        catch (Exception error) when (Broker.IsFault(error))
        {
            throw new QueueUnavailableException($"The broker did not take it ({error.Message}): what was not done yet is as it was.", error);
        }
    }

    private DeadLetter Letter(BasicGetResult message)
    {
        var id = message.BasicProperties.MessageId is { Length: > 0 } given ? given : Convert.ToHexStringLower(SHA256.HashData(message.Body.Span).AsSpan(0, 8));
        var (reason, time) = (Header(message, Topology.Reason) ?? "nobody said why", Header(message, Topology.DeadAt));
        try
        {
            var (pushed, _) = PushMessage.Read(message.Body.Span, _words);
            return new DeadLetter(id, time, pushed.Sender, pushed.Events.Count, message.Body.Length, reason);
        }
        catch (InvalidDataException)
        {
            return new DeadLetter(id, time, null, null, message.Body.Length, reason);
        }
    }

    private static string? Header(BasicGetResult message, string name) =>
        message.BasicProperties.Headers?.TryGetValue(name, out var value) == true && value is byte[] text ? Encoding.UTF8.GetString(text) : null;
}
